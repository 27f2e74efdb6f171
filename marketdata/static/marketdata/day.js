// A stored day: its chart, with the ledger's gaps shaded, and its minutes.
import { CandleChart, legend } from "./chart.js";
import { HeatMap } from "./heatmap.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);

const chart = new CandleChart(document.getElementById("chart"), read("days"));
const line = document.getElementById("legend");
const heat = read("heat");
chart.over = true;
chart.onpoint = (bar) => legend(line, bar ?? chart.last);
chart.whole(read("bars"));
chart.chart.timeScale().fitContent();
if (heat) {
  const [letters] = Object.values(heat.rows);
  new HeatMap(document.getElementById("heatmap"), read("words")).take(heat);
  chart.mark([...letters].map((letter, minute) => [heat.open / 1000 + minute * 60, letter]));
}
