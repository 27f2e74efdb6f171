// Files are dropped or chosen, looked at before they are sent, and sent with their progress shown.
const form = document.getElementById("upload");
const input = document.getElementById("files");
const drop = document.getElementById("drop");
const list = document.getElementById("chosen");
const wrong = document.getElementById("wrong");
const sent = document.getElementById("sent");
const button = form.querySelector("button[type=submit]");
const suffixes = form.getAttribute("data-suffixes").split(" ");
const most = { bytes: Number(form.getAttribute("data-most-bytes")), files: Number(form.getAttribute("data-most-files")) };

const size = (bytes) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function say(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

const isRead = (file) => suffixes.some((suffix) => file.name.toLowerCase().endsWith(suffix));

function problem(all) {
  const files = all.filter(isRead);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (!all.length) return "Choose at least one file.";
  if (!files.length) return `${all.map((file) => file.name).join(", ")}: not one of the forms above.`;
  if (files.length > most.files) return `${files.length} files are too many for one upload: at most ${most.files}.`;
  if (bytes > most.bytes) return `${size(bytes)} are too many for one upload: at most ${size(most.bytes)}. Pack them, or use manage.py import_data.`;
  return "";
}

function show() {
  const files = [...input.files];
  list.replaceChildren(...files.map(shown));
  say(files.length ? problem(files) : "");
}

function shown(file) {
  const line = document.createElement("li");
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "td-button td-little", textContent: "Remove" });
  remove.setAttribute("aria-label", `Remove ${file.name}`);
  remove.addEventListener("click", () => take([...input.files].filter((other) => other !== file)));
  line.append(`${file.name}, ${size(file.size)}${isRead(file) ? "" : " - left out: not one of the forms above"}`, remove);
  if (!isRead(file)) line.dataset.level = "warning";
  return line;
}

/** These files, and no others, are chosen. */
function take(files) {
  const held = new DataTransfer();
  for (const file of files) held.items.add(file);
  input.files = held.files;
  show();
}

function busy(on) {
  button.disabled = on;
  sent.hidden = !on;
}

function done(request) {
  busy(false);
  let answer = {};
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    answer = { detail: `The server answered ${request.status}.` };
  }
  if (answer.url) window.location.assign(answer.url);
  else say(answer.detail ?? `The server answered ${request.status}.`);
}

input.addEventListener("change", show);
for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => {
  event.preventDefault();
  drop.dataset.over = "";
});
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => {
  event.preventDefault();
  delete drop.dataset.over;
});
drop.addEventListener("drop", (event) => {
  take([...input.files, ...event.dataTransfer.files]);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = problem([...input.files]);
  say(reason);
  if (reason) return;
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => { sent.value = total ? loaded / total : 0; });
  request.addEventListener("load", () => done(request));
  request.addEventListener("error", () => { busy(false); say("The server could not be reached."); });
  request.open("POST", form.action || window.location.href);
  busy(true);
  request.send(new FormData(form));
});
