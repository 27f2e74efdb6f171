// Times as New York's clock shows them, whatever the exchange.
const part = (options) => new Intl.DateTimeFormat("en-US", { timeZone: "America/New_York", hourCycle: "h23", ...options });
const clock = part({ hour: "2-digit", minute: "2-digit" });
const exact = part({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = part({ weekday: "short", day: "numeric", month: "short" });
const axisDay = part({ month: "short", day: "numeric" });
const axisYear = part({ year: "numeric" });

export const timeOf = (ms) => clock.format(ms);
export const exactTimeOf = (ms) => exact.format(ms);
export const dayOf = (ms) => day.format(ms);
export const axisDayOf = (ms) => axisDay.format(ms);
export const axisYearOf = (ms) => axisYear.format(ms);
export const momentOf = (ms) => `${day.format(ms)} ${clock.format(ms)}`;
