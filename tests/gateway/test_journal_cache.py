"""A bot's polls: the journal is read once, and again when it has a new entry."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gateway.data.journal_cache import JournalCache
from sessions import keys
from sessions.models import SessionKey
from sessions.redis_client import connection as redis_connection
from streaming.engine.records import journal_writing
from tests.streaming.rows import DAY, a_session

pytestmark = pytest.mark.django_db
TOMORROW = DAY + dt.timedelta(days=1)


def test_a_poll_reads_the_journal_only_when_there_is_a_new_entry() -> None:
    redis_connection().flushdb()  # other tests' wrong keys count for this address
    session = a_session("AAPL", minutes=30)
    key, secret = keys.create(session, SessionKey.Kind.BROKER)
    bot = Client(headers={"apca-api-key-id": key.key_id, "apca-api-secret-key": secret})

    def poll() -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            answer = bot.get("/alpaca/v2/stocks/bars/latest?symbols=AAPL")
        assert answer.json()["bars"]["AAPL"]["t"] == "2024-11-18T14:59:00Z"
        return [row["sql"] for row in asked if "payload" in row["sql"] or "replay_pin" in row["sql"]]

    assert poll(), "the first reads it"
    assert poll() == []
    journal_writing.append_loads(session.pk, {TOMORROW: {}})
    assert poll(), "there is a new entry"
    assert poll() == []


def test_dates_add_up_and_the_oldest_sessions_are_forgotten() -> None:
    first, second = a_session("AAPL"), a_session("MSFT")
    cache = JournalCache(most=1)
    assert cache.read(first.pk, []).pinned == {}
    assert cache.read(first.pk, [DAY]).pins(DAY)
    assert cache.read(first.pk, [TOMORROW]).pins(DAY), "what was read stays"
    cache.read(second.pk, [DAY])
    assert list(cache.held) == [second.pk]
