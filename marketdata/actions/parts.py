"""What files of corporate actions are made into: actions, checked one by one, with what was skipped beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from marketdata.actions.known import Action, Kind
from marketdata.calendar import NEW_YORK
from marketdata.errors import MarketDataError

Row = Mapping[str, str]


class NotActions(MarketDataError):
    """The file is in no form of corporate actions that is known, or says something impossible."""


@dataclass(slots=True)
class ActionFile:
    """What a file says; `skipped`: kinds of action that are not kept, with how often they are there."""

    form: str
    actions: list[Action] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, kind: str, count: int = 1) -> None:
        self.skipped[kind] = self.skipped.get(kind, 0) + count


def split(symbol: str, ex_date: str, ratio: Decimal, source: str, announced: str = "") -> Action:
    """Raises ValueError for a ratio that is none."""
    if not ratio.is_finite() or ratio <= 0:
        raise ValueError(
            f"{symbol} {ex_date}: a split of {ratio} is impossible: give new shares for an old one, e.g. 7:1"
        )
    return Action(symbol, Kind.SPLIT, date_of(ex_date), ratio=ratio, source=source, announced_at=moment_of(announced))


def dividend(
    symbol: str, ex_date: str, amount: Decimal, source: str, announced: str = "", *, special: bool = False
) -> Action:
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{symbol} {ex_date}: a dividend of {amount} is impossible: give cash a share")
    return Action(
        symbol,
        Kind.DIVIDEND,
        date_of(ex_date),
        amount=amount,
        special=special,
        source=source,
        announced_at=moment_of(announced),
    )


def symbol_change(symbol: str, ex_date: str, new: str, source: str) -> Action:
    if not new or new == symbol:
        raise ValueError(f"{symbol} {ex_date}: a change of symbol to {new!r} is none")
    return Action(symbol, Kind.SYMBOL_CHANGE, date_of(ex_date), new_symbol=new, source=source)


def ratio_of(text: str) -> Decimal:
    """`7:1`, `7/1`, `7 for 1` or `7`: new shares for an old one."""
    new, _, old = text.lower().replace(" for ", ":").replace("/", ":").partition(":")
    return Decimal(new.strip()) / Decimal(old.strip() or "1")


def date_of(text: str) -> dt.date:
    """A date, or the date of a stamp as it is written: vendors stamp ex dates at their exchange's midnight."""
    text = text.strip()
    if len(text) == 8 and text.isdigit():
        return dt.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise ValueError(f"{text!r} is not a date: give YYYY-MM-DD") from None


def moment_of(text: str) -> dt.datetime | None:
    """A moment with its zone; of a date alone its end in New York, before which it may not be counted as known."""
    if not text.strip():
        return None
    if len(text.strip()) == 10:
        end = dt.datetime.combine(date_of(text) + dt.timedelta(days=1), dt.time(), NEW_YORK)
        return end.astimezone(dt.UTC)
    found = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no zone: write 2014-04-23T20:30:00Z")
    return found.astimezone(dt.UTC)
