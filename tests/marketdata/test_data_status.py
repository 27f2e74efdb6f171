"""Coverage in small: holes of the feed, missing days, the maps, and what command and API say."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.columns import BarColumns
from marketdata.coverage.facts import DayFacts
from marketdata.coverage.heat import heat_map
from marketdata.coverage.notes import notes
from marketdata.coverage.summary import by_day, by_symbol, evident_holes
from marketdata.models import Dataset, Scope
from marketdata.store import NewDay
from tests.streaming.callers import assert_problem, log_in

pytestmark = pytest.mark.django_db


def status(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("data_status", *arguments, "--json", stdout=out)
    return {reported["dataset"]: reported for reported in json.loads(out.getvalue())["datasets"]}


DAY = trading_day(dt.date(2019, 2, 14))


@pytest.fixture
def outage() -> None:
    """Three symbols; from 11:00 to 11:44 nothing came, and each lacks a minute of its own."""
    dataset = Dataset.objects.create(name="outage", source="outage")
    ids = store.ensure_instruments(["AAPL", "IBM", "MSFT"])
    days = []
    for place, instrument in enumerate(ids.values()):
        minutes = np.delete(np.arange(390), [*range(90, 135), 200 + place]).astype(np.int64)
        ones = np.ones(len(minutes))
        days.append(NewDay(instrument, DAY.date, BarColumns(minutes * 60, *[ones] * 7)))
    store.write_days(dataset.pk, days)


def test_a_minute_that_all_lack_is_a_hole_of_the_feed(outage: None) -> None:
    reported = [note["text"] for note in status()["outage"]["notes"] if note["kind"] == "feed hole"]
    assert reported == ["2019-02-14 11:00-11:44 New York: all 3 symbols lack it."]
    day = status("--dataset", "outage")["outage"]["days"][0]
    assert (day["feed_holes"], day["letters"]["A"]) == ([["11:00", "11:44"]], 3 * 46)


def test_what_two_thin_symbols_lack_together_may_be_chance() -> None:
    thin = "TAAAAAAAAA" * 39
    assert evident_holes([thin, thin[5:] + thin[:5]]) == []
    assert evident_holes(["TTAT", "TTAT"]) == [2]
    assert evident_holes(["AAAA", "AAAA"]) == [] and evident_holes(["TTAT"]) == []


def day_of(ledgers: dict[str, str]) -> list[str]:
    days = by_day([DayFacts(symbol, DAY.date, ledger) for symbol, ledger in ledgers.items()])
    return [note.text for note in notes([], days) if note.kind == "feed hole"]


def lacking(*minutes: int) -> str:
    return "".join("A" if minute in minutes else "T" for minute in range(390))


def test_minutes_that_many_symbols_lack_together_are_a_hole_that_names_them() -> None:
    """14:31 and 14:36; four symbols have them, one of those lacks a minute of its own."""
    struck = {name: lacking(301, 306) for name in ("AA", "BB", "CC", "DD", "EE", "FF")}
    whole = {name: lacking() for name in ("GG", "HH", "II")} | {"JJ": lacking(17)}
    assert day_of(struck | whole) == [
        "2019-02-14 14:31, 14:36 New York: 6 of 10 symbols lack them together: AA, BB, CC, DD, EE, FF."
    ]


def test_minutes_that_some_symbols_lack_together_by_chance_are_no_hole() -> None:
    rng = np.random.default_rng(7)
    half = "".join(rng.choice(list("TA"), 390))
    assert day_of({"AA": lacking(5), "BB": half, "CC": lacking(), "DD": half[::-1]}) == []
    quiet = {f"S{n}": lacking(*np.flatnonzero(rng.random(390) < 0.05).tolist()) for n in range(200)}
    noon = 0.02 + 0.1 * np.exp(-(((np.arange(390) - 180) / 40) ** 2))
    sleepy = {f"N{n}": lacking(*np.flatnonzero(rng.random(390) < noon).tolist()) for n in range(60)}
    assert day_of(quiet) == [] and day_of(quiet | {"AA": lacking(301)}) == [] and day_of(sleepy) == []


def test_the_table_and_the_heat_map_are_plain_when_piped(outage: None) -> None:
    out = StringIO()
    call_command("data_status", "IBM", stdout=out)
    text = out.getvalue()
    assert "2019-02-14  ███·░█▒██████" in text  # 11:00 is the fourth half hour
    assert "\x1b" not in text
    out = StringIO()
    call_command("data_status", stdout=out)
    assert "1,170" in out.getvalue() and "138" in out.getvalue()


def facts(symbol: str, *dates: str) -> list[DayFacts]:
    return [DayFacts(symbol, dt.date.fromisoformat(date), "T" * 390) for date in dates]


def test_days_that_a_symbol_lacks_within_its_own_are_named() -> None:
    held = facts("AAPL", "2025-07-01", "2025-07-07")
    (symbol,) = by_symbol(held)
    assert [str(date) for date in symbol.missing_days] == ["2025-07-02", "2025-07-03"]  # the fourth is a holiday
    reported = [note.text for note in notes([symbol], by_day(held)) if note.kind == "missing day"]
    assert reported == ["AAPL lacks 2 trading days within its own: 2025-07-02, 2025-07-03."]


def test_the_map_of_many_symbols_has_a_column_a_date_and_blanks_where_nothing_is_stored() -> None:
    held = [*facts("A", "2025-07-01", "2025-07-02"), *facts("B", "2025-07-02")]
    lines = [line.plain for line in heat_map(by_symbol(held), 100)]
    assert lines[1:] == [f"{'A':12}██", f"{'B':12} █"]


def test_the_command_says_what_it_cannot_find(outage: None) -> None:
    with pytest.raises(CommandError, match="No dataset has days of GME then: the datasets are outage"):
        call_command("data_status", "GME")
    with pytest.raises(CommandError, match="before it starts"):
        call_command("data_status", "--start", "2025-07-02", "--end", "2025-07-01")


def test_the_api_gives_the_same_and_needs_the_stores_permission(outage: None) -> None:
    client = log_in("view_bar")
    assert client.get("/api/data-status/").json()["datasets"] == list(status().values())
    narrow = client.get("/api/data-status/?symbol=ibm,aapl&start=2019-02-14&dataset=outage").json()
    assert narrow["datasets"] == [status("IBM", "AAPL", "--dataset", "outage", "--start", "2019-02-14")["outage"]]
    assert_problem(log_in("view_session").get("/api/data-status/"), 403, "marketdata.view_bar")
    for query, word in (("symbol=GME", "GME"), ("start=2019-02-15&end=2019-02-14", "before"), ("x=1", "no field")):
        assert word in client.get(f"/api/data-status/?{query}").content.decode()
        assert client.get(f"/api/data-status/?{query}").status_code == 400


def test_one_is_reported_as_one() -> None:
    dataset = Dataset.objects.create(name="one", source="one")
    (instrument,) = store.ensure_instruments(["IBM"]).values()
    ones = np.ones(389)
    minutes = np.delete(np.arange(390), 200).astype(np.int64)
    late = BarColumns(np.array([390 * 60]), *[ones[:1]] * 7)
    store.write_days(
        dataset.pk,
        [
            NewDay(instrument, DAY.date, BarColumns(minutes * 60, *[ones] * 7)),
            NewDay(instrument, DAY.date, late, Scope.EXTENDED),
        ],
    )
    assert [note["text"] for note in status()["one"]["notes"]] == [
        "1 of 1 symbol lacks 1 minute; most on 2019-02-14: IBM 1.",
        "1 bar outside the regular session of IBM.",
    ]
