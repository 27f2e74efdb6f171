// Trading on the session's page: which account, its ticket, its lines on the chart, its tables.
import { Account } from "./account.js";
import { Broker } from "./broker.js";
import { Ticket, words } from "./ticket.js";
import { TradeMarks, levelsOf } from "./trade_marks.js";
import { csrf } from "./transport.js";
import { typed } from "./money.js";

export class Desk {
  /** page: {symbol: its select, chart: a CandleChart, open(): the feed anew}. */
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.select = document.getElementById("account");
    this.latest = {};
    this.broker = new Broker(root.dataset.accounts, csrf);
    this.panel = document.getElementById("account-panel");
    const trades = root.dataset.trades === "true";
    const acts = trades && { cancel: (id) => this.cancel(id), close: (position) => this.close(position) };
    this.account = new Account(this.panel, acts || null, page.chart);
    this.account.onpaint = () => this.draw();
    this.marks = new TradeMarks(page.chart, document.getElementById("tags"), acts && acts.cancel);
    const form = document.getElementById("order");
    this.ticket = form && new Ticket(form, this.broker, this);
    if (this.ticket) this.ticket.ondraft = () => this.draw();
    document.getElementById("chart").addEventListener("mousedown", () => { this.focused = document.activeElement; }, true); // the library takes the focus away
    page.chart.chart.subscribeClick(({ point }) => point && this.ticket?.take(page.chart.candles.coordinateToPrice(point.y), this.focused));
    document.getElementById("cancel-all")?.addEventListener("click", () => this.cancelAll());
    this.select.addEventListener("change", () => this.choose());
    this.bindOpening();
    this.link();
  }

  // --- what the ticket asks of the desk ---

  get symbol() {
    return this.page.symbol.value;
  }

  get price() {
    const { latest } = this;
    const traded = latest[`${this.symbol} ticks`];
    return traded === undefined ? latest[this.symbol] ?? this.page.chart.last?.close : Number.parseFloat(traded.replaceAll(",", ""));
  }

  get name() {
    return this.select.value;
  }

  get buyingPower() {
    return Number(this.account.data.buying_power);
  }

  /** Whether an order of that side opens or adds to a position, and so needs buying power. */
  opens(side) {
    const held = Number(this.account.data.positions.find((one) => one.symbol === this.symbol)?.qty ?? 0);
    return side === "buy" ? held >= 0 : held <= 0;
  }

  placed(orders) {
    this.account.placed(orders);
  }

  // --- what the feed says ---

  take(data) {
    if (data.name !== this.select.value) return;
    this.account.take(data);
    this.ticket?.refresh();
  }

  prices(latest) {
    const before = this.known;
    this.latest = latest;
    this.known = this.price;
    this.account.prices(latest);
    this.draw();
    if (before === undefined) this.ticket?.suggest();
    if (this.known !== before) this.ticket?.refresh();
  }

  /** Accounts that a bot or another window has opened come by themselves. */
  accounts(names) {
    if (names.join("\n") === [...this.select.options].map((one) => one.value).join("\n")) return;
    const chosen = this.select.value;
    this.select.replaceChildren(...names.map((name) => new Option(name, name)));
    this.select.value = names.includes(chosen) ? chosen : names[0] ?? "";
    this.show();
    if (this.select.value !== chosen) this.choose();
  }

  symbolChanged() {
    this.ticket?.forget();
    this.draw();
  }

  draw() {
    const { data, there } = this.account;
    const draft = this.ticket?.draft ?? [];
    this.marks.draw(there ? levelsOf(this.symbol, data, draft, this.price) : []);
    const executions = data.executions.filter((one) => one.symbol === this.symbol);
    if (executions.length !== this.traded || this.symbol !== this.tradedSymbol || !there) this.marks.traded(executions);
    this.traded = executions.length;
    this.tradedSymbol = this.symbol;
  }

  // --- accounts ---

  choose() {
    this.account.clear();
    this.account.paint();
    this.traded = -1;
    this.link();
    this.show();
    this.page.open();
  }

  link() {
    const csv = document.getElementById("csv");
    csv.hidden = !this.select.value;
    csv.href = `${this.broker.of(this.select.value)}executions/?form=csv`;
  }

  /** The order form where there is an account, else the one that opens it. */
  show(opening = false) {
    const some = this.select.options.length > 0;
    const forms = { order: some && !opening, opening: !some || opening };
    for (const [id, on] of Object.entries(forms)) if (document.getElementById(id)) document.getElementById(id).hidden = !on;
    for (const id of ["account-row", "money", "account-panel"]) if (document.getElementById(id)) document.getElementById(id).hidden = !some;
    if (document.getElementById("no-account")) document.getElementById("no-account").hidden = !some;
  }

  bindOpening() {
    const form = document.getElementById("opening");
    if (!form) return;
    document.getElementById("new-account").addEventListener("click", () => { this.show(true); form.elements.name.focus(); });
    document.getElementById("no-account").addEventListener("click", () => this.show());
    form.addEventListener("submit", (event) => { event.preventDefault(); this.open(form); });
  }

  async open({ elements }) {
    const { name, cash, multiplier, on_bars: onBars } = elements;
    const asked = { name: name.value.trim(), cash: typed(cash.value), multiplier: Number(multiplier.value), on_bars: onBars.value };
    const { ok, body, detail } = await this.broker.open(asked);
    const said = document.getElementById("opening-said");
    said.textContent = ok ? "" : detail;
    said.toggleAttribute("data-wrong", !ok);
    if (!ok) return;
    name.value = "";
    this.select.add(new Option(body.name, body.name));
    this.select.value = body.name;
    this.choose();
    this.ticket?.fields.qty.focus();
  }

  // --- orders ---

  async cancel(id) {
    const { ok, detail } = await this.broker.cancel(this.name, id);
    this.ticket?.say(ok ? "Canceled." : detail, !ok);
  }

  async cancelAll() {
    for (const order of this.account.data.orders.filter((one) => one.open && one.status !== "held")) await this.cancel(order.id);
  }

  /** A market order against all that no open order holds. */
  close({ symbol, qty, available }) {
    const order = { symbol, side: qty > 0 ? "sell" : "buy", type: "market", time_in_force: "day", qty: Number(available) ? available : String(Math.abs(qty)) };
    return this.ticket?.ask(order, `${order.side} ${order.qty} ${symbol} ${words(order)}`);
  }
}
