"""A table of bars as JSON or CSV, whichever the reader accepts; and answers that a reader may keep."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request

from marketdata.bar_json import BarTable


class BarsJSONRenderer(JSONRenderer):
    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if isinstance(data, BarTable):
            return data.json()
        return bytes(super().render(data, accepted_media_type, renderer_context))


class BarsCSVRenderer(BaseRenderer):
    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return data.csv() if isinstance(data, BarTable) else b""


BAR_RENDERERS = [BarsJSONRenderer, BarsCSVRenderer, BrowsableAPIRenderer]


def etag_of(request: Request, *version: object) -> str:
    """The entity tag of the answer in the form that was negotiated."""
    form = request.accepted_renderer.format
    return f'"{hashlib.sha256(repr((form, *version)).encode()).hexdigest()[:32]}"'


def not_modified(request: Request, etag: str) -> HttpResponse | None:
    """A 304, where the reader says that it has this answer already."""
    held = parse_etags(request.headers.get("If-None-Match", ""))
    if etag in (one.removeprefix("W/") for one in held):
        return keep(HttpResponse(status=304), etag)
    return None


def keep(response: HttpResponse, etag: str) -> HttpResponse:
    """The reader may keep it for itself, and asks before using it again."""
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response
