// The page of thresholds: what follows is asked for while a slider is moved, and set when it is applied.

import { change } from "./viewer.js";

const PAUSE = 40; // milliseconds: a slider tells of itself many times a second
const REST = 250; // and how good it is takes longer to tell

const form = document.querySelector("[data-setting]");
const outcome = document.querySelector("[data-outcome]");
const quality = document.querySelector("[data-quality]");
const recommend = document.querySelector("[data-recommend]");
const inputs = [...form.querySelectorAll("[data-threshold]")];
const applying = document.querySelector("[data-apply]");
const apply = applying.querySelector("button");

const valueOf = (input) => (input.type === "checkbox" ? input.checked : Number(input.value));
const setting = () => Object.fromEntries(inputs.map((input) => [input.name, valueOf(input)]));
const query = () => new URLSearchParams(setting());

/** Put the parts of an answer in the places of those on the page. */
async function ask(address, signal) {
  const answer = await fetch(address, { signal });
  const text = await answer.text();
  if (!answer.ok) throw new Error("The viewer could not tell what would follow. Load the page again.");
  const made = document.createElement("template");
  made.innerHTML = text; // escaped by the server, and no script in it would run
  signal?.throwIfAborted();
  for (const part of made.content.querySelectorAll("[data-part]")) {
    document.querySelector(`[data-part="${part.dataset.part}"]`).replaceChildren(...part.childNodes);
  }
}

function trouble(place, error) {
  if (error.name !== "AbortError") place.querySelector(".problem").textContent = error.message;
}

let asking;

/** Ask what would follow; an answer that is overtaken by the next question is dropped. */
async function askOutcome() {
  asking?.abort();
  asking = new AbortController();
  try {
    await ask(`${outcome.dataset.outcome.split("?")[0]}?${query()}`, asking.signal);
    outcome.querySelector(".problem").textContent = "";
  } catch (error) {
    trouble(outcome, error);
  }
}

let measured; // the last address that was asked for
let measuring = false;
let target = {};

/** Ask how good it would be: one question at a time, as the first one of a large run takes long. */
async function askQuality() {
  const wanted = () => `${quality.dataset.quality}?${new URLSearchParams({ ...setting(), ...target })}`;
  if (measuring) return;
  measuring = true;
  quality.setAttribute("aria-busy", "true");
  while (measured !== wanted()) {
    measured = wanted();
    try {
      await ask(measured);
      quality.querySelector(".problem").textContent = "";
    } catch (error) {
      trouble(quality, error);
    }
  }
  quality.removeAttribute("aria-busy");
  measuring = false;
}

/** Show what the inputs say themselves. */
function show() {
  for (const input of inputs) {
    const told = form.querySelector(`output[for="${input.name}"]`);
    if (told) told.textContent = Number(input.value).toFixed(2);
  }
  apply.disabled = !form.checkValidity() || inputs.every((input) => String(valueOf(input)) === input.dataset.held);
}

let waiting;
let resting;

function changed() {
  show();
  clearTimeout(waiting);
  clearTimeout(resting);
  if (!form.checkValidity()) return;
  waiting = setTimeout(askOutcome, PAUSE);
  resting = setTimeout(askQuality, REST);
}

/** Set the inputs to other values: name to value as text. */
function take(values, address) {
  for (const input of inputs) {
    const value = values(input);
    if (input.type === "checkbox") input.checked = value.toLowerCase() === "true";
    else input.value = value;
  }
  history.replaceState(null, "", address);
  changed();
}

for (const input of inputs) {
  input.addEventListener("input", changed);
  input.addEventListener("change", () => history.replaceState(null, "", `?${query()}`));
}
form.querySelector("[data-reset]").addEventListener("click", (event) => {
  event.preventDefault();
  take((input) => input.dataset.held, form.action);
});
form.addEventListener("submit", (event) => event.preventDefault()); // what it would show is there already
form.querySelector("[data-show]").hidden = true;

recommend.addEventListener("submit", (event) => {
  event.preventDefault();
  target = Object.fromEntries(new FormData(recommend));
  askQuality();
});
quality.addEventListener("click", (event) => {
  const link = event.target.closest("[data-take]");
  if (!link) return;
  event.preventDefault();
  const values = new URL(link.href).searchParams;
  take((input) => values.get(input.name), link.href);
  form.scrollIntoView({ block: "nearest" });
});

const told = (made) =>
  `Version ${made.version} of the decisions is in force: ${made.gained} more accepted, ${made.lost} fewer.`;

function put(button, address, body) {
  change(address, body, { button, problem: applying.querySelector(".problem"), told, then: form.action });
}

applying.hidden = false;
apply.addEventListener("click", () => {
  const note = applying.querySelector("[data-note]").value;
  put(apply, outcome.dataset.set, { thresholds: setting(), note });
});
for (const button of document.querySelectorAll("[data-use]")) {
  button.hidden = false;
  button.addEventListener("click", () => put(button, button.dataset.at, { version: Number(button.dataset.use) }));
}

show();
const kept = (input) => (input.type === "checkbox" ? input.defaultChecked : Number(input.defaultValue));
if (inputs.some((input) => valueOf(input) !== kept(input))) askOutcome(); // as browsers keep what was moved
askQuality();
