// The cases that this browser holds, and what each annotation is once all acts on their way are kept.

const NOTHING = { verdict: "draft", grade: null, note: "", tags: [], flagged: false, annotator: "", when: "" };
const MOST_BEHIND = 40; // cases that are walked past and still held

const keyOf = ({ query_id, passage_id }) => JSON.stringify([query_id, passage_id]);

function stateOf({ verdict }) {
  if (verdict === "draft" || verdict === "withdrawn") return "pending";
  return verdict === "skipped" ? "skipped" : "done";
}

class Queue {
  constructor(outbox) {
    this.outbox = outbox;
    this.identity = "";
    this.clear();
  }

  clear() {
    this.cases = new Map();
    this.annotations = new Map(); // as the store has them
    this.history = []; // what this page did, for undo: the case, and its annotation before
    this.at = null;
  }

  // Take the server's cases in; those of another queue replace what is there.
  update({ search, tab, settles, annotator, counts, cases, start, bulk_acts: bulk }) {
    const identity = JSON.stringify([search, tab]);
    const other = identity !== this.identity;
    if (other) this.clear();
    if (bulk !== this.bulk) this.history = [];
    Object.assign(this, { identity, tab, settles, annotator, counts, bulk });
    for (const one of cases) {
      const key = keyOf(one);
      this.cases.set(key, one);
      this.annotations.set(key, one.annotation ?? NOTHING);
    }
    if (other) this.at = start && keyOf(start);
    if (!this.cases.has(this.at)) this.at = this.inTab()[0] ?? null;
    this.forget();
    return other;
  }

  forget() {
    const keys = [...this.cases.keys()];
    for (const key of keys.slice(0, Math.max(0, keys.indexOf(this.at) - MOST_BEHIND))) {
      this.cases.delete(key);
      this.annotations.delete(key);
    }
  }

  // What the annotation of a case is once all acts on their way are kept.
  annotation(key) {
    const changed = (annotation, act) => act.restored ?? { ...annotation, ...act.changes, annotator: act.annotator, when: "just now" };
    return this.actsOn(key).reduce(changed, this.annotations.get(key) ?? NOTHING);
  }

  actsOn(key) {
    const concerns = (act) => act.annotator === this.annotator && act.settles === this.settles && act.key === key;
    return this.outbox.acts.filter(concerns);
  }

  // Put an act into the outbox, bound to a case of this queue; null if it changes nothing.
  act(key, changes, label) {
    const before = this.annotation(key);
    const after = { ...before, ...changes };
    if (Object.keys(changes).every((name) => JSON.stringify(before[name]) === JSON.stringify(after[name]))) return null;
    this.history.push({ key, before });
    const { query_id, passage_id, rule } = this.cases.get(key);
    return this.outbox.add({
      key, query_id, passage_id, rule, changes, label, annotator: this.annotator, settles: this.settles,
      from: stateOf(before), to: stateOf(after),
    });
  }

  // Take the last act back; what this page did is shown at once, what was done before it only the server knows.
  undo() {
    const last = this.history.pop();
    const act = { annotator: this.annotator, settles: this.settles, changes: {}, label: "undo" };
    if (!last) return this.outbox.add(act);
    const states = { from: stateOf(this.annotation(last.key)), to: stateOf(last.before) };
    this.at = last.key;
    return this.outbox.add({ ...act, ...states, key: last.key, restored: last.before });
  }

  // The store has these acts now.
  kept(acts) {
    for (const act of acts.filter(({ key }) => this.cases.has(key))) {
      const before = this.annotations.get(act.key);
      const changed = { ...before, ...act.changes, annotator: act.annotator, when: "just now" };
      this.annotations.set(act.key, act.restored ?? changed);
    }
  }

  // How many cases there are in each tab, the acts on their way counted.
  tally() {
    const counts = { ...this.counts };
    for (const { key, from, to } of this.outbox.acts) {
      if (from === to || !this.cases.has(key)) continue;
      counts[from] -= 1;
      counts[to] += 1;
    }
    return counts;
  }

  current() {
    return this.cases.get(this.at) ?? null;
  }

  inTab() {
    return [...this.cases.keys()].filter((key) => stateOf(this.annotation(key)) === this.tab);
  }

  // The key of the case of this tab before (-1) or after (1) the current one, null at the end.
  neighbour(step) {
    const keys = [...this.cases.keys()];
    const later = step > 0 ? keys.slice(keys.indexOf(this.at) + 1) : keys.slice(0, Math.max(0, keys.indexOf(this.at))).reverse();
    return later.find((key) => stateOf(this.annotation(key)) === this.tab) ?? null;
  }

  // How many cases this browser holds after the current one.
  ahead() {
    return this.cases.size - 1 - [...this.cases.keys()].indexOf(this.at);
  }

  // Go on to the next case of this tab, from the start again at its end.
  goOn() {
    this.at = this.neighbour(1) ?? this.inTab().find((key) => key !== this.at) ?? null;
  }
}
