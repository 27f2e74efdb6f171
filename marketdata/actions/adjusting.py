"""Prices adjusted by the actions between them and a date: never by one that has not gone ex by then.

A split divides the prices before its ex date and multiplies their volume. A dividend takes from the prices before its
ex date the share that it is of the last close before it; volumes stay. As vendors do, and as a chart shows it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
from django.db import models
from django.db.models.fields.json import KT

from marketdata.actions.known import Action, Kind, actions_between
from marketdata.columns import BarColumns
from marketdata.errors import MarketDataError
from marketdata.models import Dataset, DayVersion


class Adjustment(models.TextChoices):
    RAW = "raw", "as traded"
    SPLIT = "split", "for splits"
    DIVIDEND = "dividend", "for dividends"
    ALL = "all", "for splits and dividends"


DATASETS_ADJUSTED = {"raw": set(), "split": {Kind.SPLIT}, "all": {Kind.SPLIT, Kind.DIVIDEND}}
"""A dataset's price mode → what its source has adjusted already."""
ASKED: dict[str, set[Kind]] = {
    Adjustment.RAW: set(),
    Adjustment.SPLIT: {Kind.SPLIT},
    Adjustment.DIVIDEND: {Kind.DIVIDEND},
    Adjustment.ALL: {Kind.SPLIT, Kind.DIVIDEND},
}


PRICES = ("open", "high", "low", "close", "vwap")
DECIMALS = 6
"""The decimals of an adjusted price."""


class CannotAdjust(MarketDataError):
    """The close before a dividend is not in the dataset: how much of the price it is, is not known."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What a bar's prices and volume are multiplied by."""

    price: float = 1.0
    volume: float = 1.0

    def times(self, other: Factors) -> Factors:
        return Factors(self.price * other.price, self.volume * other.volume)

    def of(self, bars: BarColumns) -> BarColumns:
        if self == Factors():
            return bars
        prices = {name: np.round(getattr(bars, name) * self.price, DECIMALS) for name in PRICES}
        return replace(bars, **prices, volume=bars.volume * self.volume)


class Adjuster:
    """One symbol's factors for bars from `first` on, as of a date; raises CannotAdjust.

    `adjustment`: of Adjustment, several with commas. What the dataset's source has adjusted is not adjusted again.
    """

    def __init__(self, dataset: Dataset, symbol: str, first: dt.date, as_of: dt.date, adjustment: str) -> None:
        kinds = _kinds(dataset, adjustment)
        actions = actions_between(symbol, first, as_of, kinds) if kinds else []
        known = (one for one in actions if not one.announced_at or one.announced_at.date() <= as_of)
        self.steps = [(action.ex_date, _factors(dataset, action)) for action in known]

    def at(self, date: dt.date) -> Factors:
        """For bars of that date."""
        found = Factors()
        for ex_date, factors in self.steps:
            if date < ex_date:
                found = found.times(factors)
        return found


def next_change(dataset: Dataset, symbol: str, after: dt.date, until: dt.date, adjustment: str) -> dt.date | None:
    """The first date after one, up to another, from which prices before it are adjusted otherwise; None: there is none.

    It lies ahead of a clock at `after`: for who has to know when to ask again, and not to be shown.
    """
    kinds = _kinds(dataset, adjustment)
    actions = actions_between(symbol, after, until, kinds) if kinds else []
    return min((max(one.ex_date, _announced(one)) for one in actions), default=None)


def _announced(action: Action) -> dt.date:
    return action.announced_at.date() if action.announced_at else action.ex_date


def _kinds(dataset: Dataset, adjustment: str) -> set[Kind]:
    """What is to be adjusted that the dataset's source has not adjusted."""
    asked = set().union(*(ASKED.get(name, set()) for name in adjustment.split(",")))
    return asked - DATASETS_ADJUSTED.get(dataset.price_mode, set())


def _factors(dataset: Dataset, action: Action) -> Factors:
    if action.kind == Kind.SPLIT:
        assert action.ratio
        return Factors(1 / float(action.ratio), float(action.ratio))
    assert action.amount
    return Factors(1 - float(action.amount) / _close_before(dataset, action))


LOOK_BACK = dt.timedelta(days=7)


def _close_before(dataset: Dataset, action: Action) -> float:
    """The last regular close of the dataset before the ex date."""
    days = DayVersion.objects.current().regular().minutes().filter(dataset=dataset, instrument__symbol=action.symbol)
    before = days.filter(date__lt=action.ex_date, date__gte=action.ex_date - LOOK_BACK).order_by("-date")
    close = before.values_list(KT("summary__last_close"), flat=True).first()
    if not close:
        raise CannotAdjust(
            f"{action.symbol} paid {action.amount} with ex date {action.ex_date}, and dataset {dataset} has no "
            "close of the week before it to adjust by: import those days, or ask for adjustment=split."
        )
    return float(close)
