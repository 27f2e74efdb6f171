"""No look-ahead: with a session's key, every address there is, and nothing in any answer is later than its clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from marketdata import calendar
from marketdata.columns import BarColumns
from sessions import keys
from sessions.models import Session
from sessions.redis_client import connection as redis_connection
from tests.streaming.rows import DAY, a_day, a_session, pin, update_run

pytestmark = pytest.mark.django_db

STAMP = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
PRICE = re.compile(r"(?<![\d.])10[0-4]\.\d+")
KINDS = ["reader", "broker", "broker as a bearer"]
SCHEDULE = ("clock", "calendar")
"""Addresses of the exchange's opening hours, which everybody knows years ahead."""
QUERIES = [
    "",
    "?symbol=AAPL",
    "?symbol=AAPL&format=csv",
    "?symbol=AAPL&start=2024-11-18&end=2030-01-01",
    "?symbols=AAPL&timeframe=1Min&start=2024-11-18T14:30:00Z&end=2030-01-01T00:00:00Z",
    "?timeframe=5Min&start=2024-11-18&feed=iex",
    "?limit=5000&sort=desc&timeframe=1Min&symbols=AAPL",
]


def addresses(patterns: Any = None, prefix: str = "") -> Iterator[str]:
    """Every address of the site as a template, static files aside."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        here = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, here)
        elif isinstance(entry, URLPattern):
            yield here


def filled(template: str, session: Session) -> str:
    """The template with this session, this symbol, and 1 for anything else."""
    known: dict[str, Any] = {"pk": session.pk, "id": session.pk, "session_id": session.pk, "object_id": session.pk}
    known |= {"symbol": "AAPL", "name": "AAPL", "kind": "bars"}
    path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda m: str(known.get(m[1], 1)), template)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(known.get(m[1], 1)), path)
    return "/" + re.sub(r"\\Z|[\\^$?+]|\([^)]*\)\*?", "", path)


def later(text: str, clock: dt.datetime) -> list[str]:
    """Stamps and prices that were not there yet at the clock; this year's stamps are of the machine's own time."""
    stamps = []
    for found in STAMP.findall(text):
        moment = dt.datetime.fromisoformat(found.replace(" ", "T", 1))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        if clock < moment < dt.datetime(2025, 6, 1, tzinfo=dt.UTC):
            stamps.append(found)
    return stamps + [price for price in PRICE.findall(text) if float(price) > 100.305]


@pytest.fixture
def session(db: None) -> Session:
    """Half an hour into its day; the rest of it, and the next, are in the store."""
    played = a_session("AAPL", minutes=30)
    a_day("AAPL", DAY + dt.timedelta(days=1), dataset=played.dataset)
    return played


def headers(session: Session, kind: str) -> dict[str, str]:
    key, secret = keys.create(session, kind.removesuffix(" as a bearer"))
    if kind == "broker":  # for bots; as a bearer it opens our API like a reader's
        return {"HTTP_APCA_API_KEY_ID": key.key_id, "HTTP_APCA_API_SECRET_KEY": secret}
    return {"HTTP_AUTHORIZATION": f"Bearer {key.key_id}.{secret}"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_address_tells_a_session_key_what_is_later(session: Session, kind: str) -> None:
    client = Client(raise_request_exception=False, **headers(session, kind))
    read = set()
    for template in addresses():
        path = filled(template, session)
        for query in QUERIES:
            answer = client.get(path + query)
            assert answer.status_code < 500, path + query
            if answer.status_code == 200 and not answer.streaming and not path.rstrip("/").endswith(SCHEDULE):
                assert later(answer.content.decode(), session.run.clock) == [], path + query
                read.add(template)
    assert len(read) >= {"reader": 6, "broker": 3, "broker as a bearer": 7}[kind], read


@pytest.mark.parametrize("kind", KINDS)
def test_before_the_open_no_address_shows_what_is_later_of_extended_hours(db: None, kind: str) -> None:
    redis_connection().flushdb()  # what others asked for counts against the address
    session = a_session("AAPL", minutes=0, hours="extended")
    offset = np.arange(-3600, 0, 60)
    close = np.where(offset < -1800, 100.1, 103.5)
    outer = BarColumns(offset, *[close] * 4, *[np.ones(len(offset))] * 2, close)
    day = a_day("AAPL", DAY, session.dataset, outer, scope="extended", ledger="")
    pin(session, 2, DAY, **{"bars.extended": {"AAPL": day.pk}})
    clock = calendar.trading_day(DAY).open - dt.timedelta(minutes=30)
    update_run(session, clock=clock, frame_id=f"{int(clock.timestamp())}000-0")
    session.events.all().delete()  # made at the open
    client = Client(raise_request_exception=False, **headers(session, kind))
    seen = ""
    own = "/alpaca/" if kind == "broker" else "/api/"
    for path in (filled(template, session) for template in addresses() if own in filled(template, session)):
        for query in QUERIES:
            answer = client.get(path + query)
            assert answer.status_code < 500, path + query
            if answer.status_code == 200 and not answer.streaming and not path.rstrip("/").endswith(SCHEDULE):
                text = answer.content.decode()
                assert [found for found in later(text, clock) if found not in query] == [], path + query
                seen += text
    assert "100.1" in seen


def test_the_search_would_find_it(session: Session) -> None:
    assert later('{"start": "2024-11-18T15:01:00Z"}', session.run.clock) == ["2024-11-18T15:01:00Z"]
    assert later("2024-11-18 10:00:01-05:00", session.run.clock) == ["2024-11-18 10:00:01-05:00"]
    assert later('"close":103.89, "low":100.29', session.run.clock) == ["103.89"]
    assert later('{"end": "2024-11-18T15:00:00Z", "close": 100.29}', session.run.clock) == []
