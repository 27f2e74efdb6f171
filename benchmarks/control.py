"""How long a control takes, from its commit to its being applied, at any speed and while a day loads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks import world
from benchmarks.rows import Row

SYMBOLS, DAYS, PRESSES = 500, 10, 60
SPEEDS = (1.0, 60.0, 10_000.0, 0.0)


def run() -> Iterator[Row]:
    with world.worker():
        for speed in SPEEDS:
            yield measure(f"speed {speed:g}", speed)
        yield measure("while days load", 60.0, seek=True)


def measure(what: str, speed: float, *, seek: bool = False) -> Row:
    """p99 of pauses, resumes, steps and changes of speed on one session; with `seek`, each while another day loads."""
    import numpy as np

    from marketdata import calendar
    from sessions import control

    session = started(speed)
    days = calendar.trading_days(session.start_date, session.end_date)
    waits: list[float] = []
    for number in range(PRESSES):
        session.refresh_from_db()
        if not session.is_live:  # at speed 0 the window does not last
            session = started(speed)
        if seek:
            _once(partial(control.seek, session.pk, days[number % len(days)].open))
        for press in (control.pause, control.step, partial(control.set_speed, speed=speed), control.resume):
            waits += filter(None, [_once(partial(press, session.pk))])
            time.sleep(0.05)  # people do not press faster
    _once(partial(control.stop, session.pk))
    p50, p99, worst = np.percentile(waits, [50, 99, 100]) * 1000
    note = f"median {p50:.1f}, worst {worst:.1f}, {len(waits)} controls"
    return Row(f"control applied, p99, {what}", p99, "ms", note)


def started(speed: float):  # type: ignore[no-untyped-def]
    from streaming.starts import service
    from streaming.starts.request import StartRequest

    dataset, first, last, _ = world.ensure_days(world.symbols(SYMBOLS), DAYS)
    request = StartRequest(world.symbols(SYMBOLS), first, last, speed=speed, dataset=dataset)
    return service.start(request).session


def _once(press: Callable[[], object]) -> float | None:
    """Seconds from the commit of a control to its being applied; None where it was refused."""
    from sessions.control import ControlError
    from sessions.models import Session, TransitionError

    try:
        session = press()
    except (ControlError, TransitionError):  # the seek before is not over yet, or the session has ended
        return None
    began = time.perf_counter()
    assert isinstance(session, Session)
    while True:
        applied, state = Session.objects.values_list("run__applied_version", "state").get(pk=session.pk)
        if applied >= session.control_version or state in ("completed", "stopped"):
            return time.perf_counter() - began
        time.sleep(0.0005)
