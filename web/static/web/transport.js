// A session's player controls: buttons, speed, seek bar with its days, keyboard. Every page that has a deck binds it.
import { dayOf, momentOf, zoneOf } from "../marketdata/exchange.js";

const DAY_LABEL_PX = 74;
const KEEPS_KEYS = "input, select, textarea, button, a, [contenteditable], canvas";

export class Transport {
  /** root carries data-address, data-state and data-paused; days: [{date, open, minutes}]. */
  constructor(root, days) {
    this.root = root;
    this.days = days;
    this.zone = zoneOf(root);
    this.said = root.querySelector(".td-said");
    this.bar = root.querySelector("[data-verb=seek]");
    this.hint = root.querySelector(".td-seek-hint");
    this.speed = root.querySelector("select[data-verb=speed]");
    this.over = root.dataset.over === "true";
    if (this.over) this.end();
    for (const button of root.querySelectorAll("button[data-verb]")) button.addEventListener("click", () => this.press(button.dataset));
    this.speed?.addEventListener("change", () => this.ask("speed", { speed: this.speed.value }));
    this.bar.addEventListener("input", () => this.dragging());
    this.bar.addEventListener("change", () => this.seek(Number(this.bar.value)));
    this.bar.addEventListener("blur", () => this.hint.classList.remove("td-on"));
    new ResizeObserver(() => this.markDays()).observe(root.querySelector(".td-days"));
    this.place(Number(this.bar.value));
  }

  get paused() {
    return this.root.dataset.paused === "true";
  }

  get mayControl() {
    return this.speed !== null;
  }

  press({ verb, n }) {
    if (verb === "toggle") return this.toggle();
    if (verb === "step") return this.step(Number(n));
    if (verb === "stop" && !window.confirm("Stop this session? It ends for good; its journal and events stay.")) return null;
    return this.ask(verb);
  }

  toggle() {
    return this.ask(this.paused ? "resume" : "pause");
  }

  async step(n) {
    if (!this.paused && !(await this.ask("pause"))) return false;
    return this.ask("step", { n });
  }

  /** Of a session that has ended, its fork goes on from there. */
  seek(minute) {
    this.seeking = true;
    this.hint.classList.remove("td-on");
    return this.ask(this.over ? "fork" : "seek", { when: new Date(this.momentAt(minute)).toISOString() }).finally(() => { this.seeking = false; });
  }

  /** Nothing controls it any more; its past can still be gone back into. */
  end() {
    this.over = true;
    for (const control of this.root.querySelectorAll(".td-transport [data-verb]")) control.disabled = true;
    if (this.root.dataset.forks !== "true") return;
    this.bar.disabled = false;
    this.bar.title = "Go back into it: a new session with the same past goes on from there";
  }

  faster(by) {
    const next = this.speed.selectedIndex + by;
    if (next < 0 || next >= this.speed.options.length) return;
    this.speed.selectedIndex = next;
    this.ask("speed", { speed: this.speed.value });
  }

  /** POST one verb; what comes back is said in words. True when it was accepted. */
  async ask(verb, fields = {}) {
    const body = new URLSearchParams(fields);
    const headers = { "X-CSRFToken": csrf() };
    const address = this.root.dataset.address.replace(/change\/$/, `${verb}/`);
    try {
      const answer = await fetch(address, { method: "POST", body, headers });
      const reply = (answer.headers.get("Content-Type") ?? "").includes("json") ? await answer.json() : { detail: `Refused (${answer.status}).` };
      if (!answer.ok) return this.say(reply.detail, true);
      if (reply.url) window.location.assign(reply.url);
      this.root.dataset.paused = reply.paused;
      this.root.querySelector(`[data-verb=${verb}]`)?.dispatchEvent(new Event("asked"));
      return this.say(reply.note || (DONE[verb] ?? ""), false);
    } catch {
      return this.say("The web process does not answer: nothing was asked of the session.", true);
    }
  }

  say(text, wrong) {
    this.said.textContent = text;
    this.said.toggleAttribute("data-wrong", wrong);
    return !wrong;
  }

  /** What the server sent of the session. */
  paint(card) {
    const { dataset } = this.root;
    dataset.paused = card.paused;
    dataset.state = card.state;
    if (!card.live && !this.over) this.end();
    if (this.speed && document.activeElement !== this.speed) this.choose(card.speed, card.shown.speed);
    this.place(card.position);
  }

  choose(speed, text) {
    if (![...this.speed.options].some((one) => Number(one.value) === speed)) this.speed.add(new Option(text, speed), 0);
    this.speed.value = String(speed);
    if (this.speed.selectedIndex < 0) this.speed.selectedIndex = [...this.speed.options].findIndex((one) => Number(one.value) === speed);
  }

  place(minute) {
    if (this.held || this.seeking) return;
    this.bar.value = minute;
    this.fill();
    this.bar.setAttribute("aria-valuetext", momentOf(this.momentAt(minute), this.zone));
  }

  /** The part of the track that is played. */
  fill() {
    this.bar.style.setProperty("--played", `${(100 * Number(this.bar.value)) / this.total}%`);
  }

  dragging() {
    const minute = Number(this.bar.value);
    this.fill();
    this.held = true;
    clearTimeout(this.letGo);
    this.letGo = setTimeout(() => { this.held = false; }, 1500);
    this.hint.textContent = momentOf(this.momentAt(minute), this.zone);
    this.hint.style.left = `${(100 * minute) / this.total}%`;
    this.hint.classList.add("td-on");
    this.bar.setAttribute("aria-valuetext", this.hint.textContent);
  }

  get total() {
    return this.days.reduce((sum, day) => sum + day.minutes, 0) || 1;
  }

  /** The moment at which that many of the window's minutes are over. */
  momentAt(minute) {
    let left = minute;
    for (const day of this.days) {
      if (left <= day.minutes) return day.open + left * 60_000;
      left -= day.minutes;
    }
    const last = this.days[this.days.length - 1];
    return last.open + last.minutes * 60_000;
  }

  /** A mark where each day begins, and a label where there is room for one. */
  markDays() {
    const place = this.root.querySelector(".td-days");
    const width = place.clientWidth;
    let [before, free] = [0, 0];
    const marks = this.days.map((day) => {
      const mark = document.createElement("span");
      const left = (width * before) / this.total;
      mark.style.left = `${(100 * before) / this.total}%`;
      before += day.minutes;
      mark.classList.toggle("td-under", left < free);  // the label before stands there
      if (left < free || left + DAY_LABEL_PX > width) return mark;
      free = left + DAY_LABEL_PX;
      mark.textContent = dayOf(day.open, this.zone);
      return mark;
    });
    place.replaceChildren(...(this.days.length > 120 ? marks.filter((mark) => mark.textContent) : marks));
  }

  /** Space plays, right steps or goes forward, left goes back, up and down choose the speed. */
  key(event) {
    if (this.over || !this.mayControl || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(KEEPS_KEYS)) return;
    const minutes = event.shiftKey ? 5 : 1;
    const here = Number(this.bar.value);
    const act = {
      " ": () => this.toggle(),
      ArrowRight: () => (this.paused ? this.step(minutes) : this.seek(Math.min(this.total, here + minutes))),
      ArrowLeft: () => this.seek(Math.max(0, here - minutes)),
      ArrowUp: () => this.faster(1),
      ArrowDown: () => this.faster(-1),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

const DONE = { pause: "Paused.", resume: "Playing.", step: "Stepping.", seek: "Moving there.", speed: "Speed set.", stop: "Stopping.", add: "Adding.", remove: "Removing.", verify: "Being verified: the panel below says what came of it." };

export function csrf() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? /csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

/** Write a card's texts where the page has a place for them. */
export function write(root, card) {
  const texts = { ...card.shown, note: card.note };
  for (const place of root.querySelectorAll("[data-shown]")) {
    const text = texts[place.dataset.shown];
    if (text !== undefined && place.textContent !== text) place.textContent = text;
  }
}
