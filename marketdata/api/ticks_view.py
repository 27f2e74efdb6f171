"""`/api/trades/` and `/api/quotes/`: the stored ones, for those who may see what a session must not."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata.api.queries import CanViewBars, StoredRowsSerializer, WindowQuery, address_with, as_problem, query_of
from marketdata.kinds import DayKind
from marketdata.models import Dataset
from marketdata.windows.tick_window import Place, TickWindow
from marketdata.windows.window import WindowError

MOST_EVENTS, PAGE = 50_000, 10_000


class TicksQuery(WindowQuery):
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=MOST_EVENTS, help_text="Events on a page.")
    after = serializers.CharField(required=False, help_text="Where the page before ended: see `next`.")

    def validate_after(self, text: str) -> Place:
        try:
            return Place.parse(text)
        except WindowError as error:
            raise serializers.ValidationError(error.message) from None


class TickRowSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    symbol = serializers.CharField()
    at = serializers.CharField(help_text="The source's stamp, RFC 3339 in UTC, up to nine digits.")
    condition = serializers.CharField(allow_null=True)
    suspicious = serializers.BooleanField()
    corrected = serializers.BooleanField()
    synthetic = serializers.BooleanField()


class TradeRowSerializer(TickRowSerializer):
    price = serializers.FloatField()
    size = serializers.FloatField(allow_null=True)
    exchange = serializers.CharField(allow_null=True)


class QuoteRowSerializer(TickRowSerializer):
    bid = serializers.FloatField(allow_null=True)
    bid_size = serializers.FloatField(allow_null=True)
    bid_exchange = serializers.CharField(allow_null=True)
    ask = serializers.FloatField(allow_null=True)
    ask_size = serializers.FloatField(allow_null=True)
    ask_exchange = serializers.CharField(allow_null=True)


class TradesSerializer(StoredRowsSerializer):
    trades = TradeRowSerializer(many=True)


class QuotesSerializer(StoredRowsSerializer):
    quotes = QuoteRowSerializer(many=True)


class TicksView(APIView):
    permission_classes = [IsAuthenticated, CanViewBars]
    kind: DayKind

    def answer(self, request: Request) -> Response:
        form = TicksQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        limit, after = asked.pop("limit"), asked.pop("after", None)
        try:
            dataset, rows, place = TickWindow(kind=self.kind, **asked).page(after, limit)
        except WindowError as error:
            raise as_problem(error) from None
        shared = {
            "symbol": asked["symbol"],
            "dataset": dataset.name,
            "synthetic": dataset.synthetic,
            "count": len(rows),
        }
        return Response(shared | {"next": _next(request, dataset, place), self.kind.label: rows})


def _next(request: Request, dataset: Dataset, place: Place | None) -> str | None:
    """The same question from where this page ends, held to its dataset."""
    return address_with(request, after=str(place), dataset=dataset.name) if place else None


class TradesView(TicksView):
    kind = DayKind.TRADES

    @extend_schema(parameters=[TicksQuery], responses=TradesSerializer)
    def get(self, request: Request) -> Response:
        """Stored trades of one symbol, oldest first, from the current version of each day, in pages."""
        return self.answer(request)


class QuotesView(TicksView):
    kind = DayKind.QUOTES

    @extend_schema(parameters=[TicksQuery], responses=QuotesSerializer)
    def get(self, request: Request) -> Response:
        """Stored quotes of one symbol, oldest first, from the current version of each day, in pages."""
        return self.answer(request)
