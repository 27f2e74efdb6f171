"""The store doors of trades and quotes, for those who may see what a session must not."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from marketdata.api import CanViewBars, WindowQuery, query_of
from marketdata.history import WindowError
from marketdata.models import Dataset
from marketdata.ticks.columns import TickKind
from marketdata.ticks.history import Place, TickWindow

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


class StoredTicksSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    dataset = serializers.CharField()
    synthetic = serializers.BooleanField()
    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True, help_text="The next page's address; null on the last.")


class TradesSerializer(StoredTicksSerializer):
    trades = TradeRowSerializer(many=True)


class QuotesSerializer(StoredTicksSerializer):
    quotes = QuoteRowSerializer(many=True)


class TicksView(APIView):
    permission_classes = [IsAuthenticated, CanViewBars]
    kind: TickKind

    def answer(self, request: Request) -> Response:
        form = TicksQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        limit, after = asked.pop("limit"), asked.pop("after", None)
        try:
            dataset, rows, place = TickWindow(self.kind, **asked).page(after, limit)
        except WindowError as error:
            raise serializers.ValidationError({error.field: [error.message]}) from None
        told = {"symbol": asked["symbol"], "dataset": dataset.name, "synthetic": dataset.synthetic, "count": len(rows)}
        return Response(told | {"next": _next(request, dataset, place), self.kind.label: rows})


def _next(request: Request, dataset: Dataset, place: Place | None) -> str | None:
    """The same question from where this page ends, held to its dataset."""
    if place is None:
        return None
    url = replace_query_param(request.build_absolute_uri(), "after", str(place))
    return str(replace_query_param(url, "dataset", dataset.name))


class TradesView(TicksView):
    kind = TickKind.TRADES

    @extend_schema(parameters=[TicksQuery], responses=TradesSerializer)
    def get(self, request: Request) -> Response:
        """Stored trades of one symbol, oldest first, from the current version of each day, in pages."""
        return self.answer(request)


class QuotesView(TicksView):
    kind = TickKind.QUOTES

    @extend_schema(parameters=[TicksQuery], responses=QuotesSerializer)
    def get(self, request: Request) -> Response:
        """Stored quotes of one symbol, oldest first, from the current version of each day, in pages."""
        return self.answer(request)
