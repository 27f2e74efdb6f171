"""Cursor pages: newest first, stable while rows arrive, never a count."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class InOrder(NewestFirst):
    ordering = "id"
    page_size = 500
    max_page_size = 5000
