"""Imports in the admin: what came in by which, day by day, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display

from marketdata.admin import removal_panel
from marketdata.admin.read_only import ReadOnlyAdmin
from marketdata.importing.uploads.page_words import on_page
from marketdata.models import Import
from marketdata.plurals import counted
from marketdata.removal import removal_queue
from marketdata.removal.deleting import CannotRemove
from marketdata.removal.removal_queue import MOST_AT_ONCE
from marketdata.removal.undoing import Undone, days_of, outcome, undo_import
from marketdata.row_ids import row_id

SHOWN_DAYS = 500
FIGURES = ("files", "rows", "inserted", "unchanged", "revised", "outside_session", "repeated", "rejected", "days")


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = (
        "title",
        "dataset_name",
        "shown_state",
        "started_at",
        "by",
        "inserted",
        "revised",
        "rejected",
        "source",
    )
    list_display_links = ("title",)
    list_filter = ("state", "dataset", ("started_at", RangeDateFilter))
    list_filter_submit = True
    search_fields = ("dataset_name", "source")
    search_help_text = "A dataset or a file"

    @display(description="import")
    def title(self, made: Import) -> str:
        return str(made).capitalize()

    @display(description="state", label={"running": "info", "done": "success", "undone": "warning"})
    def shown_state(self, made: Import) -> str:
        return made.state

    @display(description="inserted")
    def inserted(self, made: Import) -> str:
        return f"{made.figures.get('inserted', 0):,}"

    @display(description="revised")
    def revised(self, made: Import) -> str:
        return f"{made.figures.get('revised', 0):,}"

    @display(description="rejected")
    def rejected(self, made: Import) -> str:
        return f"{made.figures.get('rejected', 0):,}"

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        own = [
            path("<int:pk>/undo/", site(self.undo), name="marketdata_import_undo"),
            path("<int:pk>/panel/", site(self.panel), name="marketdata_import_panel"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The import with its days; it is no form."""
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        made = self._find(object_id)
        removal = removal_queue.find("undo", made.pk)
        if removal and removal.said:
            removal_panel.say(request, removal, "undo", made.pk)
        may_undo = self._may_undo(request) and made.state != Import.State.UNDONE
        days = list(made.days.select_related("day")[: SHOWN_DAYS + 1])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": made,
            "title": str(made).capitalize(),
            "made": made,
            "figures": [(name.replace("_", " "), f"{made.figures.get(name, 0):,}") for name in FIGURES],
            "decisions": [one | {"lines": [on_page(line) for line in one["lines"]]} for one in made.decisions],
            "days": days[:SHOWN_DAYS],
            "more": len(days) > SHOWN_DAYS,
            "uploads": made.uploads.all(),
            "removal": removal,
            "panel": reverse("admin:marketdata_import_panel", args=[made.pk]),
            **(self._outlook(made) if may_undo and not (removal and removal.working) else {}),
        }
        return TemplateResponse(request, "marketdata/import.html", context)

    def _outlook(self, made: Import) -> dict[str, Any]:
        """What an undo would do, or what stands in its way and what could be undone all the same.

        Of very many days it would take too long to say.
        """
        number = made.pk
        if (days := days_of(made)) > MOST_AT_ONCE:
            return {"large": f"{days:,}"}
        try:
            return {"undo": outcome(undo_import(number, dry_run=True), would=True)}
        except CannotRemove as error:
            refusal = error
        try:
            undone = undo_import(number, where_possible=True, dry_run=True)
        except CannotRemove:
            undone = Undone(number, "")
        rest = undone.restored + undone.removed
        return {"refusal": refusal, "sessions": refusal.sessions, "rest": rest and counted(rest, "other day")}

    def undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST" or not self._may_undo(request):
            raise PermissionDenied
        made = self._find(str(pk))
        where_possible = "where_possible" in request.POST
        if (days := days_of(made)) > MOST_AT_ONCE:
            removal_panel.ask(request, "undo", ("undo", made.pk), days, made.pk, where_possible)
            return redirect("admin:marketdata_import_change", made.pk)
        try:
            undone = undo_import(made.pk, where_possible=where_possible)
        except CannotRemove as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"Undone: {outcome(undone)}.")
        return redirect("admin:marketdata_import_change", made.pk)

    def panel(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        return removal_panel.panel(request, "undo", pk)

    def _may_undo(self, request: HttpRequest) -> bool:
        return request.user.has_perm("marketdata.delete_import")

    def _find(self, number: str) -> Import:
        made = Import.objects.filter(pk=row_id(number)).first()
        if made is None:
            raise Http404(f"There is no import {number}.")
        return made
