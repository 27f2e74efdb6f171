"""The engine's rows as lists: streams, events, journal, heartbeats. Read-only, and never counted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from marketdata.admin.read_only import ReadOnlyAdmin
from sessions.market_time import shown
from sessions.models import ActiveStream, JournalEntry, ServiceHeartbeat, SessionEvent, StreamType, Verification
from streaming.as_of.session_events import of_no_days_data
from streaming.base.stream_types import words
from streaming.status import is_alive
from web.holders import LOOK_AHEAD

UTC_FORM = "%Y-%m-%d %H:%M:%S"


@display(description="session", ordering="session_id")
def session_column(admin_: Any, row: Any) -> str:
    """Its number first: names may be the same."""
    return f"{row.session_id} {row.session.name}".strip()


@display(description="clock", ordering="clock")
def clock_column(admin_: Any, row: Any) -> str:
    return "" if row.clock is None else shown(row.clock, row.session)


def utc_column(field: str, title: str = "") -> Any:
    """A stamp of this computer's clock, in UTC, which its head says."""

    @display(description=f"{title or field} (UTC)", ordering=field)
    def column(admin_: Any, row: Any) -> str:
        moment = getattr(row, field)
        return "" if moment is None else f"{moment:{UTC_FORM}}"

    return column


LEVEL_COLORS = {"info": "info", "warning": "warning", "error": "danger"}


@admin.register(ActiveStream)
class ActiveStreamAdmin(ReadOnlyAdmin):
    list_display = ["instrument", "shown_session", "shown_type", "active", "seen", "shown_quality", "price"]
    list_display_links = None
    list_filter = ["active", "stream_type"]
    list_select_related = ["session", "instrument"]
    search_fields = ["=instrument__symbol"]
    search_help_text = "A symbol: AAPL"
    ordering = ["-active", "-session_id", "instrument__symbol", "stream_type"]

    shown_session = session_column

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
    list_display = ["shown_at", "shown_session", "shown_clock", "kind", "shown_level", "message"]
    list_filter = [LevelFilter]
    list_select_related = ["session"]
    search_fields = ["message"]

    shown_session, shown_at, shown_clock = session_column, utc_column("at"), clock_column

    def get_queryset(self, request: HttpRequest) -> QuerySet[SessionEvent]:
        rows: QuerySet[SessionEvent] = super().get_queryset(request)
        return rows if request.user.has_perm(LOOK_AHEAD) else of_no_days_data(rows)

    @display(description="level", label=LEVEL_COLORS)
    def shown_level(self, event: SessionEvent) -> str:
        return event.level


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ["shown_session", "number", "shown_clock", "kind", "shown_written"]
    list_filter = ["kind"]
    list_select_related = ["session"]
    ordering = ["-session_id", "-number"]

    shown_session, shown_clock, shown_written = session_column, clock_column, utc_column("written_at", "written")


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    list_display = ["shown_session", "shown_requested", "requested_by", "shown_state", "outcome", "shown_ended"]
    list_display_links = None
    list_filter = ["state"]
    list_select_related = ["session"]
    search_fields = ["=session__id"]
    search_help_text = "A session's number"
    empty_text = "A verification is asked for on a session's page, by verify_session, or over the API."

    shown_session, shown_requested = session_column, utc_column("requested_at", "requested")
    shown_ended = utc_column("ended_at", "ended")

    @display(description="state", label={"verified": "success", "differs": "danger", "failed": "danger"})
    def shown_state(self, row: Verification) -> str:
        return row.verdict


@admin.register(ServiceHeartbeat)
class ServiceHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "shown_alive", "pid", "in_use", "capacity", "shown_seen"]

    shown_seen = utc_column("seen_at", "seen")

    @display(description="state", label={"alive": "success", "silent": "danger"})
    def shown_alive(self, row: ServiceHeartbeat) -> str:
        return "alive" if is_alive(row, timezone.now()) else "silent"
