"""The shape of `/api/status/`: `streaming.status.system_status()` in the schema."""

from typing import Any

from rest_framework import serializers

from web.api.reader_views import ReaderSerializer


class ServiceStatusSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    ok = serializers.BooleanField()
    version = serializers.CharField()
    detail = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())


class WorkerStatusSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.CharField()
    pid = serializers.IntegerField()
    seen_at = serializers.DateTimeField()
    alive = serializers.BooleanField()
    capacity = serializers.IntegerField()
    in_use = serializers.IntegerField()
    detail = serializers.JSONField(help_text="Upkeep: what its last round did, in how many seconds.")


class BeatStatusSerializer(serializers.Serializer[Any]):
    last_run = serializers.DateTimeField(allow_null=True)
    alive = serializers.BooleanField()


class SessionStatusSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()
    dataset = serializers.CharField()
    synthetic = serializers.BooleanField()
    session_date = serializers.DateField()
    session_active = serializers.BooleanField()
    clock = serializers.DateTimeField(allow_null=True)
    active_symbols = serializers.IntegerField()
    symbols = serializers.ListField(child=serializers.CharField())
    streams = serializers.IntegerField()
    bars = serializers.IntegerField()
    quality = serializers.FloatField(allow_null=True)
    days_held = serializers.ListField(child=serializers.DateField())
    bars_held = serializers.IntegerField(allow_null=True, help_text="Null for who may not look ahead.")
    speed = serializers.FloatField()
    real_speed = serializers.FloatField(allow_null=True)
    clock_error = serializers.FloatField(allow_null=True, help_text="Milliseconds, 99th percentile.")
    bottleneck = serializers.CharField(help_text="The stage that it waits for: store, merge, Redis, Postgres, …")
    worker = serializers.CharField()
    readers = serializers.IntegerField(allow_null=True, help_text="Null where Redis does not answer.")
    slowest_reader = ReaderSerializer(allow_null=True)


class StatusSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    system = serializers.CharField(help_text="running, degraded or down.")
    problems = serializers.ListField(child=serializers.CharField())
    services = ServiceStatusSerializer(many=True)
    workers = WorkerStatusSerializer(many=True)
    beat = BeatStatusSerializer()
    sessions = SessionStatusSerializer(many=True)
