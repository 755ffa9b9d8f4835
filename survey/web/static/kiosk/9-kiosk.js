// The tablet forgets: after the thanks, when nobody has touched it for a while, and when somebody leaves.
const asking = byId("idle");
const home = asking.dataset.home;
const seconds = (name) => Number(asking.dataset[name]);
const isStart = byId("main").dataset.state === "start";
let waiting;
let counting;

const leave = () => {
  clearTimeout(waiting);
  clearInterval(counting);
  if (form) clearFields(form);
  // Not a step forward: there is no page to go back to.
  location.replace(home);
};
const ask = () => {
  let left = seconds("warning");
  const line = byId("idle-left");
  const tell = () => { line.textContent = line.dataset.left.replace("{left}", left); };
  tell();
  asking.showModal();
  counting = setInterval(() => {
    left -= 1;
    tell();
    if (left <= 0) leave();
  }, 1000);
};
const rest = () => {
  clearTimeout(waiting);
  clearInterval(counting);
  if (asking.open) asking.close();
  if (byId("main").dataset.state === "received") waiting = setTimeout(leave, seconds("thanks") * 1000);
  else if (!isStart) waiting = setTimeout(ask, (seconds("idle") - seconds("warning")) * 1000);
  // The first page goes back to its first language.
  else if (location.search) waiting = setTimeout(leave, seconds("idle") * 1000);
};
// While the tablet asks, only its two buttons answer.
["pointerdown", "keydown", "input", "wheel", "touchmove"].forEach((kind) => {
  document.addEventListener(kind, () => { if (!asking.open) rest(); }, { passive: true });
});
asking.addEventListener("cancel", (event) => { event.preventDefault(); rest(); });
byId("idle-stay").addEventListener("click", rest);
byId("idle-leave").addEventListener("click", leave);
new MutationObserver(rest).observe(byId("main"), { attributeFilter: ["data-state"] });

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-home], a[data-turn]");
  if (!link) return;
  event.preventDefault();
  if ("home" in link.dataset) leave();
  else location.replace(link.href);
});

// A scanner types the whole address that the slip shows; the code is its fragment.
const codeField = byId("code");
codeField?.addEventListener("input", () => {
  const code = codeField.value.split("#")[1];
  if (code?.trim().length === 22) codeField.value = code.trim();
});

// What a browser keeps of a page that was left, to show it again at once, is empty, and is left again.
addEventListener("pagehide", () => { if (form) clearFields(form); });
addEventListener("pageshow", ({ persisted }) => { if (persisted && !isStart) leave(); });
rest();
