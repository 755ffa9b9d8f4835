// A long league gets a field to find a unit by its name. Without this script the whole table is there all the same.
"use strict";
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d");
for (const table of document.querySelectorAll("table[data-filter]")) {
  const rows = [...table.querySelectorAll("tbody tr:not(.tier)")];
  if (rows.length < 15) continue;
  const finder = document.createElement("p");
  finder.className = "finder";
  const label = document.createElement("label");
  label.textContent = table.dataset.filter;
  const input = document.createElement("input");
  input.type = "search";
  input.autocomplete = "off";
  label.htmlFor = input.id = `find-${table.closest("section").getAttribute("aria-labelledby")}`;
  const outcome = document.createElement("span");
  outcome.setAttribute("role", "status");
  finder.append(label, input, outcome);
  table.parentElement.before(finder);
  input.addEventListener("input", () => {
    const wanted = plain(input.value.trim());
    for (const row of rows) row.hidden = !plain(row.querySelector("th").textContent).includes(wanted);
    for (const body of table.tBodies) body.hidden = ![...body.rows].some((row) => !row.hidden && !row.matches(".tier"));
    outcome.textContent = rows.every((row) => row.hidden) ? table.dataset.filterNone : "";
  });
}
