"""The API's shapes. Writing goes through the service's verbs, so serializers save nothing."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.actions.adjusting import Adjustment
from marketdata.api.bars_view import BARS_ANSWER, MOST_BARS, BarRowSerializer
from marketdata.api.queries import MomentField, StrictSerializer
from marketdata.errors import BadSymbol
from marketdata.hours import Hours
from marketdata.models import Dataset
from marketdata.store import spelled_as
from marketdata.symbols import require_symbols
from marketdata.units import MINUTE_MS
from sessions.control import MOST_MINUTES, ControlError, check_speed
from sessions.market_time import landing
from sessions.models import ActiveStream, Session, SessionEvent, symbols_of
from streaming.as_of.session_data import position_of
from streaming.as_of.session_events import held_as_of
from streaming.base.stream_types import DEFAULT_STEP_MS
from streaming.starts.request import StartRequest
from streaming.starts.service import notes_of
from web.holders import LOOK_AHEAD


def possible_speed(speed: float) -> None:
    try:
        check_speed(speed)
    except ControlError as error:
        raise serializers.ValidationError(str(error)) from error


def possible_symbol(symbol: str) -> None:
    try:
        require_symbols([symbol])
    except BadSymbol as error:
        raise serializers.ValidationError(str(error)) from None


class SessionSerializer(serializers.ModelSerializer[Session]):
    dataset = serializers.SlugRelatedField[Dataset](slug_field="name", read_only=True)
    synthetic = serializers.BooleanField(source="dataset.synthetic", read_only=True)
    symbols = serializers.SerializerMethodField(help_text="Symbols with an active stream.")
    cursor = serializers.SerializerMethodField(help_text="Of the last committed frame; null before it.")
    clock = serializers.DateTimeField(
        source="run.clock", read_only=True, allow_null=True, help_text="The last frame's."
    )
    generation = serializers.IntegerField(source="run.generation", read_only=True)
    frame_count = serializers.IntegerField(source="run.frame_count", read_only=True)
    chain = serializers.CharField(source="run.chain", read_only=True, help_text="Hash chain after that frame.")
    real_speed = serializers.FloatField(
        source="run.real_speed", read_only=True, allow_null=True, help_text="Market seconds per second, lately."
    )
    clock_error = serializers.FloatField(
        source="run.clock_error",
        read_only=True,
        allow_null=True,
        help_text="Milliseconds after their instant that frames went out: 99th percentile.",
    )
    bottleneck = serializers.CharField(
        source="run.bottleneck", read_only=True, help_text="The stage that it waits for most."
    )
    days_held = serializers.ListField(source="run.days_held", read_only=True, child=serializers.DateField())
    bars_held = serializers.IntegerField(
        source="run.bars_held", read_only=True, allow_null=True, help_text="Null for who may not look ahead."
    )
    worker = serializers.CharField(source="run.worker", read_only=True)

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
                "hours",
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

    def to_representation(self, session: Session) -> dict[str, Any]:
        row = super().to_representation(session)
        if self.context["request"].user.has_perm(LOOK_AHEAD):
            return row
        held = held_as_of(session)
        return row | {"days_held": [day.isoformat() for day in held["days_held"]], "bars_held": held["bars_held"]}

    def get_symbols(self, session: Session) -> list[str]:
        """What it plays, or has played when it ended."""
        return symbols_of(session.streams.all())

    def get_cursor(self, session: Session) -> str | None:
        position = position_of(session)
        return str(position) if position else None


class StartSerializer(StrictSerializer):
    symbols = serializers.ListField(child=serializers.CharField(), min_length=1)
    date = serializers.DateField(default=None, allow_null=True, help_text="Default: the latest stored day.")
    until = serializers.DateField(default=None, allow_null=True, help_text="Last day; default: the first.")
    speed = serializers.FloatField(default=1.0, validators=[possible_speed])
    night_seconds = serializers.FloatField(
        default=3.0, min_value=0, max_value=3600, help_text="Between two days, at paced speeds."
    )
    paused = serializers.BooleanField(default=False, help_text="Stand at the first open until it is resumed.")
    interval = serializers.CharField(default="1m")
    derive = serializers.ListField(child=serializers.CharField(), default=lambda: ["5m", "15m"])
    types = serializers.ListField(
        child=serializers.CharField(), default=lambda: ["bars"], help_text="Of bars, ticks (trades) and quotes."
    )
    clock_step = serializers.IntegerField(
        default=DEFAULT_STEP_MS,
        min_value=1,
        max_value=MINUTE_MS,
        help_text="Milliseconds by which trades and quotes are grouped; fits a minute.",
    )
    hours = serializers.ChoiceField(
        choices=Hours.choices,
        default=Hours.REGULAR,
        help_text="Extended: from 04:00 to 20:00 New York, on half days to 17:00, as far as the dataset has them.",
    )
    dataset = serializers.CharField(default="", allow_blank=True)
    provider = serializers.CharField(default="", allow_blank=True)
    name = serializers.CharField(default="", allow_blank=True, max_length=64)
    as_known = serializers.BooleanField(
        default=False, help_text="Replay each version from when the market knew it; else the newest when loaded."
    )

    def request(self, created_by: str) -> StartRequest:
        given = dict(self.validated_data)
        given["symbols"] = tuple(given["symbols"])
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
    to = serializers.CharField(
        max_length=64,
        help_text="Clock to move to, within the session's window: 10:30 on the clock's date, 2025-07-03 for where that "
        "day begins, 2025-07-03T10:30, all in exchange time, or with a zone, 2025-07-03T14:30Z.",
    )


class ForkSerializer(StrictSerializer):
    at = serializers.CharField(
        max_length=64,
        required=False,
        help_text="Where it begins, a time that the session has been at, as `to` of a seek; default: its clock.",
    )


class SeekAnswer(SessionSerializer):
    note = serializers.SerializerMethodField(help_text="Where it goes instead, if nothing is played at that time.")

    class Meta(SessionSerializer.Meta):
        fields = [*SessionSerializer.Meta.fields, "note"]
        read_only_fields = fields

    def get_note(self, session: Session) -> str:
        return landing(session, self.context["asked"])


class StartAnswer(SessionSerializer):
    notes = serializers.SerializerMethodField(help_text="In what it is started otherwise than asked for, in words.")

    class Meta(SessionSerializer.Meta):
        fields = [*SessionSerializer.Meta.fields, "notes"]
        read_only_fields = fields

    def get_notes(self, session: Session) -> list[str]:
        return notes_of(session)


class SymbolsSerializer(StrictSerializer):
    symbols = serializers.ListField(child=serializers.CharField(validators=[possible_symbol]), min_length=1)


class StreamSerializer(serializers.ModelSerializer[ActiveStream]):
    symbol = serializers.CharField(source="instrument.symbol", read_only=True)

    class Meta:
        model = ActiveStream
        fields = [
            *("id", "symbol", "stream_type", "requested", "active", "expected", "present", "quality"),
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
    symbol = serializers.CharField(max_length=32)
    interval = serializers.CharField(required=False, help_text="Default: the session's own.")
    start = MomentField(required=False, help_text="First day or moment; default: the current day.")
    end = MomentField(required=False, help_text="Last day (inclusive) or moment (exclusive); default: the clock.")
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_BARS, help_text="The latest so many; default: all."
    )
    adjustment = serializers.ChoiceField(
        choices=Adjustment.choices,
        default=Adjustment.RAW,
        help_text="By actions that have gone ex by the session's clock, on the volume too.",
    )

    def within(self, session: Session) -> dict[str, Any]:
        """The query, checked against what the session plays."""
        query = {"interval": session.interval, **self.validated_data}
        played = session.streams.values_list("instrument__symbol", flat=True)
        (query["symbol"],) = spelled_as([query["symbol"]], played) or [query["symbol"]]
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
    hours = serializers.CharField(required=False, help_text="pre, regular, post: of sessions with extended hours.")


class SessionBarsSerializer(serializers.Serializer[Any]):
    session = serializers.IntegerField()
    symbol = serializers.CharField()
    interval = serializers.CharField()
    clock = serializers.DateTimeField(allow_null=True, help_text="The session's clock: no bar here ends later.")
    bars = WireBarSerializer(many=True)


SESSION_BARS_ANSWER = {**BARS_ANSWER, (200, "application/json"): SessionBarsSerializer}
