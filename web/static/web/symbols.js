// A text field whose last word completes itself from the symbols that a dataset has: an ARIA combobox.
const PAUSE_MS = 150;

export function complete(field, address, changed = () => {}) {
  const list = document.createElement("ul");
  list.className = "td-options";
  list.id = `${field.name}-options`;
  list.setAttribute("role", "listbox");
  list.hidden = true;
  const holder = document.createElement("div");
  holder.className = "td-combobox";
  field.replaceWith(holder);
  holder.append(field, list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) field.setAttribute(name, value);

  let timer = 0;
  let active = -1;
  const options = () => [...list.children];
  const last = () => /[^\s,]*$/.exec(field.value)[0];

  function show(symbols) {
    const chosen = options()[active]?.dataset.symbol;
    list.replaceChildren(...symbols.map(({ symbol, name }, index) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${index}`;
      option.setAttribute("role", "option");
      option.dataset.symbol = symbol;
      option.textContent = name ? `${symbol} · ${name}` : symbol;
      option.addEventListener("pointerdown", (event) => { event.preventDefault(); take(symbol); });
      return option;
    }));
    list.hidden = symbols.length === 0;
    field.setAttribute("aria-expanded", String(!list.hidden));
    mark(symbols.findIndex(({ symbol }) => symbol === chosen));
  }

  /** The option that Enter takes; a list that comes anew keeps it. */
  function mark(index) {
    active = index;
    options().forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
    if (active < 0) field.removeAttribute("aria-activedescendant");
    else field.setAttribute("aria-activedescendant", options()[active].id);
  }

  function take(symbol) {
    field.value = `${field.value.slice(0, field.value.length - last().length)}${symbol} `;
    show([]);
    changed();
  }

  function move(by) {
    const count = options().length;
    mark(active < 0 && by < 0 ? count - 1 : (active + by + count) % count);
    options()[active].scrollIntoView({ block: "nearest" });
  }

  async function look() {
    const word = last();
    if (!word) return show([]);
    const answer = await fetch(`${address()}&q=${encodeURIComponent(word)}`);
    if (!answer.ok || word !== last()) return null;
    const { symbols } = await answer.json();
    return show(symbols.length === 1 && symbols[0].symbol === word.toUpperCase() ? [] : symbols);
  }

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, PAUSE_MS); });
  field.addEventListener("change", () => changed());
  field.addEventListener("blur", () => show([]));
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const act = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Escape: () => show([]), Enter: () => active >= 0 && take(options()[active].dataset.symbol) }[event.key];
    if (!act || (event.key === "Enter" && active < 0)) return;
    event.preventDefault();
    act();
  });
}
