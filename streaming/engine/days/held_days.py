"""The days that a session holds: the one played and at most the prefetched next; loading never blocks the player."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from marketdata.errors import ProviderFailed
from streaming.engine.days.day_loader import DayLoader
from streaming.engine.days.loading import pin, tape_of
from streaming.engine.days.pins_ahead import PinsAhead
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal as journals
from streaming.engine.records.journal import Journal
from streaming.engine.records.lease import Lease
from streaming.engine.tape.merge import Tape

TRIES, RETRY_WAIT = 5, 2.0
FIRST_GUESS = 0.5
"""Seconds that a load is taken to need before one was measured."""


@dataclass(frozen=True, slots=True)
class Loaded:
    journal: Journal
    tape: Tape


@dataclass(slots=True)
class Loading:
    """A day on its way, asked for again while its provider fails."""

    date: dt.date
    generation: int
    """That will play it."""
    extra: frozenset[str] = frozenset()
    journal: Journal | None = None
    """The session's so far, where the day may be one of those that are pinned together."""
    future: Future[Loaded] | None = None
    behind: Future[Loaded] | None = None
    """A day being loaded that is not needed any more: never a third, so this one begins when it has ended."""
    tries: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class Move:
    """On the way to another day; market time stands still until it is there."""

    loading: Loading
    to: dt.datetime | None = None
    """The clock asked for by a seek; None for the rollover to the next day's open."""
    since: float = field(default_factory=time.monotonic)
    reported: bool = False
    """Whether the session has said that it waits."""


class Days:
    """Loads days in the background for one session; whoever waits is woken when one is there."""

    def __init__(
        self,
        recipe: Recipe,
        lease: Lease,
        loader: Executor,
        wake: Callable[[], None],
        report: Callable[[str], None],
        generation: int,
    ) -> None:
        self.recipe, self.lease, self.wake, self.report = recipe, lease, wake, report
        self.loader = DayLoader(loader, self._load)
        self.generation = generation
        self.load_seconds = FIRST_GUESS
        self.prefetched: Loading | None = None
        self.pins_ahead = PinsAhead(recipe, lease.epoch, loader)

    def prefetch(self, date: dt.date, journal: Journal | None = None) -> None:
        """Begin to load the next day; `journal` is the session's, where days go by at full speed."""
        self.prefetched = self.ask(date, journal=journal)

    def ask(self, date: dt.date, extra: frozenset[str] = frozenset(), journal: Journal | None = None) -> Loading:
        """Begin to load a day of the session's symbols and `extra` ones."""
        loading = Loading(date, self.generation, extra, journal=journal)
        self._submit(loading)
        return loading

    def take(self, date: dt.date, generation: int | None = None) -> Loading:
        """The day as far as it has come: prefetched, or asked for now. Another prefetched day is dropped."""
        prefetched, self.prefetched = self.prefetched, None
        if prefetched and prefetched.date == date:
            return prefetched
        loading = Loading(date, generation or self.generation)
        if prefetched and prefetched.future and not prefetched.future.cancel():
            loading.behind = prefetched.future
            prefetched.future.add_done_callback(lambda _: self.wake())
        self.poll(loading)
        return loading

    def poll(self, loading: Loading) -> Loaded | None:
        """The day once it is there, None before. Raises MarketDataError, a failing provider's after its last try."""
        if loading.future is None:
            held_back = loading.behind is not None and not loading.behind.done()
            if not held_back and time.monotonic() >= loading.not_before:
                self._submit(loading)
            return None
        if not loading.future.done():
            return None
        try:
            return loading.future.result()
        except ProviderFailed as error:
            if loading.tries >= TRIES:
                raise
            self.report(f"{loading.date}: {error} (try {loading.tries} of {TRIES})")
            loading.future, loading.not_before = None, time.monotonic() + RETRY_WAIT * loading.tries
            return None

    def ready(self) -> Tape | None:
        """The prefetched day's tape, once it is held."""
        future = self.prefetched.future if self.prefetched else None
        if future and future.done() and not future.cancelled() and not future.exception():
            return future.result().tape
        return None

    def held(self, playing: Tape) -> dict[str, object]:
        """What is held, as the row shows it: the current day and at most the prefetched next one."""
        tapes = [tape for tape in (playing, self.ready()) if tape]
        return {"days_held": [t.day.date for t in tapes], "bars_held": sum(t.bar_count for t in tapes)}

    def _submit(self, loading: Loading) -> None:
        loading.tries += 1
        loading.future = self.loader.ask(loading, another_soon=loading.journal is not None)
        loading.future.add_done_callback(lambda _: self.wake())

    def _load(self, loading: Loading) -> Loaded:
        started, date = time.monotonic(), loading.date
        if taken := self.pins_ahead.take(date, loading.journal):
            journal, read = taken
        else:
            journal, read = journals.read(self.recipe.session_id, date), ()
            journal = pin(self.recipe, journal, date, journal.latest() | loading.extra, self.lease.epoch)
        tape = tape_of(self.recipe, journal, date, generation=loading.generation, read=read)
        self.load_seconds = time.monotonic() - started
        return Loaded(journal, tape)
