// Acts that the store may not have yet: sent until they are acknowledged, and kept over a reload.

const PATIENCE = { first: 8_000, most: 60_000 }; // ms until an unanswered message is sent again
const PAUSE = 2_000; // ms before trying a store again that was busy
const MOST_ACTS = 100; // in a message
const TAB = randomKey();

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Outbox {
  // `changed` is called when an act is on its way for longer, or is sent again.
  constructor(workspace, changed) {
    this.prefix = `workbench-outbox ${workspace} `;
    this.changed = changed;
    this.post = null; // hands a message to the server; null while the page is not on screen
    this.waiting = ""; // why the store keeps nothing at present
    this.attempt = "";
    this.sentAt = 0;
    this.pausedUntil = 0;
    this.patience = PATIENCE.first;
    this.numbered = 0;
    this.acts = this.stored();
    setInterval(() => this.acts.length && (this.send(), this.changed()), 500);
    addEventListener("online", () => this.again());
  }

  // One entry an act: two tabs that share this storage never overwrite each other's.
  stored() {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
      const acts = keys.map((key) => JSON.parse(localStorage.getItem(key)));
      return acts.sort((a, b) => a.at - b.at || a.number - b.number);
    } catch {
      return []; // no storage here: acts live as long as the page
    }
  }

  add(act) {
    const added = { ...act, idempotency_key: randomKey(), at: Date.now(), number: ++this.numbered };
    this.acts.push(added);
    try {
      localStorage.setItem(this.prefix + added.idempotency_key, JSON.stringify(added));
    } catch {
      // full, or none: what is sent soon needs no storage
    }
    setTimeout(() => this.send(), 20); // the screen first
    return added;
  }

  remove(keys) {
    const gone = new Set(keys);
    const removed = this.acts.filter((act) => gone.has(act.idempotency_key));
    this.acts = this.acts.filter((act) => !gone.has(act.idempotency_key));
    try {
      gone.forEach((key) => localStorage.removeItem(this.prefix + key));
    } catch {
      // nothing was stored
    }
    return removed;
  }

  // One message at a time: a server that is slow is not asked to begin anew at each key.
  send() {
    const now = Date.now();
    if (this.sentAt && now - this.sentAt > this.patience) {
      this.sentAt = 0;
      this.patience = Math.min(2 * this.patience, PATIENCE.most);
    }
    if (!this.post || !this.acts.length || this.sentAt || now < this.pausedUntil) return;
    this.sentAt = now;
    this.attempt = `${TAB} ${++this.numbered}`;
    const acts = this.acts.slice(0, MOST_ACTS).map(({ idempotency_key, annotator, query_id, passage_id, rule, changes }) => ({
      idempotency_key, annotator, query_id, passage_id, rule, changes,
    }));
    this.post({ attempt: this.attempt, acts });
  }

  again() {
    this.sentAt = 0;
    this.send();
  }

  // The server's answer: `attempt` is the message it is about; returns the acts that were kept and refused.
  settle({ attempt, kept, refused, waiting }) {
    this.waiting = waiting;
    if (attempt === this.attempt) {
      this.sentAt = 0;
      this.pausedUntil = waiting ? Date.now() + PAUSE : 0;
      this.patience = PATIENCE.first;
    }
    return { kept: this.remove(kept), refused: this.remove(Object.keys(refused)) };
  }

  // How long the oldest act has waited, in seconds.
  age() {
    return this.acts.length ? Math.round((Date.now() - this.acts[0].at) / 1000) : 0;
  }
}
