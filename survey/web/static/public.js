// Leagues that are sorted, filtered and pointed at. Without this script the whole tables are there all the same.
"use strict";
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").trim();
const element = (name, attributes, ...children) => {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
};

// A league's rows with what they are found and sorted by; a row without a figure comes last.
const readRows = (table) =>
  [...table.tBodies].flatMap((body) =>
    [...body.rows].filter((row) => !row.matches(".tier")).map((row) => ({ row, body, name: (row.querySelector("th a") ?? row.cells[0]).textContent.trim() }))
  );
const number = (row, column) => Number(row.cells[column]?.dataset.v ?? -Infinity);
const collator = new Intl.Collator(document.documentElement.lang);

function makeFinder(table) {
  const { filter, filterNone, filterFound, groups, all, tier, sort } = table.dataset;
  const rows = readRows(table);
  if (rows.length < 5) return;
  const bodies = [...table.tBodies];
  const flat = table.createTBody();
  flat.hidden = true;
  const headings = [...table.tHead.rows[0].cells];
  const sortable = headings.flatMap((cell, column) => (cell.dataset.kind ? [{ cell, column, words: cell.textContent.trim() }] : []));

  const input = element("input", { type: "search", autocomplete: "off", id: `find-${table.id}` });
  const chosenTier = element("select", { id: `tier-${table.id}` }, element("option", { value: "" }, all),
    ...bodies.map((body, place) => element("option", { value: place }, body.dataset.name)));
  const order = element("select", { id: `sort-${table.id}` }, element("option", { value: "" }, groups),
    ...sortable.map(({ column, words }) => element("option", { value: column }, words)));
  const outcome = element("p", { className: "outcome note" });
  outcome.setAttribute("role", "status");
  const field = (words, control) => element("p", {}, element("label", { htmlFor: control.id }, words), control);
  const fields = [field(filter, input), field(sort, order)];
  if (bodies.length > 1) fields.splice(1, 0, field(tier, chosenTier));
  table.parentElement.before(element("div", { className: "finder" }, ...fields, outcome));

  let isReversed = false;
  const arrange = () => {
    const column = order.value;
    const sign = isReversed ? -1 : 1;
    if (column === "") for (const { row, body } of rows) body.append(row);
    else {
      const isText = headings[column].dataset.kind === "text";
      const compare = isText ? (a, b) => collator.compare(a.name, b.name) : (a, b) => number(b.row, column) - number(a.row, column) || 0;
      flat.append(...[...rows].sort((a, b) => sign * compare(a, b)).map(({ row }) => row));
    }
    for (const { cell, column: own } of sortable) {
      if (String(own) !== column) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", (cell.dataset.kind === "text") === isReversed ? "descending" : "ascending");
      if (String(own) === column && cell.dataset.kind === "number") cell.setAttribute("aria-sort", isReversed ? "ascending" : "descending");
    }
    show();
  };
  const show = () => {
    const wanted = plain(input.value);
    let found = 0;
    for (const { row, body, name } of rows) {
      const isShown = plain(name).includes(wanted) && (chosenTier.value === "" || bodies[chosenTier.value] === body);
      row.hidden = !isShown;
      found += isShown;
    }
    const isFlat = order.value !== "";
    flat.hidden = !isFlat;
    for (const body of bodies) body.hidden = isFlat || ![...body.rows].some((row) => !row.hidden && !row.matches(".tier"));
    outcome.textContent = found === 0 ? filterNone : found < rows.length ? filterFound.replace("{found}", found).replace("{all}", rows.length) : "";
  };
  for (const { cell, column, words } of sortable) {
    const button = element("button", { type: "button", className: "sorter" }, words);
    cell.replaceChildren(button);
    cell.dataset.words = words;
    button.addEventListener("click", () => {
      isReversed = order.value === String(column) && !isReversed;
      order.value = column;
      arrange();
    });
  }
  input.addEventListener("input", show);
  chosenTier.addEventListener("change", show);
  order.addEventListener("change", () => {
    isReversed = false;
    arrange();
  });
}

// What a pointer is told stands in words in the table, so readers who listen are spared it.
const tip = element("div", { className: "tip", hidden: true });
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);
function tell(row, x, y) {
  const said = [...row.querySelectorAll("td[data-label]")].map((cell) => element("span", {}, `${cell.dataset.label}: ${cell.textContent.trim()}`));
  tip.replaceChildren(element("strong", {}, row.querySelector("th a, th").textContent.trim()), ...said);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(x + 14, document.documentElement.clientWidth - width - 8))}px`;
  tip.style.top = `${y + 18 + height > innerHeight ? Math.max(8, y - height - 10) : y + 18}px`;
}
const hush = () => { tip.hidden = true; };
const onPoint = (target, rowAt) => {
  const point = (event) => {
    const row = rowAt(event);
    if (row) tell(row, event.clientX, event.clientY);
    else hush();
  };
  target.addEventListener("pointermove", point);
  target.addEventListener("pointerdown", point);
  target.addEventListener("pointerleave", hush);
};

for (const table of document.querySelectorAll("table.league[id]")) {
  if (table.dataset.filter) makeFinder(table);
  const rows = readRows(table);
  const byAddress = new Map(rows.map(({ row }) => [row.querySelector("th a")?.href, row]));
  for (const { row } of rows) {
    const chart = row.querySelector("td.chart");
    if (chart) onPoint(chart, () => row);
  }
  for (const tile of table.closest("section, main").querySelectorAll("a.tile")) {
    const row = byAddress.get(tile.href);
    if (!row) continue;
    onPoint(tile, () => row);
    tile.addEventListener("focus", () => {
      const { left, bottom } = tile.getBoundingClientRect();
      if (tile.matches(":focus-visible")) tell(row, left, bottom - 18);
    });
    tile.addEventListener("blur", hush);
  }
  const plot = document.querySelector(`[data-strip="${table.id}"] .strip-plot`);
  if (!plot) continue;
  const score = (row) => Number(row.querySelector("td[data-v]").dataset.v);
  const ordered = rows.map(({ row }) => row).filter((row) => row.querySelector("td[data-v]")).sort((a, b) => score(b) - score(a));
  const rowAt = (event) => {
    const { left, width } = plot.getBoundingClientRect();
    return ordered[Math.min(ordered.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * ordered.length)))];
  };
  onPoint(plot, rowAt);
  plot.addEventListener("click", (event) => { rowAt(event)?.querySelector("th a")?.click(); });
}
// A figure to quote comes with its interval, its source and the address of this very edition.
for (const place of navigator.clipboard ? document.querySelectorAll(".copied") : []) {
  const { words, done, address, text } = place.dataset;
  const button = element("button", { type: "button" }, words);
  const said = element("span", {});
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(`${text} ${new URL(address, location.href)}`);
    said.textContent = done;
  });
  place.append(button, " ", said);
}

// The first screen has been painted: the rest of the page takes its true height, for the scroll bar and for pictures.
const layOut = () => setTimeout(() => document.documentElement.classList.add("whole"), 200);
if (document.readyState === "complete") layOut();
else addEventListener("load", layOut);
addEventListener("keydown", (event) => { if (event.key === "Escape") hush(); });
addEventListener("scroll", hush, { passive: true });
