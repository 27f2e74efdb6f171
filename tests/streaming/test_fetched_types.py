"""A session of bars, trades and quotes on a day the store lacks: its provider is asked for all three, and they play."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from marketdata.calendar import trading_day
from marketdata.models import DayVersion
from marketdata.providers.base import get_provider
from sessions.models import Session
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.marketdata.alpaca_vendor import Vendor, serving
from tests.streaming.playing import durable, read_all

pytestmark = pytest.mark.django_db(transaction=True)
DAY = trading_day(dt.date(2024, 11, 18))


def wire(seconds: float, **fields: Any) -> dict[str, Any]:
    moment = DAY.open + dt.timedelta(seconds=seconds)
    return {"t": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z", "z": "C", **fields}


def a_trade(minute: int) -> dict[str, Any]:
    return wire(60 * minute + 0.25, p=100 + minute / 100, s=100, x="V", c=["@", "I"], i=minute)


def a_quote(minute: int) -> dict[str, Any]:
    return wire(60 * minute + 0.5, bp=99.0, bs=2, bx="V", ap=100 + minute / 4, **{"as": 3}, ax="P", c=["R"])


def a_bar(minute: int) -> dict[str, Any]:
    return wire(60 * minute, o=100, h=200, l=50, c=100 + minute / 100, v=1000, n=10, vw=100.5)


@pytest.fixture
def vendor(settings: Any) -> Iterator[Vendor]:
    """AAPL's whole day, with what came before the open and after the close; in pages of a hundred rows."""
    with serving() as running:
        running.page_size = 100
        minutes = range(-5, DAY.minutes + 5)
        running.bars["AAPL"] = [a_bar(minute) for minute in minutes]
        running.trades["AAPL"] = [a_trade(minute) for minute in minutes]
        running.quotes["AAPL"] = [a_quote(minute) for minute in minutes]
        options = {"base_url": running.url, "api_key": "key", "secret_key": "secret", "requests_a_minute": 60_000}
        backend = {"BACKEND": "marketdata.providers.alpaca.AlpacaProvider", "OPTIONS": options}
        settings.MARKETDATA_PROVIDERS = {"alpaca": backend}
        get_provider.cache_clear()
        yield running
        get_provider.cache_clear()


def start(**options: Any) -> service.Started:
    types = ("bars", "ticks", "quotes")
    return service.start(
        StartRequest(("AAPL",), DAY.date, DAY.date, speed=0.0, provider="alpaca", types=types, **options)
    )


def played(session: Session) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"bar": [], "trade": [], "quote": []}
    for frame in durable(read_all(session.pk)):
        for event in frame["events"]:
            if event["type"] in found and event.get("interval", "1m") == "1m":
                found[event["type"]].append(event)
    return found


def test_all_three_are_fetched_and_played_event_by_event(player: Player, vendor: Vendor) -> None:
    started = start()
    assert started.failures == {}
    events = played(started.session)
    minutes = range(390)
    assert [bar["close"] for bar in events["bar"]] == pytest.approx([100 + minute / 100 for minute in minutes])
    assert [(e["price"], e["size"], e["exchange"], e["condition"]) for e in events["trade"]] == [
        (100 + minute / 100, 100, "V", "@,I") for minute in minutes
    ]
    assert [(e["bid"], e["bid_size"], e["ask"], e["ask_size"], e["ask_exchange"]) for e in events["quote"]] == [
        (99.0, 2, 100 + minute / 4, 3, "P") for minute in minutes
    ]
    assert (events["trade"][0]["at"], events["quote"][-1]["at"]) == (
        "2024-11-18T14:30:00.250Z",
        "2024-11-18T20:59:00.500Z",
    )
    asked = len(vendor.asked)
    assert played(start().session) == events
    assert len(vendor.asked) == asked, "the store has the day now"


def test_a_type_that_the_provider_lacks_is_reported_and_the_others_play(player: Player, vendor: Vendor) -> None:
    del vendor.quotes["AAPL"]
    started = start()
    assert list(started.failures) == ["AAPL quotes"] and "no quotes" in started.failures["AAPL quotes"]
    events = played(started.session)
    assert [len(events[kind]) for kind in ("bar", "trade", "quote")] == [390, 390, 0]
    assert set(DayVersion.objects.values_list("kind", "origin")) == {
        (kind, "provider alpaca") for kind in ("bars", "ticks")
    }


def test_a_start_asks_for_the_bars_of_many_symbols_together_and_names_who_has_none(
    player: Player, vendor: Vendor
) -> None:
    vendor.page_size = 10_000
    names = ("AAPL", "IBM", "MSFT", "NEWCO", "SPY")
    vendor.bars |= dict.fromkeys(("IBM", "MSFT", "SPY"), vendor.bars["AAPL"])
    started = service.start(StartRequest(names, DAY.date, DAY.date, speed=0.0, provider="alpaca"))
    assert started.symbols == ["AAPL", "IBM", "MSFT", "SPY"]
    assert list(started.failures) == ["NEWCO"] and "no bars of NEWCO on 2024-11-18" in started.failures["NEWCO"]
    assert [query["symbols"] for query in vendor.asked] == [",".join(names), "NEWCO", "NEWCO"]
