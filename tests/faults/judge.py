"""What must hold after every fault: nothing lost, nothing twice, nothing else than an undisturbed run gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sessions.models import Session, State
from streaming.engine.days.recipe import Recipe
from streaming.engine.frames.frame import decode
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.records import journal as journals
from streaming.verify.session import bodies, last_frame, verify
from tests.faults.listener import Heard, Notes, heard_in


def problems(session: Session, readers: Sequence[Notes], undisturbed: str, expect: Iterable[str]) -> list[str]:
    """`undisturbed`: the chain of the same recipe without faults, '' where controls made it another run."""
    session.refresh_from_db()
    if session.state != State.COMPLETED:
        return [f"session {session.pk} is {session.state} at {session.run.clock}: {session.reason}"]
    found = [f"session {session.pk}: {problem}" for problem in verify(session.pk).problems]
    if undisturbed and session.run.chain != undisturbed:
        found.append(f"session {session.pk}: chain {session.run.chain} is not the undisturbed run's {undisturbed}")
    kinds = set(session.events.values_list("kind", flat=True))
    found += [f"session {session.pk}: no event reports {kind}" for kind in expect if kind not in kinds]
    for notes in readers:
        found += [f"session {session.pk}, {notes.name} reader: {problem}" for problem in misread(session, notes)]
    return found


def misread(session: Session, notes: Notes) -> list[str]:
    if not notes.ended.wait(90):
        return [f"stands at {notes.frames[-1][0] if notes.frames else 'nothing'} while the session has ended"]
    if notes.error:
        return [notes.error]
    payload: dict[int, list[Heard]] = {}
    for frame in notes.frames:
        payload.setdefault(FrameId.parse(frame[0]).generation, []).append(frame)
    if list(payload) != sorted(payload):
        return [f"generations came as {list(payload)}"]
    found = []
    for generation in range(1, session.run.generation + 1):
        heard, made = payload.get(generation, []), what_was_published(session, generation)
        if generation in notes.snapshots:
            begin = FrameId.parse(notes.snapshots[generation])
            made = [frame for frame in made if FrameId.parse(frame[0]) > begin]
        whole = generation == session.run.generation
        # Of a generation that was left, a reader may have been on its way: what it got is the beginning.
        if heard != (made if whole else made[: len(heard)]):
            found.append(_difference(generation, heard, made))
    return found


def what_was_published(session: Session, generation: int) -> list[Heard]:
    """A generation's frames as journal and store give them."""
    recipe, journal = Recipe.of(session), journals.read(session.pk)
    until = last_frame(session, journal, generation)
    if until is None:
        return []
    days = bodies(recipe, journal, generation, until)
    return [heard_in(decode(f.id, f.body, f.chain.hex()).wire()) for _, frames in days for f in frames]


def _difference(generation: int, heard: list[Heard], made: list[Heard]) -> str:
    ids = [frame[0] for frame in heard]
    if len(set(ids)) != len(ids):
        return f"generation {generation}: {len(ids) - len(set(ids))} frames came twice"
    first = next((n for n, (one, other) in enumerate(zip(heard, made, strict=False)) if one != other), None)
    if first is None:
        return f"generation {generation}: {len(heard)} frames of {len(made)}"
    return f"generation {generation}: frame {first} is {heard[first][0]}, not {made[first][0]} (or differs otherwise)"
