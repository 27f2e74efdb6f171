// One row a symbol, one pixel a minute, stretched by the page; the tooltip says what a minute's letter means.
import { timeOf } from "./exchange.js";

export class HeatMap {
  constructor(element, words) {
    this.element = element;
    this.words = words;
    this.rows = new Map();
    this.tip = document.createElement("div");
    this.tip.className = "td-tip";
    this.tip.hidden = true;
    document.body.append(this.tip);
    element.addEventListener("pointermove", (event) => this.point(event));
    element.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    new MutationObserver(() => this.redraw()).observe(document.documentElement, { attributeFilter: ["class"] });
  }

  /** heat: {date, open, minutes, since, upto, rows: {symbol: letters}}; letters begin at minute `since`. */
  take(heat) {
    const anew = heat.since === 0;
    if (anew) this.begin(heat);
    this.upto = heat.upto;
    for (const [symbol, letters] of Object.entries(heat.rows)) {
      const row = this.rows.get(symbol);
      if (!row || !letters) continue;
      row.letters = row.letters.slice(0, heat.since) + letters;
      this.draw(row, heat.since);
      row.canvas.setAttribute("aria-label", this.inWords(symbol, row.letters));
    }
  }

  letters(symbol) {
    return this.rows.get(symbol)?.letters ?? "";
  }

  begin({ open, minutes, rows, left_out: leftOut }) {
    this.open = open;
    this.minutes = minutes;
    const symbols = Object.keys(rows).sort();
    if (symbols.join() === [...this.rows.keys()].join() && this.width === minutes) {
      for (const row of this.rows.values()) { row.letters = ""; this.clear(row); }
      return;
    }
    this.width = minutes;
    this.rows = new Map(symbols.map((symbol) => [symbol, this.row(symbol)]));
    const parts = [this.axis(), ...[...this.rows.values()].map((row) => row.line)];
    if (leftOut) parts.push(document.createTextNode(`and ${leftOut} more symbols`));
    this.element.replaceChildren(...parts);
  }

  row(symbol) {
    const line = document.createElement("div");
    line.className = "td-heat-row";
    const name = document.createElement("span");
    name.textContent = symbol;
    const canvas = document.createElement("canvas");
    canvas.width = this.minutes;
    canvas.height = 1;
    canvas.dataset.symbol = symbol;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${symbol}: no minute yet`);
    line.append(name, canvas);
    return { line, canvas, letters: "" };
  }

  axis() {
    const line = document.createElement("div");
    line.className = "td-heat-row";
    const marks = document.createElement("div");
    marks.className = "td-heat-axis";
    for (let minute = 30; minute < this.minutes; minute += 60) {
      const mark = document.createElement("i");
      mark.style.left = `${(100 * minute) / this.minutes}%`;
      mark.textContent = timeOf(this.open + minute * 60_000);
      marks.append(mark);
    }
    line.append(document.createElement("span"), marks);
    return line;
  }

  draw(row, since) {
    const context = row.canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    for (let minute = since; minute < row.letters.length; minute += 1) {
      context.fillStyle = style.getPropertyValue(`--td-${row.letters[minute]}`) || "gray";
      context.fillRect(minute, 0, 1, 1);
    }
  }

  clear(row) {
    row.canvas.getContext("2d").clearRect(0, 0, row.canvas.width, 1);
  }

  redraw() {
    for (const row of this.rows.values()) { this.clear(row); this.draw(row, 0); }
  }

  point(event) {
    const { symbol } = event.target.dataset;
    this.tip.hidden = symbol === undefined;
    if (symbol === undefined) return;
    const box = event.target.getBoundingClientRect();
    const minute = Math.min(this.minutes - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * this.minutes)));
    const letter = this.letters(symbol)[minute];
    this.tip.textContent = `${symbol} ${timeOf(this.open + minute * 60_000)}: ${letter ? this.words[letter] : "not yet"}`;
    this.tip.style.left = `${Math.min(event.clientX + 12, window.innerWidth - 200)}px`;
    this.tip.style.top = `${event.clientY + 16}px`;
  }

  inWords(symbol, letters) {
    const counts = Object.keys(this.words).map((letter) => [letters.split(letter).length - 1, this.words[letter]]);
    const counted = counts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`);
    return `${symbol}, ${letters.length} of ${this.minutes} minutes: ${counted.join(", ")}`;
  }
}
