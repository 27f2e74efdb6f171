"""What must hold after every fault: nothing lost, nothing twice, nothing else than an undisturbed run tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sessions.models import Session, State
from streaming.engine import journal as journals
from streaming.engine.frames import FrameId, decode
from streaming.engine.loading import Recipe
from streaming.proof.verify import bodies, last_frame, verify
from tests.faults.listener import Notes, Told, told_by


def problems(session: Session, readers: Sequence[Notes], undisturbed: str, expect: Iterable[str]) -> list[str]:
    """`undisturbed`: the chain of the same recipe without faults, '' where controls made it another run."""
    session.refresh_from_db()
    if session.state != State.COMPLETED:
        return [f"session {session.pk} is {session.state} at {session.clock}: {session.reason}"]
    found = [f"session {session.pk}: {problem}" for problem in verify(session.pk).problems]
    if undisturbed and session.chain != undisturbed:
        found.append(f"session {session.pk}: chain {session.chain} is not the undisturbed run's {undisturbed}")
    kinds = set(session.events.values_list("kind", flat=True))
    found += [f"session {session.pk}: no event tells of {kind}" for kind in expect if kind not in kinds]
    for notes in readers:
        found += [f"session {session.pk}, {notes.name} reader: {problem}" for problem in misread(session, notes)]
    return found


def misread(session: Session, notes: Notes) -> list[str]:
    if not notes.ended.wait(90):
        return [f"stands at {notes.frames[-1][0] if notes.frames else 'nothing'} while the session has ended"]
    if notes.error:
        return [notes.error]
    told: dict[int, list[Told]] = {}
    for frame in notes.frames:
        told.setdefault(FrameId.parse(frame[0]).generation, []).append(frame)
    if list(told) != sorted(told):
        return [f"generations came as {list(told)}"]
    found = []
    for generation in range(1, session.generation + 1):
        heard, made = told.get(generation, []), what_was_told(session, generation)
        if generation in notes.snapshots:
            begin = FrameId.parse(notes.snapshots[generation])
            made = [frame for frame in made if FrameId.parse(frame[0]) > begin]
        whole = generation == session.generation
        # Of a generation that was left, a reader may have been on its way: what it got is the beginning.
        if heard != (made if whole else made[: len(heard)]):
            found.append(_difference(generation, heard, made))
    return found


def what_was_told(session: Session, generation: int) -> list[Told]:
    """A generation's frames as journal and store give them."""
    recipe, journal = Recipe.of(session), journals.read(session.pk)
    until = last_frame(session, journal, generation)
    if until is None:
        return []
    days = bodies(recipe, journal, generation, until)
    return [told_by(decode(f.id, f.body, f.chain.hex()).wire()) for _, frames in days for f in frames]


def _difference(generation: int, heard: list[Told], made: list[Told]) -> str:
    ids = [frame[0] for frame in heard]
    if len(set(ids)) != len(ids):
        return f"generation {generation}: {len(ids) - len(set(ids))} frames came twice"
    first = next((n for n, (one, other) in enumerate(zip(heard, made, strict=False)) if one != other), None)
    if first is None:
        return f"generation {generation}: {len(heard)} frames of {len(made)}"
    return f"generation {generation}: frame {first} is {heard[first][0]}, not {made[first][0]} (or tells otherwise)"
