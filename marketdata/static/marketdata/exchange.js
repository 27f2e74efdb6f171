// Times as the exchange's clock shows them.
const part = (options) => new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York", hourCycle: "h23", ...options });
const clock = part({ hour: "2-digit", minute: "2-digit" });
const exact = part({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = part({ weekday: "short", day: "numeric", month: "short" });
const year = part({ year: "numeric", month: "short", day: "numeric" });

export const timeOf = (ms) => clock.format(ms);
export const exactTimeOf = (ms) => exact.format(ms);
export const dayOf = (ms) => day.format(ms);
export const dateOf = (ms) => year.format(ms);
export const momentOf = (ms) => `${day.format(ms)} ${clock.format(ms)}`;
