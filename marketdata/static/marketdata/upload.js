// The first bars of what was read, on the chart, against the minutes of their session.
import { CandleChart, legend } from "./chart.js";
import { placeOf, showZone, timeOf } from "./exchange.js";
import { HeatMap } from "./heatmap.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);

const previews = read("previews");
const words = read("words");
const which = document.getElementById("which");
const line = document.getElementById("legend");
const box = document.getElementById("chart");
const heat = new HeatMap(document.getElementById("heatmap"), words);
const chart = new CandleChart(box, previews.slice(0, 1));
chart.over = true;
chart.onpoint = (bar) => legend(line, bar ?? chart.last);

function span(one) {
  const [first] = one.bars;
  const last = one.bars[one.bars.length - 1];
  const close = one.open + one.minutes * 60_000;
  return `Bars from ${timeOf(first[0] * 1000)} to ${timeOf(last[0] * 1000)}, ${one.bars.length} of ${one.minutes} minutes; the session is from ${timeOf(one.open)} to ${timeOf(close)}, ${placeOf()} time.`;
}

function show(one) {
  showZone(one.zone);
  chart.days = [{ open: one.open / 1000, minutes: one.minutes }];
  chart.gaps.clear();
  chart.whole(one.bars);
  chart.mark([...one.ledger].map((letter, minute) => [one.open / 1000 + minute * 60, letter]));
  chart.chart.timeScale().fitContent();
  heat.take({ date: one.date, since: 0, upto: one.ledger.length, left_out: 0, open: one.open, minutes: one.minutes, rows: { [one.symbol]: one.ledger } });
  document.getElementById("span").textContent = span(one);
}

which.addEventListener("change", () => show(previews[Number(which.value)]));
show(previews[0]);
