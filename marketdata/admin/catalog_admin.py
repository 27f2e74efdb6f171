"""Datasets, instruments, and what did not come in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.paginator import InfinitePaginator

from marketdata.admin.read_only import ReadOnlyAdmin
from marketdata.models import Dataset, FetchAttempt, Instrument, QuarantinedRow
from marketdata.row_ids import row_id


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):
    list_display = ("name", "source", "feed", "price_mode", "provider", "synthetic")
    list_filter = ("synthetic",)
    search_fields = ("name", "source")

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """A dataset goes with its days, on the page that says first what would go."""
        found = Dataset.objects.filter(pk=row_id(object_id)).first()
        page = reverse("admin:marketdata_dayversion_remove")
        return redirect(f"{page}?{urlencode({'dataset': found.name if found else ''})}")


@admin.register(Instrument)
class InstrumentAdmin(ModelAdmin):
    list_display = ("symbol", "name", "calendar")
    search_fields = ("symbol", "name")
    search_help_text = "A symbol or a name"
    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50


class ProviderFilter(admin.SimpleListFilter):
    title, parameter_name = "provider", "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in settings.MARKETDATA_PROVIDERS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


@admin.register(QuarantinedRow)
class QuarantinedRowAdmin(ReadOnlyAdmin):
    list_display = ("file", "line", "symbol", "reason", "raw", "dataset", "recorded_at")
    list_filter = ("dataset", ("recorded_at", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("dataset",)
    search_fields = ("file", "=symbol", "reason")
    search_help_text = "A file, a symbol or a reason"
    empty_text = "No row of an import was rejected."


@admin.register(FetchAttempt)
class FetchAttemptAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "date", "dataset", "provider", "outcome", "attempts", "last_at", "reason")
    list_filter = (ProviderFilter, "outcome")
    list_select_related = ("instrument", "dataset")
    search_fields = ("=instrument__symbol",)
