"""`/api/actions/`: the stored corporate actions, for those who may see what a session must not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata.actions.known import Kind, actions_of
from marketdata.api.queries import CanViewBars, StrictSerializer, query_of
from marketdata.calendar import FIRST, LAST
from marketdata.store import spelled

MOST_SYMBOLS = 500
ONE_DAY = dt.timedelta(days=1)


class ActionsQuery(StrictSerializer):
    symbol = serializers.CharField(help_text="AAPL or AAPL,MSFT.")
    start = serializers.DateField(default=FIRST, help_text="First ex date.")
    end = serializers.DateField(default=LAST, help_text="Last ex date, included.")
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)

    def validate_symbol(self, text: str) -> list[str]:
        symbols = spelled(text.split(","))
        if len(symbols) > MOST_SYMBOLS:
            raise serializers.ValidationError(f"There are {len(symbols)} symbols: give at most {MOST_SYMBOLS}.")
        return symbols


class ActionSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField()
    kind = serializers.CharField(help_text="split, dividend, symbol.")
    ex_date = serializers.DateField()
    ratio = serializers.CharField(allow_null=True, help_text="Of a split: new shares for an old one.")
    amount = serializers.CharField(allow_null=True, help_text="Of a dividend: cash a share, as paid then.")
    special = serializers.BooleanField()
    new_symbol = serializers.CharField()
    announced_at = serializers.DateTimeField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]


class ActionsSerializer(serializers.Serializer[Any]):
    actions = ActionSerializer(many=True)


class ActionsView(APIView):
    permission_classes = [IsAuthenticated, CanViewBars]

    @extend_schema(parameters=[ActionsQuery], responses=ActionsSerializer)
    def get(self, request: Request) -> Response:
        """Splits, dividends and changes of symbols, by symbol and ex date."""
        form = ActionsQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        kinds = [asked["kind"]] if "kind" in asked else list(Kind.values)
        found = actions_of(asked["symbol"], max(asked["start"], FIRST) - ONE_DAY, asked["end"], kinds)
        listed = [action for symbol in sorted(found) for action in found[symbol]]
        return Response(ActionsSerializer({"actions": listed}).data)
