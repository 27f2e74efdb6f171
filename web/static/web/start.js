// The start form: symbols complete themselves, days come from the exchange's calendar.
import { Calendar } from "./calendar.js";
import { complete } from "./symbols.js";

const field = (name) => document.querySelector(`[name="start-${name}"]`);
const root = document.getElementById("calendar");

const calendar = new Calendar(root, { first: field("date"), last: field("until"), symbols: field("symbols"), dataset: field("dataset") });
complete(field("symbols"), () => `${root.dataset.symbols}?dataset=${field("dataset").value}`, () => calendar.follow());
field("dataset").addEventListener("change", () => calendar.follow());
