// Candles and volume of one instrument, folded from minutes into the interval that is asked for.
import { axisDayOf, axisYearOf, momentOf, timeOf } from "./exchange.js";

const LIGHT = { ink: "#374151", line: "#e5e7eb", up: "#0d9488", down: "#dc2626", face: "#ffffff", shade: "245, 158, 11" };
const DARK = { ink: "#d1d5db", line: "#1f2937", up: "#2dd4bf", down: "#f87171", face: "#101828", shade: "251, 191, 36" };
const SHADED = "AMH"; // `GAP_LETTERS` of marketdata/gaps.py
const SHOWN_BARS = 180;
const ROOM = 8;
const WANTS_EARLIER = 30;

export class CandleChart {
  /** days: [{open: ms, minutes, parts}], ascending; parts: the like of what no candle spans. */
  constructor(element, days) {
    this.days = days.flatMap((day) => day.parts ?? [day]).map((one) => ({ open: one.open / 1000, minutes: one.minutes }));
    this.minutes = [];
    this.folded = [];
    this.gaps = new Map();
    this.empty = 0;
    this.width = 1;
    this.keptDay = false;
    const { createChart, CandlestickSeries, HistogramSeries } = window.LightweightCharts;
    this.chart = createChart(element, { autoSize: true, ...this.options() });
    this.shade = this.chart.addSeries(HistogramSeries, { priceScaleId: "gaps", lastValueVisible: false, priceLineVisible: false });
    this.volume = this.chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    this.candles = this.chart.addSeries(CandlestickSeries, {});
    this.chart.priceScale("gaps").applyOptions({ scaleMargins: { top: 0, bottom: 0 }, visible: false });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.8, bottom: 0 } });
    this.chart.priceScale("right").applyOptions({ scaleMargins: { top: 0.08, bottom: 0.24 } });
    this.chart.subscribeCrosshairMove((at) => { this.pointed = at.time ?? null; this.point(); });
    for (const kind of ["wheel", "pointerdown"]) element.addEventListener(kind, () => this.keepDay(false), { passive: true, capture: true });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => range && this.looked(range));
    new MutationObserver(() => this.repaint()).observe(document.documentElement, { attributeFilter: ["class"] });
    this.repaint();
  }

  get colors() {
    return document.documentElement.classList.contains("dark") ? DARK : LIGHT;
  }

  options() {
    const { ink, line } = this.colors;
    const grid = { color: line };
    return {
      layout: { background: { color: "transparent" }, textColor: ink, attributionLogo: true, fontFamily: "Inter, system-ui, sans-serif" },
      grid: { vertLines: grid, horzLines: grid },
      rightPriceScale: { borderColor: line },
      crosshair: { mode: 0 },
      localization: { timeFormatter: (time) => momentOf(time * 1000) },
      timeScale: { borderColor: line, timeVisible: true, shiftVisibleRangeOnNewBar: false, tickMarkMaxCharacterLength: 6, tickMarkFormatter: (time, kind) => label(time * 1000, kind) },
    };
  }

  repaint() {
    const { up, down } = this.colors;
    this.chart.applyOptions(this.options());
    this.candles.applyOptions({ upColor: up, downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down });
    this.draw();
    this.onrepaint?.();
  }

  /** Everything anew: bars as [start in seconds, open, high, low, close, volume]. */
  whole(bars) {
    this.minutes = bars;
    this.refold();
    this.show();
  }

  /** Places on the time scale: bars, and minutes without one. */
  get places() {
    return this.folded.length + this.empty;
  }

  /** Bars and gaps before those that are there; what is in sight stays where it is. */
  before(bars, gaps) {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    const count = this.places;
    this.minutes = [...bars, ...this.minutes];
    this.mark(gaps);
    this.refold();
    const added = this.places - count;
    if (range) this.chart.timeScale().setVisibleLogicalRange({ from: range.from + added, to: range.to + added });
  }

  /** The bar under the crosshair, else the newest. */
  point() {
    this.onpoint?.((this.pointed && this.folded.find((bar) => bar.time === this.pointed)) || this.last);
  }

  /** Somebody has scrolled: say whether the newest bar is out of sight, and ask for earlier ones in time. */
  looked({ from, to }) {
    this.onaway?.(this.folded.length > 0 && to < this.places - 1);
    if (from < WANTS_EARLIER) this.onearlier?.();
  }

  /** The newest bars in sight, with room for those to come. */
  show() {
    this.keepDay(false);
    const last = this.places;
    const shown = Math.min(SHOWN_BARS, Math.max(40, Math.round(this.chart.timeScale().width() / 6)));
    this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(-1, last - shown), to: Math.max(last + ROOM, 60) });
  }

  /** The newest bar's day in sight, whatever comes, until somebody scrolls. */
  keepDay(kept) {
    if (this.keptDay === kept) return;
    this.keptDay = kept;
    this.onday?.(kept);
    if (kept) this.wholeDay();
  }

  /** The newest bar's day, from its first bar on. */
  wholeDay() {
    if (!this.last) return;
    const date = axisDayOf(this.last.time * 1000);
    const first = this.folded.find((bar) => axisDayOf(bar.time * 1000) === date);
    if (first !== this.last) this.chart.timeScale().setVisibleRange({ from: first.time, to: this.last.time });
  }

  /** Keep the newest bar in sight, unless somebody looks at older ones. */
  followNewest(before) {
    if (this.keptDay) {
      this.wholeDay();
      return;
    }
    const range = this.chart.timeScale().getVisibleLogicalRange();
    const last = this.places - 1;
    if (!range || before > range.to || last <= range.to - 2) return;
    const shift = last - range.to + ROOM;
    this.chart.timeScale().setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
  }

  add(bars) {
    const before = this.places - 1;
    const newest = this.minutes.length ? this.minutes[this.minutes.length - 1][0] : -Infinity;
    const late = bars.some((bar) => bar[0] <= newest);
    if (late || bars.length > 20) {
      const known = new Map(this.minutes.map((bar) => [bar[0], bar]));
      for (const bar of bars) known.set(bar[0], bar);
      this.minutes = [...known.values()].sort((one, other) => one[0] - other[0]);
      this.refold();
      this.followNewest(before);
      return;
    }
    for (const bar of bars) {
      this.minutes.push(bar);
      const folded = this.fold(bar);
      this.candles.update(this.candle(folded));
      this.volume.update(this.column(folded));
    }
    this.colorPriceLine();
    this.followNewest(before);
    this.point();
  }

  interval(minutes) {
    this.width = minutes;
    this.refold();
    this.show();
  }

  /** Minutes without a bar: Map of start in seconds to ledger letter. */
  mark(letters) {
    for (const [time, letter] of letters) SHADED.includes(letter) ? this.gaps.set(time, letter) : this.gaps.delete(time);
    this.shadeGaps();
  }

  unmark() {
    this.gaps.clear();
    this.shadeGaps();
  }

  refold() {
    this.folded = [];
    for (const bar of this.minutes) this.fold(bar);
    this.draw();
  }

  fold([start, open, high, low, close, volume]) {
    const { time, end } = this.bucket(start);
    let last = this.folded[this.folded.length - 1];
    if (last?.time === time) {
      last.high = Math.max(last.high, high);
      last.low = Math.min(last.low, low);
      last.close = close;
      last.volume = volume === null ? last.volume : (last.volume ?? 0) + volume;
    } else {
      last = { time, end, open, high, low, close, volume };
      this.folded.push(last);
    }
    last.upto = start + 60;
    return last;
  }

  /** Buckets count from where their part of the day begins, and the last one ends with it. */
  bucket(start) {
    const day = this.days.find((one) => start >= one.open && start < one.open + one.minutes * 60);
    if (!day || this.width === 1) return { time: start, end: start + 60 };
    const wide = this.width * 60;
    const time = day.open + Math.floor((start - day.open) / wide) * wide;
    return { time, end: Math.min(time + wide, day.open + day.minutes * 60) };
  }

  draw() {
    this.candles.setData(this.folded.map((bar) => this.candle(bar)));
    this.volume.setData(this.folded.map((bar) => this.column(bar)));
    this.shadeGaps();
    this.colorPriceLine();
    this.ondraw?.();
    this.point();
  }

  /** By the newest bar's way, also while it is hollow. */
  colorPriceLine() {
    if (!this.last) return;
    const { up, down } = this.colors;
    const priceLineColor = this.last.close >= this.last.open ? up : down;
    if (priceLineColor !== this.candles.options().priceLineColor) this.candles.applyOptions({ priceLineColor });
  }

  candle(bar) {
    const { time, open, high, low, close } = bar;
    const forming = bar === this.folded[this.folded.length - 1] && bar.upto < bar.end && !this.over;
    return forming ? { time, open, high, low, close, color: this.colors.face } : { time, open, high, low, close };
  }

  column({ time, open, close, volume }) {
    const { up, down } = this.colors;
    return volume === null ? { time } : { time, value: volume, color: `${close >= open ? up : down}66` };
  }

  /** A wide bar that lacks some of its minutes is a bar: what is shaded has none. */
  shadeGaps() {
    const strong = new Map();
    const there = new Set(this.folded.map((bar) => bar.time));
    for (const [start, letter] of this.gaps) {
      const { time } = this.bucket(start);
      if (!there.has(time)) strong.set(time, letter);
    }
    this.empty = strong.size;
    const rows = [...strong].sort((one, other) => one[0] - other[0]);
    this.shade.setData(rows.map(([time, letter]) => ({ time, value: 1, color: `rgba(${letter === "M" ? "220, 38, 38" : this.colors.shade}, 0.22)` })));
  }

  get last() {
    return this.folded[this.folded.length - 1] ?? null;
  }
}

function label(ms, kind) {
  if (kind === 0) return axisYearOf(ms);
  return kind <= 2 ? axisDayOf(ms) : timeOf(ms);
}

/** One bar in words, for the line over the chart. */
export function legend(element, bar) {
  const cells = bar ? [["", momentOf(bar.time * 1000)], ["O", price(bar.open)], ["H", price(bar.high)], ["L", price(bar.low)], ["C", price(bar.close)], ["V", bar.volume?.toLocaleString("en-US") ?? "–"]] : [["", "No bar yet"]];
  element.replaceChildren(...cells.map(([name, value]) => {
    const cell = document.createElement("span");
    const strong = document.createElement("b");
    strong.textContent = value;
    cell.append(name ? `${name} ` : "", strong);
    return cell;
  }));
}

const price = (value) => value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 4 });

export const minutesOf = (name) => Number.parseInt(name, 10) * ({ h: 60, d: 390 }[name.slice(-1)] ?? 1);
