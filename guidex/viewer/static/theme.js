// Set before the page is drawn, so that it does not flash in the other colours.
try {
  const chosen = localStorage.getItem("guidex-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage the system's setting holds.
}
