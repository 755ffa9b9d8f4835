// On a tablet that many use, the parts of a form are no steps of the browser's history: Back leads to nobody's answers.
const history = {
  state: null,
  pushState: () => {},
  replaceState: (state, title, address) => { if (address) window.history.replaceState(null, "", address); },
};
