// Part by part, unless the server found problems: then the page stays whole, and its list leads to each of them.
const makeParts = (form, texts, questions, first) => {
  const parts = all(".part", form);
  const isWhole = byId("problems") !== null || parts.length === 1;
  const actions = form.querySelector(".actions");
  const send = actions.querySelector("button");
  const partField = Object.assign(make("input", ""), { type: "hidden", name: "form-part" });
  const progress = make("p", "progress");
  const progressBar = make("progress", "");
  progressBar.setAttribute("aria-hidden", "true");
  // The first part of a form about one unit asks for no answers: it says who asks and takes the code.
  const nIntroductions = parts[0].querySelector("[data-code]") ? 1 : 0;
  let at = Math.min(Number(first) || 0, parts.length - 1);
  const shown = () => parts.filter((part) => !part.matches(".out"));
  const isMiddle = () => !isWhole && shown().pop() !== parts[at];
  const page = () => (isWhole ? form : parts[at]);

  const goOn = () => {
    if (!questions.isRight(parts[at])) return;
    const visible = shown();
    const index = parts.indexOf(visible[visible.indexOf(parts[at]) + 1]);
    // The phone's own Back key leads to the part before, not away from the form.
    history.pushState({ part: index, depth: (history.state?.depth ?? 0) + 1 }, "");
    show(index);
  };
  const goBack = () => {
    if (history.state?.depth) { history.back(); return; }
    const visible = shown();
    show(parts.indexOf(visible[visible.indexOf(parts[at]) - 1]));
  };
  const next = makeButton("main", "", goOn);
  const back = makeButton("", texts.back, goBack);

  const draw = () => {
    if (isWhole) return;
    const visible = shown();
    const place = visible.indexOf(parts[at]);
    parts.forEach((part, index) => { part.hidden = index !== at; });
    document.body.classList.toggle("inside", at > 0);
    next.hidden = place === visible.length - 1;
    send.hidden = !next.hidden;
    back.hidden = at === 0;
    progress.hidden = at < nIntroductions;
    next.textContent = progress.hidden ? texts.start : texts.next;
    const number = place + 1 - nIntroductions;
    const total = visible.length - nIntroductions;
    progress.textContent = texts.progress.replace("{number}", number).replace("{total}", total);
    Object.assign(progressBar, { max: total, value: number });
    progress.append(progressBar);
    partField.value = at;
  };
  const show = (index) => {
    at = index;
    draw();
    questions.summarise(form, []);
    focusOn(at || !nIntroductions ? parts[at].querySelector("h2") : document.querySelector("h1"));
    scrollTo(0, 0);
    form.dispatchEvent(new Event("turned"));
  };
  if (!isWhole) {
    form.prepend(progress);
    form.append(partField);
    actions.prepend(next);
    actions.append(back);
  }
  return { draw, show, goOn, isMiddle, page, isWhole, send, place: () => at };
};
