// What was typed and not yet sent is kept in this tab alone: in sessionStorage, which no request carries and which ends
// with the tab. It goes when the form is sent, when the reader says so, and half an hour after the last change.
const DRAFTS = "hailong-draft:";
const DRAFT_MS = 30 * 60 * 1000;
// A browser may refuse storage (a setting, or a web view that never switched it on). The form works without it.
const storage = (() => {
  try {
    const tab = window.sessionStorage;
    return tab.length >= 0 ? tab : null;
  } catch {
    return null;
  }
})();

const forgetDrafts = (isOver) => {
  if (storage) Object.keys(storage).filter((key) => key.startsWith(DRAFTS) && isOver(key)).forEach((key) => storage.removeItem(key));
};
const readDraft = (key) => {
  try {
    const draft = JSON.parse(storage.getItem(key));
    const age = Date.now() - draft.at;
    return age >= 0 && age < DRAFT_MS ? { ...draft, fields: new Map(draft.fields) } : null;
  } catch {
    return null;
  }
};

// A draft is every field of the form and its nonce. With the same nonce, answers whose receipt was lost on the way are
// acknowledged when they are sent again, and stored once.
const makeDraft = (form, onForgotten) => {
  const key = DRAFTS + form.getAttribute("action");
  let isKept = false;
  let changedAt = Date.now();
  let end;
  const forget = () => {
    clearTimeout(end);
    isKept = false;
    forgetDrafts(() => true);
  };
  const save = (part) => {
    const left = changedAt + DRAFT_MS - Date.now();
    if (left <= 0) return;
    const fields = new Map();
    new FormData(form).forEach((value, name) => fields.set(name, [...(fields.get(name) ?? []), value]));
    clearTimeout(end);
    try {
      storage.setItem(key, JSON.stringify({ at: changedAt, part, fields: [...fields] }));
      isKept = true;
      end = setTimeout(() => { forget(); onForgotten(); }, left);
    } catch {
      isKept = false;
    }
  };

  // Puts a draft into the form; a code that came with the address and is not the draft's is somebody else's.
  const restore = (code, carries) => {
    const draft = readDraft(key);
    forgetDrafts((other) => !readDraft(other));
    const kept = draft?.fields.get("code")?.[0];
    if (!draft || (code && kept && code !== kept)) {
      if (draft) forget();
      return null;
    }
    const controls = all("[name]", form);
    const nonce = controls.find((control) => control.name === "nonce");
    const isBack = nonce.value !== draft.fields.get("nonce")?.[0];
    if (isBack) nonce.value = draft.fields.get("nonce")[0];
    controls.filter((control) => control.type !== "hidden").forEach((control) => {
      const values = draft.fields.get(control.name) ?? [];
      if (/radio|checkbox/.test(control.type)) control.checked = values.includes(control.value);
      else control.value = values[0] ?? "";
    });
    // The page on which units are chosen carries the answers of the other one.
    if (carries) {
      const own = new Set([...controls.map((control) => control.name), "step", "form-part"]);
      draft.fields.forEach((values, name) => {
        if (!own.has(name)) values.forEach((value) => form.append(Object.assign(make("input", ""), { type: "hidden", name, value })));
      });
    }
    changedAt = draft.at;
    return { part: draft.part, isBack };
  };

  // Everything that can be seen, and a nonce that nobody has sent anything with.
  const blank = (carries) => {
    all("[name]", form).forEach((control) => {
      if (/radio|checkbox/.test(control.type)) control.checked = false;
      else if (control.type !== "hidden") control.value = "";
      else if (carries && !/^(nonce|lang)$/.test(control.name)) control.remove();
    });
    const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)));
    form.querySelector("[name=nonce]").value = btoa(random).replace(/\+/g, "-").replace(/\//g, "_");
    forget();
  };
  const touch = () => { changedAt = Date.now(); };
  return { save, touch, restore, blank, isKept: () => isKept };
};
