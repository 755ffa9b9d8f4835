// A form may be sent without a code where its round allows it. The phone proves instead that it has worked: it begins
// when the first answer is given, in the background, and is done long before the last one. Where it cannot do the work
// (an old browser, no secure connection) the server wants it to have waited, and that begins at the same moment.
const proveWith = (form, proof) => {
  const ticket = form.querySelector("[name=form-ticket]");
  const solve = (challenge) => new Promise((tell, refuse) => {
    const worker = new Worker(proof.dataset.worker);
    const end = (outcome) => { worker.terminate(); outcome(); };
    worker.onmessage = ({ data }) => end(() => (data?.derivedKey ? tell(data) : refuse(new Error("no solution"))));
    worker.onerror = () => end(() => refuse(new Error("no worker")));
    worker.postMessage({ type: "work", challenge });
  });
  let work;
  const begin = async () => {
    const answer = await fetch(proof.dataset.challenge, { credentials: "omit", cache: "no-store" });
    const given = await answer.json();
    ticket.value ||= given.ticket;
    const solution = await solve(given.challenge);
    proof.value = btoa(JSON.stringify({ challenge: given.challenge, solution }));
  };
  // What failed, because the network did, is begun again at the next occasion.
  const prove = () => {
    if (proof.value || byId("code").value.trim()) return undefined;
    work ??= begin().catch(() => { work = undefined; });
    return work;
  };
  form.addEventListener("change", prove);
  form.addEventListener("hailong:before-send", ({ detail }) => detail.wait(prove()));
};
const proof = form?.querySelector("[name=form-proof]");
if (proof) proveWith(form, proof);
