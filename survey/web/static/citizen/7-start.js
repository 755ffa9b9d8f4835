const list = byId("units");
const form = byId("ballot");
if (byId("main").dataset.state === "received") {
  forgetDrafts(() => true);
  // Loaded anew, this page stands for the parts of the form too, which stand before it in the history.
  addEventListener("popstate", () => location.reload());
}
if (list) searchIn(list);
if (form) startForm(form, list);
else if (list) onCode((code) => all("#units a, .top a").forEach((link) => { link.hash = code; }));

// What stands below the buttons: whether the form is sent, where the answers are until then, and how they are removed.
function makeState(texts, clear) {
  const line = make("p", "state");
  line.setAttribute("role", "status");
  const ask = make("div", "sure");
  const sure = make("p", "", texts.draft_clear_sure);
  const clearing = makeButton("quiet", texts.draft_clear, () => turn(true));
  const turn = (isAsked) => {
    ask.hidden = !isAsked;
    clearing.hidden = isAsked;
    if (isAsked) focusOn(sure);
    else clearing.focus();
  };
  ask.append(
    sure,
    makeButton("quiet", texts.draft_clear_yes, () => { turn(false); clear(); }),
    makeButton("quiet", texts.draft_clear_no, () => turn(false)),
  );
  ask.hidden = true;
  const box = make("div", "draft");
  box.append(line, clearing, ask);
  box.hidden = true;
  const say = (state, text) => {
    if (line.textContent !== text) line.textContent = text;
    line.dataset.state = state;
  };
  return { box, say };
}

function startForm(form, list) {
  document.documentElement.classList.add("scripted");
  const texts = JSON.parse(form.dataset.texts);
  const codeField = byId("code");
  const isChoice = list !== null;
  // On the page with the questions about several units, the one before it is a page of its own, which this button asks
  // for with everything that was typed.
  const change = document.querySelector("[name=change-units]");
  const questions = makeQuestions(form, texts);
  const draft = makeDraft(form, () => tell("unsent", texts.draft_expired));
  const code = takeCode();
  const restored = draft.restore(code, isChoice);
  if (code) codeField.value = code;
  onCode((other) => { codeField.value = other; });
  if (codeField.type !== "hidden" && code) codeField.after(make("p", "hint", texts.code_filled));
  const parts = makeParts(form, texts, questions, restored ? restored.part : form.dataset.part);
  const { send } = parts;
  const sendText = send.textContent;
  let isTyped = change !== null || restored !== null;
  let isSent = false;

  const state = makeState(texts, () => {
    draft.blank(isChoice);
    isTyped = false;
    refresh();
    questions.pardon();
    if (!parts.isWhole) {
      history.replaceState({ part: 0, depth: 0 }, "");
      parts.show(0);
    } else focusOn(document.querySelector("h1"));
    sending.rest();
    tell("unsent", texts.draft_cleared);
  });
  form.querySelector(".actions").after(state.box);
  const restoredNote = make("p", "restored", texts.draft_restored);

  function tell(kind, detail = "") {
    state.box.hidden = !isTyped && !detail;
    const where = detail || (draft.isKept() ? texts.draft_kept : "");
    const said = { unsent: `${texts.not_sent_yet} ${where}`, sending: texts.sending, lost: texts.offline, busy: texts.server_busy };
    state.say(kind, said[kind].trim());
    const isBusy = kind === "sending";
    send.textContent = isBusy ? texts.sending : sendText;
    // Not disabled: a disabled button would drop the focus of whoever reads with the keyboard or by ear.
    if (isBusy) send.setAttribute("aria-disabled", "true");
    else send.removeAttribute("aria-disabled");
  }
  const keep = () => { if (isTyped && !isSent) draft.save(parts.place()); };
  const sendByBrowser = () => { keep(); isTyped = false; HTMLFormElement.prototype.submit.call(form); };
  const sending = makeSending(form, {
    onState: tell,
    onAnswered: sendByBrowser,
    onReceived: () => {
      isSent = true;
      draft.blank(isChoice);
      showReceived(form, texts.received_title);
    },
  });

  const counts = all("textarea[maxlength]", form).map((area) => {
    const left = make("p", "hint");
    area.after(left);
    return () => { left.textContent = texts.left_to_write.replace("{left}", area.maxLength - area.value.length); };
  });
  const refresh = () => {
    questions.route();
    if (isChoice) limitTicks(list, texts);
    counts.forEach((count) => count());
    parts.draw();
  };

  // A change while the form waits for the network takes the sending back: it is sent when the button is pressed again.
  let soon;
  const changed = () => {
    isTyped = true;
    clearTimeout(soon);
    draft.touch();
    keep();
    if (!sending.isSending()) sending.rest();
  };
  form.addEventListener("change", ({ target }) => {
    if (!target.name) return;
    questions.clearOthers(target);
    refresh();
    // A moment later, because a line that goes while a button is pressed would move the button away from the pointer.
    setTimeout(() => questions.settle(target.closest(".wrong")), 250);
    changed();
  });
  form.addEventListener("input", ({ target }) => {
    if (!target.name) return;
    isTyped = true;
    counts.forEach((count) => count());
    clearTimeout(soon);
    soon = setTimeout(changed, 300);
  });
  form.addEventListener("turned", () => {
    restoredNote.remove();
    if (isTyped) draft.touch();
    keep();
    if (!sending.isSending()) sending.rest();
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(); });
  addEventListener("pagehide", keep);

  form.addEventListener("submit", (event) => {
    if (event.submitter?.name) { keep(); isTyped = false; return; }
    event.preventDefault();
    if (sending.isSending()) return;
    if (parts.isMiddle()) { parts.goOn(); return; }
    if (!questions.isRight(parts.page())) return;
    keep();
    // The page on which units are chosen is answered with the questions: the browser shows them.
    if (!isChoice) sending.go();
    else if (navigator.onLine) sendByBrowser();
    else tell("lost");
  });
  addEventListener("online", () => { if (isChoice) tell("unsent"); });
  // Where nothing can be kept, leaving costs everything typed.
  addEventListener("beforeunload", (event) => { if (isTyped && !isSent && !draft.isKept()) event.preventDefault(); });

  refresh();
  if (restored) {
    keep();
    tell("unsent");
    if (restored.isBack) (parts.isWhole ? form : parts.page()).prepend(restoredNote);
  }
  if (change) {
    history.replaceState({ part: -1 }, "");
    history.pushState({ part: parts.place(), depth: 0 }, "");
  } else history.replaceState({ part: parts.place(), depth: 0 }, "");
  addEventListener("popstate", ({ state: entry }) => {
    if (isSent) location.reload();
    else if (entry?.part < 0) change.click();
    else if (!parts.isWhole && (entry || !location.hash)) parts.show(entry?.part ?? 0);
  });
  addEventListener("pageshow", ({ persisted }) => { if (persisted && isSent) location.reload(); });
  if (parts.isWhole) byId("problems")?.focus();
}
