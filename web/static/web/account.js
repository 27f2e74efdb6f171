// The account under the chart: positions with live profit and loss, orders, executions with their reasons, equity.
import { exactTimeOf, momentOf } from "../marketdata/exchange.js";
import { money, percent, price, shares, signed, wayOf } from "./money.js";
import { words } from "./ticket.js";

const EMPTY = { positions: "No position.", orders: "No order yet.", executions: "No execution yet." };
const HEADS = {
  positions: ["Symbol", "#Shares", "#Average", "#Last", "#Value", "#Profit and loss", "#%", ""],
  orders: ["Time", "Symbol", "Side", "Order", "#Filled", "#Average", "In force", "Status", ""],
  executions: ["Time", "Symbol", "Side", "#Shares", "#Price", "#Position", "Why this price"],
};

export class Account {
  /** acts: {cancel(id), close(position)}, or null for who only looks; candles: the CandleChart whose colors it has. */
  constructor(root, acts, candles) {
    this.root = root;
    this.acts = acts;
    this.candles = candles;
    this.latest = {};
    this.clear();
    this.tabs = [...root.querySelectorAll("[role=tab]")];
    for (const tab of this.tabs) {
      tab.addEventListener("click", () => this.open(tab));
      tab.addEventListener("keydown", (event) => this.turn(event));
    }
  }

  clear() {
    this.data = { positions: [], orders: [], executions: [], cash: 0, last_equity: 0, buying_power: 0 };
    this.curve = [];
    this.there = false;
  }

  open(chosen) {
    for (const tab of this.tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    }
    if (chosen.id === "tab-equity") this.drawCurve();
  }

  turn(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const next = this.tabs[(this.tabs.indexOf(event.target) + by + this.tabs.length) % this.tabs.length];
    this.open(next);
    next.focus();
  }

  /** What the feed says of the account. */
  take(data) {
    const known = data.whole ? [] : this.data.executions;
    this.data = { ...data, executions: [...known, ...data.executions] };
    this.curve = data.whole ? data.curve : this.curve;
    this.point(data.clock, Number(data.equity));
    this.there = true;
    this.paint();
  }

  /** Orders that were just sent, before the feed has them. */
  placed(orders) {
    const known = new Set(this.data.orders.map((order) => order.id));
    const fresh = orders.filter((order) => !known.has(order.id)).map((order) => ({ ...order, open: true, note: "" }));
    this.data.orders = [...fresh.reverse(), ...this.data.orders];
    this.paint();
  }

  point(ms, equity) {
    const time = Math.floor(ms / 1000);
    while (this.curve.length && this.curve[this.curve.length - 1][0] >= time) this.curve.pop();
    this.curve.push([time, equity]);
    if (!document.getElementById("equity").hidden) this.drawCurve();
  }

  /** The newest prices: profit, value and equity follow at once. */
  prices(latest) {
    this.latest = latest;
    if (this.there && this.data.positions.length) this.paintPositions();
    this.paintMoney();
  }

  last(position) {
    const traded = this.latest[`${position.symbol} ticks`];
    const last = traded === undefined ? this.latest[position.symbol] : Number.parseFloat(traded.replaceAll(",", ""));
    return last ?? Number(position.price);
  }

  get equity() {
    return this.data.positions.reduce((sum, one) => sum + Number(one.qty) * this.last(one), Number(this.data.cash));
  }

  paintMoney() {
    if (!this.there) return;
    const today = this.equity - Number(this.data.last_equity);
    const texts = { equity: money(this.equity), today: signed(today), buying_power: money(this.data.buying_power) };
    for (const place of document.querySelectorAll("[data-money]")) {
      place.textContent = texts[place.dataset.money];
      if (place.dataset.money === "today") place.dataset.way = wayOf(Math.round(today * 100));
    }
  }

  paint() {
    this.paintPositions();
    this.table("orders", this.data.orders.map((order) => this.orderRow(order)));
    this.table("executions", this.data.executions.map(executionRow).reverse());
    const open = this.data.orders.filter((order) => order.open).length;
    this.count("positions", this.data.positions.length);
    this.count("orders", open);
    this.count("executions", this.data.executions.length);
    const all = document.getElementById("cancel-all");
    if (all) all.hidden = open < 2;
    this.paintMoney();
    this.onpaint?.();
  }

  count(name, number) {
    this.root.querySelector(`[data-count=${name}]`).textContent = number || "";
  }

  paintPositions() {
    this.table("positions", this.data.positions.map((position) => this.positionRow(position)));
  }

  positionRow(position) {
    const { symbol, qty, average_entry: average } = position;
    const last = this.last(position);
    const profit = Number(qty) * (last - Number(average));
    const share = Number(average) ? (Math.sign(qty) * (last - average)) / average : 0;
    const close = this.acts && button("Close", `Close the position in ${symbol}`, () => this.acts.close(position));
    return { key: symbol, cells: [head(symbol), `#${shares(qty)}`, `#${price(average)}`, `#${price(last)}`, `#${money(qty * last)}`, way(signed(profit), profit), way(percent(share), profit), close] };
  }

  orderRow(order) {
    const status = pill(order.status.replaceAll("_", " "), order.reason ?? order.note);
    const cancel = this.acts && order.open && button("Cancel", `Cancel: ${order.side} ${order.symbol} ${words(order)}`, () => this.acts.cancel(order.id));
    const amount = order.qty ? `${shares(order.filled_qty)} of ${shares(order.qty)}` : `${shares(order.filled_qty)} for ${money(order.notional)} USD`;
    const role = order.role && order.role !== "entry" ? `${order.role.replaceAll("_", " ")}, ` : "";
    return { key: order.id, cells: [time(order.submitted_at), head(order.symbol), side(order.side), role + words(order), `#${amount}`, `#${price(order.filled_average)}`, order.time_in_force, status, cancel || ""] };
  }

  table(name, rows) {
    const place = document.getElementById(name);
    if (!rows.length) {
      place.replaceChildren(Object.assign(document.createElement("p"), { className: "td-quiet td-empty-note", textContent: EMPTY[name] }));
      return;
    }
    let body = place.querySelector("tbody");
    if (!body) {
      place.replaceChildren(frame(HEADS[name]));
      body = place.querySelector("tbody");
    }
    patch(body, rows);
  }

  drawCurve() {
    const { createChart, BaselineSeries } = window.LightweightCharts;
    const place = document.getElementById("equity");
    if (!this.equityChart) {
      const options = this.candles.options();
      this.equityChart = createChart(place, { autoSize: true, ...options, localization: { ...options.localization, priceFormatter: money } });
      this.equityLine = this.equityChart.addSeries(BaselineSeries, { lineWidth: 2, priceLineVisible: false });
      this.candles.onrepaint = () => { this.equityChart.applyOptions({ layout: this.candles.options().layout, grid: this.candles.options().grid }); this.drawCurve(); };
    }
    if (!this.curve.length) return;
    const { up, down } = this.candles.colors;
    this.equityLine.applyOptions({
      baseValue: { type: "price", price: this.curve[0][1] },
      topLineColor: up, topFillColor1: `${up}44`, topFillColor2: `${up}08`,
      bottomLineColor: down, bottomFillColor1: `${down}08`, bottomFillColor2: `${down}44`,
    });
    this.equityLine.setData(this.curve.map(([at, value]) => ({ time: at, value })));
    this.equityChart.timeScale().fitContent();
  }
}

// --- cells: a text, a text with # for a number, or an element ------------------------------------------

function executionRow({ time: at, symbol, side: which, qty, price: paid, position_qty: held, why }, number) {
  return { key: number, cells: [time(at), head(symbol), side(which), `#${shares(qty)}`, `#${price(paid)}`, `#${shares(held)}`, why] };
}

const time = (at) => (at ? momentOf(Date.parse(at)).replace(/\d\d:\d\d$/, exactTimeOf(Date.parse(at))) : "–");
const element = (name, className, textContent) => Object.assign(document.createElement(name), { className, textContent });
const head = (symbol) => element("b", "", symbol);
const side = (which) => way(which, which === "buy" ? 1 : -1, false);

function way(text, value, number = true) {
  const cell = element("span", "td-way", text);
  cell.dataset.way = wayOf(value);
  if (number) cell.dataset.number = "";
  return cell;
}

function pill(text, reason) {
  const cell = document.createElement("span");
  cell.append(element("span", "td-pill", text));
  cell.firstChild.dataset.status = text;
  if (reason) cell.append(" ", element("span", "td-quiet", reason));
  return cell;
}

function button(text, label, act) {
  const made = element("button", "td-button td-little", text);
  made.type = "button";
  made.setAttribute("aria-label", label);
  made.act = act;
  return made;
}

function frame(names) {
  const table = element("table", "td-table", "");
  const line = table.createTHead().insertRow();
  for (const name of names) {
    const cell = element("th", name.startsWith("#") ? "td-num" : "", name.replace(/^#/, ""));
    cell.scope = "col";
    line.append(cell);
  }
  const body = table.createTBody();
  body.addEventListener("click", (event) => event.target.closest("button")?.act?.());
  return table;
}

/** rows: [{key, cells}]. Only what is different changes: a button stays under the pointer that presses it. */
function patch(body, rows) {
  const known = new Map([...body.rows].map((line) => [line.key, line]));
  const lines = rows.map(({ key, cells }) => {
    const line = known.get(key) ?? Object.assign(document.createElement("tr"), { key });
    known.delete(key);
    cells.forEach((cell, place) => set(line.cells[place] ?? line.insertCell(), cell ?? ""));
    return line;
  });
  for (const line of known.values()) line.remove();
  lines.forEach((line, at) => {
    if (body.rows[at] !== line) body.insertBefore(line, body.rows[at] ?? null);
  });
}

function set(place, cell) {
  const text = typeof cell === "string" ? cell : cell.outerHTML;
  const pressed = cell.act && place.querySelector("button");
  if (pressed) {
    pressed.act = cell.act;
    pressed.setAttribute("aria-label", cell.getAttribute("aria-label"));
  }
  if (pressed || place.shown === text) return;
  place.shown = text;
  place.classList.toggle("td-num", typeof cell === "string" ? cell.startsWith("#") : "number" in cell.dataset);
  if (typeof cell === "string") place.textContent = cell.replace(/^#/, "");
  else place.replaceChildren(cell);
}
