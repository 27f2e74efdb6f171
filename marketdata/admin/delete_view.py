"""The page that deletes a dataset, a symbol or days: first what would go, then the button."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from marketdata.models import Dataset, DayVersion
from marketdata.plurals import counted
from marketdata.removal.deleting import CannotRemove, Deleted, delete_data

MAY_DELETE = "marketdata.delete_dayversion"
SHOWN_SYMBOLS = 20


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
    form = DeleteForm(given if "dataset" in given else None)
    found: Deleted | None = None
    refusal = ""
    if form.is_valid():
        try:
            found = delete_data(*form.place, dry_run=request.method == "GET")
        except CannotRemove as error:
            refusal = str(error)
    if found and request.method == "POST":
        messages.success(request, f"Deleted: {in_words(found)}.")
        return redirect("admin:marketdata_dayversion_changelist")
    context = {
        **admin.site.each_context(request),
        "opts": DayVersion._meta,
        "title": "Delete stored days",
        "form": form,
        "found": found and in_words(found),
        "refusal": refusal,
    }
    return TemplateResponse(request, "marketdata/delete.html", context)


def in_words(found: Deleted) -> str:
    names = ", ".join(found.symbols[:SHOWN_SYMBOLS])
    more = f" and {len(found.symbols) - SHOWN_SYMBOLS} more" if len(found.symbols) > SHOWN_SYMBOLS else ""
    dates = (
        "" if found.first is None else f", {found.first}" + (f" to {found.last}" if found.last != found.first else "")
    )
    whole = ", and the dataset itself" if found.whole_dataset else ""
    versions, rows = counted(found.versions, "version"), counted(found.rows, "row")
    return f"{versions} of {names or 'no symbol'}{more}{dates}, {rows}{whole}"
