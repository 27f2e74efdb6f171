"""The store door: every stored bar, for those who may see what a session must not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from marketdata.errors import BadInterval
from marketdata.history import Found, Moment, Window, WindowError, date_of
from marketdata.intervals import parse_interval
from marketdata.models import Dataset, Scope
from marketdata.renderers import BAR_RENDERERS, etag_of, keep, not_modified

FIRST_YEAR, LAST_YEAR = 1900, 2199
MOST_BARS = 250_000
"""An answer's cap: about 40 MB of JSON, half a second of work."""


class StrictSerializer(serializers.Serializer[Any]):
    """Input whose misspelled fields are refused by name, not passed over in silence."""

    def to_internal_value(self, data: Any) -> Any:
        known = ", ".join(self.fields)
        unknown = [] if not hasattr(data, "keys") else [name for name in data if name not in self.fields]
        if unknown:
            raise serializers.ValidationError(
                {name: [f"There is no field {name!r}: the fields are {known}."] for name in unknown}
            )
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.STR)
class MomentField(serializers.Field[Moment, Any, str, Any]):
    """A trading day (2024-11-18) or a moment with its offset (2024-11-18T14:30:00Z)."""

    def to_internal_value(self, data: Any) -> Moment:
        text = str(data)
        try:
            found: Moment | None = parse_date(text) or parse_datetime(text)
        except ValueError as error:
            raise serializers.ValidationError(f"{text!r} is no date or time: {error}.") from error
        if found is None:
            raise serializers.ValidationError(
                f"{text!r} is neither a date (2024-11-18) nor a time (2024-11-18T14:30:00Z)."
            )
        if isinstance(found, dt.datetime) and found.tzinfo is None:
            raise serializers.ValidationError(f"{text!r} has no offset: write {text}Z for UTC.")
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise serializers.ValidationError(f"{text!r} is out of range: from {FIRST_YEAR} to {LAST_YEAR}.")
        return found


class WindowQuery(StrictSerializer):
    """What may be asked of one symbol's stored past, whatever its type."""

    symbol = serializers.CharField(max_length=16)
    start = MomentField(required=False, help_text="First day or moment; default: the latest stored day.")
    end = MomentField(required=False, help_text="Last day (inclusive) or moment (exclusive).")
    dataset = serializers.CharField(required=False, help_text="Default: real before synthetic, then the most days.")
    scope = serializers.ChoiceField(choices=Scope.choices, default=Scope.REGULAR)

    def validate_symbol(self, symbol: str) -> str:
        return symbol.upper()

    def validate_dataset(self, name: str) -> str:
        names = list(Dataset.objects.values_list("name", flat=True))
        if name not in names:
            known = ", ".join(names) or "none yet"
            raise serializers.ValidationError(f"There is no dataset {name!r}: there are {known}.")
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs.get("start"), attrs.get("end")
        if start and end and date_of(end) < date_of(start):
            raise serializers.ValidationError({"end": [f"The window ends ({end}) before it starts ({start})."]})
        return attrs


class BarsQuery(WindowQuery):
    interval = serializers.CharField(default="1m")
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_BARS, help_text="Bars on a page; default: the whole window."
    )

    def validate_interval(self, interval: str) -> str:
        try:
            parse_interval(interval)
        except BadInterval as error:
            raise serializers.ValidationError(str(error)) from error
        return interval


class BarRowSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.IntegerField(allow_null=True)
    trade_count = serializers.IntegerField(allow_null=True)
    vwap = serializers.FloatField(allow_null=True)


class BarsSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    interval = serializers.CharField()
    dataset = serializers.CharField()
    synthetic = serializers.BooleanField()
    count = serializers.IntegerField()
    bars = BarRowSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The next page's address; null on the last.")


class CanViewBars(BasePermission):
    message = "Stored bars lie ahead of a running session's clock: this needs the permission marketdata.view_bar."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.has_perm("marketdata.view_bar"))


BARS_ANSWER = {
    (200, "application/json"): BarsSerializer,
    (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The same rows, with a header."),
    304: OpenApiResponse(description="As the ETag in If-None-Match."),
}
FORMAT = OpenApiParameter("format", str, enum=["json", "csv"], description="Instead of an Accept header.")


class BarsView(APIView):
    permission_classes = [IsAuthenticated, CanViewBars]
    renderer_classes = BAR_RENDERERS

    @extend_schema(parameters=[BarsQuery, FORMAT], responses=BARS_ANSWER)
    def get(self, request: Request) -> HttpResponse:
        """Stored bars of one symbol, oldest first, from the current version of each day; as JSON or CSV.

        Wider intervals are made from the minutes. The whole window comes at once; with `limit` in pages, whose
        `next` (in CSV: the Link header) leads on.
        """
        form = BarsQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        limit = form.validated_data.pop("limit", None)
        found = find(Window(**form.validated_data))
        etag = etag_of(request, limit, *found.version())
        return not_modified(request, etag) or keep(page(request, found, limit), etag)


def query_of(request: Request) -> dict[str, Any]:
    """What was asked; `format` is the negotiation's."""
    return {name: value for name, value in request.query_params.items() if name != "format"}


def find(window: Window) -> Found:
    try:
        return window.find()
    except WindowError as error:
        raise serializers.ValidationError({error.field: [error.message]}) from None


def page(request: Request, found: Found, limit: int | None) -> Response:
    if limit is None and found.bar_count > MOST_BARS:
        told = f"The window from {found.days[0][1]} on holds {found.bar_count:,} bars of {found.window.symbol}"
        advice = "Ask for it in pieces, e.g. a month at a time, or in pages with limit."
        raise serializers.ValidationError({"end": [f"{told}: an answer has at most {MOST_BARS:,}. {advice}"]})
    table, upcoming = found.table(limit)
    link = _next(request, found, upcoming) if upcoming else None
    table.after["next"] = link
    return Response(table, headers={"Link": f'<{link}>; rel="next"'} if link else None)


def _next(request: Request, found: Found, upcoming: dt.datetime) -> str:
    """The same question from the first bar on that was left out, held to the dataset and the window's end."""
    window = found.window
    url = replace_query_param(request.build_absolute_uri(), "start", f"{upcoming:%Y-%m-%dT%H:%M:%SZ}")
    url = replace_query_param(url, "end", window.end.isoformat() if window.end else found.days[-1][1].isoformat())
    return replace_query_param(url, "dataset", found.dataset.name)
