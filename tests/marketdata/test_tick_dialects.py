"""Vendors' forms of trades and quotes: prices, sizes and stamps of the first row of each, of the last, and of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.tables.tick_reading import read_ticks
from tests.marketdata.vendor_files import NEW_YORK, epoch

ROWS = range(12)
"""A minute and a dollar apart."""
PRICES = ("price", "bid", "ask")


def ns(n: int) -> int:
    return epoch(n) * 10**9


TICKS = {
    "Tardis trades": (
        "ticks",
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
        lambda n: f"x,AAPL,{ns(n) // 1000 + 5},{ns(n) // 1000 + 9},1,buy,{100.5 + n},2.25",
        {"price": 100.5, "size": 2.25},
    ),
    "Tardis quotes": (
        "quotes",
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
        lambda n: f"x,AAPL,{ns(n) // 1000 + 5},{ns(n) // 1000 + 9},3,{100.5 + n},{100.25 + n},4",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "TAQ trades": (
        "ticks",
        "DATE,TIME_M,EX,SYM_ROOT,SYM_SUFFIX,TR_SCOND,SIZE,PRICE,TR_STOP_IND,TR_CORR,TR_SEQNUM,TR_SOURCE,TR_RF",
        lambda n: f"20240314,9:{30 + n}:00.000000005,P,AAPL,,@F,100,{100.5 + n},,00,{n + 1},C,",
        {"price": 100.5, "size": 100},
    ),
    "Databento top of book": (
        "quotes",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,"
        "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00,symbol",
        lambda n: f"{ns(n) + 9},{ns(n) + 5},1,2,38,A,B,0,{100.25 + n},4,0,0,{n},{100.25 + n},{100.5 + n},4,3,1,1,AAPL",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "Polygon trades": (
        "ticks",
        "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,"
        "trf_id,trf_timestamp",
        lambda n: f"AAPL,37,0,11,x{n},{ns(n)},{100.5 + n},{n},{ns(n) + 5},100,3,0,0",
        {"price": 100.5, "size": 100},
    ),
    "Polygon quotes": (
        "quotes",
        "ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,"
        "participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp",
        lambda n: f"AAPL,11,{100.5 + n},3,12,{100.25 + n},4,1,,{ns(n)},{n},{ns(n) + 5},3,0",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "Databento trades": (
        "ticks",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol",
        lambda n: f"{ns(n) + 9},{ns(n) + 5},0,2,38,T,B,0,{100500000000 + n * 10**9},100,0,0,{n},AAPL",
        {"price": 100.5, "size": 100},
    ),
    "TAQ quotes": (
        "quotes",
        "DATE,TIME_M,EX,BID,BIDSIZ,ASK,ASKSIZ,QU_COND,QU_SEQNUM,NATBBO_IND,SYM_ROOT,SYM_SUFFIX",
        lambda n: f"20240314,9:{30 + n}:00.000000005,P,{100.25 + n},4,{100.5 + n},3,R,{n + 1},4,AAPL,",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "Kibot ticks": (
        "ticks",
        "",
        lambda n: f"03/14/2024,09:{30 + n}:00,{100.5 + n},{100.25 + n},{100.5 + n},100",
        {"price": 100.5, "size": 100},
    ),
    "NinjaTrader ticks": (
        "ticks",
        "",
        lambda n: f"20240314 09{30 + n}00 0000000;{100.5 + n};{100.25 + n};{100.5 + n};100",
        {"price": 100.5, "size": 100},
    ),
    "MetaTrader 5 ticks": (
        "quotes",
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>",
        lambda n: f"2024.03.14\t09:{30 + n}:00.000\t{100.25 + n}\t{100.5 + n}\t\t\t6",
        {"bid": 100.25, "ask": 100.5},
    ),
    "Dukascopy ticks": (
        "quotes",
        "Gmt time,Ask,Bid,AskVolume,BidVolume",
        lambda n: f"14.03.2024 13:{30 + n}:00.000,{100.5 + n},{100.25 + n},3,4",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "LOBSTER messages": (
        "ticks",
        "",
        lambda n: f"{34200 + 60 * n}.000000005,4,{16113575 + n},100,{1005000 + n * 10000},1",
        {"price": 100.5, "size": 100},
    ),
}


@pytest.mark.parametrize("name", TICKS)
def test_prices_and_sizes_of_trades_and_quotes_are_right(tmp_path: Path, name: str) -> None:
    kind, head, row, first = TICKS[name]
    path = tmp_path / ("AAPL_2024-03-14_34200000_57600000_message_1.csv" if "LOBSTER" in name else "AAPL_x.csv")
    path.write_text("\n".join([*([head] if head else []), *map(row, ROWS)]) + "\n")
    options = {"tz": NEW_YORK} if name.split()[0] in ("TAQ", "Kibot", "NinjaTrader", "MetaTrader") else {}
    table = read_ticks(path, FileForm(**options), kind)
    assert table.symbol.tolist() == ["AAPL"] * len(ROWS)
    for n in ROWS:
        expected = {column: value + n if column in PRICES else value for column, value in first.items()}
        assert {column: table.rows.value(column)[n] for column in expected} == expected
        assert abs(int(table.rows.at[n]) - ns(n)) <= 5000
