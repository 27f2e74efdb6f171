"""Cursor pages: newest first, stable while rows arrive, never a count."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size: int = 50
    page_size_query_param = "page_size"
    max_page_size: int = 500

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get("page_size")
        if given is None:
            return self.page_size
        if not (given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= self.max_page_size):
            raise ValidationError({"page_size": [f"{given!r} is no page size: from 1 to {self.max_page_size}."]})
        return int(given)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == "page_size":
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return parameters


class InOrder(NewestFirst):
    ordering = "id"
    page_size = 500
    max_page_size = 5000
