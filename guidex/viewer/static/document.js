// Cards beside their mentions, and classes that are shown or not.

import { onPage } from "./viewer.js";

/** Put a card below its mention, within the text; without this it stands at the left edge. */
function place(text, mention) {
  const card = mention.querySelector(":scope > .card");
  const label = mention.querySelector(":scope > .label");
  if (!card || !label) return;
  const frame = text.getBoundingClientRect();
  const at = label.getBoundingClientRect();
  const room = frame.width - card.offsetWidth;
  card.style.left = `${Math.max(0, Math.min(room, at.left - frame.left - 24))}px`;
  card.style.top = `${at.bottom - frame.top + 6}px`;
  card.style.marginTop = "0";
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector(".text")?.classList.add("quiet");
});

onPage(() => {
  const text = document.querySelector(".text");
  if (!text) return;
  for (const kind of ["mouseover", "focusin"]) {
    text.addEventListener(kind, (event) => {
      text.classList.remove("quiet");
      const mention = event.target.closest(".mention");
      if (mention) place(text, mention);
    });
  }
  for (const box of document.querySelectorAll("[data-toggle]")) {
    box.hidden = false;
    const show = () => {
      for (const mention of text.querySelectorAll(".mention")) {
        if (mention.dataset.class === box.dataset.toggle) mention.classList.toggle("off", !box.checked);
      }
    };
    box.addEventListener("change", show);
    show(); // browsers keep what was ticked before a page is loaded again
  }
});
