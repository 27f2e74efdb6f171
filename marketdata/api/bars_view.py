"""`/api/bars/`: every stored bar, for those who may see what a session must not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata.actions.adjusting import Adjustment, CannotAdjust
from marketdata.api.queries import CanViewBars, StoredRowsSerializer, WindowQuery, address_with, as_problem, query_of
from marketdata.api.renderers import BAR_RENDERERS, etag_of, keep, not_modified
from marketdata.errors import BadInterval
from marketdata.intervals import parse_interval
from marketdata.windows.bar_window import BarWindow, Found
from marketdata.windows.window import WindowError

MOST_BARS = 250_000
"""An answer's cap: about 40 MB of JSON, half a second of work."""


class BarsQuery(WindowQuery):
    interval = serializers.CharField(default="1m")
    adjustment = serializers.ChoiceField(
        choices=Adjustment.choices, default=Adjustment.RAW, help_text="By all stored actions, on the volume too."
    )
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
    volume = serializers.FloatField(allow_null=True, help_text="Without a decimal point where it is whole.")
    trade_count = serializers.FloatField(allow_null=True, help_text="Likewise.")
    vwap = serializers.FloatField(allow_null=True)


class BarsSerializer(StoredRowsSerializer):
    interval = serializers.CharField()
    bars = BarRowSerializer(many=True)


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
        found = find(BarWindow(**form.validated_data))
        etag = etag_of(request, limit, *found.version())
        return not_modified(request, etag) or keep(page(request, found, limit), etag)


def find(window: BarWindow) -> Found:
    try:
        return window.find()
    except WindowError as error:
        raise as_problem(error) from None


def page(request: Request, found: Found, limit: int | None) -> Response:
    if limit is None and found.bar_count > MOST_BARS:
        what = f"The window from {found.days[0][1]} on holds {found.bar_count:,} bars of {found.window.symbol}"
        advice = "Ask for it in pieces, e.g. a month at a time, or in pages with limit."
        raise serializers.ValidationError({"end": [f"{what}: an answer has at most {MOST_BARS:,}. {advice}"]})
    try:
        table, upcoming = found.table(limit)
    except CannotAdjust as error:
        raise serializers.ValidationError({"adjustment": [str(error)]}) from None
    link = _next(request, found, upcoming) if upcoming else None
    table.after["next"] = link
    return Response(table, headers={"Link": f'<{link}>; rel="next"'} if link else None)


def _next(request: Request, found: Found, upcoming: dt.datetime) -> str:
    """The same question from the first bar on that was left out, held to the dataset and the window's end."""
    end = found.window.end.isoformat() if found.window.end else found.days[-1][1].isoformat()
    return address_with(request, start=f"{upcoming:%Y-%m-%dT%H:%M:%SZ}", end=end, dataset=found.dataset.name)
