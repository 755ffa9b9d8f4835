// The form is sent from within the page, so that the answers stay in sight until the server has said that it has them.
// Where the network or the server fails, the page says so and tries again by itself for as long as it is open.
const PATIENCE_MS = 30_000;
const SHORTEST_WAIT_MS = 4_000;
const LONGEST_WAIT_MS = 60_000;
let isForbidden = false;
document.addEventListener("securitypolicyviolation", (event) => { isForbidden ||= event.effectiveDirective === "connect-src"; });

// What became of the form: received, answered with a page to read, a server that is busy, or nothing came back.
const post = async (form) => {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      redirect: "manual",
      credentials: "omit",
      cache: "no-store",
      signal: stop.signal,
    });
    if (answer.type === "opaqueredirect") return "received";
    return answer.status === 429 || answer.status > 499 ? "busy" : "answered";
  } catch {
    // A policy that something on the way has written over: the browser's own sending still works.
    await new Promise((tell) => setTimeout(tell));
    return isForbidden ? "answered" : "lost";
  } finally {
    clearTimeout(late);
  }
};

// The page that says "received" takes the form's place, under its own address, without one more request.
const showReceived = (form, title) => {
  const language = form.querySelector("[name=lang]").value;
  const tick = make("p", "tick", "✓");
  tick.setAttribute("aria-hidden", "true");
  const heading = make("h1", "", title);
  const main = byId("main");
  main.replaceChildren(tick, heading, byId("received").content);
  main.dataset.state = "received";
  all(".languages").forEach((languages) => languages.remove());
  document.body.classList.remove("inside");
  document.title = title;
  history.replaceState(null, "", `${form.getAttribute("action")}/received${language === "vi" ? "" : `?lang=${language}`}`);
  focusOn(heading);
  scrollTo(0, 0);
};

const makeSending = (form, { onState, onAnswered, onReceived }) => {
  let isSending = false;
  let isWaiting = false;
  let nTries = 0;
  let timer;
  const rest = () => {
    clearTimeout(timer);
    isSending = isWaiting = false;
    nTries = 0;
    onState("unsent");
  };
  const wait = (why) => {
    isWaiting = true;
    nTries += 1;
    onState(why);
    // Not all phones of a district at the same moment.
    const pause = Math.min(SHORTEST_WAIT_MS * 2 ** (nTries - 1), LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
    timer = setTimeout(go, pause);
  };
  const go = async () => {
    if (isSending) return;
    clearTimeout(timer);
    isSending = true;
    isWaiting = false;
    onState("sending");
    // What the form must bring along beside the answers may take a moment to be made.
    const works = [];
    form.dispatchEvent(new CustomEvent("hailong:before-send", { detail: { wait: (work) => works.push(work) } }));
    await Promise.allSettled(works);
    // A web view may be wrong about being online, so that is not asked.
    const outcome = await post(form);
    isSending = false;
    if (outcome === "received") onReceived();
    else if (outcome === "answered") onAnswered();
    else wait(outcome);
  };
  const again = () => { if (isWaiting && !document.hidden) go(); };
  addEventListener("online", again);
  document.addEventListener("visibilitychange", again);
  return { go, rest, isSending: () => isSending };
};
