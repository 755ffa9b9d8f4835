// The citizen's page works without this script. With it the same form is asked part by part, and nothing is requested
// until it is sent. Nothing is kept in the browser: on a shared phone the next person must find nothing.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, className, text) => Object.assign(document.createElement(tag), { className, textContent: text });

  // The invitation's code rides in the fragment, which no server ever sees. It leaves the address bar before anything
  // else happens, so that neither the history nor a glance at the screen keeps it.
  const takeCode = () => {
    const code = location.hash.slice(1);
    if (!/^[\w.-]{13,40}$/.test(code) || byId(code)) return "";
    history.replaceState(history.state, "", location.pathname + location.search);
    return code;
  };
  const form = byId("ballot");
  const onCode = (use) => {
    const handle = () => { const code = takeCode(); if (code) use(code); };
    handle();
    addEventListener("hashchange", handle);
  };

  // A list of units is narrowed by their names and by the words behind them: former places and procedures. A word that
  // is not in the name is shown, so that it is seen why the unit is found. What is ticked stays in sight.
  const list = byId("units");
  if (list) {
    const plain = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");
    const known = (words) => words.split("|").filter(Boolean).map((word) => [plain(word), word]);
    const shared = known(list.dataset.shared);
    const entries = all("[data-words]", list).map((entry) => {
      const words = known(entry.dataset.words).map((word) => shared[word[1]] ?? word);
      return { entry, name: plain(entry.textContent), words, why: make("small", "", "") };
    });
    const none = byId("none");
    const field = byId("wanted");
    byId("search").hidden = false;
    entries.forEach(({ entry, why }) => entry.querySelector("span").append(why));
    field.addEventListener("input", () => {
      const wanted = plain(field.value.trim());
      let isAny = false;
      entries.forEach(({ entry, name, words, why }) => {
        const isNamed = name.includes(wanted);
        const word = isNamed ? undefined : words.find(([spelled]) => spelled.includes(wanted));
        why.textContent = word ? word[1] : "";
        isAny ||= isNamed || word !== undefined;
        entry.hidden = !isNamed && !word && !entry.querySelector(":checked");
      });
      all("fieldset", list).forEach((bloc) => { bloc.hidden = !bloc.querySelector("[data-words]:not([hidden])"); });
      none.textContent = isAny ? "" : none.dataset.none;
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }
  if (!form) {
    if (list) onCode((code) => all("#units a, .top a").forEach((link) => { link.hash = code; }));
    return;
  }

  document.documentElement.classList.add("scripted");
  const texts = JSON.parse(form.dataset.texts);
  const codeField = byId("code");
  onCode((code) => {
    codeField.value = code;
    if (codeField.type !== "hidden") codeField.after(make("p", "hint", texts.code_filled));
  });

  // The check symbol finds every single typing mistake, before the questions are answered and not after. The same sum
  // stands in survey/codes.py; a code that passes here is still looked up there.
  const SYMBOLS = "0123456789CFGHJKMNPQRTVXZ";
  const isCode = (text) => {
    if (/^[\w-]{22}$/.test(text.trim())) return true;
    const symbols = text.toUpperCase().replace(/[\s._\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff-]/g, "")
      .replace(/O/g, "0").replace(/[IL]/g, "1").replace(/S/g, "5").replace(/B/g, "8");
    const values = [...symbols].map((symbol) => SYMBOLS.indexOf(symbol));
    const sum = values.reduce((total, value, place) => total + (14 - place) * value, 0);
    return values.length === 14 && !values.includes(-1) && sum % 29 === 0;
  };

  // Questions that do not apply are out of sight; one that is out of sight answers nothing for those after it.
  const conditional = all("[data-if]", form);
  const route = () => conditional.forEach((place) => {
    const [item, ...codes] = place.dataset.if.split(" ");
    const chosen = all(`[name="${item}"]:checked`, form).filter((input) => !input.closest(".out"));
    place.classList.toggle("out", !chosen.some((input) => codes.includes(input.value)));
  });

  const problemOf = (question) => {
    if (question.closest(".out")) return "";
    const control = question.querySelector("[name]");
    const value = control.value.trim();
    if (control === codeField) return value ? (isCode(value) ? "" : texts.code_mistyped) : texts.code_missing;
    const isRequired = "required" in question.dataset;
    if (/radio|checkbox/.test(control.type)) {
      const isMissing = isRequired && !question.querySelector(":checked");
      return isMissing ? question.dataset.required || texts.problem_required_choice : "";
    }
    if (!value) return isRequired && !question.querySelector(":checked") ? texts.problem_required_entry : "";
    if (!control.inputMode) return "";
    if (!/^[-\u2212]?\d{1,15}([.,]\d{1,9})?$/.test(value)) return texts.problem_not_a_number;
    const number = Number(value.replace(",", ".").replace("\u2212", "-"));
    const { minimum, maximum, whole } = control.dataset;
    if (number < minimum || number > maximum) return texts.problem_out_of_range;
    return whole !== undefined && number % 1 ? texts.problem_not_whole : "";
  };

  const complain = (question, problem) => {
    const control = question.querySelector("[name]");
    const described = question.matches("fieldset") ? question : control;
    const id = `${control.id}-e`;
    byId(id)?.remove();
    const others = (described.getAttribute("aria-describedby") || "").split(" ").filter((other) => other && other !== id);
    question.classList.toggle("wrong", problem !== "");
    if (problem) {
      const line = make("p", "problem", ` ${problem}`);
      line.id = id;
      line.prepend(make("b", "", texts.error_word));
      (question.matches("fieldset") ? question.querySelector(".blocs, .choices") : control).before(line);
      others.push(id);
    }
    if (others.length) described.setAttribute("aria-describedby", others.join(" "));
    else described.removeAttribute("aria-describedby");
    return control;
  };

  const summarise = (place, title, entries) => {
    byId("problems")?.remove();
    if (!title) return;
    const summary = make("div", "summary", "");
    const list = make("ul", "", "");
    entries.forEach(([control, text]) => {
      const link = make("a", "", text);
      link.href = `#${control.id}`;
      const entry = make("li", "", "");
      entry.append(link);
      list.append(entry);
    });
    summary.append(make("h2", "", title), list);
    Object.assign(summary, { id: "problems", tabIndex: -1 });
    summary.setAttribute("role", "alert");
    place.prepend(summary);
    summary.scrollIntoView();
    summary.focus({ preventScroll: true });
  };

  const isRight = (place) => {
    const entries = all(".question:not(#search)", place).map((question) => {
      const problem = problemOf(question);
      const number = question.querySelector(".number")?.textContent.replace(".", "");
      const unit = question.closest("[data-unit]")?.dataset.unit;
      const sentence = !number ? "{problem}" : unit ? texts.rating_problem.replace("{unit}", unit) : texts.question_problem;
      const listed = sentence.replace("{number}", number).replace("{problem}", problem);
      return [complain(question, problem), problem && listed];
    }).filter(([, problem]) => problem);
    summarise(place, entries.length ? texts.problems_part : "", entries);
    return entries.length === 0;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".summary a");
    const control = link && byId(link.hash.slice(1));
    if (!control) return;
    event.preventDefault();
    control.closest(".question").scrollIntoView();
    control.focus({ preventScroll: true });
  });

  // On the page with the questions about several units, the one before it is a page of its own, which this button asks
  // for with everything that was typed.
  const change = document.querySelector("[name=change-units]");
  const most = Number(list?.dataset.most);
  const limit = () => {
    const boxes = all("input", list);
    const n = boxes.filter((box) => box.checked).length;
    boxes.forEach((box) => { box.disabled = n >= most && !box.checked; });
    const chosen = byId("chosen");
    chosen.hidden = false;
    chosen.textContent = `${texts.units_chosen.replace("{chosen}", n)} ${n < most ? "" : texts.units_full}`;
  };

  let isTyped = change !== null;
  form.addEventListener("change", ({ target }) => {
    isTyped = true;
    // An answer that stands alone clears the others of its question, and they clear it.
    if (target.type === "checkbox" ? target.checked : target.inputMode && target.value) {
      const isAlone = "alone" in target.dataset;
      all(`[name="${target.name}"]`, form).forEach((other) => {
        if (other === target || !(isAlone || "alone" in other.dataset)) return;
        other.checked = false;
        if (other.inputMode) other.value = "";
      });
    }
    if (most) limit();
    route();
    draw();
    const question = target.closest(".wrong");
    if (question && !problemOf(question)) complain(question, "");
  });
  all("textarea[maxlength]", form).forEach((area) => {
    const left = make("p", "hint", "");
    const count = () => { left.textContent = texts.left_to_write.replace("{left}", area.maxLength - area.value.length); };
    area.addEventListener("input", count);
    area.after(left);
    count();
  });

  // Part by part, unless the server found problems: then the page stays whole, and its list leads to each of them.
  const parts = all(".part", form);
  const isWhole = byId("problems") !== null || parts.length === 1;
  const actions = form.querySelector(".actions");
  const send = actions.querySelector("button");
  const next = make("button", "main", "");
  const back = make("button", "", texts.back);
  next.type = back.type = "button";
  const partField = Object.assign(make("input", "", ""), { type: "hidden", name: "form-part" });
  const progress = make("p", "progress", "");
  const progressBar = make("progress", "", "");
  progressBar.setAttribute("aria-hidden", "true");
  // The first part of a form about one unit asks for no answers: it says who asks and takes the code.
  const nIntroductions = parts[0].querySelector("[data-code]") ? 1 : 0;
  let at = Math.min(Number(form.dataset.part || 0), parts.length - 1);
  const shown = () => parts.filter((part) => !part.matches(".out"));

  function draw() {
    if (isWhole) return;
    const visible = shown();
    const place = visible.indexOf(parts[at]);
    const isLast = place === visible.length - 1;
    parts.forEach((part, index) => { part.hidden = index !== at; });
    document.body.classList.toggle("inside", at > 0);
    next.hidden = isLast;
    send.hidden = !isLast;
    back.hidden = at === 0;
    progress.hidden = at < nIntroductions;
    next.textContent = progress.hidden ? texts.start : texts.next;
    const number = place + 1 - nIntroductions;
    const total = visible.length - nIntroductions;
    progress.textContent = texts.progress.replace("{number}", number).replace("{total}", total);
    Object.assign(progressBar, { max: total, value: number });
    progress.append(progressBar);
    partField.value = at;
  }
  const show = (index) => {
    at = index;
    draw();
    summarise();
    const heading = at || !nIntroductions ? parts[at].querySelector("h2") : document.querySelector("h1");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  };
  const goOn = () => {
    if (!isRight(parts[at])) return;
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

  let isSending = false;
  const rest = () => { isSending = send.disabled = false; send.textContent = texts.send; };
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name) { isTyped = false; return; }
    const isMiddle = !isWhole && shown().pop() !== parts[at];
    if (isSending || isMiddle || !isRight(isWhole ? form : parts[at])) {
      event.preventDefault();
      if (isMiddle) goOn();
    } else if (!navigator.onLine) {
      event.preventDefault();
      summarise(isWhole ? form : parts[at], texts.offline, []);
    } else {
      isSending = true;
      isTyped = false;
      send.textContent = texts.sending;
      // Disabled after this moment, because a disabled button would not send; and never for longer than a request lasts.
      setTimeout(() => { send.disabled = true; });
      setTimeout(rest, 30000);
    }
  });
  addEventListener("pageshow", rest);
  addEventListener("beforeunload", (event) => { if (isTyped) event.preventDefault(); });

  route();
  if (most) limit();
  if (change) {
    history.replaceState({ part: -1 }, "");
    history.pushState({ part: at, depth: 0 }, "");
  } else history.replaceState({ part: at, depth: 0 }, "");
  addEventListener("popstate", ({ state }) => {
    if (state?.part < 0) change.click();
    else if (!isWhole && (state || !location.hash)) show(state?.part ?? 0);
  });
  if (isWhole) {
    byId("problems")?.focus();
    return;
  }
  form.prepend(progress);
  form.append(partField);
  actions.prepend(next);
  actions.append(back);
  next.addEventListener("click", goOn);
  back.addEventListener("click", goBack);
  draw();
})();
