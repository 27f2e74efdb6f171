// The session's accounts at the API: each answer is {ok, body} or {ok: false, detail}, in words.
export class Broker {
  constructor(address, csrf) {
    this.address = address;
    this.csrf = csrf;
  }

  open(fields) {
    return this.ask("POST", this.address, fields);
  }

  place(account, order) {
    return this.ask("POST", `${this.of(account)}orders/`, order);
  }

  cancel(account, id) {
    return this.ask("DELETE", `${this.of(account)}orders/${id}/`);
  }

  of(account) {
    return `${this.address}${encodeURIComponent(account)}/`;
  }

  async ask(method, address, fields) {
    const headers = { "X-CSRFToken": this.csrf(), "Content-Type": "application/json", Accept: "application/json" };
    try {
      const answer = await fetch(address, { method, headers, body: fields && JSON.stringify(fields) });
      const text = await answer.text();
      const body = (answer.headers.get("Content-Type") ?? "").includes("json") && text ? JSON.parse(text) : {};
      return answer.ok ? { ok: true, body } : { ok: false, detail: inWords(body) || `Refused (${answer.status}).` };
    } catch {
      return { ok: false, detail: "The web process does not answer: it is not known whether that was done." };
    }
  }
}

/** What a problem says of the fields, else of the whole. */
function inWords({ detail = "", errors = [] }) {
  const text = errors.map(({ field, detail: said }) => (field ? `${field.replaceAll("_", " ")}: ${said}` : said)).join(" ") || detail;
  return text && text[0].toUpperCase() + text.slice(1);
}
