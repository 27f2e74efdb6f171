"""What a request may weigh: the largest that makes sense is a start with some thousands of symbols."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser

MOST_BYTES = 1 << 20


class TooLarge(APIException):
    status_code = 413
    default_detail = f"The body is larger than {MOST_BYTES:,} bytes: send less at once."


class BoundedJSONParser(JSONParser):
    """Reads no more than it accepts, whatever length the header claims."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge
        return super().parse(BytesIO(body), media_type, parser_context)
