// The phone in the office: questions come and go with the answers before them, as on a citizen's page.
"use strict";
const conditional = [...document.querySelectorAll("[data-if]")];
const route = () => conditional.forEach((place) => {
  const [item, ...codes] = place.dataset.if.split(" ");
  const controls = [...document.querySelectorAll(`[name="${CSS.escape(item)}"]`)];
  const chosen = controls.filter((input) => input.checked && !input.closest(".out"));
  place.classList.toggle("out", !chosen.some((input) => codes.includes(input.value)));
});
document.addEventListener("change", route);
document.addEventListener("submit", (event) => event.preventDefault());
document.documentElement.classList.add("scripted");
route();
