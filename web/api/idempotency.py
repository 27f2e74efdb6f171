"""`Idempotency-Key`: a POST that is repeated, because its answer was lost, makes no second session.

By draft-ietf-httpapi-idempotency-key-header-07, in which the key is a string in quotes; without quotes it is taken too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import orjson
import redis
from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from kombu.exceptions import OperationalError
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from sessions.models import Session, StartKey

HEADER = "Idempotency-Key"
FORM = re.compile(r'"([ !#-\[\]-~]{1,255})"|([!#-+\--\[\]-~]{1,255})')


def repeatable(description: str) -> OpenApiParameter:
    """The header in the API's documents; the description says what a repeated request gets."""
    schema = {"type": "string", "pattern": f"^(?:{FORM.pattern})$"}
    return OpenApiParameter(HEADER, schema, OpenApiParameter.HEADER, description=f"Of the client's choice{description}")


IDEMPOTENCY_KEY = repeatable(
    ", e.g. a UUID: a request that is repeated with it gets the session that the first one made. "
    "It lasts as long as the session."
)


class KeyReused(APIException):
    status_code = 422
    default_detail = f"This {HEADER} was sent with another request before: a new request needs a new key."


def once(request: Request, make: Callable[[], Session]) -> Session:
    """The session that `make` makes; of a repeated request the one that it made before. Raises KeyReused.

    Of two at the same time, the second waits in the database until the first has committed.
    """
    key = key_of(request)
    if key is None:
        with transaction.atomic():
            return make()
    mine = StartKey.objects.filter(user=int(request.user.pk or 0), key=key)
    try:
        with transaction.atomic():
            return _kept(request, key, make)
    except (OperationalError, redis.RedisError):
        mine.delete()  # the session has failed, for its start could not be queued: the next request makes another
        raise


def _kept(request: Request, key: str, make: Callable[[], Session]) -> Session:
    fingerprint = fingerprint_of(request)
    row, is_new = StartKey.objects.select_related("session").get_or_create(
        user_id=int(request.user.pk or 0), key=key, defaults={"fingerprint": fingerprint}
    )
    if row.fingerprint != fingerprint:
        raise KeyReused
    if is_new or row.session is None:
        row.session = make()
        row.save(update_fields=["session"])
    return row.session


def key_of(request: Request) -> str | None:
    """None without the header. Raises ValidationError."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    match = FORM.fullmatch(text.strip())
    if match is None:
        raise ValidationError({HEADER: [f"{text[:40]!r} is no key: send 1 to 255 printable characters, in quotes."]})
    return match[1] or match[2]


def fingerprint_of(request: Request) -> str:
    body = orjson.dumps([request.path, request.data], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(body).hexdigest()
