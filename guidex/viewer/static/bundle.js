// What takes the place of a server in a bundle: each page is a template, shown when the address names it.

const main = document.getElementById("main");
const trail = document.querySelector(".trail");
const pages = new Map([...document.querySelectorAll("template[data-page]")].map((each) => [each.dataset.page, each]));

/** Words have to stand in the page of a document, each of them somewhere. */
function holds(name, words) {
  const text = pages.get(name)?.content.textContent.toLowerCase() ?? "";
  return words.every((word) => text.includes(word));
}

function filter(form) {
  const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const outcome = form.elements.outcome.value;
  let count = 0;
  for (const row of main.querySelectorAll("[data-outcome]")) {
    const shown = (!outcome || row.dataset.outcome === outcome) && holds(`document-${row.dataset.position}`, words);
    row.hidden = !shown;
    count += shown;
  }
  document.getElementById("found").textContent = `${count} shown`;
}

function begin(query) {
  const form = document.getElementById("bundle-filter");
  if (!form) return;
  for (const [name, value] of new URLSearchParams(query)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
  form.addEventListener("input", () => filter(form));
  form.addEventListener("submit", (event) => event.preventDefault());
  filter(form);
}

function show() {
  const [, named, query, anchor] = /^#?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(location.hash);
  const name = decodeURIComponent(named) || "run";
  if (!pages.has(name) && document.getElementById(name)) return; // a place within the page that is shown
  const page = pages.get(name) ?? pages.get("left-out");
  const content = page.content.cloneNode(true);
  trail.replaceChildren(...content.querySelector(".trail").children);
  main.replaceChildren(...content.querySelector("[data-main]").childNodes);
  document.title = page.dataset.title;
  begin(query);
  document.dispatchEvent(new Event("guidex:page"));
  main.focus({ preventScroll: true });
  if (anchor) document.getElementById(anchor)?.scrollIntoView();
  else scrollTo(0, 0);
}

addEventListener("hashchange", show);
show();
