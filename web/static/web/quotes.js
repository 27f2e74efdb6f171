// A card's prices: the newest, its change since the close before (else the day's first open), and the day so far as a line.
import { percent, price, wayOf } from "./money.js";
import { sparkline } from "./sparkline.js";

const FINEST = 0.004;

export class Quotes {
  /** lines: symbol → {reference, open, line}, from the server. */
  constructor(root, lines) {
    this.rows = new Map([...root.querySelectorAll("[data-symbol]")].map((row) => [row.dataset.symbol, this.row(row, lines[row.dataset.symbol])]));
  }

  row(root, { reference, open, line } = { reference: null, open: null, line: [] }) {
    const row = { root, reference, open, line };
    this.draw(row, line.length ? line[line.length - 1][1] : null);
    return row;
  }

  /** Whether these are the card's symbols. */
  fits(quotes) {
    return quotes.map((one) => one.symbol).join() === [...this.rows.keys()].join();
  }

  /** The symbols that have a price now, and nothing yet to compare it with. */
  unbased(quotes, place) {
    const bare = ({ symbol, price: last }) => {
      const row = this.rows.get(symbol);
      return row && last !== null && (row.reference ?? row.open) === null;
    };
    return place === 0 ? [] : quotes.filter(bare).map((one) => one.symbol);
  }

  /** place: how much of the day is over. */
  take(quotes, place) {
    for (const { symbol, price: last } of quotes) {
      const row = this.rows.get(symbol);
      if (!row || last === null || place === 0) continue;
      while (row.line.length && row.line[row.line.length - 1][0] > place - FINEST) row.line.pop();
      row.line.push([place, last]);
      this.draw(row, last);
    }
  }

  draw({ root, reference, open, line }, last) {
    if (last === null) return;
    const change = last / (reference ?? open ?? last) - 1;
    root.dataset.way = wayOf(Math.round(change * 10_000));
    root.querySelector("[data-price]").textContent = price(last);
    const place = root.querySelector("[data-change]");
    place.textContent = percent(change);
    place.title = reference === null ? "Since the day's first open: the close before is not in the store" : "Since the close before";
    sparkline(root.querySelector("svg"), line, reference);
  }
}
