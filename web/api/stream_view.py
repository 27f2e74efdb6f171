"""The stream's address in the API: it checks who asks for what, and leaves the sending to the stream."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from broker.following import AccountEvents
from marketdata.api.queries import StrictSerializer, query_of
from marketdata.kinds import TICK_KINDS
from marketdata.store import spelled_as
from sessions import redis_client
from sessions.models import ENDED, Session
from streaming.as_of.session_data import position_of
from streaming.engine.frames.frame_id import CursorError, FrameId
from streaming.engine.publishing.lockstep import MOST_WINDOW, Lockstep, require_free
from streaming.reading.asides import Source
from streaming.reading.reader import Reading
from streaming.reading.selection import ANY, Selection
from web.api.permissions import CanViewAccounts, MayLockstep, ModelPermissions, visible_accounts
from web.holders import CONTROL_SESSION, VIEW_ACCOUNT, VIEW_SESSION, holder_of
from web.streams.grant import SCOPE_KEY, Grant

LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="The cursor that a reconnecting client has."
)


NAME = r"^[A-Za-z0-9_.:-]{1,64}$"
Offered = tuple[tuple[str, ...], tuple[str, ...]]
"""The session's symbols and intervals."""


class NeedsAsgi(APIException):
    status_code = status.HTTP_421_MISDIRECTED_REQUEST
    default_detail = "Streams need an ASGI server: start Tapedeck with manage.py up, or uvicorn config.asgi."


class EventStreamRenderer(BaseRenderer):
    """So that `Accept: text/event-stream` is acceptable; the stream does the rendering."""

    media_type = "text/event-stream"
    format = "sse"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return JSONRenderer().render(data)


@extend_schema_field(OpenApiTypes.STR)
class Names(serializers.Field[list[str], Any, list[str], Any]):
    """Names separated by commas."""

    def to_internal_value(self, data: Any) -> list[str]:
        return [part.strip() for part in str(data).split(",") if part.strip()]


class StreamQuery(StrictSerializer):
    symbols = Names(required=False, help_text="Only these, e.g. AAPL,MSFT.")
    intervals = Names(required=False, help_text="Only these, e.g. 1m,5m; ticks and quotes count as intervals too.")
    types = Names(required=False, help_text="Only these of bars, ticks and quotes; default: all of the session's.")
    accounts = Names(required=False, help_text="The events of these accounts too, e.g. swing; * is all.")
    after = serializers.CharField(required=False, help_text="Go on after this frame's or account event's id.")
    from_start = serializers.BooleanField(default=False, help_text="Every frame of the run.")
    name = serializers.CharField(required=False, max_length=64, help_text="How the reader is shown.")
    lockstep = serializers.RegexField(
        NAME,
        required=False,
        help_text="Have the replay wait: this reader's name, under which it acknowledges frames. Needs the right to.",
    )
    window = serializers.IntegerField(
        default=1, min_value=1, max_value=MOST_WINDOW, help_text="Frames out unacknowledged in lockstep."
    )

    def validate_after(self, value: str) -> str:
        try:
            FrameId.parse(value)
        except CursorError as error:
            raise serializers.ValidationError(str(error)) from None
        return value


class StreamView(GenericAPIView[Session]):
    queryset = Session.objects.with_run()
    permission_classes = [IsAuthenticated, ModelPermissions]
    renderer_classes = [JSONRenderer, EventStreamRenderer]
    pagination_class = None
    throttle_classes: list[Any] = []  # all come back at once when a web process starts again
    filter_backends: list[Any] = []

    @extend_schema(
        operation_id="sessions_stream",
        parameters=[StreamQuery, LAST_EVENT_ID],
        responses={(200, "text/event-stream"): OpenApiTypes.STR, 204: None},
    )
    def get(self, request: Request, pk: str) -> HttpResponse:
        """The session as server-sent events, a frame per message, until it ends.

        Without a cursor the first event is a `snapshot` of the day so far. The same address with `ws` in place of
        `api` and without `stream/` (`/ws/sessions/{id}/`) is a WebSocket.
        """
        session = self.get_object()
        if "lockstep" in request.query_params:
            self.check(MayLockstep(), request)
        if "accounts" in request.query_params:
            self.check(CanViewAccounts(), request)
        decision = getattr(request._request, "scope", {}).get(SCOPE_KEY)
        reading, names = reading_of(session, request, decision.kind if decision else "")
        if _is_done(session, request, reading.asides):
            return Response(status=status.HTTP_204_NO_CONTENT)  # EventSource then stops coming back
        if decision is None:
            raise NeedsAsgi
        needed = (CONTROL_SESSION if reading.lockstep else VIEW_SESSION, *([VIEW_ACCOUNT] if reading.asides else []))
        holder = holder_of(request._request, request.user, request.auth, needed)
        if reading.lockstep:
            reading.lockstep.owner = holder.owner
            require_free(redis_client.connection(), reading.lockstep)
        decision.grant = Grant(reading, holder, *names)
        return HttpResponse()

    def check(self, permission: MayLockstep | CanViewAccounts, request: Request) -> None:
        if not permission.has_permission(request, self):
            self.permission_denied(request, permission.message)


def reading_of(
    session: Session, request: Request, kind: str
) -> tuple[Reading, tuple[tuple[str, ...], tuple[str, ...]]]:
    """What the request asks for, checked against what the session has."""
    given = query_of(request)
    if cursor := request.headers.get("Last-Event-ID"):
        given["after"] = cursor
    form = StreamQuery(data=given)
    form.is_valid(raise_exception=True)
    query = form.validated_data
    symbols = tuple(session.streams.values_list("instrument__symbol", flat=True).distinct().order_by())
    intervals = (session.interval, *session.derive, *(kind for kind in TICK_KINDS if kind in session.types))
    named = spelled_as(query["symbols"], symbols) if "symbols" in query else None
    types = _known("types", query.get("types"), tuple(session.types))
    selection = Selection.of(
        _known("symbols", named, symbols), _known("intervals", query.get("intervals"), intervals), types
    )
    name = query.get("name") or query.get("lockstep") or request.user.get_username()
    step = Lockstep(session.pk, query["lockstep"], query["window"], by_hand=True) if "lockstep" in query else None
    place = (query.get("after"), query["from_start"])
    reading = Reading(session.pk, *place, selection=selection, kind=kind, name=name, lockstep=step)
    reading.asides = _accounts(session, query["accounts"], request.auth) if "accounts" in query else None
    return reading, (tuple(sorted(symbols)), intervals)


def _known(field: str, wanted: list[str] | None, there: tuple[str, ...]) -> list[str] | None:
    """One that the session never has would wait in silence."""
    if unknown := [name for name in wanted or () if name not in there]:
        shown = ", ".join(sorted(there)[:10])
        raise serializers.ValidationError({field: [f"{unknown[0]} is not in this session: it has {shown}."]})
    return wanted


def _accounts(session: Session, names: list[str], auth: Any) -> AccountEvents | None:
    there = {account.name: account for account in visible_accounts(session.pk, auth)}
    wanted = list(there) if names == [ANY] else _known("accounts", names, tuple(there)) or []
    return AccountEvents(session.pk, (there[name] for name in wanted)) if wanted else None


def _is_done(session: Session, request: Request, asides: Source | None) -> bool:
    """A browser that comes back after the end, having had everything."""
    text, last = request.headers.get("Last-Event-ID"), position_of(session)
    if not (text and last and session.state in ENDED):
        return False
    place = FrameId.parse(text)
    return place._replace(n=0) == last and not (asides and asides.after(place, last.ms))
