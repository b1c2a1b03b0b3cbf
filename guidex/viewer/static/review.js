// Reviewing a document: who reviews is kept for the next one, wrong mentions are struck out in the text.

import { change } from "./viewer.js";

const NAME = "guidex-reviewer";
const form = document.querySelector("[data-review]");

/** Strike out in the text what is ticked as wrong. */
function strike(box) {
  for (const mention of document.querySelectorAll(".text .mention")) {
    const { start, end } = mention.dataset;
    if (mention.dataset.class === box.dataset.class && start === box.dataset.start && end === box.dataset.end) {
      mention.classList.toggle("wrong", box.checked);
    }
  }
}

if (form) {
  const boxes = [...form.querySelectorAll("[data-start]")];
  const name = form.querySelector("[data-reviewer]");
  form.hidden = false;
  try {
    name.value = localStorage.getItem(NAME) ?? "";
  } catch {
    // Without storage the name is given for each document.
  }
  for (const box of boxes) {
    strike(box);
    box.addEventListener("change", () => strike(box));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    try {
      localStorage.setItem(NAME, name.value);
    } catch {
      // It is asked for again.
    }
    const verdict = event.submitter?.value ?? "accepted";
    const wrong = boxes
      .filter((box) => box.checked)
      .map((box) => ({ class_name: box.dataset.class, start: Number(box.dataset.start), end: Number(box.dataset.end) }));
    const body = { round: Number(form.dataset.round), verdict, wrong, note: form.querySelector("[data-note]").value, reviewer: name.value };
    change(form.dataset.review, body, {
      button: event.submitter,
      problem: form.querySelector(".problem"),
      told: (made) => `Reviewed as ${verdict}; ${made.reviewed} reviewed in this run.`,
      then: location.href.split("#")[0],
    });
  });
}
