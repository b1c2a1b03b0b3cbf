// What all pages have: keys, the theme, dialogs, and parts that follow a live run. Text from the server is HTML that
// the server has escaped; nothing here makes HTML of its own.

const token = document.querySelector('meta[name="guidex-token"]')?.content ?? "";

/** Begin on the page that is shown, and in a bundle on each that is shown after it. */
export function onPage(begin) {
  begin();
  document.addEventListener("guidex:page", begin);
}

let unsaid;

/** Say something to everyone, screen readers included; it stands in the way for a while only. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(unsaid);
  unsaid = setTimeout(() => said.replaceChildren(), 10_000);
}

/** Send what changes something; resolves to the answer's JSON, or throws an Error with what the server said. */
export async function send(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-GuideX-Token": token },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    throw new Error(isJson ? (await answer.json()).error : await answer.text());
  }
  return answer.json();
}

const SAID = "guidex-said";

/**
 * Send what changes something; the page is then shown anew and says what became of it. What is refused is said
 * beside the button.
 */
export async function change(address, body, { button, problem, told, then }) {
  button.disabled = true;
  problem.textContent = "";
  try {
    const made = await send(address, body);
    try {
      sessionStorage.setItem(SAID, told(made));
    } catch {
      // The page shows it, if without a word.
    }
    if (then === location.href) location.reload();
    else location.assign(then);
  } catch (error) {
    problem.textContent = error.message;
    problem.scrollIntoView({ block: "nearest" });
    button.disabled = false;
  }
}

try {
  const told = sessionStorage.getItem(SAID);
  if (told) say(told);
  sessionStorage.removeItem(SAID);
} catch {
  // Without storage there is nothing to say.
}

/** The elements one can step through with j and k: rows of a list, or mentions of a text. */
function steps() {
  return [...document.querySelectorAll("[data-row]")].filter((each) => each.checkVisibility());
}

function step(by) {
  const all = steps();
  if (!all.length) return;
  const now = all.findIndex((each) => each.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by))];
  const target = next.matches("a, button, [tabindex]") ? next : next.querySelector("a, button, [tabindex]");
  target?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function follow(selector) {
  const found = [...document.querySelectorAll(selector)].find((each) => each.checkVisibility());
  if (found) found.click();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  "/": () => document.querySelector("[data-search]")?.focus(),
  "[": () => follow('[data-key="["]'),
  "]": () => follow('[data-key="]"]'),
  n: () => follow('[data-key="n"]'),
  p: () => follow('[data-key="p"]'),
  a: () => follow('[data-key="a"]'),
  r: () => follow('[data-key="r"]'),
  N: () => follow('[data-key="N"]'),
  u: () => {
    const up = [...document.querySelectorAll(".trail a")].filter((each) => each.getAttribute("aria-current") !== "page");
    up.at(-1)?.click();
  },
  "?": () => document.getElementById("keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("textarea, select, input:not([type=checkbox], [type=radio], [type=range])");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

for (const button of document.querySelectorAll("[data-open]")) {
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById(button.dataset.open).showModal());
}

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("guidex-theme", root.dataset.theme);
    } catch {
      // It holds for this page.
    }
  });
}

/**
 * Parts with data-live are asked for again every so many seconds, until the server says that there is no more to come.
 * One that holds the focus, or details that somebody has opened, is left as it is until they are done with it.
 */
for (const part of document.querySelectorAll("[data-live]")) {
  const seconds = Number(part.dataset.every ?? 2);
  let answers = true;
  const again = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(part.dataset.live);
        const inUse = part.contains(document.activeElement) || part.querySelector("details[open]");
        if (answer.ok && !inUse) {
          part.innerHTML = await answer.text(); // escaped by the server, and no script in it would run
          if (answer.headers.get("X-GuideX-Live") === "ended") return;
        } else if (answer.status === 404) {
          say("The run is not there any more.");
          return;
        }
        answers = true;
      } catch {
        if (answers) say("The viewer does not answer any more.");
        answers = false;
      }
    }
    setTimeout(again, seconds * 1000);
  };
  setTimeout(again, seconds * 1000);
}
