"""What the lists can be narrowed by. A misspelled filter is refused by name, not skipped in silence."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from marketdata.store import spelled
from sessions.models import Session, State, StreamType

PAGING = ("cursor", "page_size", "format")


class StrictFilterBackend(DjangoFilterBackend):
    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        filterset = self.get_filterset_class(view, queryset)
        known = [*(filterset.base_filters if filterset else ()), *PAGING]
        for name in request.query_params:
            if name not in known:
                raise ValidationError({name: [f"There is no filter {name!r}: there are {', '.join(known)}."]})
            if name not in PAGING:
                _check(name, request.query_params[name], filterset.base_filters[name])
        return rows


def _check(name: str, value: str, asked: filters.Filter) -> None:
    """Refuse what django-filter would take for no filter at all."""
    if value == "":
        raise ValidationError({name: [f"The filter {name!r} is empty: leave it out, or give a value."]})
    if isinstance(asked, filters.BooleanFilter) and value.lower() not in ("true", "false"):
        raise ValidationError({name: [f"{value!r} is neither true nor false."]})


class SessionFilter(FilterSet):
    state = filters.MultipleChoiceFilter(choices=State.choices)
    dataset = filters.CharFilter(field_name="dataset__name")
    symbol = filters.CharFilter(method="playing", label="Has a stream of this symbol.")
    name = filters.CharFilter(lookup_expr="icontains")
    created_by = filters.CharFilter()
    date = filters.DateFilter(method="covering", label="Its window holds this day.")

    def playing(self, rows: QuerySet[Session], name: str, symbol: str) -> QuerySet[Session]:
        return rows.filter(streams__instrument__symbol__in=spelled([symbol])).distinct()

    def covering(self, rows: QuerySet[Session], name: str, date: Any) -> QuerySet[Session]:
        return rows.filter(start_date__lte=date, end_date__gte=date)


class StreamFilter(FilterSet):
    symbol = filters.CharFilter(field_name="instrument__symbol", lookup_expr="iexact")
    stream_type = filters.ChoiceFilter(choices=StreamType.choices)
    active = filters.BooleanFilter()


class EventFilter(FilterSet):
    kind = filters.CharFilter()
    level = filters.ChoiceFilter(choices=[(level, level) for level in ("info", "warning", "error")])
    by = filters.CharFilter(field_name="data__by", label="Who asked for it.")
