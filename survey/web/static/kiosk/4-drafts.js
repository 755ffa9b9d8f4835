// This file stands in the place of the citizen's own of its name: at a counter nothing is kept, not even in the tab.
const forgetDrafts = () => {};
const clearFields = (form) => all("[name]", form).forEach((control) => {
  if (/radio|checkbox/.test(control.type)) control.checked = control.defaultChecked = false;
  else if (control.type !== "hidden") control.value = control.defaultValue = "";
});
const makeDraft = (form) => {
  const blank = () => {
    clearFields(form);
    const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)));
    form.querySelector("[name=nonce]").value = btoa(random).replace(/\+/g, "-").replace(/\//g, "_");
  };
  // Nothing is lost to who leaves, because nothing is to stay: the browser need not ask them.
  return { save: () => {}, touch: () => {}, restore: () => null, blank, isKept: () => true };
};
