// Amounts as people read them; the broker's own are texts with all their decimals.
const whole = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const finer = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 9 });

export const money = (value) => whole.format(value);
export const price = (value) => (value === null || value === undefined || value === "" ? "–" : finer.format(value));
export const shares = (value) => count.format(value);
export const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${whole.format(Math.abs(value))}`;
export const percent = (share) => `${share > 0 ? "+" : share < 0 ? "−" : ""}${whole.format(Math.abs(100 * share))}%`;
export const wayOf = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

/** What somebody typed as a number's text for the broker: "1,000.50" is 1000.50. */
export const typed = (text) => text.trim().replace(/(?<=\d),(?=\d{3}(\D|$))/g, "");
