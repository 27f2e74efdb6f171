"""Who reads a session, and how far behind."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.queries import StrictSerializer
from sessions import redis_client
from sessions.models import Session
from streaming.as_of.session_data import position_of
from streaming.engine.frames.frame_id import CursorError, FrameId
from streaming.engine.publishing.lockstep import Lockstep, NeverPublished, acknowledge
from streaming.reading import registry as readers
from web.api.permissions import MayLockstep, ModelPermissions
from web.holders import holder_of


class ReaderSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    kind = serializers.CharField(help_text="sse, websocket, gateway, python, …")
    name = serializers.CharField()
    since = serializers.DateTimeField()
    cursor = serializers.CharField(allow_null=True, help_text="Its last frame.")
    lockstep = serializers.BooleanField(help_text="Whether the replay waits for it.")
    lag_frames = serializers.IntegerField(help_text="Frames published that it has not had.")
    lag_seconds = serializers.IntegerField(help_text="Market time since its last frame; nights do not count.")


class PlaceSerializer(StrictSerializer):
    id = serializers.CharField(help_text="The frame that the reader is done with.")

    def validate_id(self, value: str) -> FrameId:
        try:
            return FrameId.parse(value)
        except CursorError as error:
            raise serializers.ValidationError(str(error)) from None


class AcknowledgeView(GenericAPIView[Session]):
    queryset = Session.objects.with_run()
    serializer_class = PlaceSerializer
    permission_classes = [IsAuthenticated, MayLockstep]
    throttle_classes: list[Any] = []  # once a frame

    @extend_schema(operation_id="sessions_readers_acknowledge", request=PlaceSerializer, responses={204: None})
    def post(self, request: Request, pk: str, name: str) -> Response:
        """Acknowledge a frame for a lockstep reader of one's own, so that the replay may go on."""
        session = self.get_object()
        form = PlaceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        owner = holder_of(request._request, request.user, request.auth).owner
        if not self._acknowledge(session, Lockstep(session.pk, name, owner=owner), form.validated_data["id"]):
            raise NotFound(
                f"Session {pk} waits for no reader {name} of yours: it has left, or was silent for too long."
            )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _acknowledge(self, session: Session, step: Lockstep, place: FrameId) -> bool:
        try:
            return acknowledge(redis_client.connection(), step, place, known=place == position_of(session))
        except NeverPublished as error:
            raise serializers.ValidationError({"id": [str(error)]}) from None


class ReadersView(GenericAPIView[Session]):
    queryset = Session.objects.with_run()
    serializer_class = ReaderSerializer
    permission_classes = [IsAuthenticated, ModelPermissions]
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(operation_id="sessions_readers", responses=ReaderSerializer(many=True))
    def get(self, request: Request, pk: str) -> Response:
        """The session's readers, the slowest first. A reader that came a moment ago may not be listed yet."""
        return Response(ReaderSerializer(readers.of_session(self.get_object()), many=True).data)
