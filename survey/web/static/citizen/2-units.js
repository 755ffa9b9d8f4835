// A list of units is narrowed by their names and by the words behind them: former places and procedures. A word that
// is not in the name is shown, so that it is seen why the unit is found. What is ticked stays in sight.
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");

const searchIn = (list) => {
  const known = (words) => words.split("|").filter(Boolean).map((word) => [plain(word), word]);
  const shared = known(list.dataset.shared);
  const entries = all("[data-words]", list).map((entry) => {
    const words = known(entry.dataset.words).map((word) => shared[word[1]] ?? word);
    return { entry, name: plain(entry.textContent), words, why: make("small", "") };
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
};

// Where several units are ticked, no more of them than may be rated.
const limitTicks = (list, texts) => {
  const most = Number(list.dataset.most);
  const boxes = all("input", list);
  const n = boxes.filter((box) => box.checked).length;
  boxes.forEach((box) => { box.disabled = n >= most && !box.checked; });
  const chosen = byId("chosen");
  chosen.hidden = false;
  chosen.textContent = `${texts.units_chosen.replace("{chosen}", n)} ${n < most ? "" : texts.units_full}`;
};
