"""The symbol that a file's name says, as each vendor names files; a word that is no symbol is asked about."""

from __future__ import annotations

import re
from pathlib import Path

from marketdata.importing.base.decision import Fact
from marketdata.importing.base.refusals import Doubt
from marketdata.importing.dialects.dialect import words
from marketdata.importing.files.partitions import partition_symbol
from marketdata.symbols import clean_symbol, is_symbol, symbol_key

ENDINGS = re.compile(
    r"(?:\.(?:csv|tsv|txt|json|jsonl|ndjson|parquet|dbn|scid|gz|zst|bz2|xz|zip|last|bid|ask|trades?|quotes?|bars?))+$",
    re.IGNORECASE,
)
SYM = r"(?P<symbol>[A-Za-z0-9][A-Za-z0-9.\-=^ ]*?)"
VENDORS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("TradingView", re.compile(r"[A-Z]+_(?:DLY_)?(?P<symbol>[^,_]+), ?\d+[SDWM]?(?:_\w+)?(?: \(\d+\))?")),
    ("HistData", re.compile(rf"DAT_[A-Z]+_{SYM}_(?:M1|T)_\d+", re.IGNORECASE)),
    ("QuantQuote", re.compile(rf"table_{SYM}", re.IGNORECASE)),
    ("Alpha Vantage", re.compile(rf"intraday_\d+min_{SYM}(?:_.*)?", re.IGNORECASE)),
    ("Binance", re.compile(rf"{SYM}-(?:\d+[smhdwM]|1mo|trades|aggTrades)-\d{{4}}-\d\d(?:-\d\d)?")),
    ("many programs", re.compile(rf"{SYM}-(?:\d+(?:s|m|min|minutes?|h|d|w)|1mo)", re.IGNORECASE)),
    ("Sierra Chart", re.compile(rf"{SYM}(?:\.scid)?_BarData", re.IGNORECASE)),
    ("LOBSTER", re.compile(rf"{SYM}_\d{{4}}-\d\d-\d\d_\d+_\d+_(?:message|orderbook)_\d+")),
)
EXCHANGES = words(
    "nasdaq nyse amex arca bats cboe iex edgx edga bzx byx xnas xnys xase arcx memx phlx otc otcm lse tsx cme glbx "
    "dbeq equs opra sip utp cta us usa inet nysearca euronext xlon xtks xtse xpar xetr nse bse krx nms tse hkex asx"
)
SOURCES = words(
    "dat taq polygon massive databento dbn firstrate firstratedata kibot alphavantage twelvedata eodhd yahoo yfinance "
    "alpaca ibkr ib tws sierra tradingview dukascopy lean quantconnect ninjatrader tradestation histdata metatrader "
    "mt4 mt5 binance stooq thetadata tardis lobster itch schwab barchart tiingo finnhub quantquote nxcore oanda "
    "bloomberg iqfeed algoseek refinitiv reuters bybit coinbase kraken okx bitstamp questrade fxcm norgate"
)
GENERIC = words(
    "table data bars bar intraday minute minutes min ohlc ohlcv trades trade quotes quote ticks tick export download "
    "history historical stock stocks equity equities etf prices price part file output candles candle kline klines raw "
    "flat answer sample test csv json parquet regular extended rth eth adjusted unadjusted split mine new old all "
    "untitled df frame results result chart charts query combined watchlist stockdata my portfolio merged unknown temp "
    "of the ticker tickers symbol symbols feed cleaned clean copy final stk security securities market markets "
    "january february march april june july august september october november december"
)
ALSO_SYMBOLS = frozenset({"cme", "cboe", "iex", "ice", "min", "data", "old", "all", "new", "flat", "ib"})
"""Words that are tickers as well: a file's only word is taken for the ticker."""
DATED = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)"
    r"(?:day)?\d*|(?:day|week|month|year|quarter|q)\d+",
    re.IGNORECASE,
)
"""A month, a weekday, a week's number. In capitals it may be a ticker: MON, SUN."""
TICKER = re.compile(r"[A-Z]{1,9}(?:[.\-][A-Z]{1,2})?|[A-Z]{1,5}p[A-Z]")
OUTFITS = re.compile(r"(?P<symbol>[A-Za-z]+)(?:[.\-](?:us|\d+(?:s|m|min|h|d)?|\d{4})|\d+min)", re.IGNORECASE)
"""A symbol with a country, an interval or a year behind it."""
FORMS = re.compile(
    r"[A-Z0-9]+[.\-](?:PR[A-Z]?|WSA?|WT|UN?|RT|WI|[A-Z]|[A-Z]-P[A-Z]|USD[TC]?|EUR|GBP|JPY|CHF|CAD|AUD|BTC|ETH|BUSD|PERP)"
)
"""Symbols with something behind a point or a dash: a class, a preferred, a warrant; a pair's second currency."""
SMALL = re.compile(r"[a-z]{1,5}")
CODE = re.compile(r"\d{6}|(?!19|20)\d{4,5}")
"""A security's number, as Asia's exchanges have; not a year."""
NO_TICKERS = words("utc gmt est edt et cst cdt ny usd usa rth eth am pm ohlc ohlcv tz dst sip nbbo")
INTERVAL = re.compile(r"(?:\d+(?:s|sec|m|min|minutes?|h|d|t)?|m\d+|[a-z]?\d{4,}.*)", re.IGNORECASE)
LAYOUT_WORDS = frozenset(
    ["quote", "trade", "quotes", "trades", "bars", "min", "minute", "adjusted", "unadjusted", "splitadjusted", "full"]
)


def symbol_from_path(path: Path) -> Fact:
    """Raises Doubt where neither the folders nor the name say one."""
    if folder := partition_symbol(path):
        return Fact(clean_symbol(folder), "the folder's name")
    stem = ENDINGS.sub("", path.name)
    for vendor, pattern in VENDORS:
        if match := pattern.fullmatch(stem):
            return Fact(_as_symbol(match["symbol"]), f"the file's name, as {vendor} writes it")
    parts = re.split(r"[_,\s]+", stem)
    first = parts[0]
    if problem := _problem(first, parts[1:], path.name):
        others = [*re.split(r"[.\-]", first)[1:], *parts[1:]]
        choices = [part for part in others if _plausible(part) or CODE.fullmatch(part)]
        raise _doubt(path, f"the name begins with {problem}", choices)
    if dressed := OUTFITS.fullmatch(first):
        raise _doubt(
            path, f"the name begins with {first!r}, which may have more than a symbol", [dressed["symbol"], first]
        )
    if joined := _joined(first):
        raise _doubt(path, f"the name begins with {first!r}, which may be several words", [*joined, first])
    if others := [part for part in parts[1:] if _is_ticker(part)]:
        said = [f"{first}.{part}" if len(part) == 1 and first.isupper() else part for part in others]
        why = f"two words of the name may be the symbol, {first!r} and {others[0]!r}"
        raise _doubt(path, why, [*said, first] if len(others[0]) == 1 or not first.isupper() else [first, *said])
    if first.islower() and (others := [part for part in parts[1:] if SMALL.fullmatch(part) and _is_word(part)]):
        why = f"two words of the name may be the symbol, {first!r} and {others[0]!r}"
        raise _doubt(path, why, [first, *others])
    return Fact(_as_symbol(first), "the file's name")


def refuse_other_name(path: Path, symbol: str) -> None:
    """Raises Doubt where the file says one symbol, and its name, in capitals, another."""
    try:
        named = symbol_from_path(path).value
    except Doubt:
        return
    plain, other = (re.sub(r"[^A-Z0-9]", "", text.upper()) for text in (symbol, named))
    alike = plain.startswith(other) or other.startswith(plain)
    if path.name.startswith(named) and TICKER.fullmatch(named) and len(named) > 1 and not alike:
        raise _doubt(path, f"the file says that its rows are of {symbol}, its name {named}", [symbol, named])


def _doubt(path: Path, why: str, choices: list[str]) -> Doubt:
    return Doubt(
        f"{path}: it has no symbol column, and {why}",
        "pass --symbol",
        option="symbol",
        choices=tuple(dict.fromkeys(map(_as_symbol, choices))),
    )


def _joined(word: str) -> list[str]:
    """The parts of words with points or dashes between them, the likeliest first; none of a symbol of that form."""
    parts = re.split(r"[.\-]", word)
    if len(parts) == 1 or not all(parts) or is_known_form(word.upper()):
        return []
    return [part for part in reversed(parts) if _plausible(part)]


def is_known_form(symbol: str) -> bool:
    """BRK.B, BAC-PB, ABC.WS: a class of shares and the like; BTC-USD: a pair."""
    return symbol_key(symbol) != symbol or bool(FORMS.fullmatch(symbol))


def _is_word(part: str) -> bool:
    """Whether a later word in small letters may be the symbol."""
    return _plausible(part) and part not in NO_TICKERS and not DATED.fullmatch(part)


def _is_ticker(part: str) -> bool:
    """Whether a later word looks like a symbol in capitals."""
    return bool(TICKER.fullmatch(part)) and _plausible(part) and part.lower() not in NO_TICKERS


def _as_symbol(text: str) -> str:
    """A name in small letters, or with one capital, means the capitals; other cases are kept."""
    text = text.strip()
    return clean_symbol(text.upper() if text.istitle() else text)


def _problem(word: str, rest: list[str], name: str) -> str:
    """What keeps a name's first word from being a symbol; empty where nothing does."""
    lower = word.lower()
    lone = not any(_plausible(part) for part in rest)
    if not word or not is_symbol(word) or not word[0].isalpha():
        return f"{word!r}, which is no symbol"
    if lower in ALSO_SYMBOLS and lone:
        return ""
    if DATED.fullmatch(word) and not word.isupper():
        return f"{word!r}, a part of a date"
    if re.fullmatch(r"(?:sheet|book|table|page|tab)\d+|[mhd]\d+", lower):
        return f"{word!r}, a program's word"
    if all(part.lower() in EXCHANGES | SOURCES | GENERIC for part in re.findall("[A-Z][a-z]+|.", word)):
        return f"{word!r}, a vendor's or a common word"
    if {"and", "&", "vs"} & {part.lower() for part in rest}:
        return f"{word!r}, one of several names"
    begins = re.split(r"[.\-]", word)[0]
    for known, kind in ((EXCHANGES, "an exchange"), (SOURCES, "a vendor"), (GENERIC, "a common word")):
        if begins.lower() in known and (begins == word or begins.lower() not in ALSO_SYMBOLS):
            return f"{begins!r}, {kind}"
    if re.fullmatch(r"(?:part|data|file)?-?\d+.*|[0-9a-f]{8}-[0-9a-f-]+", lower):
        return f"{word!r}, a number or a date"
    if re.fullmatch(r"(?:part|data|file|chunk|page)-\w+", lower):
        return f"{word!r}, a part's name"
    if re.search(r"\d{4}-\d\d-\d\d|\d{8}", word):
        return f"{word!r}, which has a date in it"
    return ""


def _plausible(part: str) -> bool:
    """Whether a later word of a name could be the symbol."""
    lower = part.lower()
    known = lower in EXCHANGES | SOURCES | GENERIC | LAYOUT_WORDS
    return part.isascii() and is_symbol(part) and part[0].isalpha() and not known and not INTERVAL.fullmatch(part)
