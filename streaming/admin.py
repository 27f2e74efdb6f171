"""The admin as status view of the replays. It controls through `sessions.control` and never writes a row itself:
the row of a running session belongs to its worker."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from kombu.exceptions import OperationalError
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from marketdata import calendar
from marketdata.admin import ReadOnlyAdmin
from sessions import control
from sessions.models import (
    ActiveStream,
    JournalEntry,
    ServiceHeartbeat,
    Session,
    SessionEvent,
    State,
    TransitionError,
)
from streaming import key_admin as key_admin
from streaming import service
from streaming.start_form import SessionStartForm
from streaming.status import is_alive

RECENT = 20
SHOWN_SYMBOLS = 6
COUNTED_EVENTS = 100
STATE_COLORS = {
    State.CREATED: "info",
    State.STARTING: "info",
    State.RUNNING: "success",
    State.PAUSED: "warning",
    State.COMPLETED: "primary",
    State.STOPPED: "warning",
    State.FAILED: "danger",
}
LEVEL_COLORS = {"info": "info", "warning": "warning", "error": "danger"}


class StreamInline(TabularInline):
    model = ActiveStream
    fields = ["instrument", "stream_type", "active", "present", "expected", "shown_quality", "last_price"]
    readonly_fields = fields
    extra = 0
    per_page = 50
    can_delete = False
    tab = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ActiveStream]:
        rows: QuerySet[ActiveStream] = super().get_queryset(request)
        return rows.select_related("instrument").order_by("instrument__symbol", "stream_type")

    @display(description="quality")
    def shown_quality(self, stream: ActiveStream) -> str:
        return "n/a" if stream.quality is None else f"{stream.quality:.1%}"


@admin.register(Session)
class SessionAdmin(ModelAdmin):
    list_display = [
        *("title", "shown_state", "dataset", "clock", "progress", "shown_speed", "shown_symbols"),
        *("worker", "shown_events"),
    ]
    list_display_links = ["title"]
    list_filter = ["state"]
    list_select_related = ["dataset"]
    list_per_page = 50
    search_fields = ["name"]
    show_full_result_count = False
    actions = ["pause", "resume", "stop"]
    inlines = [StreamInline]
    add_fieldsets = [
        (None, {"fields": ["symbols", "dataset", ("date", "until"), "speed", "derive", "name"]}),
    ]
    fieldsets: list[tuple[str | None, dict[str, Any]]] = [
        (None, {"fields": [("state", "progress"), ("clock", "shown_speed"), "reason"]}),
        ("What is replayed", {"fields": ["dataset", ("start_date", "end_date"), ("interval", "derive")]}),
        (
            "Where it runs",
            {"fields": [("worker", "lease_renewed_at"), ("days_held", "bars_held"), "frame_id", "chain"]},
        ),
        ("Who asked", {"fields": [("name", "created_by"), ("created_at", "ended_at")]}),
        ("What happened", {"fields": ["recent_events", "journal"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        rows: QuerySet[Session] = super().get_queryset(request)
        streams = ActiveStream.objects.filter(session=OuterRef("pk"), active=True)
        events = SessionEvent.objects.filter(session=OuterRef("pk"))
        return rows.annotate(
            some_symbols=ArraySubquery(
                streams.order_by("instrument__symbol").values("instrument__symbol")[: SHOWN_SYMBOLS + 1]
            ),
            some_events=ArraySubquery(events.values("pk")[:COUNTED_EVENTS]),
        )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With its newest events and journal: the template asks for each field several times."""
        session = super().get_object(request, object_id, from_field)
        if session is not None:
            session.newest_events = list(session.events.all()[:RECENT])
            session.newest_journal = list(session.journal.order_by("-number")[:RECENT])
        return session

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> type[ModelForm[Session]]:
        if obj is None:
            by = {"created_by": request.user.get_username()}
            return type("SessionStartForm", (SessionStartForm,), by)
        form: type[ModelForm[Session]] = super().get_form(request, obj, **kwargs)
        return form

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[type[TabularInline]]:
        return self.inlines if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Iterable[str]:
        names = [name for _, options in self.fieldsets for name in _flat(options["fields"])]
        return names if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never a form over a row that its worker writes: what people may change are the actions."""
        return False

    def has_control_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("replay.change_session"))

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_live)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Any:
        """A session takes its journal and events with it; neither can be deleted alone."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, needed - {"journal entry", "session event"}, protected

    def save_model(self, request: HttpRequest, obj: Session, form: Any, change: bool) -> None:
        """The form has created the row; the start itself is queued, as from the API."""
        transaction.on_commit(lambda: self._queue(request, obj))

    def _queue(self, request: HttpRequest, obj: Session) -> None:
        try:
            service.queue_start(obj.pk)
        except OperationalError:
            self.message_user(request, "Redis does not answer: the session has failed to start.", messages.ERROR)

    @action(description="Pause", permissions=["control"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        self._control(request, queryset, control.pause, "paused")

    @action(description="Resume", permissions=["control"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        self._control(request, queryset, control.resume, "resumed")

    @action(description="Stop", permissions=["control"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        self._control(request, queryset, control.stop, "stopped")

    def _control(
        self, request: HttpRequest, queryset: QuerySet[Session], verb: Callable[..., Session], done: str
    ) -> None:
        by = request.user.get_username()
        for pk in queryset.order_by("pk").values_list("pk", flat=True):
            try:
                verb(pk, by=by)
            except (control.ControlError, TransitionError) as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"Session {pk} is being {done}.", messages.SUCCESS)

    @display(description="session", ordering="pk")
    def title(self, session: Session) -> str:
        return f"{session.pk} {session.name}".strip()

    @display(description="state", ordering="state", label=STATE_COLORS)
    def shown_state(self, session: Session) -> tuple[str, str]:
        return session.state, session.get_state_display()

    @display(description="day")
    def progress(self, session: Session) -> str:
        return day_progress(session.clock) or str(session.start_date)

    @display(description="speed", ordering="speed")
    def shown_speed(self, session: Session) -> str:
        return speed_text(session.speed)

    @display(description="symbols")
    def shown_symbols(self, session: Any) -> str:
        shown = ", ".join(session.some_symbols[:SHOWN_SYMBOLS])
        return f"{shown}, …" if len(session.some_symbols) > SHOWN_SYMBOLS else shown

    @display(description="events")
    def shown_events(self, session: Any) -> str:
        """Counted up to a bound, so that a long-lived session costs no more than a new one."""
        count = len(session.some_events)
        return f"{count - 1}+" if count == COUNTED_EVENTS else str(count)

    @display(description="recent events")
    def recent_events(self, session: Any) -> SafeString:
        rows = [(_moment(row.clock), row.level, row.message) for row in session.newest_events]
        return _lines(rows, "admin:replay_sessionevent_changelist", session)

    @display(description="journal")
    def journal(self, session: Any) -> SafeString:
        newest = session.newest_journal
        rows = [(f"#{row.number} {_moment(row.clock)}", row.kind, str(row.payload)[:200]) for row in newest]
        return _lines(rows, "admin:replay_journalentry_changelist", session)


@admin.register(SessionEvent)
class SessionEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "session", "clock", "kind", "shown_level", "message"]
    list_filter = ["level"]
    list_select_related = ["session"]
    search_fields = ["message"]

    @display(description="level", label=LEVEL_COLORS)
    def shown_level(self, event: SessionEvent) -> str:
        return event.level


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ["session", "number", "clock", "kind", "written_at"]
    list_filter = ["kind"]
    list_select_related = ["session"]
    ordering = ["-session", "-number"]


@admin.register(ServiceHeartbeat)
class ServiceHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "shown_alive", "pid", "in_use", "capacity", "seen_at"]

    @display(description="alive", boolean=True)
    def shown_alive(self, row: ServiceHeartbeat) -> bool:
        return is_alive(row, timezone.now())


def day_progress(clock: dt.datetime | None) -> str:
    """The trading day that the clock is in, and how much of it is over."""
    if clock is None:
        return ""
    date = calendar.session_date_of(clock)
    day = calendar.trading_day(date)
    return f"{date} {(clock - day.open) / (day.close - day.open):.0%}"


def speed_text(speed: float) -> str:
    return "as fast as possible" if speed == 0 else f"{speed:g}×"


def _flat(names: Iterable[str | tuple[str, ...]]) -> list[str]:
    return [name for row in names for name in ((row,) if isinstance(row, str) else row)]


def _moment(clock: dt.datetime | None) -> str:
    return f"{clock:%Y-%m-%d %H:%M:%S}" if clock else "–"


def _lines(rows: list[tuple[str, str, str]], all_of_them: str, session: Session) -> SafeString:
    if not rows:
        return format_html("–")
    lines = format_html_join("\n", "<div>{} · {} · {}</div>", rows)
    address = f"{reverse(all_of_them)}?session__id__exact={session.pk}"
    return format_html('{}<div><a href="{}">All of them</a></div>', lines, address)
