// The citizen's page works without this script. With it the same form is asked part by part, what was typed survives a
// reload and a lost network, and nothing is requested until the form is sent. The files of this folder are sent as one,
// in the order of their names; what one of them names the later ones may use.
const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, className, text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
const makeButton = (className, text, press) => {
  const button = Object.assign(make("button", className, text), { type: "button" });
  button.addEventListener("click", press);
  return button;
};
const focusOn = (element) => {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
};

// The invitation's code rides in the fragment, which no server ever sees. It leaves the address bar before anything
// else happens, so that neither the history nor a glance at the screen keeps it.
const takeCode = () => {
  const code = location.hash.slice(1);
  if (!/^[\w.-]{13,40}$/.test(code) || byId(code)) return "";
  history.replaceState(history.state, "", location.pathname + location.search);
  return code;
};
const onCode = (use) => {
  const handle = () => { const code = takeCode(); if (code) use(code); };
  handle();
  addEventListener("hashchange", handle);
};

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
