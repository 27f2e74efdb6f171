// What an account does on the chart: open orders and the average price as lines with tags, executions as arrows.
import { price, shares, signed, wayOf } from "./money.js";

const TAG_HEIGHT = 24;
const WORDS = { take_profit: "take profit", stop_loss: "stop loss" };

export class TradeMarks {
  /** chart: a CandleChart; element holds the tags; cancel(order) is called by their crosses, where there are any. */
  constructor(chart, element, cancel) {
    this.chart = chart;
    this.element = element;
    this.cancel = cancel;
    this.lines = [];
    this.shown = "";
    this.executions = [];
    this.markers = window.LightweightCharts.createSeriesMarkers(chart.candles, []);
    chart.candles.attachPrimitive({ updateAllViews: () => this.place() });
    chart.ondraw = () => this.mark();
  }

  /** levels: [{key, price, kind, side, text, order}], as `levelsOf` makes them. */
  draw(levels) {
    const shown = JSON.stringify(levels);
    if (shown === this.shown) return;
    this.shown = shown;
    const known = new Map(this.lines.map((one) => [one.level.key, one]));
    this.lines = levels.map((level) => this.keep(known, level));
    for (const { line, tag } of known.values()) {
      this.chart.candles.removePriceLine(line);
      tag.remove();
    }
    this.place();
  }

  /** A level that is there already keeps its line and its tag: a cross stays under the pointer that presses it. */
  keep(known, level) {
    const { key } = level;
    const one = known.get(key) ?? { line: this.chart.candles.createPriceLine(this.lineOf(level)), tag: this.tag(level) };
    if (!known.delete(key)) this.element.append(one.tag);
    else one.line.applyOptions(this.lineOf(level));
    this.say(one.tag, level);
    return { ...one, level };
  }

  lineOf({ price: at, kind, side }) {
    const { up, down, ink } = this.chart.colors;
    const color = kind === "position" ? "#7c3aed" : side === "buy" ? up : side === "sell" ? down : ink;
    return { price: at, color, lineWidth: 1, lineStyle: kind === "position" ? 0 : kind === "draft" ? 1 : 2, axisLabelVisible: true, title: "" };
  }

  tag({ kind, order }) {
    const tag = document.createElement("div");
    tag.className = "td-tag";
    tag.dataset.kind = kind;
    tag.append(document.createElement("span"));
    if (order && this.cancel) {
      const cross = document.createElement("button");
      cross.type = "button";
      cross.textContent = "×";
      cross.title = "Cancel the order";
      cross.addEventListener("click", () => this.cancel(order));
      tag.append(cross);
    }
    return tag;
  }

  say(tag, { side, text }) {
    tag.dataset.side = side;
    tag.querySelector("span").textContent = text;
    tag.querySelector("button")?.setAttribute("aria-label", `Cancel: ${text}`);
  }

  /** Tags stand at their lines, wherever these are drawn; those that would cover each other move apart. */
  place() {
    const placed = this.lines.map(({ level, tag }) => ({ tag, y: this.chart.candles.priceToCoordinate(level.price) }));
    const height = this.element.clientHeight;
    let free = -Infinity;
    for (const { tag, y } of placed.sort((one, other) => one.y - other.y)) {
      tag.hidden = y === null || y < 0 || y > height - 28;
      if (tag.hidden) continue;
      const at = Math.max(y, free);
      free = at + TAG_HEIGHT;
      tag.style.transform = `translateY(${Math.round(at)}px) translateY(-50%)`;
    }
  }

  /** executions of the charted symbol, oldest first. */
  traded(executions) {
    this.executions = executions;
    this.mark();
  }

  /** One arrow a candle and side, with the shares that it stands for. */
  mark() {
    const { up, down } = this.chart.colors;
    const found = new Map();
    for (const { side, qty, met_at: met, time } of this.executions) {
      const minute = Math.floor(Date.parse(met ?? time) / 60_000) * 60;
      const at = this.chart.bucket(minute).time;
      const key = `${at} ${side}`;
      found.set(key, { at, side, qty: (found.get(key)?.qty ?? 0) + Number(qty) });
    }
    const first = this.chart.folded[0]?.time ?? Infinity;
    const markers = [...found.values()].filter(({ at }) => at >= first).sort((one, other) => one.at - other.at);
    this.markers.setMarkers(markers.map(({ at, side, qty }) => (side === "buy"
      ? { time: at, position: "belowBar", shape: "arrowUp", color: up, text: shares(qty) }
      : { time: at, position: "aboveBar", shape: "arrowDown", color: down, text: shares(qty) })));
  }
}

/** The lines of one symbol: its position's average price, its open orders, and what is being typed. */
export function levelsOf(symbol, { positions, orders }, draft, last) {
  const levels = [];
  for (const { symbol: held, qty, average_entry: average } of positions) {
    if (held !== symbol) continue;
    const profit = last === undefined ? 0 : Number(qty) * (last - Number(average));
    levels.push({ key: "position", price: Number(average), kind: "position", side: wayOf(profit), text: `${qty > 0 ? "Long" : "Short"} ${shares(Math.abs(qty))} at ${price(average)}  ${signed(profit)}` });
  }
  for (const order of orders) {
    const at = order.stop_price ?? order.limit_price;
    if (!order.open || order.symbol !== symbol || !at) continue;
    const kind = WORDS[order.role] ?? order.type.replaceAll("_", " ");
    levels.push({ key: order.id, price: Number(at), kind: "order", side: order.side, order: order.id, text: `${order.side === "buy" ? "Buy" : "Sell"} ${shares(order.qty ?? 0)} ${kind} ${price(at)}` });
  }
  return [...levels, ...draft.map(({ price: at, text, side }, place) => ({ key: `draft ${place}`, price: at, kind: "draft", side, text }))];
}
