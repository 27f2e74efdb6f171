// The landing page: every second the live sessions' data; a card appears, changes and goes by itself.
import { Quotes } from "./quotes.js";
import { Transport, write } from "./transport.js";

const EVERY_MS = 1000;

class Landing {
  constructor(root) {
    this.root = root;
    this.grid = document.getElementById("cards");
    this.away = document.getElementById("away");
    this.decks = new Map();
    this.asked = new Set();
    this.bind();
    document.addEventListener("keydown", (event) => this.key(event));
    this.look();
  }

  bind() {
    const there = [...this.grid.querySelectorAll("[data-card]")];
    this.decks = new Map(there.map((card) => [Number(card.dataset.card), this.deck(card)]));
  }

  deck(card) {
    const known = this.decks.get(Number(card.dataset.card));
    if (known?.root === card) return known;
    const [days, lines] = [...card.querySelectorAll("script")].map((one) => JSON.parse(one.textContent));
    const deck = new Transport(card, days);
    deck.quotes = new Quotes(card, lines);
    return deck;
  }

  async look() {
    if (!document.hidden) await this.refresh();
    setTimeout(() => this.look(), EVERY_MS);
  }

  async refresh() {
    try {
      const answer = await fetch(this.root.dataset.live);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { cards } = await answer.json();
      for (const card of cards) if (this.isOld(card)) this.decks.delete(card.id);
      if (cards.some((card) => !this.decks.has(card.id)) || cards.length !== this.decks.size) await this.exchange();
      for (const card of cards) this.paint(card);
      this.say("");
    } catch (error) {
      this.say(`The web process does not answer (${error.message}): what is shown is old. Trying again.`);
    }
  }

  /** Other symbols, another day, a clock that was moved, or a first bar: its prices begin anew. */
  isOld({ id, quotes, generation, shown, day }) {
    const deck = this.decks.get(id);
    if (!deck) return false;
    const { dataset } = deck.root;
    const fresh = deck.quotes.unbased(quotes, day).map((symbol) => [id, generation, shown.date, symbol].join()).filter((key) => !this.asked.has(key));
    for (const key of fresh) this.asked.add(key);
    return fresh.length > 0 || !deck.quotes.fits(quotes) || dataset.generation !== String(generation) || dataset.date !== shown.date;
  }

  /** Cards of sessions that came or went; the others stay as they are, under whoever's hand. */
  async exchange() {
    const text = await (await fetch(this.root.dataset.cards)).text();
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    for (const card of fresh.querySelectorAll("[data-card]")) {
      const known = this.decks.get(Number(card.dataset.card));
      if (known) card.replaceWith(known.root);
    }
    this.grid.replaceChildren(...fresh.childNodes);
    this.bind();
  }

  paint(card) {
    const deck = this.decks.get(card.id);
    if (!deck) return;
    deck.paint(card);
    write(deck.root, card);
    deck.quotes.take(card.quotes, card.day);
    const lines = card.events.map((event) => {
      const line = document.createElement("li");
      line.dataset.level = event.level;
      line.textContent = event.message;
      return line;
    });
    const list = deck.root.querySelector("[data-events]");
    if (list.textContent !== lines.map((line) => line.textContent).join("")) list.replaceChildren(...lines);
  }

  /** The keys go to the card that has the focus, or to the only one. */
  key(event) {
    const focused = event.target.closest?.("[data-card]");
    const deck = focused ? this.decks.get(Number(focused.dataset.card)) : this.decks.size === 1 && [...this.decks.values()][0];
    if (deck) deck.key(event);
  }

  say(text) {
    this.away.hidden = !text;
    this.away.textContent = text;
  }
}

const root = document.getElementById("landing");
if (root) new Landing(root);
