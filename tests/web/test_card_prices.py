"""The change on a card has one base all day: the close before, or else the day's first open."""

from __future__ import annotations

import datetime as dt

import pytest

from marketdata import calendar
from marketdata.models import DayVersion
from tests.streaming.paper import Paper
from tests.streaming.rows import DAY
from web.pages import cards, quotes

OPEN = calendar.trading_day(DAY).open


def shown(paper: Paper, minutes: int) -> dict[str, object]:
    paper.write(clock=OPEN + dt.timedelta(minutes=minutes))
    (session,) = cards.sessions_to_show(type(paper.session).objects.filter(pk=paper.session.pk))
    found: dict[str, object] = quotes.of_cards([session])[paper.session.pk]["AAPL"]
    return found


@pytest.mark.parametrize("minutes", [1, 2, 59, 130, 389])
def test_without_a_close_before_the_base_is_the_days_first_open_however_late_it_is(paper: Paper, minutes: int) -> None:
    first = DayVersion.objects.get(instrument__symbol="AAPL", date=DAY).summary["first_open"]
    found = shown(paper, minutes)
    assert (found["reference"], found["open"]) == (None, first)


def test_before_the_first_bar_is_over_there_is_no_base(paper: Paper) -> None:
    found = shown(paper, 0)
    assert (found["open"], found["line"]) == (None, [])
