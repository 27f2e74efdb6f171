"""A stream's connection for asyncio: messages of a session, and acknowledgements back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tapedeck_client import calls
from tapedeck_client.errors import NotFound, api_error
from tapedeck_client.frame_records import FrameId
from tapedeck_client.http_service import Service, async_send
from tapedeck_client.streams.connections import (
    STREAM_TIMEOUT,
    ReaderReleased,
    acknowledgement,
    closed,
    message_of,
    refused,
    web_socket_address,
)
from tapedeck_client.streams.event_source import EventSource
from tapedeck_client.streams.place import Place
from tapedeck_client.streams.stream_request import StreamRequest


class AsyncConnection(Protocol):
    """What both transports offer. Their methods raise ConnectionLost, ApiError and ReaderReleased."""

    def messages(self) -> AsyncIterator[Mapping[str, Any]]: ...
    async def acknowledge(self, frame: FrameId) -> bool:
        """The reader is done with a frame; False where the session has ended, and nothing waits for that."""
        ...


@asynccontextmanager
async def async_connected(service: Service, http: httpx.AsyncClient, place: Place) -> AsyncIterator[AsyncConnection]:
    """A connection that begins where the stream stands. Raises ConnectionLost and ApiError."""
    session_id, query = place.request.session_id, place.query()
    if place.request.transport == "websocket":
        async with _web_socket(service, place.request, query) as web_socket:
            yield AsyncWebSocketConnection(service, web_socket)
    else:
        async with _response(service, http, session_id, query) as response:
            yield AsyncEventSourceConnection(service, http, place, response)


@asynccontextmanager
async def _response(
    service: Service, http: httpx.AsyncClient, session_id: int, query: Mapping[str, str]
) -> AsyncIterator[httpx.Response]:
    path, headers = f"api/sessions/{session_id}/stream/", {"Accept": "text/event-stream"}
    request = http.build_request("GET", path, params=query, headers=headers, timeout=STREAM_TIMEOUT)
    try:
        response = await http.send(request, stream=True)
        if response.status_code != httpx.codes.OK:
            body = await response.aread()
            await response.aclose()
            raise api_error(response.status_code, body, response.headers)
    except httpx.TransportError as error:
        raise service.lost(error) from error
    try:
        yield response
    finally:
        await response.aclose()


@dataclass(slots=True)
class AsyncEventSourceConnection:
    """Server-sent events; acknowledgements are requests of their own."""

    service: Service
    http: httpx.AsyncClient
    place: Place
    response: httpx.Response
    over: bool = False
    """The session has ended: the replay waits for nobody any more."""

    async def messages(self) -> AsyncIterator[Mapping[str, Any]]:
        source = EventSource()
        try:
            async for chunk in self.response.aiter_bytes():
                for message in source.feed(chunk):
                    yield message
        except httpx.TransportError as error:
            raise self.service.lost(error) from error

    async def acknowledge(self, frame: FrameId) -> bool:
        request = self.place.request
        try:
            if not self.over:
                call = calls.acknowledge(request.session_id, request.lockstep, frame)
                await async_send(self.service, self.http, call)
        except NotFound as error:
            info = await async_send(self.service, self.http, calls.session(request.session_id))
            if info.live:
                raise ReaderReleased(error.detail) from error
            self.over = True
        return not self.over


@asynccontextmanager
async def _web_socket(
    service: Service, stream: StreamRequest, query: Mapping[str, str]
) -> AsyncIterator[ClientConnection]:
    url, options = web_socket_address(service, stream, query)
    try:
        web_socket = await connect(url, **options)
    except InvalidStatus as error:
        raise refused(error) from error
    except (OSError, WebSocketException) as error:
        raise service.lost(error) from error
    async with web_socket:
        yield web_socket


@dataclass(frozen=True, slots=True)
class AsyncWebSocketConnection:
    """A WebSocket, with acknowledgements on it."""

    service: Service
    web_socket: ClientConnection

    async def messages(self) -> AsyncIterator[Mapping[str, Any]]:
        try:
            async for text in self.web_socket:
                yield message_of(text)
        except ConnectionClosed as error:
            raise closed(self.service, error) from error

    async def acknowledge(self, frame: FrameId) -> bool:
        try:
            await self.web_socket.send(acknowledgement(frame))
        except ConnectionClosed:
            return False  # what came before that is still to be read, and then says why
        return True
