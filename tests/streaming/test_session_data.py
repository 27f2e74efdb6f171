"""The specification's `session_data`, and stream start, without a worker."""

from __future__ import annotations

import datetime as dt

import pytest

from marketdata.models import Dataset
from sessions.models import ActiveStream, Run, Session, State
from streaming.as_of.session_data import SymbolUnknown, get_session_data
from streaming.engine.days import loading
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal, journal_writing
from streaming.starts import opening, service
from streaming.starts.error import StartError
from streaming.starts.request import StartRequest

pytestmark = pytest.mark.django_db
DAY = dt.date(2025, 7, 3)


def create(*symbols: str, **options: object) -> Session:
    request = {"date": DAY, "provider": "synthetic", **options}
    return service.create(StartRequest(symbols, **request))  # type: ignore[arg-type]


@pytest.fixture
def session() -> Session:
    """AAPL and MSFT of a half day, loaded and pinned as a worker would, the clock at 10:00 New York."""
    row = create("AAPL", "MSFT")
    recipe = Recipe.of(row)
    journal_writing.append(row.pk, "start", {"symbols": ["AAPL", "MSFT"], "generation": 1})
    loading.pin(recipe, journal.read(row.pk, DAY), DAY, ["AAPL", "MSFT"], epoch=0)
    ActiveStream.objects.filter(session=row).update(active=True)
    Session.objects.filter(pk=row.pk).update(state=State.RUNNING)
    Run.objects.filter(pk=row.pk).update(clock=dt.datetime(2025, 7, 3, 14, 0, tzinfo=dt.UTC))
    row.refresh_from_db()
    return row


def test_a_stream_is_marked_active_and_inactive() -> None:
    data = get_session_data(create("AAPL"))
    assert not data.is_stream_active("AAPL", "bars")
    data.mark_stream_active("AAPL", "bars")
    assert data.is_stream_active("AAPL", "bars") and data.get_active_symbols() == ["AAPL"]
    data.mark_stream_inactive("AAPL", "bars")
    assert data.get_active_symbols() == []


def test_a_symbol_is_registered_once() -> None:
    data = get_session_data(create("AAPL"))
    data.register_symbol("MSFT")
    data.register_symbol("MSFT")
    assert data.session.streams.count() == 2


def test_a_symbols_data_is_cut_at_the_clock(session: Session) -> None:
    found = get_session_data(session).get_symbol_data("AAPL")
    assert (found.held, len(found.bars_1m), len(found.bars("5m"))) == (210, 30, 6)
    assert found.bars_1m[-1]["end"] == "2025-07-03T14:00:00Z"
    assert found.bars("1h") == [], "an hour that is not over is not shown"
    assert found.bars_1m[0]["synthetic"] is True
    assert found.has_data_for_date(DAY) and not found.has_data_for_date(dt.date(2025, 7, 2))


def test_a_symbol_that_the_session_does_not_have_is_named(session: Session) -> None:
    with pytest.raises(SymbolUnknown, match="has no ZZZ: it has AAPL, MSFT"):
        get_session_data(session).get_symbol_data("ZZZ")


@pytest.mark.parametrize(
    ("options", "about", "message"),
    [
        ({"speed": -1.0}, "speed", "Speed -1.0 is not possible"),
        ({"speed": float("nan")}, "speed", "Speed nan is not possible"),
        ({"interval": "5m"}, "interval", "bars are replayed as 1m"),
        ({"derive": ("x",)}, "derive", "'x' is not an interval"),
        ({"provider": "", "dataset": "nowhere"}, "dataset", "no dataset 'nowhere'"),
        ({"provider": "yahoo"}, "provider", "no provider 'yahoo'"),
        ({"provider": ""}, "symbols", "No dataset has AAPL on 2025-07-03"),
        ({"until": dt.date(2025, 7, 1)}, "until", "before its first trading day"),
        ({"date": dt.date(1980, 1, 2)}, "date", "reaches from 1990-01-01"),
    ],
)
def test_a_bad_request_is_refused_at_its_field_and_nothing_is_written(
    options: dict[str, object], about: str, message: str
) -> None:
    with pytest.raises(StartError, match=message) as refused:
        create("AAPL", **options)
    assert refused.value.field == about
    assert not Session.objects.exists()


def test_a_holiday_moves_to_the_next_trading_day_and_says_so() -> None:
    said: list[str] = []
    request = StartRequest(("AAPL",), dt.date(2025, 7, 4), provider="synthetic")
    assert service.create(request, said.append).start_date == dt.date(2025, 7, 7)
    assert "July 4th" in said[0] and "Starting on 2025-07-07" in said[0]


def test_one_failing_symbol_is_reported_by_name_and_the_others_start() -> None:
    row = create("AAPL", "NOT-A-TICKER")
    started = service.Started(row)
    said: list[str] = []
    recipe, streams = Recipe.of(row), list(row.streams.select_related("instrument"))
    opening._register(streams, said.append)
    bars = opening._fetch_bars(recipe, row.first_date, streams, said.append)
    for stream in streams:
        opening._open_stream(recipe, stream, started, bars, said.append)
    assert started.bars == {"AAPL": 210}
    assert "is not a ticker" in started.failures["NOT-A-TICKER"]
    assert row.active_symbols() == ["AAPL"]


def test_streams_that_are_active_already_are_left_as_they_are(session: Session) -> None:
    Run.objects.filter(pk=session.pk).update(loaded_at=dt.datetime.now(dt.UTC))
    said: list[str] = []
    again = service.open_streams(session, said.append)
    assert again.skipped == ["AAPL", "MSFT"] and not again.bars
    assert said[0] == "Stream already active for AAPL: nothing to do"


def test_no_symbol_that_can_start_fails_the_session_with_the_reason() -> None:
    row = create("NOT-A-TICKER")
    with pytest.raises(StartError, match=r"No stream could be started: .*is not a ticker"):
        service.open_streams(row, service.quiet)
    row.refresh_from_db()
    assert row.state == State.FAILED and "not a ticker" in row.reason
    assert row.active_symbols() == []


def test_pins_hold_when_the_store_gets_a_newer_version(session: Session) -> None:
    from dataclasses import replace

    from marketdata import store
    from marketdata.store import NewDay

    dataset = Dataset.objects.get(name="synthetic")
    held = store.load_day(dataset.pk, DAY, ["AAPL"])["AAPL"]
    store.write_days(dataset.pk, [NewDay(held.instrument_id, DAY, replace(held.bars, volume=held.bars.volume + 1))])
    seen = get_session_data(session).get_symbol_data("AAPL").bars_1m[0]
    assert seen["volume"] == held.bars.volume[0]
