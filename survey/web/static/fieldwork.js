// The counts change as answers come in. Whoever is not looking is told nothing: the news stop while the page is out of
// sight, and for good when nobody has touched it for a while, so that an open page keeps no session alive.
"use strict";
(() => {
  const line = document.getElementById("freshness");
  const IDLE_MS = 20 * 60 * 1000;
  const COLUMNS = ["issued", "spent", "rate", "opened", "target", "forecast", "margin"];
  let source = null;
  let touched = Date.now();

  const write = (place, text) => {
    if (!place || place.textContent === text) return;
    place.textContent = text;
    place.classList.add("has-changed");
    setTimeout(() => place.classList.remove("has-changed"), 1500);
  };
  const writeRow = (row, cells) => row && cells.forEach((text, at) => write(row.cells[at + 1], text));
  const writeKeys = (total) => {
    const of = Object.fromEntries(COLUMNS.map((name, at) => [name, total[at]]));
    for (const name of ["spent", "forecast", "margin", "opened"]) {
      write(document.querySelector(`[data-key=${name}]`), of[name]);
    }
    const rate = document.querySelector("[data-key=rate]");
    rate.textContent = rate.dataset.text.replace("{rate}", of.rate).replace("{issued}", of.issued);
  };
  const say = (text, isAttention) => {
    if (line.textContent !== text) line.textContent = text;
    line.classList.toggle("is-attention", isAttention);
  };
  const stop = () => { source?.close(); source = null; };
  const start = () => {
    if (source || document.hidden) return;
    source = new EventSource(line.dataset.news);
    source.onmessage = ({ data }) => {
      const news = JSON.parse(data);
      for (const [unit, cells] of Object.entries(news.rows)) {
        writeRow(document.querySelector(`[data-row="${CSS.escape(unit)}"]`), cells);
      }
      writeRow(document.querySelector("[data-total]"), news.total);
      writeKeys(news.total);
      const counted = `${line.dataset.counted.replace("{at}", news.at)}. `;
      const hasChanged = String(news.alerts) !== line.dataset.alerts;
      say(counted + (hasChanged ? line.dataset.changed : line.dataset.live), hasChanged);
      if (Date.now() - touched > IDLE_MS) {
        stop();
        say(line.dataset.paused, true);
      }
    };
  };
  for (const kind of ["pointerdown", "keydown", "scroll"]) {
    addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (Date.now() - touched <= IDLE_MS) start();
  });
  // The status line is read out when it changes; every two seconds would be a nuisance.
  line.removeAttribute("role");
  start();
})();
