// Times as the exchange's clock shows them: in the zone that is given, or in that of the page.
const shapes = {
  clock: { hour: "2-digit", minute: "2-digit" },
  exact: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  day: { weekday: "short", day: "numeric", month: "short" },
  axisDay: { month: "short", day: "numeric" },
  axisYear: { year: "numeric" },
};
const made = new Map();
let shown = document.querySelector("[data-zone]")?.dataset.zone ?? "America/New_York";

function format(shape, ms, timeZone) {
  const key = `${shape} ${timeZone}`;
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...shapes[shape] }));
  return made.get(key).format(ms);
}

/** The page's zone from now on. */
export const showZone = (zone) => { shown = zone; };
/** Europe/London is London. */
export const placeOf = (zone = shown) => zone.split("/").pop().replaceAll("_", " ");
export const zoneOf = (element) => element.closest("[data-zone]")?.dataset.zone ?? shown;
export const timeOf = (ms, zone = shown) => format("clock", ms, zone);
export const exactTimeOf = (ms, zone = shown) => format("exact", ms, zone);
export const dayOf = (ms, zone = shown) => format("day", ms, zone);
export const axisDayOf = (ms) => format("axisDay", ms, shown);
export const axisYearOf = (ms) => format("axisYear", ms, shown);
export const momentOf = (ms, zone = shown) => `${dayOf(ms, zone)} ${timeOf(ms, zone)}`;
