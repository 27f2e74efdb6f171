"""The session doors of trades and quotes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api import StrictSerializer, query_of
from marketdata.ticks.api import MOST_EVENTS, QuoteRowSerializer, TradeRowSerializer
from marketdata.ticks.columns import TickKind
from sessions.models import Session
from streaming.engine.frames import milliseconds, rfc3339
from streaming.visible.ticks import visible_ticks

LATEST = 1000


class SessionTicksQuery(StrictSerializer):
    symbol = serializers.CharField(max_length=16)
    start = serializers.DateTimeField(required=False, help_text="From this stamp on; default: the day's open.")
    limit = serializers.IntegerField(
        default=LATEST, min_value=1, max_value=MOST_EVENTS, help_text="The latest so many."
    )

    def within(self, session: Session, kind: TickKind) -> dict[str, Any]:
        """The query, checked against what the session plays."""
        query = dict(self.validated_data)
        query["symbol"] = query["symbol"].upper()
        played = session.streams.filter(stream_type=kind).values_list("instrument__symbol", flat=True)
        if query["symbol"] not in played:
            there = ", ".join(sorted(played)[:10]) or "none"
            raise serializers.ValidationError(
                {"symbol": [f"{query['symbol']} has no {kind.label} in this session: {there} has."]}
            )
        return query


class VisibleTicksSerializer(serializers.Serializer[Any]):
    session = serializers.IntegerField()
    symbol = serializers.CharField()
    clock = serializers.DateTimeField(allow_null=True, help_text="Nothing here is later.")


class VisibleTradesSerializer(VisibleTicksSerializer):
    trades = TradeRowSerializer(many=True)


class VisibleQuotesSerializer(VisibleTicksSerializer):
    quotes = QuoteRowSerializer(many=True)


class TickActions:
    """For the session's view set."""

    @extend_schema(parameters=[SessionTicksQuery], responses=VisibleTradesSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def trades(self, request: Request, pk: str) -> Response:
        """The current day's trades known by the session's visible clock, nothing later."""
        return self._ticks(request, TickKind.TRADES)

    @extend_schema(parameters=[SessionTicksQuery], responses=VisibleQuotesSerializer)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def quotes(self, request: Request, pk: str) -> Response:
        """The current day's quotes known by the session's visible clock, nothing later."""
        return self._ticks(request, TickKind.QUOTES)

    def _ticks(self, request: Request, kind: TickKind) -> Response:
        session: Session = self.get_object()  # type: ignore[attr-defined]
        form = SessionTicksQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.within(session, kind)
        rows = visible_ticks(session, kind, asked["symbol"], asked["limit"], asked.get("start"))
        clock = rfc3339(milliseconds(session.clock)) if session.clock else None
        return Response({"session": session.pk, "symbol": asked["symbol"], "clock": clock, kind.label: rows})
