// The order ticket: what is to be bought or sold, by mouse or keyboard; what the broker refuses is said here.
import { money, price, shares, typed } from "./money.js";

const KEEPS_KEYS = "input, select, textarea, [contenteditable]";
const SIDES = { b: "buy", s: "sell" };
const TYPES = { m: "market", l: "limit", p: "stop" };
const SHOWS = { market: [], limit: ["limit"], stop: ["stop"], stop_limit: ["limit", "stop"] };

export class Ticket {
  /** desk: {symbol, price, name, buyingPower, placed(orders)}; `ondraft` gets the prices that are being typed. */
  constructor(form, broker, desk) {
    this.form = form;
    this.broker = broker;
    this.desk = desk;
    this.said = form.querySelector(".td-said");
    this.send = form.querySelector(".td-send");
    this.estimate = form.querySelector(".td-estimate");
    form.addEventListener("input", (event) => this.changed(event.target.name));
    form.addEventListener("focusout", () => setTimeout(() => this.ondraft?.()));
    form.addEventListener("focusin", () => this.ondraft?.());
    form.addEventListener("submit", (event) => { event.preventDefault(); this.place(); });
    document.addEventListener("keydown", (event) => this.key(event));
    this.changed();
  }

  get fields() {
    return this.form.elements;
  }

  get side() {
    return this.fields.side.value;
  }

  get type() {
    return this.fields.type.value;
  }

  get brackets() {
    return this.fields.bracket.checked && (this.type === "market" || this.type === "limit");
  }

  /** What belongs to the choice is shown; a price that is asked for begins at the market's. */
  changed(name) {
    const shown = new Set([...SHOWS[this.type], ...(this.type === "market" || this.type === "limit" ? ["bracket"] : []), ...(this.brackets ? ["exits"] : [])]);
    for (const part of this.form.querySelectorAll("[data-when]")) part.hidden = !shown.has(part.dataset.when);
    if (name === "type") this.suggest();
    if (name !== undefined) this.say("");
    this.refresh();
    this.ondraft?.();
  }

  suggest() {
    const last = this.desk.price;
    if (last === undefined) return;
    for (const field of [this.fields.limit_price, this.fields.stop_price]) if (!field.value && !field.closest("[hidden]")) field.value = inTicks(last);
  }

  /** Another symbol has other prices. */
  forget() {
    for (const field of this.form.querySelectorAll("[data-price]")) field.value = "";
    this.suggest();
    this.changed();
  }

  /** The button and the estimate, in words. */
  refresh() {
    const qty = Number(typed(this.fields.qty.value));
    const verb = this.side === "buy" ? "Buy" : "Sell";
    const at = this.type === "market" ? "at market" : this.type === "limit" ? `at ${this.fields.limit_price.value || "…"}` : `stop ${this.fields.stop_price.value || "…"}`;
    this.send.dataset.side = this.side;
    this.send.textContent = `${verb} ${qty > 0 ? shares(qty) : "…"} ${this.desk.symbol} ${at}`;
    const each = Number(typed((this.type === "market" ? "" : this.fields.limit_price.value || this.fields.stop_price.value) || "")) || this.desk.price;
    const power = this.desk.opens(this.side) ? this.desk.buyingPower : 0;
    this.estimate.textContent = qty > 0 && each ? `≈ ${money(qty * each)} USD${power > 0 ? ` · ${((100 * qty * each) / power).toFixed(1)}% of buying power` : ""}` : "\u00a0";
  }

  /** The prices that the chart shows while they are typed. */
  get draft() {
    if (!this.form.contains(document.activeElement)) return [];
    const named = { limit_price: "limit", stop_price: "stop", take_profit: "take profit", stop_loss: "stop loss" };
    return Object.entries(named).flatMap(([name, text]) => {
      const field = this.fields[name];
      const value = Number(typed(field.value));
      return value > 0 && !field.closest("[hidden]") ? [{ price: value, text, side: name.startsWith("take") || name.endsWith("loss") ? "" : this.side }] : [];
    });
  }

  /** A click in the chart sets the price whose field had the focus. */
  take(value, field) {
    if (!this.form.contains(field) || field.dataset.price === undefined) return;
    field.value = inTicks(value);
    field.focus({ preventScroll: true });
    this.changed(field.name);
  }

  order() {
    const { qty, time_in_force: force, limit_price: limit, stop_price: stop, take_profit: take, stop_loss: loss } = this.fields;
    const asked = { symbol: this.desk.symbol, side: this.side, type: this.type, time_in_force: force.value, qty: typed(qty.value) };
    if (SHOWS[this.type].includes("limit")) asked.limit_price = typed(limit.value);
    if (SHOWS[this.type].includes("stop")) asked.stop_price = typed(stop.value);
    if (this.brackets) {
      const [profit, lossAt] = [typed(take.value), typed(loss.value)];
      if (profit) asked.take_profit = { limit_price: profit };
      if (lossAt) asked.stop_loss = { stop_price: lossAt };
      asked.order_class = profit && lossAt ? "bracket" : "oto";
    }
    return asked;
  }

  place() {
    return this.ask(this.order(), this.send.textContent);
  }

  /** One order at a time: a key that is held down sends no second one. */
  async ask(order, words) {
    if (this.send.disabled) return;
    this.send.disabled = true;
    const { ok, body, detail } = await this.broker.place(this.desk.name, order);
    this.send.disabled = false;
    if (ok) this.desk.placed(body);
    this.say(ok ? `Sent: ${words.toLowerCase().replace(order.symbol.toLowerCase(), order.symbol)}.` : detail, !ok);
  }

  say(text, wrong = false) {
    this.said.textContent = text;
    this.said.toggleAttribute("data-wrong", wrong);
  }

  /** B and S choose a side, M, L and P a type - from anywhere but another field; Esc leaves the ticket. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.form.hidden) return;
    const within = this.form.contains(event.target);
    if (event.key === "Escape" && within) {
      event.target.blur();
      this.say("");
      return;
    }
    if (event.target.closest?.(KEEPS_KEYS) && !within) return;
    const letter = event.key.toLowerCase();
    const name = letter in SIDES ? "side" : letter in TYPES ? "type" : null;
    if (!name) return;
    event.preventDefault();
    this.fields[name].value = SIDES[letter] ?? TYPES[letter];
    this.changed(name);
    const field = name === "side" || this.type === "market" ? this.fields.qty : this.type === "limit" ? this.fields.limit_price : this.fields.stop_price;
    field.focus({ preventScroll: !this.offScreen() });
    field.select();
  }

  offScreen() {
    const { top, bottom } = this.form.getBoundingClientRect();
    return bottom < 0 || top > window.innerHeight;
  }
}

/** A price that the broker takes: cents, below a dollar hundredths of them. */
export const inTicks = (value) => (value >= 1 ? value.toFixed(2) : value.toFixed(4));

/** An order in a few words, e.g. "limit 93.10". */
export function words({ type, limit_price: limit, stop_price: stop }) {
  const parts = [type.replaceAll("_", " ")];
  if (stop) parts.push(price(stop));
  if (limit) parts.push(stop ? `limit ${price(limit)}` : price(limit));
  return parts.join(" ");
}
