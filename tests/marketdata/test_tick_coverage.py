"""Coverage of trades and quotes: what command and API say of stored days, counted by hand."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from marketdata.columns import TickColumns
from marketdata.columns.tick_columns import DERIVED
from marketdata.kinds import KINDS, DayKind
from marketdata.models import Dataset, Scope
from marketdata.store import NewDay, ensure_instruments, write_days
from tests.streaming.callers import log_in
from tests.streaming.rows import a_day

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY = dt.date(2013, 10, 7), dt.date(2013, 10, 8)
HALF = dt.date(2013, 11, 29)


def rows(kind: DayKind, *seconds: float, flags: int = 0) -> TickColumns:
    n = len(seconds)
    values, codes = np.full((len(KINDS[kind].values), n), 10.0), np.zeros((len(KINDS[kind].codes), n), np.int32)
    at = np.array([round(second * 10**9) for second in seconds], np.int64)
    return TickColumns(kind, at, values, codes, np.full(n, flags, np.uint8))


@pytest.fixture
def trades_and_quotes() -> Dataset:
    """IBM on a Monday, a Tuesday and a half day, AIG on the Monday; IBM's quotes are recorded and made from bars."""
    dataset = Dataset.objects.create(name="lean", source="lean")
    ids = ensure_instruments(["AIG", "IBM"])
    trades, quotes = DayKind.TRADES, DayKind.QUOTES
    write_days(dataset.pk, [NewDay(ids["IBM"], MONDAY, rows(trades, 0))])
    write_days(
        dataset.pk,
        [
            NewDay(ids["IBM"], MONDAY, rows(trades, 0, 59.9, 60, 600)),
            NewDay(ids["IBM"], MONDAY, rows(trades, -60, -1), scope=Scope.EXTENDED),
            NewDay(ids["IBM"], TUESDAY, rows(trades, 1, 2)),
            NewDay(ids["IBM"], HALF, rows(trades, 1)),
            NewDay(ids["AIG"], MONDAY, rows(trades, 5)),
            NewDay(ids["IBM"], MONDAY, rows(quotes, 1, 61, 121)),
            NewDay(ids["IBM"], MONDAY, rows(quotes, 60, 120, flags=DERIVED)),
        ],
    )
    return dataset


def status(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("data_status", *arguments, "--json", stdout=out)
    return {reported["dataset"]: reported for reported in json.loads(out.getvalue())["datasets"]}


def shown(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("data_status", *arguments, stdout=out)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def span(days: int, first: dt.date, last: dt.date, *counts: int) -> dict[str, Any]:
    names = ("events", "outside_session", "expected", "minutes")
    return {"day_count": days, "first": f"{first}", "last": f"{last}", **dict(zip(names, counts, strict=True))}


def test_each_kind_has_its_days_events_and_minutes_and_what_is_superseded_does_not_count(
    trades_and_quotes: Dataset,
) -> None:
    assert status()["lean"]["ticks"] == [
        {"kind": "ticks", "derived": False, "symbol_count": 2, **span(3, MONDAY, HALF, 8, 2, 390 * 3 + 210, 6)},
        {"kind": "quotes", "derived": False, "symbol_count": 1, **span(1, MONDAY, MONDAY, 3, 0, 390, 3)},
        {"kind": "quotes", "derived": True, "symbol_count": 1, **span(1, MONDAY, MONDAY, 2, 0, 390, 2)},
    ]


def test_symbols_and_dates_narrow_it_and_add_a_line_per_symbol(trades_and_quotes: Dataset) -> None:
    trades = status("IBM", "AIG", "--end", "2013-10-08")["lean"]["ticks"][0]
    assert trades["symbols"] == [
        {"symbol": "AIG", **span(1, MONDAY, MONDAY, 1, 0, 390, 1)},
        {"symbol": "IBM", **span(2, MONDAY, TUESDAY, 6, 2, 780, 4)},
    ]
    (tuesday,) = status("--start", "2013-10-08", "--end", "2013-10-08")["lean"]["ticks"]
    assert (tuesday["kind"], tuesday["events"], tuesday["minutes"]) == ("ticks", 2, 1)


def test_a_dataset_of_trades_and_quotes_alone_is_shown_without_bars(trades_and_quotes: Dataset) -> None:
    reported = status()["lean"]
    assert (reported["symbol_count"], reported["day_count"], reported["first"], reported["last"]) == (0, 0, None, None)
    assert (reported["expected"], reported["quality"], reported["notes"]) == (0, None, [])
    lines = shown()
    assert "lean trades 2 3 2013-10-07 2013-11-29 8 2 6 1,380" in lines
    assert "lean quotes 1 1 2013-10-07 2013-10-07 3 3 390" in lines
    assert "lean quotes from bars 1 1 2013-10-07 2013-10-07 2 2 390" in lines
    lines = shown("IBM", "AIG")
    assert "IBM 3 2013-10-07 2013-11-29 7 2 5 990" in lines and "AIG 1 2013-10-07 2013-10-07 1 1 390" in lines
    assert "all 3 2013-10-07 2013-11-29 8 2 6 1,380" in lines
    with pytest.raises(CommandError, match="No dataset has days of GME"):
        call_command("data_status", "GME")


def test_a_dataset_with_bars_alone_has_no_line_of_trades() -> None:
    dataset = a_day("AAPL").dataset
    assert status()[dataset.name]["ticks"] == []
    assert not any("trades" in line or "quotes" in line for line in shown() + shown("AAPL"))


def test_the_api_gives_the_same(trades_and_quotes: Dataset) -> None:
    client = log_in("view_bar")
    assert client.get("/api/data-status/").json()["datasets"] == [status()["lean"]]
    assert client.get("/api/data-status/?symbol=ibm").json()["datasets"] == [status("IBM")["lean"]]
