"""Who must see a session's frames before they go out, and what it adds to them. The engine does not import it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sessions.models import Session
from streaming.base import joining
from streaming.engine.records.journal import Journal
from streaming.engine.tape.merge import Tape


class Entry(NamedTuple):
    """What goes out beside frames, in a Redis stream of its own: in the same transaction, under the same fence."""

    stream: str
    id: str
    fields: Mapping[str, bytes]


@dataclass(slots=True)
class Stage:
    """What a participant may know of the run that it takes part in; the engine keeps it up to date."""

    session: Session
    epoch: int
    generation: int
    published_ms: int
    """The newest published frame, or the clock at which the generation begins."""


class Participant(Protocol):
    """Called by the thread that plays the session, within a database connection."""

    @property
    def active(self) -> bool:
        """Whether it is to be asked at every frame."""

    def show(self, tape: Tape, journal: Journal) -> None:
        """Another day, or the same one with other content."""

    def before(self, until_ms: int) -> list[Entry]:
        """Frames up to `until_ms` are about to go out: work through them; returns what goes out with them."""

    def pick_up(self) -> list[Entry]:
        """Look for new requests; returns what goes out at once."""

    def moved(self, to: dt.datetime) -> None:
        """The clock is set to another moment; the stage has the new generation."""


class Nobody:
    """The participant of a session in which nobody takes part."""

    active = False

    def show(self, tape: Tape, journal: Journal) -> None: ...

    def before(self, until_ms: int) -> list[Entry]:
        return []

    def pick_up(self) -> list[Entry]:
        return []

    def moved(self, to: dt.datetime) -> None: ...


Factory = Callable[[Stage], Participant]
_factories: list[Factory] = []


def register(factory: Factory) -> None:
    """Have a participant made for every session that is played; called once, by `streaming.base.joining`."""
    _factories[:] = [factory]


def participant_of(stage: Stage) -> Participant:
    joining.join_all()
    return _factories[0](stage) if _factories else Nobody()
