"""A session's verifications over HTTP: asked for, listed, one of them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from sessions.models import Session, Verification
from streaming.verify import jobs
from web.api.pagination import NewestFirst
from web.api.permissions import CanAnalyze


class GenerationSerializer(serializers.Serializer[Any]):
    generation = serializers.IntegerField()
    frames = serializers.IntegerField()
    days = serializers.IntegerField()
    first = serializers.CharField(allow_null=True)
    last = serializers.CharField(allow_null=True)
    chain = serializers.CharField()


class CutSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    frames = serializers.IntegerField()
    identical = serializers.BooleanField()


class FindingsSerializer(serializers.Serializer[Any]):
    """`streaming.verify.session.Findings.report()`."""

    session = serializers.IntegerField()
    state = serializers.CharField()
    ok = serializers.BooleanField()
    clock = serializers.DateTimeField(allow_null=True)
    chain = serializers.CharField()
    generations = GenerationSerializer(many=True)
    published_compared = serializers.IntegerField(help_text="Frames still in Redis, compared byte for byte.")
    cuts = CutSerializer(many=True, help_text="Instants at which the data was cut off to look for look-ahead.")
    problems = serializers.ListField(child=serializers.CharField())


class VerificationSerializer(serializers.ModelSerializer[Verification]):
    report = serializers.SerializerMethodField(help_text="What was compared; null until it is done.")

    class Meta:
        model = Verification
        fields = [
            *("id", "session", "state", "ok", "reason", "report"),
            *("requested_by", "requested_at", "ended_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(FindingsSerializer(allow_null=True))
    def get_report(self, row: Verification) -> Any:
        return row.report or None


class VerificationsView(ListAPIView[Verification]):
    permission_classes = [IsAuthenticated, CanAnalyze]
    serializer_class = VerificationSerializer
    pagination_class = NewestFirst
    filter_backends = ()
    queryset = Verification.objects.none()

    def get_queryset(self) -> QuerySet[Verification]:
        return get_object_or_404(Session, pk=self.kwargs["pk"]).verifications.all()

    @extend_schema(operation_id="session_verifications_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What verifications of the session found, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(operation_id="session_verifications_create", request=None, responses={202: VerificationSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Have the run made again from journal and store, up to its clock, and compared: chain, order, no look-ahead.

        A worker does it; `Location` says where its outcome will be. While one is under way, that one is answered.
        """
        get_object_or_404(Session, pk=pk)
        row = jobs.ask(pk, by=request.user.get_username())
        row.refresh_from_db()
        address = reverse("session-verification", args=[pk, row.pk])
        return Response(
            VerificationSerializer(row).data, status=status.HTTP_202_ACCEPTED, headers={"Location": address}
        )


class VerificationView(RetrieveAPIView[Verification]):
    permission_classes = [IsAuthenticated, CanAnalyze]
    serializer_class = VerificationSerializer
    queryset = Verification.objects.none()

    def get_object(self) -> Verification:
        return get_object_or_404(Verification, session=self.kwargs["pk"], pk=self.kwargs["number"])

    @extend_schema(operation_id="session_verifications_retrieve")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One verification: its state, and when it is done what it found."""
        return super().get(request, *args, **kwargs)
