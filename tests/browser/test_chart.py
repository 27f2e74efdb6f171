"""The session's chart in a real browser: what stays, what follows, what is drawn of which day."""

from __future__ import annotations

import datetime as dt
import subprocess

import pytest
from playwright.sync_api import Page, expect

from marketdata.models import CorporateAction, Instrument
from sessions import control
from tests.browser.conftest import OpenPage
from tests.browser.watching import a_sample_session, address_of, clock_on, legend_on, until

Worker = subprocess.Popen[bytes]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sample_days")]
CHART = """async (act) => {
  const library = document.createElement("script");
  library.src = "/static/charts/lightweight-charts.js";
  await new Promise((done) => { library.onload = done; document.head.append(library); });
  const { CandleChart } = await import("/static/marketdata/chart.js");
  const place = document.createElement("div");
  place.style.cssText = "position: fixed; inset: 0; width: 900px; height: 400px; background: white; z-index: 1000";
  document.body.append(place);
  const open = Date.parse("2016-04-28T13:30:00Z");
  const days = [{ open, minutes: 390 }, { open: open + 86400000, minutes: 390 }];
  const chart = new CandleChart(place, days);
  const bar = (minute, close = 100) => [open / 1000 + minute * 60, 100, 101, 99, close, 10];
  return await eval(act)(chart, bar, open / 1000);
}"""


def on_a_chart(page: Page, act: str) -> object:
    """What an act on a chart of two days gives: `(chart, bar(minute, close), open) => …`."""
    return page.evaluate(CHART, act)


def test_the_legend_stays_with_the_crosshair_while_bars_come(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    page = open_page(address_of(session), width=1440)
    until(lambda: "10:29" in legend_on(page), "the newest bar", page)
    box = page.locator("#chart").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(lambda: "10:29" not in legend_on(page), "the bar under the crosshair", page)
    pointed, before = legend_on(page), clock_on(page)
    control.resume(session.pk)
    until(lambda: clock_on(page) > before, "further bars", page)
    page.wait_for_timeout(500)
    assert legend_on(page).split(" O ")[0] == pointed.split(" O ")[0]
    page.mouse.move(0, 0)
    until(lambda: legend_on(page) != pointed, "the newest bar again", page)


def test_days_before_the_start_are_left_of_it_and_one_gets_back_to_now(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="09:40")
    page = open_page(address_of(session), width=1440)
    until(lambda: "09:39" in legend_on(page), "the newest bar", page)
    box = page.locator("#chart").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    until(lambda: "Apr 28" in legend_on(page), "the day before", page)
    expect(page.get_by_role("button", name="Go to now")).to_be_hidden()
    page.mouse.wheel(-1500, 0)
    page.get_by_role("button", name="Go to now").click()
    expect(page.get_by_role("button", name="Go to now")).to_be_hidden()


def test_the_list_of_symbols_follows_adds_and_removes(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(speed=60)
    page = open_page(address_of(session), width=1440)
    options = page.locator("#symbol option")
    expect(options).to_have_text(["AAPL", "MSFT"])
    control.remove_symbols(session.pk, ("AAPL",))
    expect(options).to_have_text(["MSFT"])
    expect(page.locator("#symbol")).to_have_value("MSFT")
    control.add_symbols(session.pk, ("AAPL",))
    expect(options).to_have_text(["AAPL", "MSFT"])


def test_a_card_has_prices_their_change_and_the_day_so_far(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="10:30")
    page = open_page("/admin/", width=1440)
    row = page.get_by_role("article").locator("[data-symbol=AAPL]")
    expect(row.locator("[data-price]")).to_have_text("93.3238")
    expect(row.locator("[data-change]")).to_have_text("−1.59%")
    expect(row.locator("path.td-line-price")).to_have_count(1)
    control.remove_symbols(session.pk, ("MSFT",))
    control.resume(session.pk)
    expect(page.locator("[data-symbol=MSFT]")).to_have_count(0)
    places = page.evaluate("['cards', 'system'].map((id) => document.getElementById(id).getBoundingClientRect().top)")
    assert places == sorted(places), "services come last"


def test_the_price_line_keeps_its_color_while_a_bar_forms(open_page: OpenPage) -> None:
    page = open_page("/admin/")
    colors = on_a_chart(
        page,
        """(chart, bar) => {
          const seen = [];
          chart.interval(5);
          for (let minute = 0; minute < 6; minute += 1) {
            chart.add([bar(minute, 100.5)]);
            seen.push(chart.candles.options().priceLineColor);
          }
          return [seen, chart.colors.up];
        }""",
    )
    assert isinstance(colors, list)
    seen, up = colors
    assert seen == [up] * 6


def test_the_whole_day_stays_in_sight_until_somebody_scrolls(open_page: OpenPage) -> None:
    page = open_page("/admin/")
    begins = on_a_chart(
        page,
        """async (chart, bar) => {
          const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const first = async () => { await drawn(); return chart.chart.timeScale().getVisibleLogicalRange().from; };
          chart.whole(Array.from({ length: 300 }, (_, minute) => bar(minute)));
          const newest = await first();
          chart.keepDay(true);
          const day = await first();
          for (let minute = 300; minute < 320; minute += 1) chart.add([bar(minute)]);
          const kept = await first();
          place.dispatchEvent(new WheelEvent("wheel"));
          return [newest > 50, day < 1, kept < 1, chart.keptDay];
        }""",
    )
    assert begins == [True, True, True, False]


def test_gaps_of_all_days_are_shaded_and_wide_bars_are_not(open_page: OpenPage) -> None:
    page = open_page("/admin/")
    counted = on_a_chart(
        page,
        """(chart, bar, open) => {
          const minutes = [0, 1, 2, 4, 5, 1440, 1441, 1443];
          chart.mark([[open + 3 * 60, "A"], [open + 1442 * 60, "M"]]);
          chart.whole(minutes.map((minute) => bar(minute)));
          const narrow = chart.shade.data().length;
          chart.interval(15);
          return [narrow, chart.shade.data().length];
        }""",
    )
    assert counted == [2, 0]


@pytest.mark.parametrize("width", [1440, 390])
def test_day_labels_do_not_overprint(open_page: OpenPage, width: int) -> None:
    page = open_page("/admin/", width=width)
    overlaps = page.evaluate(
        """async (width) => {
          const { Transport } = await import("/static/web/transport.js");
          const root = document.createElement("div");
          root.innerHTML = '<p class="td-said"></p><output class="td-seek-hint"></output>'
            + '<input type="range" max="7800" value="0" data-verb="seek"><div class="td-days"></div>';
          root.style.width = `${width - 60}px`;
          document.body.append(root);
          const open = Date.parse("2016-04-01T13:30:00Z");
          new Transport(root, [...Array(20).keys()].map((day) => ({ open: open + day * 86400000, minutes: 390 })));
          await new Promise((done) => setTimeout(done, 300));
          const named = [...root.querySelectorAll(".td-days span")].filter((one) => one.textContent);
          const boxes = named.map((one) => {
            const range = document.createRange();
            range.selectNodeContents(one);
            return range.getBoundingClientRect();
          });
          const edge = root.getBoundingClientRect().right;
          const marks = [...root.querySelectorAll(".td-days span")].map((one) => one.getBoundingClientRect());
          const through = (mark, box) => mark.left > box.left && mark.left < box.right && mark.bottom > box.top + 4;
          const crossed = boxes.filter((box) => marks.some((mark) => through(mark, box)));
          const over = boxes.filter((box, at) => box.right > (boxes[at + 1]?.left ?? edge));
          return [boxes.length, over.length, crossed.length];
        }""",
        width,
    )
    assert overlaps[0] >= 3 and overlaps[1:] == [0, 0], "labels over labels, or marks of days through them"


def test_names_keep_their_case_and_no_is_no_red_cross(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="09:40")
    type(session).objects.filter(pk=session.pk).update(name="demo")
    page = open_page(address_of(session))
    expect(page.get_by_role("link", name="demo", exact=True)).to_be_visible()
    page.goto("/admin/replay/activestream/")
    assert page.locator("text=close_small").count() == 0


def test_the_calendar_is_not_under_the_footer(open_page: OpenPage) -> None:
    page = open_page("/admin/replay/session/add/", width=1440)
    box = page.evaluate(
        """() => ["#calendar .td-card", ".td-footer"].map((one) => {
          const { left, right, top, bottom } = document.querySelector(one).getBoundingClientRect();
          return { left, right, top, bottom };
        })"""
    )
    assert box[0]["bottom"] <= box[1]["top"]


def test_earlier_prices_are_adjusted_as_chosen(open_page: OpenPage, worker: Worker) -> None:
    session = a_sample_session(paused_at="09:40")
    split = {"kind": "split", "ratio": 2, "source": "test"}
    CorporateAction.objects.create(
        instrument=Instrument.objects.get(symbol="AAPL"), ex_date=dt.date(2016, 4, 29), **split
    )
    page = open_page(address_of(session), width=1440)
    until(lambda: "09:39" in legend_on(page), "the newest bar", page)
    box = page.locator("#chart").bounding_box()
    assert box

    def close_of_the_day_before() -> float:
        page.mouse.move(0, 0)
        page.mouse.move(box["x"] + 200, box["y"] + 150)
        until(lambda: "Apr 28" in legend_on(page), "the day before", page)
        return float(legend_on(page).split(" C ")[1].split()[0])

    halved = close_of_the_day_before()
    page.get_by_label("How earlier prices are adjusted").select_option("raw")
    until(lambda: close_of_the_day_before() > 1.5 * halved, "prices as they were traded", page)
