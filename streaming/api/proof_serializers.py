"""The shape of `/api/sessions/{id}/verify/`: `streaming.proof.verify.Verification.report()` as the schema tells it."""

from typing import Any

from rest_framework import serializers


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


class VerificationSerializer(serializers.Serializer[Any]):
    session = serializers.IntegerField()
    state = serializers.CharField()
    ok = serializers.BooleanField()
    clock = serializers.DateTimeField(allow_null=True)
    chain = serializers.CharField()
    generations = GenerationSerializer(many=True)
    published_compared = serializers.IntegerField(help_text="Frames still in Redis, compared byte for byte.")
    cuts = CutSerializer(many=True, help_text="Instants at which the data was cut off to look for look-ahead.")
    problems = serializers.ListField(child=serializers.CharField())
