"""The session API. Every view fetches, calls one verb and answers; errors become problems elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.pagination import BasePagination
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from marketdata.api import FORMAT, query_of
from marketdata.renderers import BAR_RENDERERS, etag_of, keep, not_modified
from sessions import control
from sessions.models import Session
from streaming import copies, service
from streaming.api.filters import EventFilter, SessionFilter, StreamFilter
from streaming.api.pagination import InOrder, NewestFirst
from streaming.api.parsers import BoundedJSONParser
from streaming.api.permissions import CanAnalyze, CanViewSessions, ControlPermissions, ModelPermissions
from streaming.api.proof_serializers import VerificationSerializer
from streaming.api.serializers import (
    SESSION_BARS_ANSWER,
    EventSerializer,
    SeekSerializer,
    SessionBarsQuery,
    SessionSerializer,
    SpeedSerializer,
    StartSerializer,
    StepSerializer,
    StreamSerializer,
    SymbolsSerializer,
)
from streaming.api.status_serializers import StatusSerializer
from streaming.api.throttles import LoginThrottle
from streaming.api.ticks import TickActions
from streaming.proof.verify import verify
from streaming.status import system_status
from streaming.visible.bars import visible_table

CONTROL = [IsAuthenticated, ControlPermissions]


class StatusView(APIView):
    permission_classes = [IsAuthenticated, CanViewSessions]

    @extend_schema(responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        """The system: services, workers, beat, and every live session."""
        return Response(StatusSerializer(system_status()).data)


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


class SessionViewSet(TickActions, ListModelMixin, RetrieveModelMixin, GenericViewSet[Session]):
    queryset = Session.objects.select_related("dataset").prefetch_related("streams__instrument")
    serializer_class = SessionSerializer
    permission_classes = [IsAuthenticated, ModelPermissions]
    pagination_class: type[BasePagination] = NewestFirst
    filterset_class: type[FilterSet] | None = SessionFilter
    lookup_value_regex = r"\d+"

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """A session is looked up as such: the filters of its addresses are for what they list."""
        return queryset if self.detail else super().filter_queryset(queryset)

    @extend_schema(request=StartSerializer, responses={202: SessionSerializer})
    def create(self, request: Request) -> Response:
        """Create a session and queue its start; its `state` tells how that goes."""
        form = StartSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with transaction.atomic():
            session = service.create(form.request(created_by=request.user.get_username()))
            transaction.on_commit(lambda: service.queue_start(session.pk))
        row = self.get_queryset().get(pk=session.pk)
        return Response(self.get_serializer(row).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def pause(self, request: Request, pk: str) -> Response:
        return self._controlled(control.pause(self.get_object().pk, by=self._who()))

    @extend_schema(request=None, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def resume(self, request: Request, pk: str) -> Response:
        return self._controlled(control.resume(self.get_object().pk, by=self._who()))

    @extend_schema(request=None, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def stop(self, request: Request, pk: str) -> Response:
        return self._controlled(control.stop(self.get_object().pk, by=self._who()))

    @extend_schema(request=SpeedSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def speed(self, request: Request, pk: str) -> Response:
        given = self._given(SpeedSerializer)
        return self._controlled(control.set_speed(self.get_object().pk, given["speed"], by=self._who()))

    @extend_schema(request=StepSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def step(self, request: Request, pk: str) -> Response:
        """Let a paused session run some session minutes."""
        given = self._given(StepSerializer)
        return self._controlled(control.step(self.get_object().pk, given["minutes"], by=self._who()))

    @extend_schema(request=SeekSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def seek(self, request: Request, pk: str) -> Response:
        """Move the clock forward or back: readers get a `reset`, then go on from there."""
        given = self._given(SeekSerializer)
        return self._controlled(control.seek(self.get_object().pk, given["to"], by=self._who()))

    @extend_schema(request=SymbolsSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def add_symbols(self, request: Request, pk: str) -> Response:
        """Play more symbols, caught up silently to the clock; the streams tell when they are active."""
        given = self._given(SymbolsSerializer)
        return self._controlled(control.add_symbols(self.get_object().pk, given["symbols"], by=self._who()))

    @extend_schema(request=SymbolsSerializer, responses=SessionSerializer)
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def remove_symbols(self, request: Request, pk: str) -> Response:
        """Stop playing symbols; at least one stays."""
        given = self._given(SymbolsSerializer)
        return self._controlled(control.remove_symbols(self.get_object().pk, given["symbols"], by=self._who()))

    @extend_schema(request=None, responses={202: SessionSerializer})
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def restart(self, request: Request, pk: str) -> Response:
        """Start a new session from the same recipe."""
        return self._copied(copies.restart)

    @extend_schema(request=None, responses={202: SessionSerializer})
    @action(detail=True, methods=["post"], permission_classes=CONTROL)
    def fork(self, request: Request, pk: str) -> Response:
        """Start a new session at this one's clock, on the same data."""
        return self._copied(copies.fork)

    @extend_schema(responses=StreamSerializer(many=True))
    @action(detail=True, pagination_class=InOrder, filterset_class=StreamFilter)
    def streams(self, request: Request, pk: str) -> Response:
        """The session's streams: what is active, how many bars came, their quality."""
        return self._page(self.get_object().streams.select_related("instrument"), StreamSerializer)

    @extend_schema(responses=EventSerializer(many=True))
    @action(detail=True, filterset_class=EventFilter)
    def events(self, request: Request, pk: str) -> Response:
        """What happened to the session, newest first."""
        return self._page(self.get_object().events.all(), EventSerializer)

    @extend_schema(parameters=[SessionBarsQuery, FORMAT], responses=SESSION_BARS_ANSWER)
    @action(detail=True, pagination_class=None, filterset_class=None, renderer_classes=BAR_RENDERERS)
    def bars(self, request: Request, pk: str) -> HttpResponse:
        """Bars known by the session's visible clock, nothing later, as JSON or CSV; by default the current day's."""
        session = self.get_object()
        form = SessionBarsQuery(data=query_of(request))
        form.is_valid(raise_exception=True)
        asked = form.within(session)
        inputs = session.journal.count()
        etag = etag_of(request, session.pk, session.generation, session.clock, inputs, sorted(asked.items()))
        return not_modified(request, etag) or keep(Response(visible_table(session, **asked)), etag)

    @extend_schema(request=None, responses=VerificationSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated, CanAnalyze])
    def verify(self, request: Request, pk: str) -> Response:
        """Make the run again from journal and store, up to its clock, and compare: chain, order, no look-ahead."""
        return Response(VerificationSerializer(verify(self.get_object().pk).report()).data)

    def _who(self) -> str:
        return self.request.user.get_username()

    def _given(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        form = serializer(data=self.request.data)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def _copied(self, copy: Callable[..., Session]) -> Response:
        with transaction.atomic():
            session = copy(self.get_object().pk, by=self._who())
            transaction.on_commit(lambda: service.queue_start(session.pk))
        row = self.get_queryset().get(pk=session.pk)
        return Response(self.get_serializer(row).data, status=status.HTTP_202_ACCEPTED)

    def _controlled(self, session: Session) -> Response:
        return Response(self.get_serializer(session).data)

    def _page(self, rows: QuerySet[Any], serializer: type[Serializer[Any]]) -> Response:
        page = self.paginate_queryset(super().filter_queryset(rows))
        return self.get_paginated_response(serializer(page, many=True).data)
