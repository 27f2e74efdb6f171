"""The page that deletes a dataset, a symbol or days: first what would go, then the button."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from marketdata.admin import removal_panel
from marketdata.models import Dataset, DayVersion
from marketdata.removal import removal_queue
from marketdata.removal.deleting import CannotRemove, Deleted, delete_data, named, summary
from marketdata.removal.removal_queue import MOST_AT_ONCE, State

MAY_DELETE = "marketdata.delete_dayversion"
FIELDS = ("dataset", "symbol", "date", "until")


class DeleteForm(forms.Form):
    dataset = forms.ModelChoiceField(Dataset.objects.all(), to_field_name="name")
    symbol = forms.CharField(required=False, max_length=32, help_text="Only this symbol's days.")
    date = forms.DateField(required=False, help_text="Only this day; with the last one, from this day on.")
    until = forms.DateField(required=False, label="Last day")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("until") and not found.get("date"):
            raise forms.ValidationError("The last day needs the first.")
        return found

    @property
    def place(self) -> tuple[Any, ...]:
        found = self.cleaned_data
        return found["dataset"].name, found["symbol"], found["date"], found["until"]


def delete_view(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "POST") or not request.user.has_perm(MAY_DELETE):
        raise PermissionDenied
    given = request.POST if request.method == "POST" else request.GET
    names = ("delete", *(given.get(name, "") for name in FIELDS))
    if request.method == "GET" and "panel" in given:  # not by the form: its dataset may be gone by now
        return removal_panel.panel(request, *names)
    removal = removal_queue.find(*names) if request.method == "GET" else None
    if removal and removal.said:
        removal_panel.say(request, removal, *names)
        if removal.state == State.DONE:
            return redirect("admin:marketdata_dayversion_changelist")
    form = DeleteForm(given if "dataset" in given else None)
    found, refusal = None, ""
    if form.is_valid() and not (removal and removal.working):
        try:
            found = named(*form.place)
            if request.method == "POST":
                return _delete(request, form, found)
            if found.versions <= MOST_AT_ONCE:
                found = delete_data(*form.place, dry_run=True)
        except CannotRemove as error:
            found, refusal = None, str(error)
    context = {
        **admin.site.each_context(request),
        "opts": DayVersion._meta,
        "title": "Delete stored days",
        "form": form,
        "found": found and summary(found),
        "large": found is not None and found.versions > MOST_AT_ONCE,
        "refusal": refusal,
        "removal": removal,
        "panel": f"?{given.urlencode()}&panel=1",
    }
    return TemplateResponse(request, "marketdata/delete.html", context)


def _delete(request: HttpRequest, form: DeleteForm, found: Deleted) -> HttpResponse:
    """Now, or by a worker: then the page of the same days says how far it is. Raises CannotRemove."""
    if found.versions <= MOST_AT_ONCE:
        messages.success(request, f"Deleted: {summary(delete_data(*form.place))}.")
        return redirect("admin:marketdata_dayversion_changelist")
    place = [str(value) if value else "" for value in form.place]
    removal_panel.ask(request, "delete", ("delete", *place), found.versions, *place)
    query = urlencode({name: value for name, value in zip(FIELDS, place, strict=True) if value})
    return redirect(f"{reverse('admin:marketdata_dayversion_remove')}?{query}")
