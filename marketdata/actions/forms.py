"""The forms that corporate actions come in, one function each."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from marketdata.actions.known import Action
from marketdata.actions.parts import (
    ActionFile,
    NotActions,
    Row,
    date_of,
    dividend,
    ratio_of,
    split,
    symbol_change,
)
from marketdata.calendar import next_trading_day

KINDS = {"split": "split", "dividend": "dividend", "special dividend": "special", "symbol": "symbol"}
FAR = dt.date(2050, 12, 31)
"""The last line of LEAN's files."""


def plain(rows: Sequence[Row], symbol: str, source: str) -> ActionFile:
    """symbol, ex_date, kind, value; and announced, source where there are some."""
    found = ActionFile("CSV")
    for row in rows:
        name, date, value = row["symbol"], row["ex_date"], row["value"]
        kind, announced, origin = row["kind"].lower(), row.get("announced", ""), row.get("source") or source
        if kind not in KINDS:
            raise ValueError(f"{name} {date}: {row['kind']!r} is no kind of action: give {', '.join(KINDS)}")
        if kind == "split":
            found.actions.append(split(name, date, ratio_of(value), origin, announced))
        elif kind == "symbol":
            found.actions.append(symbol_change(name, date, value, origin))
        else:
            special = kind == "special dividend"
            found.actions.append(dividend(name, date, Decimal(value), origin, announced, special=special))
    return found


def yfinance(rows: Sequence[Row], symbol: str, source: str) -> ActionFile:
    """Date, Dividends, Stock Splits. Its dividends are divided by all later splits: that is undone here."""
    found = ActionFile("yfinance (its dividends made raw by its later splits)")
    later = Decimal(1)
    for row in sorted(rows, key=lambda row: date_of(row["date"]), reverse=True):
        name, paid, ratio = row.get("symbol") or symbol, _number(row["dividends"]), _number(row["stock_splits"])
        if paid:
            found.actions.append(dividend(name, row["date"], round(paid * later, 6), source))
        if ratio:
            found.actions.append(split(name, row["date"], ratio, source))
            later *= ratio
    return found


def _number(cell: str) -> Decimal:
    return Decimal(cell or "0")


def lean_factors(lines: Sequence[Sequence[str]], symbol: str, source: str) -> list[Action]:
    """date, price and split factor, reference price: what changes between two lines went ex the day after the first."""
    found: list[Action] = []
    step = Decimal(1).scaleb(-max((len(line[1].strip().partition(".")[2]) for line in lines), default=0))
    for before, after in pairwise(sorted(lines, key=lambda line: line[0])):
        last = date_of(before[0])
        (paid, shares), (paid_after, shares_after) = (map(Decimal, line[1:3]) for line in (before, after))
        if (paid, shares) == (paid_after, shares_after) or last >= FAR:
            continue
        ex_date = next_trading_day(last).date.isoformat()
        if shares != shares_after:
            found.append(split(symbol, ex_date, _whole(shares_after / shares), source))
        if paid != paid_after:
            if len(before) < 4 or not Decimal(before[3]):
                raise ValueError(f"line {before[0]} has no reference price: the dividend cannot be read from it")
            amount = _paid(Decimal(before[3]), paid, paid_after, step)
            found.append(dividend(symbol, ex_date, amount, source))
    return found


def _paid(price: Decimal, before: Decimal, after: Decimal, step: Decimal) -> Decimal:
    """What was paid, to as many decimals, two to four, as factors in such steps carry at that price."""
    unsure = price * step / after
    decimals = next((places for places in (4, 3) if unsure < Decimal("0.5").scaleb(-places)), 2)
    return round(price * (1 - before / after), decimals)


def _whole(ratio: Decimal) -> Decimal:
    """Factors have seven digits: a ratio of small whole numbers is meant where one is as near as that."""
    for old in range(1, 51):
        new = round(ratio * old)
        if new and abs(Decimal(new) / old - ratio) <= ratio * Decimal("0.000005"):
            return Decimal(new) / old
    return ratio


def lean_map(lines: Sequence[Sequence[str]], symbol: str, source: str) -> list[Action]:
    """date, symbol: what it was called up to that day."""
    found: list[Action] = []
    for before, after in pairwise(sorted(lines, key=lambda line: line[0])):
        old, new = before[1].strip().upper(), after[1].strip().upper()
        if old != new:
            found.append(symbol_change(old, next_trading_day(date_of(before[0])).date.isoformat(), new, source))
    return found


def alpaca(text: str, path: Path) -> ActionFile:
    """The answer of `/v1/corporate-actions`, or the list of `/v2/corporate_actions/announcements`."""
    given, source = json.loads(text, parse_float=Decimal, parse_int=Decimal), f"Alpaca {path.name}"
    found = ActionFile("Alpaca")
    if isinstance(given, list):
        for one in given:
            _announcement(found, one, source)
        return found
    actions = given.get("corporate_actions")
    if not isinstance(actions, dict):
        raise NotActions(f"{path}: JSON without corporate_actions: give the answer of /v1/corporate-actions.")
    for kind, rows in actions.items():
        made = _KINDS.get(kind)
        if made is None:
            found.skip(kind, len(rows))
        else:
            found.actions += [made(one, source) for one in rows]
    return found


def _rates(one: Mapping[str, Any], source: str) -> Action:
    return split(one["symbol"], one["ex_date"], Decimal(one["new_rate"]) / Decimal(one["old_rate"]), source)


def _stock_dividend(one: Mapping[str, Any], source: str) -> Action:
    return split(one["symbol"], one["ex_date"], 1 + Decimal(one["rate"]), source)


def _cash(one: Mapping[str, Any], source: str) -> Action:
    return dividend(one["symbol"], one["ex_date"], Decimal(one["rate"]), source, special=bool(one.get("special")))


def _name_change(one: Mapping[str, Any], source: str) -> Action:
    return symbol_change(one["old_symbol"], one["process_date"], one["new_symbol"], source)


_KINDS = {
    "forward_splits": _rates,
    "reverse_splits": _rates,
    "stock_dividends": _stock_dividend,
    "cash_dividends": _cash,
    "name_changes": _name_change,
}


def _announcement(found: ActionFile, one: Mapping[str, Any], source: str) -> None:
    kind, announced = str(one.get("ca_type", "")).lower(), str(one.get("declaration_date") or "")
    symbol = one.get("symbol") or one.get("target_symbol") or one.get("initiating_symbol")
    subkind = str(one.get("ca_sub_type", "")).lower()
    if kind == "split" and symbol and one.get("ex_date"):
        ratio = Decimal(one["new_rate"]) / Decimal(one["old_rate"])
        found.actions.append(split(symbol, one["ex_date"], ratio, source, announced))
    elif kind == "dividend" and subkind == "cash" and symbol and one.get("ex_date"):
        found.actions.append(dividend(symbol, one["ex_date"], Decimal(one["cash"]), source, announced))
    else:
        found.skip(f"{kind} {subkind}".strip() or "unnamed")
