"""When a stream connects again, and when it gives up."""

from __future__ import annotations

import pytest

from tapedeck_client import ConnectionLost, FrameId, NotFound, TapedeckError, TooManyRequests
from tapedeck_client.errors import api_error
from tapedeck_client.streams.attempts import LONGEST_WAIT_SECONDS, Attempts

LOST = ConnectionLost("the server does not answer")


def connected(patience: float = 60.0) -> Attempts:
    attempts = Attempts(patience)
    assert attempts.succeeded(None, 0.0) is None
    return attempts


def test_waits_grow_to_a_longest_one() -> None:
    attempts = connected()
    waits = [attempts.failed(LOST, 1.0) for _ in range(12)]
    assert 0.1 <= waits[0] <= 0.2 and 0.2 <= waits[1] <= 0.4 and 0.4 <= waits[2] <= 0.8
    assert min(waits[8:]) >= LONGEST_WAIT_SECONDS / 2 and max(waits) <= LONGEST_WAIT_SECONDS


def test_an_outage_that_is_over_is_reported_once() -> None:
    attempts = connected()
    attempts.failed(LOST, 10.0)
    attempts.failed(ConnectionLost("and still does not"), 11.0)
    back = attempts.succeeded(FrameId(1, 20, 0), 14.0)
    assert back is not None and (str(back.after), back.seconds, back.attempts) == ("1.20-0", 4.0, 2)
    assert back.reason == "the server does not answer" and attempts.succeeded(None, 15.0) is None
    assert attempts.failed(LOST, 16.0) <= 0.2


def test_patience_is_for_one_outage() -> None:
    attempts = connected(patience=5.0)
    for now in (100.0, 104.0):
        attempts.failed(LOST, now)
    attempts.succeeded(None, 105.0)
    attempts.failed(LOST, 106.0)
    with pytest.raises(ConnectionLost, match="no connection for 6 seconds: the server does not answer"):
        attempts.failed(LOST, 112.0)


def test_a_server_that_is_busy_says_when_to_come_back() -> None:
    busy = api_error(429, b"{}", {"retry-after": "17"})
    assert isinstance(busy, TooManyRequests) and connected().failed(busy, 1.0) == 17.0


@pytest.mark.parametrize("error", [NotFound(404, "Not Found", "No such session"), TapedeckError("?")])
def test_what_will_not_change_is_raised_at_once(error: TapedeckError) -> None:
    with pytest.raises(type(error)):
        connected().failed(error, 1.0)


def test_the_first_connection_is_not_tried_again() -> None:
    with pytest.raises(ConnectionLost):
        Attempts(60.0).failed(LOST, 0.0)
