"""A session's keys over HTTP: who may hand them out makes, lists and revokes them."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata.api.queries import StrictSerializer
from sessions import keys
from sessions.models import Session, SessionKey

NEEDED = {
    "GET": "replay.view_sessionkey",
    "POST": "replay.add_sessionkey",
    "DELETE": "replay.change_sessionkey",
}


class KeyPermissions(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = NEEDED.get("GET" if request.method == "HEAD" else str(request.method))
        self.message = f"This needs the permission {needed}."
        return needed is None or bool(request.user and request.user.has_perm(needed))


class KeySerializer(serializers.ModelSerializer[SessionKey]):
    class Meta:
        model = SessionKey
        fields = ["key_id", "session", "kind", "lockstep", "created_by", "created_at", "last_used_at", "revoked_at"]
        read_only_fields = fields


class NewKeySerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=SessionKey.Kind.choices, default=SessionKey.Kind.READER)
    lockstep = serializers.BooleanField(default=False, help_text="Whether the replay may be made to wait for it.")


class MadeKeySerializer(KeySerializer):
    secret = serializers.CharField(help_text="Shown only now.")
    token = serializers.CharField(help_text="`<key_id>.<secret>`, for `Authorization: Bearer`.")

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "secret", "token"]
        read_only_fields = fields


class SessionKeysView(APIView):
    permission_classes = [IsAuthenticated, KeyPermissions]

    @extend_schema(operation_id="session_keys_list", responses=KeySerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The session's keys, newest first, without their secrets."""
        rows = get_object_or_404(Session, pk=pk).keys.all()
        return Response(KeySerializer(rows, many=True).data)

    @extend_schema(operation_id="session_keys_create", request=NewKeySerializer, responses={201: MadeKeySerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Make a key. `reader` keys read this session; `broker` keys also trade in it."""
        session = get_object_or_404(Session, pk=pk)
        form = NewKeySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given, by = form.validated_data, request.user.get_username()
        key, secret = keys.create(session, given["kind"], by=by, lockstep=given["lockstep"])
        key.refresh_from_db()
        payload: Any = KeySerializer(key).data | {"secret": secret, "token": f"{key.key_id}.{secret}"}
        return Response(payload, status=status.HTTP_201_CREATED)


class SessionKeyView(APIView):
    permission_classes = [IsAuthenticated, KeyPermissions]

    @extend_schema(operation_id="session_keys_revoke", responses={204: None})
    def delete(self, request: Request, pk: int, key_id: str) -> Response:
        """Revoke a key, at once and for good."""
        key = get_object_or_404(SessionKey, session=pk, key_id=key_id)
        keys.revoke(key.key_id, by=request.user.get_username())
        return Response(status=status.HTTP_204_NO_CONTENT)
