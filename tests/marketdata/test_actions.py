"""Corporate actions from every form that they come in, and questions about them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from marketdata.actions import actions_between
from marketdata.actions.known import Action
from marketdata.models import CorporateAction

pytestmark = pytest.mark.django_db
FIRST, LAST = dt.date(1990, 1, 1), dt.date(2030, 1, 1)
SPLIT = dt.date(2014, 6, 9)


def imported(path: Path, text: str, *options: str) -> list[Action]:
    path.write_text(text)
    call_command("import_actions", str(path), *options, stdout=StringIO())
    return actions_between("AAPL", FIRST, LAST)


def shown(actions: list[Action]) -> list[tuple[str, str, Decimal | None]]:
    return [(action.kind, str(action.ex_date), action.ratio or action.amount) for action in actions]


def test_plain_csv_has_splits_dividends_and_when_they_were_announced(tmp_path: Path) -> None:
    text = (
        "symbol,ex_date,kind,value,announced\n"
        "AAPL,2014-06-09,split,7:1,2014-04-23T20:30:00Z\n"
        "AAPL,2014-05-08,dividend,3.29,\nAAPL,2014-08-07,special dividend,0.5,2014-07-22\n"
    )
    found = imported(tmp_path / "actions.csv", text)
    assert shown(found) == [
        ("dividend", "2014-05-08", Decimal("3.29")),
        ("split", "2014-06-09", Decimal(7)),
        ("dividend", "2014-08-07", Decimal("0.5")),
    ]
    assert found[1].announced_at == dt.datetime(2014, 4, 23, 20, 30, tzinfo=dt.UTC)
    assert found[2].special and found[2].announced_at == dt.datetime(2014, 7, 23, 4, 0, tzinfo=dt.UTC)


def test_yfinance_dividends_are_as_paid_again(tmp_path: Path) -> None:
    text = (
        "Date,Dividends,Stock Splits\n2014-05-08 00:00:00-04:00,0.1175,0.0\n"
        "2014-06-09 00:00:00-04:00,0.0,7.0\n2014-08-07 00:00:00-04:00,0.1175,0.0\n2020-08-31 00:00:00-04:00,0.0,4.0\n"
    )
    assert shown(imported(tmp_path / "AAPL.csv", text)) == [
        ("dividend", "2014-05-08", Decimal("3.29")),
        ("split", "2014-06-09", Decimal(7)),
        ("dividend", "2014-08-07", Decimal("0.47")),
        ("split", "2020-08-31", Decimal(4)),
    ]


def test_leans_factors_become_what_went_ex_between_their_lines(tmp_path: Path) -> None:
    text = (
        "19980102,0.9304792,0.0357143,1\n20140507,0.9304792,0.1428571,592.34\n"
        "20140606,0.9356756,0.1428571,645.57\n20501231,0.9356756,1,0\n"
    )
    found = imported(tmp_path / "aapl.csv", text.replace("0.0357143", "0.1428571"))
    assert shown(found) == [("dividend", "2014-05-08", Decimal("3.29")), ("split", "2014-06-09", Decimal(7))]


@pytest.mark.parametrize("amount", ["0.485", "0.205", "0.0975", "0.0325", "0.49"])
@pytest.mark.parametrize("price", ["48.5", "101.37"])
def test_leans_dividends_keep_the_decimals_that_the_factors_carry(tmp_path: Path, amount: str, price: str) -> None:
    factor = round(1 - Decimal(amount) / Decimal(price), 7)
    text = f"20140507,{factor},1,{price}\n20501231,1,1,0\n"
    found = imported(tmp_path / "aapl.csv", text)
    assert shown(found) == [("dividend", "2014-05-08", Decimal(amount))]


def test_leans_map_becomes_changes_of_symbols(tmp_path: Path) -> None:
    (tmp_path / "meta.csv").write_text("20120518,fb,Q\n20220608,fb,Q\n20501231,meta,Q\n")
    call_command("import_actions", str(tmp_path / "meta.csv"), stdout=StringIO())
    (change,) = actions_between("FB", FIRST, LAST)
    assert (change.kind, change.ex_date, change.new_symbol) == ("symbol", dt.date(2022, 6, 9), "META")


def test_alpacas_answer_is_read_and_what_is_not_kept_is_named(tmp_path: Path) -> None:
    answer = {
        "corporate_actions": {
            "forward_splits": [{"symbol": "AAPL", "new_rate": 7, "old_rate": 1, "ex_date": "2014-06-09"}],
            "cash_dividends": [{"symbol": "AAPL", "rate": 3.29, "special": False, "ex_date": "2014-05-08"}],
            "name_changes": [{"old_symbol": "FB", "new_symbol": "META", "process_date": "2022-06-09"}],
            "spin_offs": [{"source_symbol": "X"}],
        }
    }
    path, out = tmp_path / "alpaca.json", StringIO()
    path.write_text(json.dumps(answer))
    call_command("import_actions", str(path), "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert (said["inserted"], said["skipped"]) == (3, {"spin_offs": 1})
    assert shown(actions_between("AAPL", FIRST, LAST)) == [
        ("dividend", "2014-05-08", Decimal("3.29")),
        ("split", "2014-06-09", Decimal(7)),
    ]


def test_bounds_are_after_one_date_and_until_another(tmp_path: Path) -> None:
    imported(tmp_path / "a.csv", "symbol,ex_date,kind,value\nAAPL,2014-06-09,split,7\n")
    day = dt.timedelta(days=1)
    assert actions_between("AAPL", SPLIT - day, SPLIT) != []
    assert actions_between("AAPL", SPLIT, SPLIT + day) == []
    assert actions_between("AAPL", FIRST, SPLIT - day) == []


def test_a_second_import_changes_nothing_and_another_value_is_refused(tmp_path: Path) -> None:
    text = "symbol,ex_date,kind,value\nAAPL,2014-06-09,split,7\n"
    imported(tmp_path / "one.csv", text)
    imported(tmp_path / "two.csv", text)
    assert CorporateAction.objects.count() == 1
    with pytest.raises(CommandError, match=r"split 7\.0+ from CSV one.csv is stored, and CSV three.csv says 8"):
        imported(tmp_path / "three.csv", text.replace(",7", ",8"))
    assert shown(imported(tmp_path / "three.csv", text.replace(",7", ",8"), "--replace"))[0][2] == 8


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("symbol,ex_date,kind,value\nAAPL,2014-06-09,split,0\n", "a split of 0 is impossible"),
        ("symbol,ex_date,kind,value\nAAPL,2014-06-09,merger,1\n", "'merger' is no kind of action"),
        ("symbol,ex_date,kind,value\nAAPL,soon,split,7\n", "'soon' is not a date"),
        ("symbol,ex_date,kind,value\nAAPL,2014-06-09,dividend,lots\n", "a value is not a number"),
        ("symbol,ex_date,kind,value\nAAPL,2014-06-08,split,7\n", "not a trading day"),
        ("a,b\n1,2\n", "are no form of actions"),
        ("{}", "JSON without corporate_actions"),
        ("", "it is empty"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(CommandError, match=error):
        imported(tmp_path / "bad.csv", text)
    assert not CorporateAction.objects.exists()


DAMAGED = {
    "one.csv": "20140609\n",
    "deep.json": "[" * 100_000,
    "list.json": "[1]",
    "wide.csv": f"symbol,ex_date,kind,value\n{'A' * 200_000},2014-06-09,split,7\n",
    "hidden.csv": "symbol,ex_date,kind,value\nA\u200bB,2014-06-09,split,7\n",
    "huge.csv": f"symbol,ex_date,kind,value\nAAPL,2014-06-09,dividend,{'9' * 60}\n",
    "empty.csv": "",
    "tiny.csv": "symbol,ex_date,kind,value\nAAPL,2014-06-09,split,1e-30\n",
    "less.csv": "symbol,ex_date,kind,value\nAAPL,2014-06-09,dividend,1e-30\n",
    "source.csv": f"symbol,ex_date,kind,value,source\nAAPL,2014-06-09,split,7,{'x' * 300}\n",
    "nul.csv": "symbol,ex_date,kind,value,source\nAAPL,2014-06-09,split,7,a\0b\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_bad_file_is_named_and_the_others_are_imported(tmp_path: Path, name: str) -> None:
    bad, good = tmp_path / name, tmp_path / "good.csv"
    bad.write_text(DAMAGED[name])
    good.write_text("symbol,ex_date,kind,value\nIBM,2014-06-09,split,2\n")
    with pytest.raises(CommandError) as failed:
        call_command("import_actions", str(bad), str(good), stdout=StringIO())
    assert len(str(failed.value)) < 600 and str(failed.value).strip()
    assert list(CorporateAction.objects.values_list("instrument__symbol", flat=True)) == ["IBM"]
