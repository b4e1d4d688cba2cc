"use strict";
const queries = [...document.querySelectorAll("section.query")];
const buttons = [...document.querySelectorAll("nav button")];
let at = 0;
function show(place) {
  at = Math.max(0, Math.min(queries.length - 1, place));
  queries.forEach((query, number) => { query.hidden = number !== at; });
  document.querySelector("nav span").textContent = `${at + 1} of ${queries.length}`;
  buttons[0].disabled = at === 0;
  buttons[1].disabled = at === queries.length - 1;
}
if (queries.length) {
  const named = () => queries.findIndex((query) => `#${query.id}` === location.hash);
  buttons[0].addEventListener("click", () => show(at - 1));
  buttons[1].addEventListener("click", () => show(at + 1));
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") show(at - 1);
    if (event.key === "ArrowRight") show(at + 1);
  });
  addEventListener("hashchange", () => { if (named() >= 0) show(named()); });
  for (const card of document.querySelectorAll("[data-passage]")) {
    const same = (on) => card.closest("section").querySelectorAll("[data-passage]").forEach((other) => {
      other.classList.toggle("same-passage", on && other.dataset.passage === card.dataset.passage);
    });
    card.addEventListener("mouseenter", () => same(true));
    card.addEventListener("mouseleave", () => same(false));
  }
  show(Math.max(0, named()));
}
