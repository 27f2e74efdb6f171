"""A session's trades and quotes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.queries import StrictSerializer, query_of
from marketdata.api.ticks_view import MOST_EVENTS, QuoteRowSerializer, TradeRowSerializer
from marketdata.errors import NotATradingDay
from marketdata.kinds import DayKind
from marketdata.store import spelled_as
from sessions.market_time import FORMS, BadMoment, market_time
from sessions.models import Session
from streaming.as_of.trades_quotes import trades_quotes_as_of
from streaming.engine.frames.frame_id import milliseconds, rfc3339

LATEST = 1000


class SessionTicksQuery(StrictSerializer):
    symbol = serializers.CharField(max_length=32)
    start = serializers.CharField(
        required=False, max_length=40, help_text=f"From this moment on: {FORMS}. Default: the day's open."
    )
    limit = serializers.IntegerField(
        default=LATEST, min_value=1, max_value=MOST_EVENTS, help_text="The latest so many."
    )

    def within(self, session: Session, kind: DayKind) -> dict[str, Any]:
        """The query, checked against what the session plays."""
        query = dict(self.validated_data)
        played = session.streams.filter(stream_type=kind).values_list("instrument__symbol", flat=True)
        (query["symbol"],) = spelled_as([query["symbol"]], played) or [query["symbol"]]
        if query["symbol"] not in played:
            there = ", ".join(sorted(played)[:10]) or "none"
            raise serializers.ValidationError(
                {"symbol": [f"{query['symbol']} has no {kind.label} in this session: {there} has."]}
            )
        if text := query.pop("start", ""):
            try:
                query["start"] = market_time(text, session)
            except (BadMoment, NotATradingDay) as error:
                raise serializers.ValidationError({"start": [str(error)]}) from None
        return query


class SessionEventsSerializer(serializers.Serializer[Any]):
    session = serializers.IntegerField()
    symbol = serializers.CharField()
    clock = serializers.DateTimeField(allow_null=True, help_text="Nothing here is later.")


class SessionTradesSerializer(SessionEventsSerializer):
    trades = TradeRowSerializer(many=True)


class SessionQuotesSerializer(SessionEventsSerializer):
    quotes = QuoteRowSerializer(many=True)


class TickActions:
    """For the session's view set."""

    @extend_schema(parameters=[SessionTicksQuery], responses=SessionTradesSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def trades(self, request: Request, pk: str) -> Response:
        """The current day's trades known by the session's clock, nothing later."""
        return self._ticks(request, DayKind.TRADES)

    @extend_schema(parameters=[SessionTicksQuery], responses=SessionQuotesSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def quotes(self, request: Request, pk: str) -> Response:
        """The current day's quotes known by the session's clock, nothing later."""
        return self._ticks(request, DayKind.QUOTES)

    def _ticks(self, request: Request, kind: DayKind) -> Response:
        session: Session = self.get_object()  # type: ignore[attr-defined]
        form = SessionTicksQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.within(session, kind)
        rows = trades_quotes_as_of(session, kind, asked["symbol"], asked["limit"], asked.get("start"))
        clock = rfc3339(milliseconds(session.run.clock)) if session.run.clock else None
        return Response({"session": session.pk, "symbol": asked["symbol"], "clock": clock, kind.label: rows})
