// A month of the exchange's calendar: what is open, and what the store has. Two choices make a window.
const month = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", month: "long", year: "numeric" });
const inWords = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", weekday: "long", day: "numeric", month: "long", year: "numeric" });

export class Calendar {
  /** fields: {first, last, symbols, dataset}, the form's inputs. */
  constructor(root, fields) {
    this.root = root;
    this.fields = fields;
    this.days = root.querySelector("#calendar-days");
    this.title = root.querySelector("#calendar-month");
    this.said = root.querySelector("#calendar-said");
    for (const button of root.querySelectorAll("[data-turn]")) button.addEventListener("click", () => this.turn(Number(button.dataset.turn)));
    for (const field of [fields.first, fields.last]) field.addEventListener("change", () => this.paint());
    this.look(fields.first.value.slice(0, 7));
  }

  /** Symbols or dataset have changed: to their newest month, unless the user has chosen a day or turned the leaves. */
  follow() {
    this.look(this.fields.first.value || this.turned ? this.shown : "");
  }

  async look(wanted = this.shown ?? "") {
    const { symbols, dataset } = this.fields;
    const query = new URLSearchParams({ month: wanted, symbols: symbols.value, dataset: dataset.value });
    this.asked = query;
    const answer = await fetch(`${this.root.dataset.month}?${query}`);
    const reply = await answer.json();
    if (this.asked !== query) return;
    if (!answer.ok) {
      this.said.textContent = reply.detail;
      return;
    }
    this.shown = reply.month;
    this.title.textContent = month.format(new Date(`${reply.month}-01T00:00Z`));
    this.draw(reply);
  }

  turn(by) {
    const date = new Date(`${this.shown}-01T00:00Z`);
    date.setUTCMonth(date.getUTCMonth() + by);
    this.shown = date.toISOString().slice(0, 7);
    this.turned = true;
    this.look();
  }

  /** A month that is there already keeps its buttons: one that goes between press and release swallows the click. */
  draw({ month: wanted, days, asked }) {
    if (this.drawn !== wanted) {
      const before = (new Date(`${days[0].date}T00:00Z`).getUTCDay() + 6) % 7;
      const blanks = Array.from({ length: before }, () => document.createElement("span"));
      this.days.replaceChildren(...blanks, ...days.map(({ date }) => this.button(date)));
      this.drawn = wanted;
    }
    const buttons = this.days.querySelectorAll("button");
    days.forEach((day, index) => this.describe(buttons[index], day, asked));
    this.paint();
  }

  button(date) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.date = date;
    button.append(document.createElement("b"), document.createElement("small"));
    button.firstChild.textContent = String(Number(date.slice(8)));
    button.addEventListener("click", () => this.choose(date));
    return button;
  }

  describe(button, { date, held, kind, words }, asked) {
    const coverage = asked ? `${held} of ${asked}` : String(held);
    button.dataset.kind = kind;
    button.dataset.held = asked ? (held === asked ? "all" : held ? "some" : "none") : held ? "all" : "none";
    button.disabled = kind === "weekend" || kind === "holiday";
    const label = [inWords.format(new Date(`${date}T00:00Z`)), words, button.disabled ? "" : `${coverage} symbols in the store`];
    button.setAttribute("aria-label", label.filter(Boolean).join(", "));
    button.title = label.filter(Boolean).slice(1).join(", ");
    const small = button.lastChild;
    small.textContent = button.disabled ? (kind === "holiday" ? words : "") : kind === "half" ? `half · ${coverage}` : coverage;
  }

  /** The first choice is the first day; a later one is the last day; a third begins anew. */
  choose(date) {
    const { first, last } = this.fields;
    const begin = !first.value || last.value || date < first.value;
    if (begin) [first.value, last.value] = [date, ""];
    else last.value = date;
    this.said.textContent = begin ? `First day ${date}. Choose the last one, or leave it at one day.` : `From ${first.value} to ${date}.`;
    this.paint();
  }

  paint() {
    const { first, last } = this.fields;
    const until = last.value || first.value;
    for (const button of this.days.querySelectorAll("button")) {
      const { date } = button.dataset;
      const chosen = Boolean(first.value) && date >= first.value && date <= until;
      button.toggleAttribute("data-chosen", chosen);
      button.setAttribute("aria-pressed", String(date === first.value || date === last.value));
    }
  }
}
