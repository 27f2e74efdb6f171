"""What a request may weigh: the largest that makes sense is a start with some thousands of symbols."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import IO, Any

import orjson
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MOST_BYTES = 1 << 20
MOST_LEVELS = 16


class TooLarge(APIException):
    status_code = 413
    default_detail = f"The body is larger than {MOST_BYTES:,} bytes: send less at once."


class BoundedJSONParser(JSONParser):
    """Reads no more than it accepts, whatever length the header claims.

    By `orjson`: it has a depth, and takes no lone surrogate, no infinity and nothing but UTF-8.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"The body is no JSON: {error}.") from None
        if _is_deeper(parsed, MOST_LEVELS):
            raise ParseError(f"The body is nested deeper than {MOST_LEVELS} levels: nothing here is.")
        return parsed


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = list(chain.from_iterable(inner))
    return bool(level)
