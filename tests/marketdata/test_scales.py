"""Prices in another unit than dollars, though none is high: seen in the file alone, or beside the days around it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata.calendar import trading_day
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt
from marketdata.importing.tables.bar_reading import read
from marketdata.models import CorporateAction, DayVersion, Instrument

MONDAY, TUESDAY, FRIDAY = dt.date(2025, 7, 7), dt.date(2025, 7, 8), dt.date(2025, 7, 11)


def written(folder: Path, date: dt.date, scale: float, first: float = 5.0) -> Path:
    """Thirty minutes of a stock at five dollars, a cent up each."""
    opened = trading_day(date).open
    lines = ["time,open,high,low,close,volume"]
    for n in range(30):
        low, high = (f"{(first + (n + up) / 100) * scale:.6g}" for up in (0, 1))
        lines.append(f"{opened + dt.timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},{low},{high},{low},{high},100")
    path = folder / f"F_{date}_{scale:g}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def imported(path: Path, **options: Any) -> None:
    call_command("import_bars", str(path), dataset="mine", symbol="F", verbosity=0, **options)


def test_dollars_times_ten_thousand_are_asked_about_far_below_a_million(tmp_path: Path) -> None:
    path = written(tmp_path, MONDAY, 10_000)
    with pytest.raises(
        Doubt, match=r"whole numbers and all multiples of 100.*pass --scale 10000 .* or --as-is"
    ) as doubt:
        read(path, FileForm(symbol="F"))
    assert (doubt.value.option, doubt.value.choices) == ("scale", ("10000",))
    assert read(path, FileForm(symbol="F", scale=10_000)).values[0][0] == 5.0
    assert read(path, FileForm(symbol="F", as_is=True)).values[0][0] == 50_000


@pytest.mark.parametrize(("scale", "exchange"), [(1, ""), (100, ""), (10_000, "XTKS")], ids=str)
def test_other_prices_are_not(tmp_path: Path, scale: int, exchange: str) -> None:
    """A share at 500 in cents may be one in dollars, and Tokyo's dear ones do trade in steps of a hundred."""
    path = written(tmp_path, MONDAY, scale)
    read(path, FileForm(symbol="F", exchange=exchange))


@pytest.mark.django_db
@pytest.mark.parametrize("scale", [100, 1_000])
@pytest.mark.parametrize("date", [MONDAY, TUESDAY, FRIDAY], ids=["the same day", "the next day", "some days on"])
def test_a_hundred_times_the_stored_price_is_asked_about(tmp_path: Path, scale: int, date: dt.date) -> None:
    imported(written(tmp_path, MONDAY, 1))
    path = written(tmp_path, date, scale, first=5.2)
    said = rf"F is at {5.2 * scale:g} on {date}, and mine has it at 5\.?3? on {MONDAY}: {scale:,} times as much"
    with pytest.raises(CommandError, match=rf"{said}, and no split is known: pass --scale {scale}, or --as-is"):
        imported(path)
    imported(path, scale=float(scale))
    assert DayVersion.objects.get(date=date, current=True).summary["first_open"] == 5.2


@pytest.mark.django_db
def test_a_day_before_the_stored_ones_and_a_unit_in_the_store_are_seen_too(tmp_path: Path) -> None:
    imported(written(tmp_path, TUESDAY, 1_000), as_is=True)
    with pytest.raises(CommandError, match=r"one to 1,000 times as much, .* undo that import, or pass --as-is"):
        imported(written(tmp_path, MONDAY, 1))
    imported(written(tmp_path, MONDAY, 1), as_is=True)


@pytest.mark.django_db
def test_a_known_split_explains_the_step(tmp_path: Path) -> None:
    imported(written(tmp_path, MONDAY, 1))
    instrument = Instrument.objects.get(symbol="F")
    split = {"kind": CorporateAction.Kind.SPLIT, "ratio": Decimal("0.01"), "source": "made"}
    CorporateAction.objects.create(instrument=instrument, ex_date=TUESDAY, **split)
    imported(written(tmp_path, TUESDAY, 100))
    assert DayVersion.objects.count() == 2


@pytest.mark.django_db
def test_days_far_apart_say_nothing_of_each_other(tmp_path: Path) -> None:
    imported(written(tmp_path, dt.date(2025, 5, 5), 1))
    imported(written(tmp_path, MONDAY, 100))
