"""`/api/data-status/`: what `manage.py data_status` prints, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata.api.queries import CanViewBars, StrictSerializer, query_of
from marketdata.calendar import FIRST, LAST
from marketdata.coverage.facts import Question
from marketdata.coverage.status import as_dict, data_status, within
from marketdata.errors import MarketDataError
from marketdata.ledger import LETTERS
from marketdata.store import spelled

MOST_SYMBOLS = 500


class DataStatusQuery(StrictSerializer):
    symbol = serializers.CharField(
        required=False, help_text="AAPL or AAPL,MSFT; default: all, with the totals of each dataset only."
    )
    start = serializers.DateField(required=False, help_text="First day.")
    end = serializers.DateField(required=False, help_text="Last day, included.")
    dataset = serializers.CharField(required=False, max_length=64, help_text="Only this one, with every symbol.")

    def validate_symbol(self, text: str) -> list[str]:
        symbols = spelled(text.split(","))
        if len(symbols) > MOST_SYMBOLS:
            raise serializers.ValidationError(f"There are {len(symbols)} symbols: give at most {MOST_SYMBOLS}.")
        return symbols

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("start", "end"):
            date = attrs.get(name)
            if date and not FIRST <= date <= LAST:
                raise serializers.ValidationError({name: [f"{date} is out of range: from {FIRST} to {LAST}."]})
        return attrs


class LettersSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {letter: serializers.IntegerField() for letter in LETTERS}


class CoverageSerializer(serializers.Serializer[Any]):
    expected = serializers.IntegerField(help_text="Session minutes of the stored days.")
    letters = LettersSerializer(help_text="Minutes by ledger letter.")
    quality = serializers.FloatField(allow_null=True, help_text="(T + N + F) / expected.")
    bars = serializers.IntegerField()
    outside_session = serializers.IntegerField()
    after_early_close = serializers.IntegerField()
    null_volume = serializers.IntegerField()
    zero_volume = serializers.IntegerField()
    longest_gap = serializers.IntegerField(help_text="Minutes.")


class SymbolCoverageSerializer(CoverageSerializer):
    symbol = serializers.CharField()
    first = serializers.DateField()
    last = serializers.DateField()
    day_count = serializers.IntegerField()
    half_days = serializers.IntegerField()
    missing_days = serializers.ListField(child=serializers.DateField())


class SharedHoleSerializer(serializers.Serializer[Any]):
    minutes = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="First and last of each run, the exchange's time.",
    )
    symbols = serializers.ListField(child=serializers.CharField(), help_text="Those that lack them, and not all do.")


class DayCoverageSerializer(CoverageSerializer):
    date = serializers.DateField()
    minutes = serializers.IntegerField(help_text="Of the session: in New York 390, or 210 on a half day.")
    symbol_count = serializers.IntegerField()
    feed_holes = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="First and last minute, the exchange's time.",
    )
    shared_holes = SharedHoleSerializer(many=True)


class NoteSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="half day, feed hole, after early close, null volume, …")
    text = serializers.CharField()


class TickSpanSerializer(serializers.Serializer[Any]):
    day_count = serializers.IntegerField()
    first = serializers.DateField()
    last = serializers.DateField()
    events = serializers.IntegerField(help_text="Within the session.")
    outside_session = serializers.IntegerField(help_text="Events before the open or after the close.")
    expected = serializers.IntegerField(help_text="Session minutes of the stored days.")
    minutes = serializers.IntegerField(help_text="Of those, the ones with at least one event.")


class SymbolTicksSerializer(TickSpanSerializer):
    symbol = serializers.CharField()


class TickCoverageSerializer(TickSpanSerializer):
    kind = serializers.CharField(help_text="ticks (trades) or quotes, as in a session's types.")
    derived = serializers.BooleanField(help_text="Made from bars, not recorded one by one.")
    symbol_count = serializers.IntegerField()
    symbols = SymbolTicksSerializer(many=True, required=False)


class DatasetStatusSerializer(CoverageSerializer):
    dataset = serializers.CharField()
    synthetic = serializers.BooleanField()
    symbol_count = serializers.IntegerField(help_text="With bars.")
    day_count = serializers.IntegerField(help_text="With bars.")
    first = serializers.DateField(allow_null=True, help_text="Day with bars.")
    last = serializers.DateField(allow_null=True, help_text="Day with bars.")
    ticks = TickCoverageSerializer(many=True, help_text="Trades and quotes.")
    notes = NoteSerializer(many=True)
    symbols = SymbolCoverageSerializer(many=True, required=False)
    days = DayCoverageSerializer(many=True, required=False)


class DataStatusSerializer(serializers.Serializer[Any]):
    datasets = DatasetStatusSerializer(many=True)


class DataStatusView(APIView):
    permission_classes = [IsAuthenticated, CanViewBars]

    @extend_schema(parameters=[DataStatusQuery], responses=DataStatusSerializer)
    def get(self, request: Request) -> Response:
        """What the store holds, minute for minute by ledger letter, and what is odd about it."""
        form = DataStatusQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        try:
            question = Question(asked.get("symbol", []), *within(asked.get("start"), asked.get("end")))
            statuses = data_status(question, asked.get("dataset", ""))
        except MarketDataError as error:
            raise serializers.ValidationError({"symbol" if asked.get("symbol") else "start": [str(error)]}) from error
        detail = bool(asked.get("symbol") or asked.get("dataset"))
        return Response({"datasets": [as_dict(status, detail=detail) for status in statuses]})
