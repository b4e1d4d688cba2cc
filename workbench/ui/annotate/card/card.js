// The card: keys and answers of the server come in here; a key is bound to the case that is on screen.

const MOST_TAGS = 8;
const FEW = 10; // cases ahead, when the browser asks for more
const EDITABLE = "input, textarea, select, [contenteditable='true']";
const INTERACTIVE = "button, a, summary, [role='radio'], [role='tab'], [role='option'], [role='slider']";

class Card {
  constructor(workspace) {
    this.outbox = new Outbox(workspace, () => this.face?.status());
    this.queue = new Queue(this.outbox);
    this.face = null; // what is on screen, while this page is
    this.message = "";
    this.failure = "";
    this.acts = this.keys();
    document.addEventListener("keydown", (event) => this.onKey(event));
    addEventListener("beforeunload", (event) => {
      if (this.outbox.acts.length || this.face?.noteIsOpen()) event.preventDefault();
    });
  }

  keys() {
    const judge = ({ key, label, verdict, grade }) => [key, () => this.judge({ verdict, grade }, label)];
    return new Map([
      ...VERDICTS.map(judge),
      ["a", () => this.judge({ verdict: this.teachersVerdict(), grade: null }, "accept")],
      ["x", () => this.judge({ verdict: this.teachersVerdict() === "useful" ? "useless" : "useful", grade: null }, "reject")],
      ["f", () => this.act({ flagged: !this.annotation().flagged }, "flag")],
      ["s", () => this.act({ verdict: "skipped", grade: null }, "skipped") && this.goOn()],
      ["u", () => this.undo()],
      ["ArrowLeft", () => this.goTo(this.queue.neighbour(-1))],
      ["ArrowRight", () => this.goTo(this.queue.neighbour(1))],
      ["Enter", () => this.submit()],
      ["?", () => this.face.toggleHelp()],
    ]);
  }

  // -- what the server sends ------------------------------------------------------------------

  mount({ parentElement, data, setStateValue }) {
    if (this.face?.parent !== parentElement) this.face = new Face(parentElement, this);
    this.data = data;
    this.look = (view) => setStateValue("view", { search: data.search, tab: data.tab, ...view });
    this.outbox.post = (message) => setStateValue("outbox", message);
    const { kept, refused } = this.outbox.settle(data.receipt);
    this.queue.kept(kept);
    const other = this.queue.update(data);
    // A picker that was used last would go on to take the keys.
    if (other && document.activeElement?.getAttribute("role") === "combobox") document.activeElement.blur();
    this.report(kept, refused);
    this.face.draw();
    setTimeout(() => this.outbox.send(), 50);
  }

  unmount(parentElement) {
    if (this.face?.parent !== parentElement) return;
    this.face = null;
    this.outbox.post = null;
  }

  report(kept, refused) {
    const { refused: reasons, withdrawn } = this.data.receipt;
    if (kept.length) this.failure = "";
    if (kept.length && !this.outbox.acts.length) {
      const { label, idempotency_key: key } = kept.at(-1);
      const pairs = withdrawn[key] ?? [];
      this.message = label !== "undo" ? `Kept: ${label}` : `Taken back${pairs.length > 1 ? `: ${pairs.length} verdicts` : ""}`;
    }
    for (const act of kept.filter(({ restored, label }) => label === "undo" && !restored)) {
      const [pair] = (withdrawn[act.idempotency_key] ?? []).slice(-1);
      if (pair && this.queue.cases.has(JSON.stringify(pair))) this.queue.at = JSON.stringify(pair);
    }
    if (refused.length) this.queue.history = []; // what is not kept cannot be taken back
    for (const act of refused) this.failure = `${act.label} was not kept. ${reasons[act.idempotency_key]}`;
  }

  // -- what a person does ---------------------------------------------------------------------

  onKey(event) {
    const target = event.composedPath()[0];
    if (!this.face || event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches?.(EDITABLE)) {
      if (event.key === "Escape" && this.face.parent.contains(target)) target.blur();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const moves = key === "Enter" || key.startsWith("Arrow");
    if (!this.acts.has(key) || (moves && target.closest?.(INTERACTIVE))) return;
    event.preventDefault();
    this.press(key);
  }

  press(key) {
    this.acts.get(key)();
    this.face.draw();
  }

  annotation() {
    return this.queue.annotation(this.queue.at);
  }

  teachersVerdict() {
    return this.queue.current()?.teachers_verdict ?? null;
  }

  act(changes, label) {
    if (!this.queue.current()) return null;
    const added = this.queue.act(this.queue.at, changes, label);
    if (added) this.message = label;
    return added;
  }

  judge(changes, label) {
    if (!this.queue.current() || ((label === "accept" || label === "reject") && !this.teachersVerdict())) return;
    this.act(changes, label === "accept" || label === "reject" ? changes.verdict : label);
    if (this.data.advance) this.goOn();
  }

  undo() {
    this.message = "Taking back …";
    this.queue.undo();
    this.link();
  }

  submit() {
    if (!this.queue.current()) return;
    if (stateOf(this.annotation()) === "pending") this.message = "No verdict yet: give a grade, or skip.";
    else this.goOn();
  }

  goOn() {
    this.queue.goOn();
    this.link();
  }

  goTo(key) {
    if (key === null) return;
    this.queue.at = key;
    this.link();
    if (this.queue.ahead() === FEW) this.look({ at: JSON.parse(key) }); // for more cases
  }

  openTab(tab) {
    this.linkTo({ tab, query: null, passage: null });
    this.look({ tab, at: null });
  }

  // The address names the case on screen, so that a reload or a copied link opens it.
  link() {
    const current = this.queue.current();
    this.linkTo({ query: current?.query_id ?? null, passage: current?.passage_id ?? null });
  }

  linkTo(names) {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(names)) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  changeTags(tags) {
    if (tags.length > MOST_TAGS) this.message = `At most ${MOST_TAGS} types of failure.`;
    else this.act({ tags }, "tags");
    this.face.draw();
  }

  changeNote(note) {
    this.act({ note }, "note");
    this.face.draw();
  }
}

const CARDS = new Map(); // by workspace: one for as long as the browser shows these pages

export default function show(component) {
  const { workspace } = component.data;
  if (!CARDS.has(workspace)) CARDS.set(workspace, new Card(workspace));
  const card = CARDS.get(workspace);
  card.mount(component);
  return () => card.unmount(component.parentElement);
}
