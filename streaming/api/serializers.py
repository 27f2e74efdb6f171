"""The API's shapes. Writing goes through the service's verbs, so serializers save nothing."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.api import BARS_ANSWER, MOST_BARS, BarRowSerializer, MomentField, StrictSerializer
from marketdata.models import Dataset
from sessions.control import MOST_MINUTES, ControlError, check_speed
from sessions.models import ActiveStream, Session, SessionEvent
from streaming.start_request import StartRequest
from streaming.stream_types import DEFAULT_STEP_MS
from streaming.visible.session_data import position_of


def possible_speed(speed: float) -> None:
    try:
        check_speed(speed)
    except ControlError as error:
        raise serializers.ValidationError(str(error)) from error


class SessionSerializer(serializers.ModelSerializer[Session]):
    dataset = serializers.SlugRelatedField[Dataset](slug_field="name", read_only=True)
    synthetic = serializers.BooleanField(source="dataset.synthetic", read_only=True)
    symbols = serializers.SerializerMethodField(help_text="Symbols with an active stream.")
    cursor = serializers.SerializerMethodField(help_text="Of the last committed frame; null before it.")

    class Meta:
        model = Session
        fields = [
            *(
                "id",
                "name",
                "state",
                "reason",
                "dataset",
                "synthetic",
                "symbols",
                "interval",
                "derive",
                "types",
                "clock_step",
            ),
            *(
                "start_date",
                "end_date",
                "clock",
                "cursor",
                "frame_count",
                "speed",
                "real_speed",
                "paused",
                "clock_error",
                "bottleneck",
            ),
            *("stop_requested", "run_until", "seek_to", "generation", "days_held", "bars_held", "provider", "worker"),
            "as_known",
            *("chain", "start_at", "forked_from", "created_by", "created_at", "ended_at"),
        ]
        read_only_fields = fields

    def get_symbols(self, session: Session) -> list[str]:
        """From the prefetched rows: `Session.symbols()` would ask once a session."""
        return sorted({row.instrument.symbol for row in session.streams.all() if row.active})

    def get_cursor(self, session: Session) -> str | None:
        position = position_of(session)
        return str(position) if position else None


class StartSerializer(StrictSerializer):
    symbols = serializers.ListField(child=serializers.CharField(max_length=16), min_length=1, max_length=20_000)
    date = serializers.DateField(default=None, allow_null=True, help_text="Default: the latest stored day.")
    until = serializers.DateField(default=None, allow_null=True, help_text="Last day; default: the first.")
    speed = serializers.FloatField(default=1.0, validators=[possible_speed])
    interval = serializers.CharField(default="1m")
    derive = serializers.ListField(child=serializers.CharField(), default=lambda: ["5m", "15m"])
    types = serializers.ListField(
        child=serializers.CharField(), default=lambda: ["bars"], help_text="Of bars, ticks (trades) and quotes."
    )
    clock_step = serializers.IntegerField(
        default=DEFAULT_STEP_MS,
        min_value=1,
        max_value=60_000,
        help_text="Milliseconds by which trades and quotes are grouped; fits a minute.",
    )
    dataset = serializers.CharField(default="", allow_blank=True)
    provider = serializers.CharField(default="", allow_blank=True)
    name = serializers.CharField(default="", allow_blank=True, max_length=64)
    as_known = serializers.BooleanField(
        default=False, help_text="Replay each version from when the market knew it; else the newest when loaded."
    )

    def request(self, created_by: str) -> StartRequest:
        given = dict(self.validated_data)
        given["symbols"] = tuple(symbol.upper() for symbol in given["symbols"])
        return StartRequest(
            **given | {"derive": tuple(given["derive"]), "types": tuple(given["types"])}, created_by=created_by
        )


class SpeedSerializer(StrictSerializer):
    speed = serializers.FloatField(
        validators=[possible_speed], help_text="Market seconds per second; 0 is as fast as possible."
    )


class StepSerializer(StrictSerializer):
    minutes = serializers.IntegerField(default=1, min_value=1, max_value=MOST_MINUTES, help_text="Session minutes.")


class SeekSerializer(StrictSerializer):
    to = serializers.DateTimeField(help_text="Clock to move to, within the session's window.")


class SymbolsSerializer(StrictSerializer):
    symbols = serializers.ListField(child=serializers.CharField(max_length=16), min_length=1, max_length=20_000)


class StreamSerializer(serializers.ModelSerializer[ActiveStream]):
    symbol = serializers.CharField(source="instrument.symbol", read_only=True)

    class Meta:
        model = ActiveStream
        fields = [
            *("id", "symbol", "stream_type", "wanted", "active", "expected", "present", "quality"),
            *("last_price", "started_at"),
        ]
        read_only_fields = fields


class EventSerializer(serializers.ModelSerializer[SessionEvent]):
    by = serializers.SerializerMethodField(help_text="Who asked for it; empty where it happened by itself.")

    class Meta:
        model = SessionEvent
        fields = ["id", "at", "clock", "kind", "level", "message", "by", "data"]
        read_only_fields = fields

    def get_by(self, event: SessionEvent) -> str:
        return str(event.data.get("by", ""))


class SessionBarsQuery(StrictSerializer):
    symbol = serializers.CharField(max_length=16)
    interval = serializers.CharField(required=False, help_text="Default: the session's own.")
    start = MomentField(required=False, help_text="First day or moment; default: the current day.")
    end = MomentField(required=False, help_text="Last day (inclusive) or moment (exclusive); default: the clock.")
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_BARS, help_text="The latest so many; default: all."
    )

    def within(self, session: Session) -> dict[str, Any]:
        """The query, checked against what the session plays."""
        query = {"interval": session.interval, **self.validated_data}
        query["symbol"] = query["symbol"].upper()
        played = session.streams.values_list("instrument__symbol", flat=True)
        _demand("symbol", query["symbol"], sorted(set(played)))
        _demand("interval", query["interval"], [session.interval, *session.derive])
        return query


def _demand(field: str, value: str, allowed: list[str]) -> None:
    if value not in allowed:
        shown = ", ".join(allowed[:10]) + (", …" if len(allowed) > 10 else "")
        raise serializers.ValidationError({field: [f"{value} is not in this session: it has {shown}."]})


class WireBarSerializer(BarRowSerializer):
    type = serializers.CharField()
    symbol = serializers.CharField()
    interval = serializers.CharField()
    n_present = serializers.IntegerField()
    n_expected = serializers.IntegerField()
    complete = serializers.BooleanField()
    synthetic = serializers.BooleanField()


class SessionBarsSerializer(serializers.Serializer[Any]):
    session = serializers.IntegerField()
    symbol = serializers.CharField()
    interval = serializers.CharField()
    clock = serializers.DateTimeField(allow_null=True, help_text="Visible clock: no bar here ends later.")
    bars = WireBarSerializer(many=True)


SESSION_BARS_ANSWER = {**BARS_ANSWER, (200, "application/json"): SessionBarsSerializer}
