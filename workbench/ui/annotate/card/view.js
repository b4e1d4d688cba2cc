// What is drawn of a case. Foreign text goes into text nodes alone, never into markup.

const VERDICTS = [
  { key: "0", label: "useless", verdict: "useless", grade: 0, help: "It neither helps nor misleads." },
  { key: "1", label: "helps a little", verdict: "useful", grade: 1, help: "It helps to answer, a little." },
  { key: "2", label: "helps", verdict: "useful", grade: 2, help: "It helps to answer." },
  { key: "3", label: "answers it", verdict: "useful", grade: 3, help: "It answers the query in full." },
  { key: "h", label: "harmful", verdict: "harmful", grade: null, help: "It would mislead whoever answers from it." },
  { key: "n", label: "unsure", verdict: "unsure", grade: null, help: "You cannot tell; that is a verdict too." },
];
const MOVES = [
  { key: "f", label: "flag", help: "Asks for another look." },
  { key: "s", label: "skip", help: "Goes to the tab “skipped”, for later." },
  { key: "u", label: "undo", help: "Takes back your last verdict, and shows it." },
  { key: "ArrowLeft", label: "previous", help: "Goes to the case before." },
  { key: "ArrowRight", label: "next", help: "Goes to the case after, with no verdict." },
  { key: "Enter", label: "go on", help: "Goes on to the next case, once this one has a verdict." },
];
const SIGNS = { ArrowLeft: "←", ArrowRight: "→", Enter: "⏎" };

// An element with properties and children; a child that is a string is text.
function element(tag, properties = {}, ...children) {
  const { dataset = {}, ...others } = properties;
  const made = Object.assign(document.createElement(tag), others);
  Object.assign(made.dataset, dataset);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Text with its marks: [["words", ""], ["embargo", "term"], ...].
function marked(parts) {
  return parts.map(([text, kind]) => (kind ? element("mark", { className: `wb-${kind}` }, text) : text));
}

function badge({ word, role, hint }) {
  return element("span", { className: `wb-badge ${role || "wb-plain"}`, title: hint ?? "", dir: "auto" }, word);
}

// Foreign text for a sentence of ours: marks of direction in it reach no further than itself.
function isolated(text) {
  return /[\u202a-\u202e\u2066-\u2069]/.test(text) ? `\u2068${text.replace(/[\u2066-\u2069]/g, "\ufffd")}\u2069` : text;
}

function soft(text) {
  return element("span", { className: "wb-soft" }, text);
}

function keyButton({ key, label, help }, act) {
  const sign = element("kbd", { ariaHidden: "true" }, SIGNS[key] ?? key.toUpperCase());
  const made = element("button", { type: "button", title: help }, sign, element("span", {}, label));
  made.setAttribute("aria-keyshortcuts", key);
  made.addEventListener("click", (event) => {
    act();
    if (event.detail) made.blur(); // Enter goes on after a click of the mouse
  });
  return made;
}

function why({ reasons, student }) {
  if (!reasons) return [soft("Why it is here: hidden while you judge blind")];
  const shown = reasons.flatMap(({ rule, why: finding }) => [badge({ word: rule }), " ", element("bdi", {}, finding), "; "]);
  return [soft("Why it is here: "), ...shown, student ? soft(`student ${isolated(student)}`) : null].filter(Boolean);
}

function question({ query_id, query, answers, split, no_text }) {
  const references = answers.length ? answers.map((word) => badge({ word })) : [soft("no reference answer")];
  const text = query ? query : soft(no_text);
  return [
    element("p", { className: "wb-query", dir: "auto" }, text),
    element("div", { className: "wb-badges" }, soft(answers.length === 1 ? "answer" : answers.length ? "answers" : ""), ...references),
    element("div", { className: "wb-id" }, `query ${isolated(query_id)}, ${isolated(split) || "no"} split`),
  ];
}

function passage({ passage_id, title, text, badges, role, no_text }) {
  const heading = title.length ? marked(title) : [soft("without a title")];
  const body = title.length || text.length ? marked(text) : [soft(no_text)];
  return element(
    "div",
    { className: `wb-card ${role ? `wb-role ${role}` : ""}`, dataset: { passage: passage_id } },
    element("div", { className: "wb-head" }, element("span", { className: "wb-title", dir: "auto" }, ...heading)),
    element("div", { className: "wb-badges" }, ...badges.map(badge)),
    element("p", { className: "wb-text annotate-text", dir: "auto", tabIndex: 0, ariaLabel: "Passage" }, ...body),
    element("div", { className: "wb-id" }, passage_id),
  );
}

// What was decided on a case before, in words.
function lastVerdict({ verdict, grade, annotator, when }, settles) {
  if (stateOf({ verdict }) === "pending") return "";
  const what = verdict === "skipped" ? "skipped it" : `called it ${verdict}`;
  const who = settles ? `${isolated(annotator)} has` : "You";
  return `${who} ${what}${grade === null ? "" : `, grade ${grade}`}, ${when}. A new verdict follows it; the old one stays on record.`;
}

function help() {
  const rows = [...VERDICTS, { key: "a", label: "accept", help: "Agrees with the teacher." }, { key: "x", label: "reject", help: "Says the opposite of the teacher." }, ...MOVES, { key: "?", label: "help", help: "Shows and hides this." }];
  const listed = rows.flatMap(({ key, label, help: meaning }) => [
    element("dt", {}, element("kbd", {}, SIGNS[key] ?? key.toUpperCase()), ` ${label}`),
    element("dd", {}, meaning),
  ]);
  return [
    element("p", {}, "Read the query, then the passage, and say whether it would help to answer. A verdict is yours as soon as the key is down, and is sent to the workspace by itself; no key fires while you type in a field."),
    element("dl", {}, ...listed),
    element("p", {}, "In the texts: ", element("mark", { className: "wb-answer" }, "a reference answer"), ", ", element("mark", { className: "wb-term" }, "a word of the query"), "."),
  ];
}
