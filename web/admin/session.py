"""Sessions in the admin: the list, one session's live page with its controls, and the form that starts one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from sessions import control
from sessions.models import LIVE, ActiveStream, Session, SessionEvent, State, TransitionError
from sessions.redis_faults import fault
from sessions.removal import StillLive
from streaming.starts import service
from streaming.verify import jobs
from web.admin import controls, feed_view, landing, page, start_data
from web.admin.start_form import SessionStartForm
from web.holders import ANALYZE
from web.pages import cards
from web.pages.cards import SHOWN_SYMBOLS, day_progress, speed_text

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


@admin.register(Session)
class SessionAdmin(ModelAdmin):
    list_display = [
        *("title", "shown_state", "dataset", "progress", "shown_speed", "shown_symbols"),
        *("shown_worker", "shown_events"),
    ]
    list_display_links = ["title"]
    list_filter = ["state"]
    list_select_related = ["dataset", "run"]
    list_per_page = 50
    search_fields = ["name", "=streams__instrument__symbol"]
    search_help_text = "A name, or a symbol that it plays"
    show_full_result_count = False
    actions = ["pause", "resume", "stop", "verify", "delete_selected"]
    add_form_template = "web/start.html"
    add_fieldsets = [
        (
            None,
            {
                "fields": [
                    *("symbols", "dataset", "provider", "date", "until", "speed"),
                    *("types", "hours", "derive", "name", "as_known"),
                ]
            },
        ),
    ]

    # --- addresses ----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        own = [
            path("live/", site(landing.live), name="replay_session_live"),
            path("live/cards/", site(landing.cards_fragment), name="replay_session_cards"),
            path("live/system/", site(landing.system_fragment), name="replay_session_system"),
            path("live/ended/", site(landing.ended_fragment), name="replay_session_ended"),
            path("symbols/", site(start_data.symbols), name="replay_session_symbols"),
            path("month/", site(start_data.month), name="replay_session_month"),
            path("<int:pk>/panels/", site(self.panels), name="replay_session_panels"),
            path("<int:pk>/feed/", feed_view.session_feed, name="replay_session_feed"),
            path("<int:pk>/earlier/", site(feed_view.earlier), name="replay_session_earlier"),
        ]
        own += [
            path(f"<int:pk>/{verb}/", site(require_POST(self.control)), {"verb": verb}, name=f"replay_session_{verb}")
            for verb in (*controls.VERBS, *controls.OPENING, *controls.PROVING)
        ]
        return [*own, *super().get_urls()]

    def control(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        if not self._may(verb, request):
            raise PermissionDenied
        if not Session.objects.filter(pk=pk).exists():
            raise Http404(f"There is no session {pk}.")
        return controls.answer(request, pk, verb)

    def _may(self, verb: str, request: HttpRequest) -> bool:
        if verb in controls.PROVING:
            return self.has_verify_permission(request)
        return self.has_add_permission(request) if verb in controls.OPENING else self.has_control_permission(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The live page. Never a form over a row that its worker writes."""
        if request.method != "GET" or not self.has_view_permission(request):
            raise PermissionDenied
        session = page.find(object_id, request.user)
        context = {
            **self.admin_site.each_context(request),
            **page.context(session),
            "opts": self.opts,
            "title": cards.title(session),
            "original": session,
            "may_control": self.has_control_permission(request) and session.is_live,
            "may_start": self.has_add_permission(request),
            "may_verify": self.has_verify_permission(request),
            "may_delete": self.has_delete_permission(request, session),
            **page.account_context(session, request.user),
        }
        return TemplateResponse(request, "web/session.html", context)

    def panels(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tables of the live page; status 286 stops the page from asking again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        session = page.find(str(pk), request.user)
        reported = page.panels(session)
        over = not session.is_live and not any(row.unfinished for row in reported["verifications"])
        return TemplateResponse(request, "web/panels.html", reported, status=286 if over else 200)

    # --- who may what -------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never a form over a row that its worker writes: what people may change are the controls."""
        return False

    def has_control_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("replay.change_session"))

    def has_verify_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perms(ANALYZE))

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_live)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Any:
        """A session takes what belongs to it along; none of it can be deleted alone."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, {name for name in needed if name == self.opts.verbose_name}, protected

    # --- starting one -------------------------------------------------------------------------------

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The address may carry the fields: "start another like this" does."""
        given: dict[str, Any] = dict(request.GET.items())
        return given | ({"types": given["types"].split(",")} if "types" in given else {})

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> type[ModelForm[Session]]:
        by = {"created_by": request.user.get_username()}
        return type("SessionStartForm", (SessionStartForm,), by)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": "Start a session", "content_title": "Start a session"}
        answer: HttpResponse = super().add_view(request, form_url, (extra_context or {}) | title)
        return answer

    def response_add(self, request: HttpRequest, obj: Session, post_url_continue: str | None = None) -> HttpResponse:
        """To the session's live page, where its start can be watched."""
        return redirect("admin:replay_session_change", obj.pk)

    def save_model(self, request: HttpRequest, obj: Session, form: Any, change: bool) -> None:
        """The form has created the row; the start itself is queued, as from the API."""
        for note in service.notes_of(obj):
            self.message_user(request, note, messages.WARNING)
        transaction.on_commit(lambda: self._queue(request, obj))

    def _queue(self, request: HttpRequest, obj: Session) -> None:
        try:
            service.queue_start(obj.pk)
        except OperationalError as error:
            self.message_user(request, f"{fault(error)}: the session has failed to start.", messages.ERROR)

    # --- the list -----------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        rows: QuerySet[Session] = super().get_queryset(request)
        streams = ActiveStream.objects.filter(session=OuterRef("pk"), requested=True).values("instrument__symbol")
        events = SessionEvent.objects.filter(session=OuterRef("pk"))
        return rows.annotate(
            some_symbols=ArraySubquery(streams.order_by("instrument__symbol").distinct()[: SHOWN_SYMBOLS + 1]),
            some_events=ArraySubquery(events.values("pk")[:COUNTED_EVENTS]),
        )

    @action(description="Delete selected sessions", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Session]) -> HttpResponse | None:
        """Django's page that asks, unless one is live."""
        if live := list(queryset.filter(state__in=LIVE).values_list("pk", flat=True)):
            self.message_user(request, f"{StillLive(live)} Nothing was deleted.", messages.ERROR)
            return None
        return delete_selected(self, request, queryset)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        session = self.get_object(request, unquote(object_id))
        if session and session.is_live and super().has_delete_permission(request, session):
            self.message_user(request, str(StillLive([session.pk])), messages.ERROR)
            return redirect("admin:replay_session_change", session.pk)
        answer: HttpResponse = super().delete_view(request, object_id, extra_context)
        return answer

    @action(description="Pause", permissions=["control"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        self._control(request, queryset, control.pause, "paused")

    @action(description="Resume", permissions=["control"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        self._control(request, queryset, control.resume, "resumed")

    @action(description="Stop", permissions=["control"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        self._control(request, queryset, control.stop, "stopped")

    @action(description="Verify", permissions=["verify"])
    def verify(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        for pk in queryset.order_by("pk").values_list("pk", flat=True):
            jobs.ask(pk, by=request.user.get_username())
            self.message_user(request, f"Session {pk} is being verified: its page says what came of it.")

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

    @display(description="clock", ordering="run__clock")
    def progress(self, session: Session) -> str:
        return day_progress(session) or f"{session.start_date}, not begun"

    @display(description="speed", ordering="speed")
    def shown_speed(self, session: Session) -> str:
        return speed_text(session.speed)

    @display(description="worker", ordering="run__worker")
    def shown_worker(self, session: Session) -> str:
        return session.run.worker

    @display(description="symbols")
    def shown_symbols(self, session: Any) -> str:
        shown = ", ".join(session.some_symbols[:SHOWN_SYMBOLS])
        return f"{shown}, …" if len(session.some_symbols) > SHOWN_SYMBOLS else shown

    @display(description="events")
    def shown_events(self, session: Any) -> str:
        """Counted up to a bound, so that a long-lived session costs no more than a new one."""
        count = len(session.some_events)
        return f"{count - 1}+" if count == COUNTED_EVENTS else str(count)
