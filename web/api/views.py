"""The session API. Every view fetches, calls one verb and answers; errors become problems elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.pagination import BasePagination
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from marketdata.actions import actions_between
from marketdata.actions.adjusting import Adjustment, CannotAdjust
from marketdata.api.bars_view import FORMAT
from marketdata.api.queries import query_of
from marketdata.api.renderers import BAR_RENDERERS, etag_of, keep, not_modified
from marketdata.calendar import FIRST, LAST
from marketdata.errors import NotATradingDay
from sessions import control
from sessions.market_time import BadMoment, market_time
from sessions.models import Session
from sessions.removal import delete_sessions
from streaming.as_of.bar_table import bar_table_as_of
from streaming.as_of.session_events import events_as_of, held_up_to
from streaming.starts import copies, service
from streaming.status import system_status
from web.api.filters import EventFilter, SessionFilter, StreamFilter
from web.api.idempotency import IDEMPOTENCY_KEY, once
from web.api.pagination import InOrder, NewestFirst
from web.api.parsers import BoundedJSONParser
from web.api.permissions import CanViewSessions, ControlPermissions, ModelPermissions
from web.api.serializers import (
    SESSION_BARS_ANSWER,
    EventSerializer,
    ForkSerializer,
    SeekAnswer,
    SeekSerializer,
    SessionBarsQuery,
    SessionSerializer,
    SpeedSerializer,
    StartAnswer,
    StartSerializer,
    StepSerializer,
    StreamSerializer,
    SymbolsSerializer,
)
from web.api.status_serializers import StatusSerializer
from web.api.throttles import LoginThrottle
from web.api.trades_quotes import TickActions
from web.holders import LOOK_AHEAD

CONTROL = [IsAuthenticated, ControlPermissions]


class StatusView(APIView):
    permission_classes = [IsAuthenticated, CanViewSessions]

    @extend_schema(responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        """The system: services, workers, beat, and every live session."""
        report = system_status()
        if not request.user.has_perm(LOOK_AHEAD):
            report["sessions"] = [row | held_up_to(row["session_date"], row["days_held"]) for row in report["sessions"]]
        return Response(StatusSerializer(report).data)


class TokenView(ObtainAuthToken):
    """A token for name and password, to be sent as `Authorization: Token …`."""

    permission_classes = [AllowAny]
    throttle_classes = [LoginThrottle]
    parser_classes = [BoundedJSONParser]


class NoSuchAddressView(APIView):
    """Any other address under /api/, so that a typing error gets a problem and not a page."""

    permission_classes = [AllowAny]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound(f"{request.path} is no address of this API: /api/docs/ lists them.")


@extend_schema_view(
    list=extend_schema(description="Sessions, the newest first, in pages."),
    retrieve=extend_schema(description="One session: its recipe, its state, and its clock, which bounds all answers."),
)
class SessionViewSet(TickActions, ListModelMixin, RetrieveModelMixin, GenericViewSet[Session]):
    queryset = Session.objects.with_run().prefetch_related("streams__instrument")
    serializer_class = SessionSerializer
    permission_classes = [IsAuthenticated, ModelPermissions]
    pagination_class: type[BasePagination] = NewestFirst
    filterset_class: type[FilterSet] | None = SessionFilter
    lookup_value_regex = r"\d+"

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """A session is looked up as such: the filters of its addresses are for what they list."""
        return queryset if self.detail else super().filter_queryset(queryset)

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request=StartSerializer, responses={202: StartAnswer})
    def create(self, request: Request) -> Response:
        """Create a session and queue its start; its `state` says how that goes."""
        form = StartSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._started(lambda: service.create(form.request(created_by=self._who())))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an ended session for good, with its journal, events, keys and accounts. 409 while it is live."""
        delete_sessions([self.get_object().pk])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def pause(self, request: Request, pk: str) -> Response:
        """Pause: the clock stands until it is resumed; orders are taken, and wait."""
        return self._controlled(control.pause(self.get_object().pk, by=self._who()))

    @extend_schema(request=None, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def resume(self, request: Request, pk: str) -> Response:
        """Resume a paused session."""
        return self._controlled(control.resume(self.get_object().pk, by=self._who()))

    @extend_schema(request=None, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def stop(self, request: Request, pk: str) -> Response:
        """Stop for good: the session ends; its journal, events and bars stay."""
        return self._controlled(control.stop(self.get_object().pk, by=self._who()))

    @extend_schema(request=SpeedSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def speed(self, request: Request, pk: str) -> Response:
        """Set the speed: market seconds per second, 0 is as fast as possible."""
        given = self._given(SpeedSerializer)
        return self._controlled(control.set_speed(self.get_object().pk, given["speed"], by=self._who()))

    @extend_schema(request=StepSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def step(self, request: Request, pk: str) -> Response:
        """Let a paused session run some session minutes."""
        given = self._given(StepSerializer)
        return self._controlled(control.step(self.get_object().pk, given["minutes"], by=self._who()))

    @extend_schema(request=SeekSerializer, responses=SeekAnswer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def seek(self, request: Request, pk: str) -> Response:
        """Move the clock forward or back: readers get a `reset`, then go on from there."""
        asked = self._moment("to", self._given(SeekSerializer)["to"])
        session = control.seek(self.get_object().pk, asked, by=self._who())
        return Response(SeekAnswer(session, context={**self.get_serializer_context(), "asked": asked}).data)

    @extend_schema(request=SymbolsSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def add_symbols(self, request: Request, pk: str) -> Response:
        """Play more symbols, caught up silently to the clock; the streams say when they are active."""
        given = self._given(SymbolsSerializer)
        return self._controlled(control.add_symbols(self.get_object().pk, given["symbols"], by=self._who()))

    @extend_schema(request=SymbolsSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def remove_symbols(self, request: Request, pk: str) -> Response:
        """Stop playing symbols; at least one stays."""
        given = self._given(SymbolsSerializer)
        return self._controlled(control.remove_symbols(self.get_object().pk, given["symbols"], by=self._who()))

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request=None, responses={202: StartAnswer})
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def restart(self, request: Request, pk: str) -> Response:
        """Start a new session from the same recipe."""
        return self._copied(copies.restart)

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request=ForkSerializer, responses={202: StartAnswer})
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def fork(self, request: Request, pk: str) -> Response:
        """Start a new session at this one's clock, or an earlier one, on the same data; one that has ended, too."""
        at = self._given(ForkSerializer).get("at")
        moment = self._moment("at", at) if at else None
        return self._copied(lambda source, by: copies.fork(source, moment, by=by))

    @extend_schema(responses=StreamSerializer(many=True))
    @action(detail=True, pagination_class=InOrder, filterset_class=StreamFilter)
    def streams(self, request: Request, pk: str) -> Response:
        """The session's streams: what is active, how many bars came, their quality."""
        return self._page(self.get_object().streams.select_related("instrument"), StreamSerializer)

    @extend_schema(responses=EventSerializer(many=True))
    @action(detail=True, filterset_class=EventFilter)
    def events(self, request: Request, pk: str) -> Response:
        """What happened to the session, newest first; without what is known of days that are not over yet."""
        session = self.get_object()
        may_look_ahead = request.user.has_perm(LOOK_AHEAD)
        return self._page(session.events.all() if may_look_ahead else events_as_of(session), EventSerializer)

    @extend_schema(parameters=[SessionBarsQuery, FORMAT], responses=SESSION_BARS_ANSWER)
    @action(detail=True, pagination_class=None, filterset_class=None, renderer_classes=BAR_RENDERERS)
    def bars(self, request: Request, pk: str) -> HttpResponse:
        """Bars known by the session's clock, nothing later, as JSON or CSV; by default the current day's."""
        session = self.get_object()
        form = SessionBarsQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.within(session)
        actions = actions_between(asked["symbol"], FIRST, LAST) if asked["adjustment"] != Adjustment.RAW else []
        inputs = [session.journal.count(), *actions]
        etag = etag_of(request, session.pk, session.run.generation, session.run.clock, inputs, sorted(asked.items()))
        try:
            return not_modified(request, etag) or keep(Response(bar_table_as_of(session, **asked)), etag)
        except CannotAdjust as error:
            raise ValidationError({"adjustment": [str(error)]}) from None

    def _who(self) -> str:
        return self.request.user.get_username()

    def _given(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        form = serializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def _moment(self, name: str, text: str) -> dt.datetime:
        try:
            return market_time(text, self.get_object())
        except (BadMoment, NotATradingDay) as error:
            raise ValidationError({name: [str(error)]}) from None

    def _copied(self, copy: Callable[..., Session]) -> Response:
        source = self.get_object()
        return self._started(lambda: copy(source.pk, by=self._who()))

    def _started(self, make: Callable[[], Session]) -> Response:
        def queued() -> Session:
            session = make()
            transaction.on_commit(lambda: service.queue_start(session.pk))
            return session

        row = self.get_queryset().get(pk=once(self.request, queued).pk)
        return Response(StartAnswer(row, context=self.get_serializer_context()).data, status=status.HTTP_202_ACCEPTED)

    def _controlled(self, session: Session) -> Response:
        return Response(self.get_serializer(session).data)

    def _page(self, rows: QuerySet[Any], serializer: type[Serializer[Any]]) -> Response:
        page = self.paginate_queryset(super().filter_queryset(rows))
        return self.get_paginated_response(serializer(page, many=True).data)
