// The page of thresholds: what follows is asked for while a slider is moved, and set when it is applied.

import { change } from "./viewer.js";

const PAUSE = 40; // milliseconds: a slider tells of itself many times a second

const form = document.querySelector("[data-trial]");
const inputs = [...form.querySelectorAll("[data-threshold]")];
const address = form.querySelector("[data-outcome]").dataset.outcome.split("?")[0];
const applying = form.querySelector("[data-apply]");
const apply = applying.querySelector("button");
const problem = applying.querySelector(".problem");
let waiting;
let asking;

const valueOf = (input) => (input.type === "checkbox" ? input.checked : Number(input.value));
const setting = () => Object.fromEntries(inputs.map((input) => [input.name, valueOf(input)]));
const query = () => new URLSearchParams(setting());

/** Show what the inputs say themselves. */
function show() {
  for (const input of inputs) {
    const told = form.querySelector(`output[for="${input.name}"]`);
    if (told) told.textContent = Number(input.value).toFixed(2);
  }
  apply.disabled = !form.checkValidity() || inputs.every((input) => String(valueOf(input)) === input.dataset.held);
}

/** Ask what would follow; an answer that is overtaken by the next question is dropped. */
async function ask() {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  try {
    const answer = await fetch(`${address}?${query()}`, { signal: mine.signal });
    const text = await answer.text();
    if (mine !== asking) return;
    if (!answer.ok) throw new Error("The viewer could not tell what would follow. Load the page again.");
    const made = document.createElement("template");
    made.innerHTML = text; // escaped by the server, and no script in it would run
    for (const part of made.content.querySelectorAll("[data-part]")) {
      form.querySelector(`[data-part="${part.dataset.part}"]`).replaceChildren(...part.childNodes);
    }
    problem.textContent = "";
  } catch (error) {
    if (error.name !== "AbortError") problem.textContent = error.message;
  }
}

function changed() {
  show();
  clearTimeout(waiting);
  if (form.checkValidity()) waiting = setTimeout(ask, PAUSE);
}

const told = (made) =>
  `Version ${made.version} of the decisions is in force: ${made.gained} more accepted, ${made.lost} fewer.`;

function put(button, address, body) {
  change(address, body, { button, problem, told, then: form.action });
}

for (const input of inputs) {
  input.addEventListener("input", changed);
  input.addEventListener("change", () => history.replaceState(null, "", `?${query()}`));
}
form.querySelector("[data-reset]").addEventListener("click", (event) => {
  event.preventDefault();
  for (const input of inputs) {
    if (input.type === "checkbox") input.checked = input.dataset.held === "true";
    else input.value = input.dataset.held;
  }
  history.replaceState(null, "", form.action);
  changed();
});
form.addEventListener("submit", (event) => event.preventDefault()); // what it would show is there already
form.querySelector("[data-show]").hidden = true;
applying.hidden = false;
apply.addEventListener("click", () => {
  put(apply, form.dataset.set, { thresholds: setting(), note: applying.querySelector("[data-note]").value });
});
for (const button of document.querySelectorAll("[data-use]")) {
  button.hidden = false;
  button.addEventListener("click", () => put(button, button.dataset.at, { version: Number(button.dataset.use) }));
}

show();
if (inputs.some((input) => valueOf(input) !== Number(input.defaultValue) && input.type !== "checkbox")) changed();
