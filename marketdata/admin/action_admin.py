"""Corporate actions in the admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.paginator import InfinitePaginator

from marketdata.models import CorporateAction


@admin.register(CorporateAction)
class CorporateActionAdmin(ModelAdmin):
    list_display = ("instrument", "kind", "ex_date", "ratio", "amount", "new_symbol", "announced_at", "source")
    list_filter = ("kind", ("ex_date", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("instrument",)
    search_fields = ("=instrument__symbol",)
    search_help_text = "A symbol"
    autocomplete_fields = ("instrument",)
    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
