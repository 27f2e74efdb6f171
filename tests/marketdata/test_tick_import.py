"""Import of real trades and quotes against their source files, and what is said of bad rows."""

from __future__ import annotations

import csv
import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from marketdata.kinds import DayKind
from marketdata.models import CHUNK_ROWS, Dataset, DayChunk, DayVersion, QuarantinedRow, Quote, ReadOnlyError, Trade
from marketdata.store import find_days, load_ticks

pytestmark = pytest.mark.django_db
OPEN = pd.Timestamp("2013-10-07T13:30:00Z")
CLOSE = pd.Timestamp("2013-10-07T20:00:00Z")


def run(command: str, *arguments: Any, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command(command, *map(str, arguments), json=True, stdout=out, **options)
    (report,) = json.loads(out.getvalue())["datasets"]
    return dict(report)


def manifest(shared_data: Path, folder: str) -> list[dict[str, str]]:
    with (shared_data / "MANIFEST.csv").open() as rows:
        return [row for row in csv.DictReader(rows) if row["path"].startswith(folder)]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("import_trades", "trades/lean/IBM_2013-10-07_trades.parquet"),
        ("import_trades", "trades/lean/BAC_2013-10-07_trades.parquet"),
        ("import_trades", "trades/nxcore/AAPL_2010-05-07_trades.parquet"),
        ("import_quotes", "quotes/lean/IBM_2013-10-07_quotes.parquet"),
    ],
)
def test_a_real_file_imports_with_the_counts_of_its_manifest(shared_data: Path, command: str, path: str) -> None:
    (row,) = manifest(shared_data, path)
    report = run(command, shared_data / path)
    outside = int(row["outside_rth_rows"])
    figures = [report[name] for name in ("rows", "inserted", "outside_session", "rejected")]
    assert figures == [int(row["rows"]), int(row["rows"]) - outside, outside, 0]
    assert DayVersion.objects.regular().get().ledger == "T" * 390
    again = run(command, shared_data / path)
    assert (again["inserted"], again["unchanged"], again["days"]) == (0, report["inserted"], 0)


def test_the_store_gives_back_the_file_row_by_row_in_its_order(sample: Path) -> None:
    path = sample / "quotes/lean/IBM_2013-10-07_quotes.parquet"
    run("import_quotes", path)
    source = pd.read_parquet(path)
    source = source[(source.timestamp >= OPEN) & (source.timestamp < CLOSE)]
    dataset = Dataset.objects.get(name="lean")
    day = find_days(dataset.pk, DayKind.QUOTES, dt.date(2013, 10, 7), ["IBM"])["IBM"]
    rows = load_ticks(day)
    opened = OPEN.value
    assert (rows.at + opened).tolist() == source.timestamp.astype("datetime64[ns, UTC]").astype("int64").tolist()
    for name in ("bid", "bid_size", "ask", "ask_size"):
        np.testing.assert_array_equal(rows.value(name), source[name].to_numpy())
    bids = source.bid.notna().to_numpy()
    names = np.array(rows.words, object)
    on = np.where(bids, names[rows.code("bid_exchange")], names[rows.code("ask_exchange")])
    assert on.tolist() == source.exchange.astype(str).tolist()
    assert names[rows.code("condition")].tolist() == source.condition.astype(str).tolist()
    assert day.chunk_count == -(-len(source) // CHUNK_ROWS) == DayChunk.objects.filter(day_id=day.id).count()


def test_sql_and_the_orm_see_one_row_per_event(sample: Path) -> None:
    run("import_trades", sample / "trades/lean/IBM_2013-10-07_trades.parquet")
    regular = Trade.objects.filter(instrument__symbol="IBM", date="2013-10-07", scope="regular")
    first = regular.earliest("sequence")
    table = pd.read_parquet(sample / "trades/lean/IBM_2013-10-07_trades.parquet")
    source = table[table.timestamp >= OPEN].iloc[0]
    assert (first.sequence, first.price, first.size) == (1, source.price, source["size"])
    assert (first.exchange, first.condition) == (source.exchange, source.condition)
    assert (first.at, first.at_ns) == (source.timestamp, source.timestamp.value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT sequence), sum(size) FROM marketdata_trade")
        rows, sequences, shares = cursor.fetchone()
    assert (rows, shares) == (len(table), table["size"].sum()) and sequences == regular.count()
    with pytest.raises(ReadOnlyError, match="write_days"):
        Trade.objects.update(price=1)
    with pytest.raises(ReadOnlyError, match="versioned"):
        first.delete()


def test_a_quote_bar_gives_its_closing_quote_in_the_last_nanosecond_of_its_minute(sample: Path) -> None:
    report = run("import_quotes", sample / "quotebars/lean/IBM_2013-10-07_1min_quote.csv.gz")
    assert (report["inserted"], report["outside_session"]) == (390, 164)
    first = Quote.objects.filter(scope="regular").earliest("sequence")
    assert first.at_ns == OPEN.value + 60_000_000_000 - 1
    table = pd.read_csv(sample / "quotebars/lean/IBM_2013-10-07_1min_quote.csv.gz", parse_dates=["timestamp"])
    source = table[table.timestamp == OPEN].iloc[0]
    reported = (first.bid, first.bid_size, first.ask, first.ask_size)
    assert reported == (source.bid_close, source.bid_size, source.ask_close, source.ask_size)
    assert DayVersion.objects.regular().get().derived


def test_recorded_quotes_go_before_derived_ones_and_neither_replaces_the_other(sample: Path) -> None:
    run("import_quotes", sample / "quotes/lean/IBM_2013-10-07_quotes.parquet")
    run("import_quotes", sample / "quotebars/lean/IBM_2013-10-07_1min_quote.csv.gz")
    dataset = Dataset.objects.get()
    found = find_days(dataset.pk, DayKind.QUOTES, dt.date(2013, 10, 7), ["IBM"])
    assert not found["IBM"].derived
    assert DayVersion.objects.current().regular().count() == 2


HEAD = "timestamp,price,size,exchange,condition"
GOOD = [
    "2025-07-02T13:30:00.000000001Z,10.5,100,N,@",
    "2025-07-02T13:30:00.000000001Z,10.6,200,Q,",
    "2025-07-02T13:30:00.000000002Z,10.5,,N,@ F",
]
BAD = {
    "2025-07-02T13:31:00Z,abc,100,N,@": "the price is not a finite number",
    "2025-07-02T13:31:00Z,-1,100,N,@": "the price is not positive",
    "2025-07-02T13:31:00Z,10,-5,N,@": "the size is negative",
    "2025-07-04T13:31:00Z,10,5,N,@": "2025-07-04 is not a trading day of XNYS",
    "soon,10,5,N,@": "the time cannot be read",
}


def a_file(folder: Path, *lines: str, name: str = "IBM_x.csv") -> Path:
    (folder / "feed").mkdir(exist_ok=True)
    path = folder / "feed" / name
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path


def test_nanoseconds_and_ties_survive_and_bad_rows_are_reported_with_their_line(tmp_path: Path) -> None:
    report = run("import_trades", a_file(tmp_path, *GOOD, *BAD))
    assert (report["rows"], report["inserted"], report["rejected"]) == (8, 3, 5)
    reported = dict(QuarantinedRow.objects.values_list("line", "reason"))
    assert reported == dict(zip(range(5, 10), BAD.values(), strict=True))
    rows = Trade.objects.values_list("at_ns", "price", "size", "exchange", "condition")
    assert [(at % 1000, *rest) for at, *rest in rows] == [
        (1, 10.5, 100.0, "N", "@"),
        (1, 10.6, 200.0, "Q", None),
        (2, 10.5, None, "N", "@ F"),
    ]


def test_a_corrected_file_is_a_new_version_and_a_part_completes_the_day(tmp_path: Path) -> None:
    run("import_trades", a_file(tmp_path, GOOD[0], name="IBM_a.csv"))
    part = run("import_trades", a_file(tmp_path, GOOD[1], GOOD[2], name="IBM_b.csv"))
    assert part["revised"] + part["inserted"] == 2
    corrected = [GOOD[1], GOOD[2].replace("10.5", "10.4")]
    report = run("import_trades", a_file(tmp_path, *corrected, name="IBM_c.csv"))
    assert (report["unchanged"], report["revised"], report["inserted"]) == (1, 1, 0)
    assert DayVersion.objects.current().get().version == 3
    assert list(Trade.objects.values_list("price", flat=True))[-1] == 10.4


def test_parts_that_meet_within_one_second_lose_and_repeat_nothing(tmp_path: Path) -> None:
    ticks = [f"2025-07-02T13:30:0{second}Z,{price},1,N,@" for second, price in ((0, 1), (1, 2), (1, 2), (1, 3), (2, 4))]
    whole = [1, 2, 2, 3, 4]
    a, b = a_file(tmp_path, *ticks[:3], name="IBM_a.csv"), a_file(tmp_path, *ticks[3:], name="IBM_b.csv")
    for path in (a, b, a, b):
        run("import_trades", path)
    assert list(Trade.objects.values_list("price", flat=True)) == whole
    assert DayVersion.objects.count() == 2


def test_a_dry_run_writes_nothing_and_a_file_of_bars_is_named(tmp_path: Path) -> None:
    assert run("import_trades", a_file(tmp_path, *GOOD), dry_run=True)["inserted"] == 3
    assert not DayChunk.objects.exists() and not Dataset.objects.exists()
    with pytest.raises(CommandError, match="holds trades, not quotes; it has timestamp, price"):
        run("import_quotes", a_file(tmp_path, *GOOD))


def test_a_head_that_a_file_repeats_is_reported_as_one(tmp_path: Path) -> None:
    report = run("import_trades", a_file(tmp_path, *GOOD, HEAD))
    assert (report["inserted"], report["rejected"]) == (3, 1)
    row = QuarantinedRow.objects.get()
    assert (row.line, row.reason) == (len(GOOD) + 2, "the line is the head once more")


def test_a_quote_needs_a_side(tmp_path: Path) -> None:
    path = tmp_path / "IBM.csv"
    path.write_text("t,bp,bs,ap,as\n2025-07-02T13:30:01Z,,,,\n2025-07-02T13:30:01Z,10.2,1,10.1,1\n")
    report = run("import_quotes", path, columns={"ask_size": "as"})
    assert (report["inserted"], report["rejected"]) == (1, 1)
    assert QuarantinedRow.objects.get().reason == "it has neither a bid nor an ask"


def test_the_admin_shows_days_with_their_first_rows_and_events_of_a_symbol_and_date(
    tmp_path: Path, admin_client: Client
) -> None:
    run("import_trades", a_file(tmp_path, *GOOD))
    day = DayVersion.objects.get()
    page = admin_client.get(f"/admin/marketdata/dayversion/{day.pk}/change/").content.decode()
    assert "13:30:00.000000001" in page and "1 of 390" in page
    for url in ("trade", "quote", "dayversion"):
        assert admin_client.get(f"/admin/marketdata/{url}/").status_code == 200
    shown = admin_client.get("/admin/marketdata/trade/?q=IBM+2025-07-02").content.decode()
    assert "10.6" in shown
    assert "10.6" not in admin_client.get("/admin/marketdata/trade/").content.decode()
