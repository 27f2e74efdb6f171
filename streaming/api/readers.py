"""Who reads a session, and how far behind."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from sessions.models import Session
from streaming import readers
from streaming.api.permissions import ModelPermissions


class ReaderSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    kind = serializers.CharField(help_text="sse, websocket, gateway, python, …")
    name = serializers.CharField()
    since = serializers.DateTimeField()
    cursor = serializers.CharField(allow_null=True, help_text="Its last frame.")
    lockstep = serializers.BooleanField(help_text="Whether the replay waits for it.")
    lag_frames = serializers.IntegerField(help_text="Frames published that it has not had.")
    lag_seconds = serializers.IntegerField(help_text="Market time since its last frame; nights do not count.")


class ReadersView(GenericAPIView[Session]):
    queryset = Session.objects.all()
    serializer_class = ReaderSerializer
    permission_classes = [IsAuthenticated, ModelPermissions]
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(operation_id="sessions_readers", responses=ReaderSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """The session's readers, the slowest first. A reader that came a moment ago may not be told of yet."""
        return Response(ReaderSerializer(readers.of_session(self.get_object()), many=True).data)
