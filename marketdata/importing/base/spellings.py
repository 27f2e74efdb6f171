"""Which of a file's columns is which of ours: many spellings, one mapping."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from marketdata.importing.base.refusals import NotBars, NotTicks, UnreadableFile
from marketdata.kinds import DayKind

TIME = (
    *("timestamp", "datetime", "date_time", "date/time", "time", "date", "t", "ts", "ts_event", "start"),
    *("begins_at", "window_start", "gmt_time", "local_time", "unix", "open_time", "bar_start", "bar_time"),
    *("start_time", "time_period_start", "timebarstart", "date-time", "index"),
)
SYMBOL = ("symbol", "ticker", "sym", "s", "instrument")
TICKS: Mapping[str, tuple[str, ...]] = {
    "time": (*TIME, "sip_timestamp", "participant_timestamp"),
    "symbol": ("symbol", "ticker", "sym", "instrument"),
    "exchange": ("exchange", "x", "ex", "venue"),
    "condition": ("condition", "conditions", "cond", "sale_condition", "c", "tr_scond", "qu_cond"),
    "suspicious": ("suspicious",),
    "correction": ("correction", "corr", "tr_corr"),
}
SPELLINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    DayKind.BARS: {
        "time": TIME,
        "symbol": SYMBOL,
        "open": ("open", "o", "first"),
        "high": ("high", "h", "max"),
        "low": ("low", "l", "min"),
        "close": ("close", "c", "last", "latest"),
        "volume": ("volume", "v", "vol", "totalvolume", "total_volume"),
        "vwap": ("vwap", "vw", "average", "wap"),
        "trade_count": (
            *("trade_count", "n", "trades", "count", "transactions", "barcount", "number_of_trades"),
            *("numberoftrades", "#_of_trades", "numtrades", "num_trades", "trades_count"),
        ),
    },
    str(DayKind.TRADES): {
        **TICKS,
        "price": ("price", "p", "trade_price", "last"),
        "size": (
            *("decimal_size", "size", "s", "volume", "trade_volume", "trade_size"),
            *("qty", "quantity", "shares", "amount"),
        ),
    },
    str(DayKind.QUOTES): {
        **TICKS,
        "bid": ("bid", "bp", "bid_price", "bid_close", "close_bid", "bidclose", "bid_px_00"),
        "bid_size": ("bid_size", "bs", "bidsize", "last_bid_size", "bidsiz", "bid_amount", "bidvolume", "bid_sz_00"),
        "ask": (
            *("ask", "ap", "ask_price", "offer", "offer_price", "ask_close", "close_ask", "askclose"),
            *("ask_px_00", "ofr"),
        ),
        "ask_size": (
            *("ask_size", "asksize", "last_ask_size", "offer_size", "asksiz", "ask_amount", "askvolume"),
            *("ask_sz_00", "ofrsiz", "as"),
        ),
        "bid_exchange": ("bid_exchange", "bx"),
        "ask_exchange": ("ask_exchange", "ax"),
    },
}
PRICES: Mapping[str, tuple[str, ...]] = {
    DayKind.BARS: ("open", "high", "low", "close"),
    DayKind.TRADES: ("price",),
    DayKind.QUOTES: ("bid", "ask"),
}
QUOTE_COLUMNS = {
    *("bid", "ask", "bid_price", "ask_price", "bid_open", "ask_open", "bid_px_00"),
    *("open_bid", "open_ask", "bidopen", "askopen"),
}
PRICED = re.compile(
    r"(?P<field>open|high|low|close|volume)(?:_?price|_?px|_traded|_?[(\[](?:price|shares|usdt?|eur|gbp|jpy|chf|cad|aud|hkd|inr"
    r"|cny|[$€£¥])[)\]])|price_(?P<last>open|high|low|close)"
)
"""Open Price, open_px, Open (USD), price_open, Volume (shares)."""
MOST_NAMED = 12


def fold(name: str) -> str:
    """A column's name without what vendors do to it: '<Trade Count>' is trade_count, '1. open', Open (USD) are open."""
    plain = re.sub(r"\s+", "_", re.sub(r"^\d+[a-z]?[.:]\s*", "", name.strip().strip("<>").lower()))
    match = PRICED.fullmatch(plain)
    return (match["field"] or match["last"]) if match else plain


def ours(kind: str) -> tuple[str, ...]:
    """Our columns of a kind."""
    return (*SPELLINGS[kind], "date")


def kind_of(names: Sequence[str], given: Mapping[str, str]) -> str:
    """What a table with these columns holds; empty where they do not say it."""
    folded = {fold(name) for name in names} | set(given)
    has = {kind: _known(kind, folded) for kind in DayKind}
    if len(has[DayKind.BARS] & set(PRICES[DayKind.BARS])) >= 3:
        return DayKind.BARS
    if {"bid", "ask"} <= has[DayKind.QUOTES] or folded & {"bid_open", "open_bid", "bidopen"}:
        return DayKind.QUOTES
    sized = "size" in has[DayKind.TRADES] or folded & {"exchange", "condition", "conditions"}
    return DayKind.TRADES if "price" in has[DayKind.TRADES] and (sized or "price" in folded) else ""


def _known(kind: str, folded: Set[str]) -> set[str]:
    return {name for name, spellings in SPELLINGS[kind].items() if name in folded or folded & set(spellings)}


def map_columns(kind: str, names: Sequence[str], given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Our name → the file's. Raises UnreadableFile, naming what is missing and what there is."""
    folded = {fold(name): name for name in reversed(names)}
    unknown = [name for name in given.values() if name not in names]
    if unknown:
        raise UnreadableFile(f"{path}: no column {', '.join(unknown)}; it has {', '.join(names)}.")
    found = dict(given)
    for name, spellings in SPELLINGS[kind].items():
        hit = next((folded[spelling] for spelling in spellings if spelling in folded), None)
        if name not in found and hit is not None and hit not in given.values():
            found[name] = hit
    if "date" in folded and folded.get("time") and "time" not in given and "datetime" not in folded:
        found["date"], found["time"] = folded["date"], folded["time"]
    missing = [name for name in ("time", *PRICES[kind]) if name not in found]
    if missing:
        raise _missing(kind, missing, names, path)
    return found


def _missing(kind: str, missing: Sequence[str], names: Sequence[str], path: Path) -> UnreadableFile:
    there = f"it has {', '.join(names[:MOST_NAMED])}{', …' if len(names) > MOST_NAMED else ''}"
    text = f"{path}: no column for {', '.join(missing)}; {there}."
    advice = " Name them with --columns " + ("open=o,…" if kind == DayKind.BARS else "time=ts,…")
    if kind == DayKind.BARS and "time" not in missing and (several := _variants(names)):
        pairs = ",".join(f"{price}={name}" for price, name in several.items())
        return UnreadableFile(f"{text} Say which of them with --columns {pairs}")
    if kind == DayKind.BARS:
        return NotBars(text) if len(set(missing) - {"time"}) > 1 else UnreadableFile(text + advice)
    named = DayKind(kind).label[:-1] in path.name.lower()
    return UnreadableFile(text + advice) if named or missing == ["time"] else NotTicks(text + advice)


def _variants(names: Sequence[str]) -> dict[str, str]:
    """Our price → the first column that has its name as a word, where each of the four has one: open_raw, open_adj."""
    words = {name: set(re.split(r"[^a-z]+", name.lower())) for name in names}
    found = {price: next((n for n in names if price in words[n]), "") for price in PRICES[DayKind.BARS]}
    return found if all(found.values()) else {}


def other_kind(kind: str, found: str, names: Sequence[str], path: Path) -> UnreadableFile:
    """The refusal of a file that holds another kind than the one that was asked for."""
    there = f"it has {', '.join(names[:MOST_NAMED])}{', …' if len(names) > MOST_NAMED else ''}"
    text = f"{path}: holds {DayKind(found).label}, not {DayKind(kind).label}; {there}."
    return NotBars(text) if kind == DayKind.BARS else NotTicks(text)
