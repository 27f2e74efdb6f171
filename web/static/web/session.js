// The live page of one session: its feed drives transport, chart and heat map.
import { CandleChart, legend, minutesOf } from "../marketdata/chart.js";
import { exactTimeOf } from "../marketdata/exchange.js";
import { HeatMap } from "../marketdata/heatmap.js";
import { Desk } from "./desk.js";
import { complete } from "./symbols.js";
import { Transport, write } from "./transport.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const RETRY_MS = 1000;
const REFRESH_MS = 2000;

class Page {
  constructor(root) {
    this.root = root;
    this.transport = new Transport(root, read("days"));
    this.chart = new CandleChart(document.getElementById("chart"), read("days"));
    this.heatmap = new HeatMap(document.getElementById("heatmap"), read("words"));
    this.symbol = document.getElementById("symbol");
    this.latest = {};
    this.panels = document.getElementById("panels");
    document.body.addEventListener("htmx:afterSwap", () => this.swapped());
    root.querySelector("[data-verb=verify]")?.addEventListener("asked", () => this.refresh());
    this.away = document.getElementById("away");
    this.legend = document.getElementById("legend");
    this.chart.onpoint = (bar) => legend(this.legend, bar);
    this.bindScrolling(document.getElementById("to-now"));
    const ticket = document.getElementById("ticket");
    this.desk = ticket && new Desk(ticket, this);
    this.symbol.addEventListener("change", () => { this.open(); this.desk?.symbolChanged(); });
    this.adjustment = document.getElementById("adjustment");
    this.adjustment.addEventListener("change", () => this.open());
    for (const radio of document.getElementsByName("interval")) radio.addEventListener("change", () => this.chart.interval(minutesOf(radio.value)));
    document.addEventListener("keydown", (event) => this.transport.key(event));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    this.bindSymbols(document.getElementById("symbols-form"));
    const heat = read("heat");
    if (heat) this.heat(heat);
    if (!document.hidden) this.open();
  }

  /** A hidden page holds no connection: a browser has only six for one host. */
  open() {
    this.close();
    const address = new URL(this.root.dataset.feed, window.location.href);
    address.searchParams.set("symbol", this.symbol.value);
    address.searchParams.set("adjustment", this.adjustment.value);
    if (this.desk?.name) address.searchParams.set("account", this.desk.name);
    this.source = new EventSource(address);
    this.source.addEventListener("tape", (event) => this.tape(JSON.parse(event.data)));
    this.source.addEventListener("status", (event) => this.status(JSON.parse(event.data)));
    this.source.addEventListener("account", (event) => this.desk?.take(JSON.parse(event.data)));
    this.source.addEventListener("error", () => this.lost());
  }

  close() {
    this.source?.close();
    clearTimeout(this.retry);
  }

  lost() {
    this.say("The web process does not answer: what is shown may be old. Trying again.");
    this.close();
    this.retry = setTimeout(() => this.open(), RETRY_MS);
  }

  swapped() {
    this.prices({});
    if (this.panels.querySelector("[data-unfinished]")) setTimeout(() => this.refresh(), REFRESH_MS);
  }

  /** The panels of a session that has ended no longer come by themselves. */
  refresh() {
    window.htmx.trigger(this.panels, "refresh");
  }

  /** The newest prices, over those that the tables were painted with. */
  prices(latest) {
    Object.assign(this.latest, latest);
    for (const place of document.querySelectorAll("[data-last]")) {
      const price = this.latest[place.dataset.last];
      if (price !== undefined) place.textContent = typeof price === "string" ? price : price.toLocaleString("en-US", { maximumFractionDigits: 6 });
    }
  }

  tape({ clock, whole, bars, gaps, first, symbol, latest, problem }) {
    if (symbol !== this.symbol.value) return;
    this.clock = clock ? Date.parse(clock) : null;
    if (whole) this.latest = {};
    this.prices(latest);
    if (this.clock) this.root.querySelector("[data-shown=clock]").textContent = exactTimeOf(this.clock);
    if (whole) {
      this.earliest = first;
      this.unadjusted(problem);
      this.chart.unmark();
      this.chart.mark(gaps);
      this.chart.whole(bars);
      this.shade(0);
    } else {
      this.chart.add(bars);
    }
    this.desk?.prices(this.latest);
  }

  status({ card, heat, away, symbols, accounts }) {
    this.say(away ?? "");
    if (!card) return;
    this.transport.paint(card);
    write(this.root, this.withClock(card));
    if (heat) this.heat(heat);
    this.list(symbols);
    if (accounts) this.desk?.accounts(accounts);
    if (!card.live && !this.chart.over) {
      this.chart.over = true;
      this.chart.draw();
    }
  }

  /** Symbols come and go; one that went while it was charted gives way to the first. */
  list(symbols) {
    if (symbols.join() === [...this.symbol.options].map((one) => one.value).join()) return;
    const chosen = this.symbol.value;
    this.symbol.replaceChildren(...symbols.map((symbol) => new Option(symbol, symbol)));
    this.symbol.value = symbols.includes(chosen) ? chosen : symbols[0];
    if (this.symbol.value !== chosen) this.symbol.dispatchEvent(new Event("change"));
  }

  bindScrolling(toNow) {
    this.chart.onaway = (away) => { toNow.hidden = !away; };
    this.chart.onearlier = () => this.loadEarlier();
    toNow.addEventListener("click", () => this.chart.show());
    const wholeDay = document.getElementById("whole-day");
    this.chart.onday = (kept) => wholeDay.setAttribute("aria-pressed", kept);
    wholeDay.addEventListener("click", () => (this.chart.keptDay ? this.chart.show() : this.chart.keepDay(true)));
  }

  /** Days before those that are there, one question at a time. */
  async loadEarlier() {
    if (!this.earliest || this.loading) return;
    this.loading = true;
    const [symbol, before, adjustment] = [this.symbol.value, this.earliest, this.adjustment.value];
    try {
      const answer = await fetch(`${this.root.dataset.earlier}?${new URLSearchParams({ symbol, before, adjustment })}`);
      const { first, bars, gaps, problem } = answer.ok ? await answer.json() : { first: null, bars: [], gaps: [] };
      if (symbol !== this.symbol.value || before !== this.earliest || adjustment !== this.adjustment.value) return;
      this.earliest = first;
      if (problem) this.unadjusted(problem);
      this.chart.before(bars, gaps);
    } finally {
      this.loading = false;
    }
  }

  /** The tape runs ahead of the row by up to a second: one page, one clock. */
  withClock(card) {
    const ahead = card.live && this.generation === card.generation && this.clock > card.clock;
    this.generation = card.generation;
    return ahead ? { ...card, shown: { ...card.shown, clock: exactTimeOf(this.clock) } } : card;
  }

  heat(heat) {
    this.heatmap.take(heat);
    this.shade(heat.since);
  }

  /** Shade the chart's missing minutes from the ledger's letters. */
  shade(since) {
    const letters = this.heatmap.letters(this.symbol.value);
    const open = this.heatmap.open / 1000;
    const marks = [];
    for (let minute = since; minute < letters.length; minute += 1) marks.push([open + minute * 60, letters[minute]]);
    if (marks.length) this.chart.mark(marks);
  }

  bindSymbols(form) {
    if (!form) return;
    complete(form.elements.symbols, () => form.dataset.symbols);
    form.addEventListener("submit", (event) => this.changeSymbols(event));
  }

  async changeSymbols(event) {
    event.preventDefault();
    const field = event.target.elements.symbols;
    if (await this.transport.ask(event.submitter.value, { symbols: field.value })) field.value = "";
  }

  /** Why earlier prices are not adjusted as asked. */
  unadjusted(problem) {
    const place = document.getElementById("unadjusted");
    place.hidden = !problem;
    place.textContent = problem ? `Adjusted for splits alone: ${problem}` : "";
  }

  say(text) {
    this.away.hidden = !text;
    this.away.textContent = text;
  }
}

new Page(document.getElementById("session"));
