"""Daily bars as a source gives them, compared with the sum of its minutes: a difference is reported, never a gap.

They are days of interval 1d that are not derived. What a source counts over more than
the regular session is absent in them, and not compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from marketdata import store
from marketdata.calendar import NEW_YORK, TradingDay, session_date_of
from marketdata.columns import BarColumns
from marketdata.derive import derive
from marketdata.errors import NoData, ProviderFailed
from marketdata.intervals import DAY
from marketdata.kinds import DayKind
from marketdata.models import Dataset, DayVersion
from marketdata.providers.asking import ask
from marketdata.providers.base import NoDataExists, Provider, Rows
from marketdata.providers.fetching import origin_of
from marketdata.store import NewDay

FIELDS = ("open", "high", "low", "close", "volume")


def fetch_daily(dataset: Dataset, provider: Provider, symbol: str, days: Sequence[TradingDay]) -> int:
    """Have the store hold the provider's daily bars; returns how many. Raises NoData, UnknownSymbol, ProviderFailed."""
    first, last = (dt.datetime.combine(day.date, dt.time(), NEW_YORK) for day in (days[0], days[-1]))
    answer = ask(provider, provider.fetch_bars, symbol, first, last + dt.timedelta(days=1), "1d")
    if isinstance(answer, NoDataExists) or not len(answer.stamps):
        raise NoData(f"{provider.name} has no daily bars of {symbol} from {days[0].date} to {days[-1].date}.")
    dates = [session_date_of(dt.datetime.fromtimestamp(int(stamp), dt.UTC)) for stamp in answer.stamps]
    if len(set(dates)) < len(dates) or not set(dates) <= {day.date for day in days}:
        raise ProviderFailed(f"{provider.name} gives no daily bars: its answer has other times of {symbol}.")
    instrument = store.ensure_instruments([symbol])[symbol]
    rows = [_row(instrument, date, answer, row, provider.name) for row, date in enumerate(dates)]
    store.write_days(dataset.pk, rows)
    return len(rows)


def _row(instrument: int, date: dt.date, answer: Rows, row: int, provider: str) -> NewDay:
    columns = (getattr(answer.bars, name)[row : row + 1] for name in BarColumns.__slots__[1:])
    bars = BarColumns(np.zeros(1, np.int64), *columns)
    return NewDay(instrument, date, bars, interval="1d", origin=origin_of(provider))


def daily_of(dataset_id: int, date: dt.date, symbols: Sequence[str]) -> dict[str, BarColumns]:
    """Symbol → the daily bar that its source gave, for the symbols that have one."""
    given = DayVersion.objects.current().regular().of(DayKind.BARS, "1d").filter(dataset_id=dataset_id, date=date)
    rows = given.filter(derived=False, instrument__symbol__in=symbols).values_list("pk", flat=True)
    return {symbol: stored.bars for symbol, stored in store.load_versions(list(rows)).items()}


def differences(minutes: BarColumns, session_minutes: int, daily: BarColumns) -> dict[str, list[float]]:
    """Field → [of the minutes, of the daily bar], where both have it and they differ."""
    summed = derive(minutes, session_minutes, DAY).columns
    pairs = {name: (float(getattr(summed, name)[0]), float(getattr(daily, name)[0])) for name in FIELDS}
    return {
        name: [ours, reported]
        for name, (ours, reported) in pairs.items()
        if abs(ours - reported) > 1e-9 * abs(reported)
    }
