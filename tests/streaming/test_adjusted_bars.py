"""Bars adjusted as of the clock, on AAPL's split of 2014-06-09: by nothing that has not gone ex by then."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.test import Client

from marketdata.actions.adjusting import Adjuster, Adjustment, CannotAdjust
from marketdata.coverage.facts import Question
from marketdata.coverage.status import data_status
from sessions import keys
from sessions.models import Session, SessionKey, State
from streaming.as_of.bar_table import bar_table_as_of
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.upkeep import rounds
from tests.streaming.aapl_split import ACTIONS, BEFORE, EX, import_actions, import_days
from tests.streaming.callers import log_in
from tests.streaming.playing import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
PRICES = ["open", "high", "low", "close"]
DIVIDEND = "AAPL,2014-06-09,dividend,0.5\n"


@pytest.fixture
def days(transactional_db: None, sample: Path) -> Path:
    return import_days(sample)


def played(until: dt.date = EX) -> Session:
    session = service.start(StartRequest(("AAPL",), BEFORE, until, dataset="lean", speed=0.0, derive=("1d",))).session
    return wait_until(session, lambda s: s.state == State.COMPLETED)


def rows_of(days: Path, date: dt.date) -> pd.DataFrame:
    """The file's regular minutes."""
    rows = pd.read_csv(days / f"AAPL_{date}_1min.csv.gz", parse_dates=["timestamp"])
    return rows[rows["timestamp"].dt.strftime("%H:%M").between("13:30", "19:59")].reset_index(drop=True)


def bars(session: Session, adjustment: str, interval: str = "1m") -> pd.DataFrame:
    table = bar_table_as_of(session, "AAPL", interval, start=BEFORE, adjustment=adjustment)
    return pd.DataFrame(json.loads(table.json())["bars"])


@pytest.mark.parametrize("adjustment", Adjustment.values)
def test_a_session_over_the_split_gives_its_bars_in_all_four_adjustments(
    player: Player, days: Path, tmp_path: Path, adjustment: str
) -> None:
    import_actions(tmp_path)
    found = bars(played(), adjustment)
    before, after = rows_of(days, BEFORE), rows_of(days, EX)
    by = 7 if adjustment in ("split", "all") else 1
    assert found[PRICES][: len(before)].values.tolist() == (before[PRICES] / by).round(6).values.tolist()
    assert found["volume"][: len(before)].tolist() == (before["volume"] * by).tolist()
    assert found[PRICES][len(before) :].values.tolist() == after[PRICES].values.tolist()
    assert found["volume"][len(before) :].tolist() == after["volume"].tolist()
    close, opened = found["close"][len(before) - 1], found["open"][len(before)]
    assert (close / opened < 1.05) == (by == 7)


@pytest.mark.parametrize("adjustment", Adjustment.values)
def test_before_the_ex_date_no_adjustment_knows_of_it(
    player: Player, days: Path, tmp_path: Path, adjustment: str
) -> None:
    import_actions(tmp_path, ACTIONS + DIVIDEND)
    found = bars(played(until=BEFORE), adjustment)
    assert found[PRICES].values.tolist() == rows_of(days, BEFORE)[PRICES].values.tolist()


def test_a_dividend_takes_its_share_of_the_close_before_it(player: Player, days: Path, tmp_path: Path) -> None:
    import_actions(tmp_path, ACTIONS.replace("split,7:1", "dividend,3.29"))
    session, before = played(), rows_of(days, BEFORE)
    factor = 1 - 3.29 / before["close"].iloc[-1]
    for adjustment, by in (("dividend", factor), ("all", factor), ("split", 1.0)):
        found = bars(session, adjustment)
        assert found["close"][: len(before)].tolist() == pytest.approx((before["close"] * by).tolist(), abs=1e-6)
        assert found["volume"][: len(before)].tolist() == before["volume"].tolist()


def test_derived_bars_of_several_days_are_adjusted_alike(player: Player, days: Path, tmp_path: Path) -> None:
    import_actions(tmp_path)
    found, before = bars(played(), "split", "1d"), rows_of(days, BEFORE)
    assert found["close"][0] == pytest.approx(before["close"].iloc[-1] / 7, abs=1e-6)
    assert found["volume"][0] == before["volume"].sum() * 7


def test_the_api_and_the_gateway_give_the_same(player: Player, days: Path, tmp_path: Path) -> None:
    import_actions(tmp_path)
    session, before = played(), rows_of(days, BEFORE)
    client, query = (
        log_in("view_session", "view_bar"),
        {"symbol": "AAPL", "start": BEFORE.isoformat(), "adjustment": "split"},
    )
    for address in (f"/api/sessions/{session.pk}/bars/", "/api/bars/"):
        found: list[dict[str, Any]] = client.get(address, query).json()["bars"]
        assert found[389]["close"] == pytest.approx(before["close"].iloc[-1] / 7, abs=1e-6)
    key, secret = keys.create(session, SessionKey.Kind.BROKER)
    headers = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": secret}
    asked = {"symbols": "AAPL", "timeframe": "1Day", "start": BEFORE.isoformat()}
    closes = {}
    for adjustment in ("raw", "split", "dividend", "split,dividend", "all"):
        answer = Client().get("/alpaca/v2/stocks/bars", {**asked, "adjustment": adjustment}, headers=headers).json()
        closes[adjustment] = answer["bars"]["AAPL"][0]["c"]
    raw = before["close"].iloc[-1]
    assert (closes["raw"], closes["dividend"]) == (raw, raw)
    for adjustment in ("split", "split,dividend", "all"):
        assert closes[adjustment] == pytest.approx(raw / 7, abs=1e-6)


def test_a_dividend_whose_close_before_is_not_stored_is_an_error_that_says_so(
    player: Player, days: Path, tmp_path: Path
) -> None:
    import_actions(tmp_path, "symbol,ex_date,kind,value\nAAPL,2014-06-05,dividend,0.5\n")
    session = played()
    bar_table_as_of(session, "AAPL", "1m", start=BEFORE, adjustment="all")  # it lies before the bars asked for
    with pytest.raises(CannotAdjust, match="dataset lean has no close of the week before it"):
        Adjuster(session.dataset, "AAPL", dt.date(2014, 6, 4), EX, "all")


def test_a_likely_split_without_an_action_is_an_event_and_a_line_of_data_status(
    player: Player, days: Path, tmp_path: Path
) -> None:
    session = played()
    rounds.run_one(session.pk)
    (event,) = session.events.filter(kind="split")
    assert event.message.startswith("AAPL goes from 645.5")
    assert "a split of 7 to 1? No stored action says so" in event.message
    (status,) = data_status(Question(("AAPL",)), "lean")
    assert next(note.text for note in status.notes if note.kind == "price step").endswith("a split of 7 to 1?")
    import_actions(tmp_path)
    (status,) = data_status(Question(("AAPL",)), "lean")
    assert not [note for note in status.notes if note.kind == "price step"]
    again = played()
    rounds.run_one(again.pk)
    assert not again.events.filter(kind="split").exists()


def test_the_api_lists_actions_for_those_who_may_look_into_the_store(transactional_db: None, tmp_path: Path) -> None:
    import_actions(tmp_path)
    (found,) = log_in("view_bar").get("/api/actions/", {"symbol": "AAPL", "end": "2014-06-09"}).json()["actions"]
    assert (found["kind"], found["ex_date"], float(found["ratio"])) == ("split", "2014-06-09", 7.0)
    assert log_in("view_bar").get("/api/actions/", {"symbol": "AAPL", "end": "2014-06-08"}).json()["actions"] == []
    assert log_in().get("/api/actions/", {"symbol": "AAPL"}).status_code == 403
