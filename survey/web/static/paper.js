// Keying forms fast: Enter and the arrows lead from row to row, and each key is said in words. The form works without.
"use strict";
for (const note of document.querySelectorAll("[data-scripted]")) note.hidden = false;
for (const form of document.querySelectorAll("form[data-keys]")) {
  const controls = [...form.querySelectorAll("input:not([type=hidden], [type=radio]), textarea")];
  const save = form.querySelector("[data-save], button.primary");
  const rows = [...form.querySelectorAll("[data-if]")];
  const notDue = form.dataset.notDue ?? "";
  const keysOf = (control) => {
    const text = control.value.trim();
    const keys = text.split(/[\s,;.+/-]+/).filter(Boolean);
    const known = control.dataset.keysAre?.split("|") ?? [];
    return control.dataset.several !== undefined && known.length < 10 ? [...keys.join("")] : keys;
  };
  const isDue = (row) => row.dataset.if.split("|").every((condition) => {
    const [name, ...keys] = condition.split(" ");
    const control = form.elements.namedItem(name);
    return control !== null && keysOf(control).some((key) => keys.includes(key));
  });
  const say = (control) => {
    const output = control.parentElement.querySelector("output");
    if (!output || control.dataset.keysAre === undefined) return;
    const labels = new Map(control.dataset.keysAre.split("|").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
    const keys = keysOf(control).filter((key) => key !== "0" && key !== "*");
    output.textContent = keys.map((key) => labels.get(key) ?? "?").join(", ");
    output.classList.toggle("is-unknown", keys.some((key) => !labels.has(key)));
  };
  const showDue = () => {
    for (const row of rows) {
      const skipped = !isDue(row);
      row.classList.toggle("is-not-due", skipped);
      const output = row.querySelector("output");
      if (output && !row.querySelector("input, textarea").value.trim()) output.textContent = skipped ? notDue : "";
    }
  };
  const move = (from, by) => {
    const to = controls[controls.indexOf(from) + by] ?? (by > 0 ? save : undefined);
    to?.focus();
    to?.select?.();
  };
  form.addEventListener("input", (event) => {
    if (controls.includes(event.target)) say(event.target);
    showDue();
  });
  form.addEventListener("keydown", (event) => {
    const control = event.target;
    if (!controls.includes(control) || event.isComposing) return;
    const isText = control.localName === "textarea";
    if (event.key === "Enter" && !(isText && event.shiftKey)) {
      event.preventDefault();
      move(control, 1);
    } else if (!isText && !control.hasAttribute("list") && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      move(control, event.key === "ArrowDown" ? 1 : -1);
    } else if (isText && event.key === "ArrowUp" && control.selectionStart === 0) {
      event.preventDefault();
      move(control, -1);
    }
  });
  for (const control of controls) say(control);
  showDue();
  const wrong = form.querySelector("[aria-invalid=true]");
  const first = controls.find((control) => control.closest(".key-row"));
  // Where nothing is left but to keep the form, that is one key away.
  if (wrong) wrong.focus();
  else if (form.dataset.next === "save") save?.focus();
  else first?.focus();
}
