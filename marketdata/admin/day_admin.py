"""Stored days: a cheap list of all kinds, a page for each with its rows, and its export."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.contrib.filters.admin import RangeDateFilter

from marketdata.admin import day_page
from marketdata.admin.delete_view import MAY_DELETE, delete_view
from marketdata.admin.read_only import ReadOnlyAdmin
from marketdata.kinds import DayKind
from marketdata.models import DayVersion
from marketdata.row_ids import row_id

INTERVALS = ("1m", "5m", "15m", "30m", "1h", "1d")


class IntervalFilter(admin.SimpleListFilter):
    """The usual widths: asking the table for those it has would walk all of it."""

    title, parameter_name = "interval", "interval"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in INTERVALS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(interval=self.value()) if self.value() else queryset


@admin.register(DayVersion)
class DayVersionAdmin(ReadOnlyAdmin):
    """Days of every kind: one row an instrument, date and version."""

    list_display = (
        *("instrument", "date", "kind", "interval", "scope", "dataset"),
        *("row_count", "day_quality", "version", "current"),
    )
    list_filter = ("dataset", ("date", RangeDateFilter), "kind", IntervalFilter, "scope", "derived", "current")
    list_filter_submit = True
    list_select_related = ("instrument", "dataset")
    search_fields = ("=instrument__symbol",)
    search_help_text = "A symbol: AAPL"
    ordering = ("-date", "instrument__symbol", "kind", "version")

    @admin.display(description="quality")
    def day_quality(self, day: DayVersion) -> str:
        return day_page.quality_text(day)

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export)
        delete = self.admin_site.admin_view(delete_view)
        own = [
            path("<int:pk>/export/", export, name="marketdata_dayversion_export"),
            path("delete/", delete, name="marketdata_dayversion_remove"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The day with its chart; a stored day is no form."""
        day = self._find(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            **day_page.context(day),
            "opts": self.opts,
            "original": day,
            "title": str(day),
            "may_delete": request.user.has_perm(MAY_DELETE),
            "may_start": request.user.has_perm("replay.add_session"),
        }
        return TemplateResponse(request, "marketdata/day.html", context)

    def export(self, request: HttpRequest, pk: int) -> HttpResponse:
        day = self._find(request, str(pk))
        if day.kind != DayKind.BARS:
            raise Http404(f"Only bars are exported: {day} is a day of {day.get_kind_display()}.")
        return day_page.as_csv(day)

    def _find(self, request: HttpRequest, number: str) -> DayVersion:
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("instrument", "dataset")
        day: DayVersion | None = rows.filter(pk=row_id(number)).first()
        if day is None:
            raise Http404(f"There is no stored day {number}.")
        return day
