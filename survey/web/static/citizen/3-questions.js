// Which questions apply, what is wrong with their answers, and how that is said.
const makeQuestions = (form, texts) => {
  const codeField = byId("code");
  const conditional = all("[data-if]", form);

  // Questions that do not apply are out of sight; one that is out of sight answers nothing for those after it.
  const route = () => conditional.forEach((place) => {
    const [item, ...codes] = place.dataset.if.split(" ");
    const chosen = all(`[name="${item}"]:checked`, form).filter((input) => !input.closest(".out"));
    place.classList.toggle("out", !chosen.some((input) => codes.includes(input.value)));
  });

  const problemOf = (question) => {
    if (question.closest(".out")) return "";
    const control = question.querySelector("[name]");
    const value = control.value.trim();
    if (control === codeField && value) return isCode(value) ? "" : texts.code_mistyped;
    if (control === codeField) return "optional" in question.dataset ? "" : texts.code_missing;
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

  const summarise = (place, entries) => {
    byId("problems")?.remove();
    if (!entries.length) return;
    const summary = make("div", "summary");
    const list = make("ul", "");
    entries.forEach(([control, text]) => {
      const link = make("a", "", text);
      link.href = `#${control.id}`;
      const entry = make("li", "");
      entry.append(link);
      list.append(entry);
    });
    summary.append(make("h2", "", texts.problems_part), list);
    summary.id = "problems";
    summary.setAttribute("role", "alert");
    place.prepend(summary);
    summary.scrollIntoView();
    focusOn(summary);
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
    summarise(place, entries);
    return entries.length === 0;
  };

  // An answer that stands alone clears the others of its question, and they clear it.
  const clearOthers = (target) => {
    if (!(target.type === "checkbox" ? target.checked : target.inputMode && target.value)) return;
    const isAlone = "alone" in target.dataset;
    all(`[name="${target.name}"]`, form).forEach((other) => {
      if (other === target || !(isAlone || "alone" in other.dataset)) return;
      other.checked = false;
      if (other.inputMode) other.value = "";
    });
  };

  const settle = (question) => { if (question && !problemOf(question)) complain(question, ""); };
  const pardon = () => {
    all(".wrong", form).forEach((question) => complain(question, ""));
    summarise(form, []);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".summary a");
    const control = link && byId(link.hash.slice(1));
    if (!control) return;
    event.preventDefault();
    control.closest(".question").scrollIntoView();
    control.focus({ preventScroll: true });
  });
  return { route, isRight, summarise, clearOthers, settle, pardon };
};
