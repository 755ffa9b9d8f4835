// Ticking many units at once: comfort for a table that works without it.
"use strict";
const chooser = document.querySelector("[data-choose]");
if (chooser) {
  chooser.hidden = false;
  const rows = [...document.querySelectorAll("#units tbody tr")];
  const kind = document.getElementById("choose-kind");
  const bloc = document.getElementById("choose-bloc");
  const isMeant = (row) => (!kind.value || row.dataset.kind === kind.value) && (!bloc.value || row.dataset.bloc === bloc.value);
  const show = () => {
    for (const row of rows) row.hidden = !isMeant(row);
  };
  kind.addEventListener("change", show);
  bloc.addEventListener("change", show);
  for (const button of chooser.querySelectorAll("[data-set]")) {
    button.addEventListener("click", () => {
      for (const row of rows) if (isMeant(row)) row.querySelector("input").checked = button.dataset.set === "on";
    });
  }
}
