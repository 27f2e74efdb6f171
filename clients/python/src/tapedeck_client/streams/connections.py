"""A stream's connection: messages of a session, and acknowledgements back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tapedeck_client import calls
from tapedeck_client.errors import ApiError, NotFound, TapedeckError, api_error
from tapedeck_client.frame_records import FrameId
from tapedeck_client.http_service import Service, send
from tapedeck_client.streams.event_source import SILENCE_SECONDS, EventSource
from tapedeck_client.streams.place import Place
from tapedeck_client.streams.stream_request import StreamRequest

OPEN_SECONDS = 10.0
REFUSED = 4000
"""Close codes from here on are an HTTP status and this, where a server cannot answer a handshake with a body."""
STREAM_TIMEOUT = httpx.Timeout(OPEN_SECONDS, read=SILENCE_SECONDS)


class ReaderReleased(TapedeckError):
    """The server no longer waits for this lockstep reader; the stream reports it and joins again."""


class Connection(Protocol):
    """What both transports offer. Their methods raise ConnectionLost, ApiError and ReaderReleased."""

    def messages(self) -> Iterator[Mapping[str, Any]]: ...
    def acknowledge(self, frame: FrameId) -> bool:
        """The reader is done with a frame; False where the session has ended, and nothing waits for that."""
        ...


@contextmanager
def connected(service: Service, http: httpx.Client, place: Place) -> Iterator[Connection]:
    """A connection that begins where the stream stands. Raises ConnectionLost and ApiError."""
    session_id, query = place.request.session_id, place.query()
    if place.request.transport == "websocket":
        with _web_socket(service, place.request, query) as web_socket:
            yield WebSocketConnection(service, web_socket)
    else:
        with _response(service, http, session_id, query) as response:
            yield EventSourceConnection(service, http, place, response)


@contextmanager
def _response(
    service: Service, http: httpx.Client, session_id: int, query: Mapping[str, str]
) -> Iterator[httpx.Response]:
    path, headers = f"api/sessions/{session_id}/stream/", {"Accept": "text/event-stream"}
    request = http.build_request("GET", path, params=query, headers=headers, timeout=STREAM_TIMEOUT)
    try:
        response = http.send(request, stream=True)
        if response.status_code != httpx.codes.OK:
            body = response.read()
            response.close()
            raise api_error(response.status_code, body, response.headers)
    except httpx.TransportError as error:
        raise service.lost(error) from error
    try:
        yield response
    finally:
        response.close()


@dataclass(slots=True)
class EventSourceConnection:
    """Server-sent events; acknowledgements are requests of their own."""

    service: Service
    http: httpx.Client
    place: Place
    response: httpx.Response
    over: bool = False
    """The session has ended: the replay waits for nobody any more."""

    def messages(self) -> Iterator[Mapping[str, Any]]:
        source = EventSource()
        try:
            for chunk in self.response.iter_bytes():
                yield from source.feed(chunk)
        except httpx.TransportError as error:
            raise self.service.lost(error) from error

    def acknowledge(self, frame: FrameId) -> bool:
        request = self.place.request
        try:
            if not self.over:
                call = calls.acknowledge(request.session_id, request.lockstep, frame)
                send(self.service, self.http, call)
        except NotFound as error:
            info = send(self.service, self.http, calls.session(request.session_id))
            if info.live:
                raise ReaderReleased(error.detail) from error
            self.over = True
        return not self.over


@contextmanager
def _web_socket(service: Service, stream: StreamRequest, query: Mapping[str, str]) -> Iterator[ClientConnection]:
    url, options = web_socket_address(service, stream, query)
    try:
        web_socket = connect(url, **options)
    except InvalidStatus as error:
        raise refused(error) from error
    except (OSError, WebSocketException) as error:
        raise service.lost(error) from error
    with web_socket:
        yield web_socket


@dataclass(frozen=True, slots=True)
class WebSocketConnection:
    """A WebSocket, with acknowledgements on it."""

    service: Service
    web_socket: ClientConnection

    def messages(self) -> Iterator[Mapping[str, Any]]:
        try:
            for text in self.web_socket:
                yield message_of(text)
        except ConnectionClosed as error:
            raise closed(self.service, error) from error

    def acknowledge(self, frame: FrameId) -> bool:
        try:
            self.web_socket.send(acknowledgement(frame))
        except ConnectionClosed:
            return False  # what came before that is still to be read, and then says why
        return True


def web_socket_address(service: Service, stream: StreamRequest, query: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The URL and the options of a connection; frames of many symbols are large, and small ones need no compression.

    A lockstep reader's messages are bounded by its window: they are taken at once, so that a closed connection is seen.
    """
    headers = {name: value for name, value in service.headers.items() if name == "Authorization"}
    url = f"{service.websocket_url}ws/sessions/{stream.session_id}/?{httpx.QueryParams(query)}"
    agent = service.headers["User-Agent"]
    options = {"additional_headers": headers, "user_agent_header": agent, "open_timeout": OPEN_SECONDS}
    return url, {**options, "max_size": None, "compression": None, **({"max_queue": None} if stream.lockstep else {})}


def message_of(text: str | bytes) -> Mapping[str, Any]:
    """A message; raises ReaderReleased for the refusal of an acknowledgement, which is all that is ever sent."""
    message: Mapping[str, Any] = json.loads(text)
    if message["id"] is None and message["events"][0]["type"] == "error":
        raise ReaderReleased(message["events"][0]["message"])
    return message


def acknowledgement(frame: FrameId) -> str:
    """The message that says that the reader is done with a frame."""
    return json.dumps({"action": "acknowledge", "id": str(frame)})


def refused(error: InvalidStatus) -> ApiError:
    """What a refused handshake says."""
    response = error.response
    return api_error(response.status_code, bytes(response.body or b""), dict(response.headers.raw_items()))


def closed(service: Service, error: ConnectionClosed) -> TapedeckError:
    """What a closed connection means: a refusal where its code says so, else a loss."""
    code = error.rcvd.code if error.rcvd else 0
    if code >= REFUSED + 400:
        return api_error(code - REFUSED, b"", {})
    return service.lost(error)
