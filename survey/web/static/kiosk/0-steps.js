// On a tablet that many use, the parts of a form are no steps of the browser's history: Back leads to nobody's answers.
const history = {
  state: null,
  pushState: () => {},
  replaceState: (state, title, address) => { if (address) window.history.replaceState(null, "", address); },
};
// A page that answered a sending is from here on one that was asked for: going back to it sends nothing again.
window.history.replaceState(null, "", location.href);
