// The editor keeps what is typed: a moment after the last key it is handed to the server, and until the server has it, it
// lies in this tab, so that a reload or an ended session costs nothing. Without this script the buttons do the same.
"use strict";
const form = document.getElementById("part");
const state = document.getElementById("state");
const frame = document.querySelector(".phone iframe");
const box = document.getElementById("problems");
const key = `draft ${form.getAttribute("action").split("?")[0]}`;
let timer = 0;
let running = false;
let again = false;
let isDirty = false;
let drawing = 0;
let shownProblems = "";

const fields = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
const say = (text, isLate = false) => {
  state.textContent = text;
  state.classList.toggle("is-late", isLate);
};
const remember = () => {
  const typed = fields();
  typed.delete("csrf_token");
  try { sessionStorage.setItem(key, typed.toString()); } catch { /* A tab without storage still saves. */ }
};
const forget = () => { try { sessionStorage.removeItem(key); } catch { /* As above. */ } };

// What was typed before a reload and never reached the server comes back, unless somebody has saved the part since.
const restore = () => {
  let kept = null;
  try { kept = sessionStorage.getItem(key); } catch { return; }
  if (!kept) return;
  const typed = new URLSearchParams(kept);
  if (typed.get("mark") !== form.elements.mark.value) return;
  for (const control of form.elements) {
    if (!control.name || control.type === "hidden" || control.type === "submit") continue;
    if (control.type === "checkbox" || control.type === "radio") control.checked = typed.getAll(control.name).includes(control.value);
    else if (typed.has(control.name)) control.value = typed.get(control.name);
  }
  isDirty = true;
  say(form.dataset.restored);
  timer = setTimeout(save, 300);
};

const showProblems = (problems) => {
  const told = JSON.stringify(problems);
  if (told === shownProblems) return;
  shownProblems = told;
  for (const line of form.querySelectorAll(".complaint")) line.remove();
  for (const wrong of form.querySelectorAll(".is-wrong")) wrong.classList.remove("is-wrong");
  const list = box.querySelector("ul");
  const lines = [];
  for (const [name, words] of Object.entries(problems)) {
    const control = form.elements[name];
    const place = control?.closest?.(".field, td");
    for (const text of words) {
      const entry = document.createElement("li");
      entry.textContent = text;
      lines.push(entry);
      if (!place) continue;
      const complaint = document.createElement("p");
      complaint.className = "complaint";
      complaint.textContent = text;
      control.before(complaint);
      if (place.matches(".field")) place.classList.add("is-wrong");
    }
  }
  list.replaceChildren(...lines);
  box.hidden = lines.length === 0;
};

const redraw = () => {
  if (!frame) return;
  const { scrollY, location } = frame.contentWindow;
  frame.addEventListener("load", () => frame.contentWindow.scrollTo(0, scrollY), { once: true });
  // Without a fragment, which would scroll the page around the phone, too.
  location.replace(location.href.split("#")[0]);
};

// The phone is drawn on the same thread as letters: it waits until nobody types.
const redrawSoon = () => {
  clearTimeout(drawing);
  drawing = setTimeout(() => { if (window.requestIdleCallback) requestIdleCallback(redraw); else redraw(); }, 500);
};

// A session that began in another tab has a token of its own, which this page's address gives.
const newToken = async () => {
  const answer = await fetch(form.getAttribute("action"), { credentials: "same-origin" });
  if (answer.redirected) return false;
  const token = (await answer.text()).match(/name="csrf_token"[^>]*value="([^"]+)"/)?.[1];
  if (!token || token === form.elements.csrf_token.value) return false;
  form.elements.csrf_token.value = token;
  return true;
};
const askToSignIn = () => {
  say(form.dataset.signedOut, true);
  const link = Object.assign(document.createElement("a"), { href: form.dataset.signIn, target: "_blank", rel: "noopener", textContent: form.dataset.signInLabel });
  state.append(" ", link);
};

async function save() {
  clearTimeout(timer);
  if (running) { again = true; return; }
  running = true;
  again = false;
  say(form.dataset.saving);
  const sent = fields();
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body: sent, headers: { "X-Autosave": "yes" }, credentials: "same-origin" });
    if (!answer.headers.get("Content-Type")?.includes("json")) {
      if (answer.status === 400 && await newToken()) again = true;
      else askToSignIn();
    } else {
      const told = await answer.json();
      say(told.said, !answer.ok);
      if (answer.ok) {
        form.elements.mark.value = told.mark;
        if (!again) { isDirty = false; forget(); } else remember();
        showProblems(told.problems);
        redrawSoon();
      }
    }
  } catch {
    say(form.dataset.failed, true);
    timer = setTimeout(save, 8000);
  }
  running = false;
  if (again) save();
}

form.addEventListener("input", () => {
  isDirty = true;
  clearTimeout(drawing);
  clearTimeout(timer);
  timer = setTimeout(() => { remember(); save(); }, 700);
});
form.addEventListener("change", ({ target }) => {
  // Other answers to choose from come with another question, from the server.
  if (target.name === "show_if.item") {
    const go = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: "save" });
    form.append(go);
    isDirty = false;
    form.submit();
  }
});
form.addEventListener("submit", () => { clearTimeout(timer); remember(); isDirty = false; });
document.addEventListener("visibilitychange", () => { if (document.hidden && isDirty) { remember(); save(); } });
addEventListener("beforeunload", (event) => { if (isDirty) { remember(); event.preventDefault(); } });
// A fragment in the frame's address would scroll this page along with it.
const showQuestion = () => {
  const question = frame.contentDocument?.getElementById(frame.dataset.shows)?.closest(".question");
  if (question) frame.contentWindow.scrollTo(0, question.offsetTop - 16);
};
if (frame?.dataset.shows) {
  frame.addEventListener("load", showQuestion);
  showQuestion();
}
if (document.querySelector(".theirs")) forget();
else restore();
