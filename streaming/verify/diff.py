"""Two runs side by side: the first market minute at which they differ, and what differs there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, dropwhile, zip_longest
from typing import Any

from sessions.models import Session
from streaming.base import joining
from streaming.engine.days.recipe import Recipe
from streaming.engine.frames.frame import Frame, decode
from streaming.engine.frames.frame_id import rfc3339
from streaming.engine.records import journal as journals
from streaming.verify.session import bodies, last_frame

MOST_REPORTED = 20
Event = dict[str, Any]
Comparison = Callable[[Session, Session], Iterator[tuple[int, Event]]]
"""What else differs in two sessions: the market time (ms) of each difference, the earliest first, and a detail."""
_comparisons: list[Comparison] = []


def compare_also(comparison: Comparison) -> None:
    """Have a part that takes part in sessions compare its own; once, when Django starts."""
    if comparison not in _comparisons:
        _comparisons.append(comparison)


@dataclass
class Difference:
    """`clock`: the first differing minute, None when there is none; `details`: what differs there."""

    sessions: tuple[int, int]
    equal: bool = True
    compared: int = 0
    clock: str | None = None
    details: list[Event] = field(default_factory=list)
    more: int = 0
    """Details beyond those that are listed."""

    def differ(self, ms: int, details: list[Event]) -> None:
        self.equal, self.clock = False, rfc3339(ms)
        self.details, self.more = details[:MOST_REPORTED], max(0, len(details) - MOST_REPORTED)

    def report(self) -> dict[str, object]:
        first, second = self.sessions
        payload = {"a": first, "b": second, "equal": self.equal, "frames_compared": self.compared}
        return {**payload, "first_difference": self.clock, "details": self.details, "more": self.more}


def diff(a: int, b: int) -> Difference:
    """Hold the newest generations of two sessions against each other, from where both have begun.

    One that is still live is compared as far as it has come. Raises Session.DoesNotExist and MarketDataError.
    """
    joining.join_all()
    first, second = (Session.objects.with_run().get(pk=pk) for pk in (a, b))
    found = Difference((a, b))
    _compare_frames(found, first, second)
    for comparison in _comparisons:
        for ms, detail in comparison(first, second):
            if found.equal:
                found.differ(ms, [])
            found.details.append(detail)
    return found


def _compare_frames(found: Difference, first: Session, second: Session) -> None:
    for one, other in zip_longest(*_from_the_later(_frames(first), _frames(second))):
        if one is None or other is None:
            if not (first.is_live or second.is_live):
                found.differ((one or other).id.ms, [{"what": "frame", "a": one is not None, "b": other is not None}])
            break
        if details := _differences(one, other):
            found.differ(min(one.id.ms, other.id.ms), details)
            break
        found.compared += 1


def _from_the_later(a: Iterator[Frame], b: Iterator[Frame]) -> tuple[Iterator[Frame], Iterator[Frame]]:
    """Both from the clock on at which the later one begins."""
    one, other = next(a, None), next(b, None)
    if one is None or other is None:
        return a if one is None else chain([one], a), b if other is None else chain([other], b)
    begin = max(one.id.ms, other.id.ms)
    ours, theirs = (
        dropwhile(lambda frame: frame.id.ms < begin, chain([first], rest)) for first, rest in ((one, a), (other, b))
    )
    return ours, theirs


def _frames(session: Session) -> Iterator[Frame]:
    recipe, journal = Recipe.of(session), journals.read(session.pk)
    until = last_frame(session, journal, session.run.generation)
    if until is not None:
        for _, frames in bodies(recipe, journal, session.run.generation, until):
            for packed in frames:
                yield decode(packed.id, packed.body, packed.chain.hex())


def _differences(a: Frame, b: Frame) -> list[Event]:
    if a.id.ms != b.id.ms:
        return [{"what": "clock", "a": a.clock.isoformat(), "b": b.clock.isoformat()}]
    ours, theirs = _events(a), _events(b)
    found: list[Event] = []
    for key in sorted({*ours, *theirs}):
        named = dict(zip(("what", "symbol", "interval", "start"), key, strict=True))
        if key not in ours or key not in theirs:
            found.append({**named, "a": key in ours, "b": key in theirs})
            continue
        fields = sorted({*ours[key], *theirs[key]})
        pairs = ((name, ours[key].get(name), theirs[key].get(name)) for name in fields)
        found += [{**named, "field": name, "a": one, "b": other} for name, one, other in pairs if one != other]
    return found


def _events(frame: Frame) -> dict[tuple[str, str, str, str], Event]:
    """The frame's events by what they are about; several of one kind are numbered."""
    events: dict[tuple[str, str, str, str], Event] = {}
    for event in frame.wire()["events"]:
        about = (event["type"], str(event.get("symbol", "")), str(event.get("interval", "")))
        start, count = str(event.get("start", "")), 0
        while (*about, start) in events:
            count += 1
            start = f"{event.get('start', '')}#{count}"
        events[(*about, start)] = event
    return events
