"""A bot with a key to a session that stands in the middle of a day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.test import Client

from marketdata import calendar
from marketdata.columns import BarColumns
from marketdata.models import Scope
from sessions import keys
from sessions.models import Session, SessionKey
from sessions.redis_client import connection as redis_connection
from tests.streaming.rows import DAY, a_day, a_session


class Bot:
    """A client with a key of a session whose clock stands half an hour after the open."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.key, self.secret = keys.create(session, SessionKey.Kind.BROKER)
        self.headers = {"APCA-API-KEY-ID": self.key.key_id, "APCA-API-SECRET-KEY": self.secret}

    def ask(self, address: str, expected: int = 200, **query: object) -> Any:
        answer = Client().get(f"/alpaca{address}", query, headers=self.headers)
        assert answer.status_code == expected, answer.content
        assert answer["Content-Type"] == "application/json"
        if expected != 200:
            assert answer.json().keys() == {"code", "message"} and isinstance(answer.json()["code"], int)
        return answer.json()

    def bars(self, symbol: str = "AAPL", **query: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("/v2/stocks/bars", symbols=symbol, **query)["bars"].get(symbol, [])
        return found


@pytest.fixture
def bot() -> Bot:
    redis_connection().flushdb()
    session = a_session()
    before = calendar.previous_trading_day(DAY).date
    a_day("AAPL", before)
    hours = np.array([90.0, 91.0, 999.0])
    absent = np.full(3, np.nan)
    early = BarColumns(np.array([-120, -60, 24_000]), *[hours] * 4, np.array([1000.0, 2000, 4000]), absent, absent)
    a_day("AAPL", scope=Scope.EXTENDED, bars=early, ledger="")
    return Bot(session)
