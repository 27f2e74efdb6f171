"""The engine's rows as lists: streams, events, journal, heartbeats. Read-only, and never counted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from marketdata.admin.read_only import ReadOnlyAdmin
from sessions.models import ActiveStream, JournalEntry, ServiceHeartbeat, SessionEvent, StreamType, Verification
from streaming.as_of.session_events import of_no_days_data
from streaming.base.stream_types import words
from streaming.status import is_alive
from web.holders import LOOK_AHEAD

LEVEL_COLORS = {"info": "info", "warning": "warning", "error": "danger"}


@admin.register(ActiveStream)
class ActiveStreamAdmin(ReadOnlyAdmin):
    list_display = ["instrument", "session", "shown_type", "active", "seen", "shown_quality", "price"]
    list_display_links = None
    list_filter = ["active", "stream_type"]
    list_select_related = ["session", "instrument"]
    search_fields = ["=instrument__symbol"]
    search_help_text = "A symbol: AAPL"
    ordering = ["-session", "instrument__symbol", "stream_type"]

    @display(description="type", ordering="stream_type")
    def shown_type(self, stream: ActiveStream) -> str:
        return words(stream.stream_type).many

    @display(description="seen", ordering="present")
    def seen(self, stream: ActiveStream) -> str:
        """Minutes are expected, trades and quotes are not."""
        bars = stream.stream_type == StreamType.BARS
        return f"{stream.present:,} of {stream.expected:,}" if bars else f"{stream.present:,}"

    @display(description="quality", ordering="quality")
    def shown_quality(self, stream: ActiveStream) -> str:
        return "n/a" if stream.quality is None else f"{stream.quality:.1%}"

    @display(description="last price", ordering="last_price")
    def price(self, stream: ActiveStream) -> str:
        return "–" if stream.last_price is None else f"{stream.last_price:,.10g}"


class LevelFilter(admin.SimpleListFilter):
    """The levels that there are: asking the table for them would walk all of it."""

    title, parameter_name = "level", "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(level, level) for level in LEVEL_COLORS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SessionEvent]) -> QuerySet[SessionEvent]:
        return queryset.filter(level=self.value()) if self.value() else queryset


@admin.register(SessionEvent)
class SessionEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "session", "clock", "kind", "shown_level", "message"]
    list_filter = [LevelFilter]
    list_select_related = ["session"]
    search_fields = ["message"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SessionEvent]:
        rows: QuerySet[SessionEvent] = super().get_queryset(request)
        return rows if request.user.has_perm(LOOK_AHEAD) else of_no_days_data(rows)

    @display(description="level", label=LEVEL_COLORS)
    def shown_level(self, event: SessionEvent) -> str:
        return event.level


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ["session", "number", "clock", "kind", "written_at"]
    list_filter = ["kind"]
    list_select_related = ["session"]
    ordering = ["-session", "-number"]


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = ["session", "requested_at", "requested_by", "shown_state", "outcome", "ended_at"]
    list_display_links = None
    list_filter = ["state"]
    list_select_related = ["session"]
    search_fields = ["=session__id"]
    search_help_text = "A session's number"

    @display(description="state", label={"verified": "success", "differs": "danger", "failed": "danger"})
    def shown_state(self, row: Verification) -> str:
        return row.verdict


@admin.register(ServiceHeartbeat)
class ServiceHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "shown_alive", "pid", "in_use", "capacity", "seen_at"]

    @display(description="state", label={"alive": "success", "silent": "danger"})
    def shown_alive(self, row: ServiceHeartbeat) -> str:
        return "alive" if is_alive(row, timezone.now()) else "silent"
