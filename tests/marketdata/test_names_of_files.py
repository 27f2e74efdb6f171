"""The symbol in a file's name: read where one word alone can be it, else asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketdata.importing.base.refusals import Doubt
from marketdata.importing.tables.naming import symbol_from_path

READ = {
    **dict.fromkeys(["AAPL-1m", "aapl_1m_2025", "AAPL_cleaned", "AAPL_NASDAQ", "AAPL_1min_ET", "AAPL_RTH"], "AAPL"),
    **dict.fromkeys(["AAPL_2025-07-02", "aapl", "Aapl", "AAPL_M1", "AAPL_202507", "AAPL_quotes_x"], "AAPL"),
    **{"BRK-B": "BRK-B", "BRK.B": "BRK.B", "BACpB": "BACpB", "ES=F": "ES=F", "BTC-USD": "BTC-USD", "ALL-PB": "ALL-PB"},
    **{name: name for name in ("MON", "SUN", "CME", "ICE", "ALL", "A", "F", "EURUSD")},
}
NO_SYMBOLS = [
    *("Sheet1", "Book1", "untitled", "df", "results", "chart", "query", "july", "combined", "watchlist", "stockdata"),
    *("my_data", "MSFT and AAPL", "M1", "wednesday", "oct", "jul2", "week27", "Mon", "PolygonData", "feed", "cleaned"),
]
ASKED = {
    **dict.fromkeys(["NASDAQ-AAPL", "XNAS.AAPL", "stocks-AAPL", "jan_AAPL", "Mon_AAPL", "NSE_AAPL"], ("AAPL",)),
    **dict.fromkeys(
        ["Copy of AAPL", "ticker_AAPL", "STK_AAPL", "iqfeed_AAPL", "OANDA_AAPL", "NYSEARCA_AAPL"], ("AAPL",)
    ),
    **{"Kalshi_AAPL": ("AAPL", "KALSHI"), "somebody_AAPL": ("AAPL", "SOMEBODY"), "AAPL_MSFT": ("AAPL", "MSFT")},
    **{"ZZFEED_BTCUSDT": ("ZZFEED", "BTCUSDT"), "Q_AAPL": ("Q", "AAPL"), "BRK_B": ("BRK.B", "BRK")},
    **{"BRK B": ("BRK.B", "BRK"), "AAPL.us": ("AAPL", "AAPL.us"), "AAPL-US": ("AAPL", "AAPL-US")},
    **dict.fromkeys(["data.AAPL", "MON-AAPL", "Foo-AAPL"], ("AAPL",)),
    **{"acme_aapl": ("ACME", "AAPL"), "aapl_qqq_2025": ("AAPL", "QQQ"), "KRX_005930": ("005930",)},
    **{"AAPL.1min": ("AAPL", "AAPL.1min"), "AAPL1min": ("AAPL", "AAPL1min"), "TSLA-2025": ("TSLA", "TSLA-2025")},
}
"""Name → what the person may choose from."""


@pytest.mark.parametrize("name", READ)
def test_one_word_that_can_be_it_is_the_symbol(name: str) -> None:
    assert symbol_from_path(Path(f"{name}.csv")).value == READ[name]


@pytest.mark.parametrize("name", NO_SYMBOLS)
def test_a_word_that_is_no_symbol_is_not_taken_for_one(name: str) -> None:
    with pytest.raises(Doubt, match="pass --symbol"):
        symbol_from_path(Path(f"{name}.csv"))


@pytest.mark.parametrize("name", ASKED)
def test_a_symbol_among_other_words_is_asked_about(name: str) -> None:
    with pytest.raises(Doubt, match="pass --symbol") as asked:
        symbol_from_path(Path(f"{name}.csv"))
    choices = asked.value.choices
    assert choices[0] == ASKED[name][0] and set(ASKED[name]) <= set(choices)
