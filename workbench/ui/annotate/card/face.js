// What is on screen: built once, and drawn anew at every key and every answer of the server.

class Face {
  constructor(parent, card) {
    this.parent = parent;
    this.card = card;
    this.drawn = ""; // the case on screen
    const part = (tag, className, properties = {}) => element(tag, { className, ...properties });
    const deeds = (listed) => listed.map((one) => [one.key, keyButton(one, () => card.press(one.key))]);
    this.buttons = new Map([
      ...deeds(VERDICTS),
      ...deeds([{ key: "a", label: "accept", help: "" }, { key: "x", label: "reject", help: "" }]),
      ...deeds(MOVES),
    ]);
    const ask = keyButton({ key: "?", label: "help", help: "Shows what each key does." }, () => this.toggleHelp());
    ask.setAttribute("aria-expanded", "false");
    this.parts = {
      ask,
      tabs: part("div", "annotate-tabs"),
      bar: part("progress", "annotate-bar", { ariaLabel: "Judged" }),
      progress: part("span", "wb-soft"),
      status: part("span", "annotate-status", { role: "status" }),
      help: part("div", "annotate-help", { hidden: true }),
      why: part("div", "wb-why annotate-why wb-student-after"),
      query: part("div", "annotate-query"),
      passage: part("div", "annotate-passage"),
      empty: part("p", "annotate-empty"),
      last: part("p", "wb-soft annotate-last"),
      note: part("input", "annotate-note", { type: "text", maxLength: 2000, placeholder: "Note, if you have one", ariaLabel: "Note" }),
      tags: part("div", "annotate-tags", { role: "group", ariaLabel: "Type of failure" }),
      who: part("span", "wb-soft"),
    };
    const { tabs, bar, progress, status, why: reason, query, passage: text, empty, last, note, tags, who } = this.parts;
    this.parts.help.append(...help());
    const keys = [...this.buttons.values()];
    this.root = element(
      "div", { className: "wb annotate" },
      element("div", { className: "annotate-top" }, tabs, bar, progress, status, ask),
      this.parts.help, reason, query, text, empty,
      element("div", { className: "annotate-keys", role: "group", ariaLabel: "Verdict" }, ...keys.slice(0, 8)),
      element("div", { className: "annotate-keys annotate-moves" }, ...keys.slice(8), who),
      last, element("div", { className: "annotate-details" }, note, tags),
    );
    note.addEventListener("change", () => card.changeNote(note.value.trim()));
    parent.querySelector(".annotate")?.remove();
    parent.append(this.root);
  }

  // Whether something is typed that is no act yet.
  noteIsOpen() {
    return this.parts.note.value.trim() !== this.card.annotation().note;
  }

  toggleHelp() {
    this.parts.help.hidden = !this.parts.help.hidden;
    this.parts.ask.setAttribute("aria-expanded", String(!this.parts.help.hidden));
  }

  draw() {
    const { queue } = this.card;
    const current = queue.current();
    const annotation = this.card.annotation();
    this.root.dataset.case = current ? queue.at : "";
    this.root.classList.toggle("annotate-without", !current);
    const { why: reason, query, passage: text, empty, last, note, who } = this.parts;
    // The same case is not drawn again: a person may be reading or selecting in it.
    const shown = JSON.stringify(current, (name, value) => (name === "annotation" ? undefined : value));
    if (this.drawn !== shown) {
      reason.replaceChildren(...(current ? why(current) : []));
      query.replaceChildren(...(current ? question(current) : []));
      text.replaceChildren(...(current ? [passage(current)] : []));
      this.drawn = shown;
    }
    if (this.noteOf !== queue.at || document.activeElement !== note) note.value = annotation.note;
    this.noteOf = queue.at;
    empty.textContent = current ? "" : this.atTheEnd();
    last.textContent = current ? lastVerdict(annotation, queue.settles) : "";
    who.textContent = `You judge as ${isolated(queue.annotator)}.`;
    this.drawButtons(current, annotation);
    this.drawTags(annotation);
    this.drawTabs();
    this.status();
  }

  atTheEnd() {
    const { pending, skipped } = this.card.queue.tally();
    if (this.card.queue.tab !== "pending") return `No case is ${this.card.queue.tab} here. Open another tab, or choose another rule.`;
    if (pending > 0) return "More cases are on their way …";
    const left = skipped ? ` ${skipped.toLocaleString("en")} that you skipped wait under “skipped”.` : " Thank you.";
    return `No case of this filter is waiting.${left}`;
  }

  drawButtons(current, annotation) {
    const teacher = this.card.teachersVerdict();
    const pressed = {
      ...Object.fromEntries(VERDICTS.map(({ key, verdict, grade }) => [key, annotation.verdict === verdict && annotation.grade === grade])),
      f: annotation.flagged,
    };
    for (const [key, made] of this.buttons) {
      made.disabled = !current && key !== "u";
      if (key in pressed) made.setAttribute("aria-pressed", String(Boolean(current) && pressed[key]));
      if (key !== "a" && key !== "x") continue;
      made.disabled ||= !teacher;
      made.title = this.card.data.blind ? "Hidden while you judge blind." : `The teacher finds it ${teacher ?? "nothing"}.`;
    }
    this.buttons.get("ArrowLeft").disabled = this.card.queue.neighbour(-1) === null;
    this.buttons.get("ArrowRight").disabled = this.card.queue.neighbour(1) === null;
  }

  drawTags({ tags }) {
    const { tags: place } = this.parts;
    const names = [...new Set([...this.card.data.tags, ...tags])];
    if (place.contains(document.activeElement) && this.tagsDrawn === JSON.stringify([this.card.queue.at, tags])) return;
    this.tagsDrawn = JSON.stringify([this.card.queue.at, tags]);
    const chips = names.map((name) => {
      const chip = element("button", { type: "button", className: "annotate-tag" }, name);
      chip.setAttribute("aria-pressed", String(tags.includes(name)));
      chip.addEventListener("click", () => this.card.changeTags(tags.includes(name) ? tags.filter((tag) => tag !== name) : [...tags, name]));
      return chip;
    });
    const own = element("input", { type: "text", maxLength: 60, placeholder: "another type", ariaLabel: "Another type of failure" });
    own.addEventListener("change", () => own.value.trim() && this.card.changeTags([...tags, own.value.trim().replace(/\s+/g, " ")]));
    place.replaceChildren(...chips, own);
  }

  drawTabs() {
    const counts = this.card.queue.tally();
    const { tabs, bar, progress } = this.parts;
    const made = ["pending", "done", "skipped"].map((tab) => {
      const one = element("button", { type: "button", className: "annotate-tab" }, `${tab} (${counts[tab].toLocaleString("en")})`);
      one.setAttribute("aria-pressed", String(tab === this.card.queue.tab));
      one.addEventListener("click", () => this.card.openTab(tab));
      return one;
    });
    tabs.replaceChildren(...made);
    const total = counts.pending + counts.done + counts.skipped;
    Object.assign(bar, { max: Math.max(1, total), value: counts.done });
    const number = (value) => value.toLocaleString("en");
    progress.textContent = `${number(counts.done)} of ${number(total)} ${this.card.queue.settles ? "settled" : "judged by you"}`;
  }

  status() {
    const { outbox, message, failure } = this.card;
    const { acts, waiting } = outbox;
    const age = outbox.age();
    this.root.dataset.unsent = String(acts.length);
    const { status } = this.parts;
    status.classList.toggle("annotate-failed", Boolean(failure));
    if (failure) status.textContent = failure;
    else if (!acts.length) status.textContent = message;
    else if (age < 2) status.textContent = `${message} · ${acts.length} on the way`;
    else status.textContent = `${acts.length} not kept yet, for ${age} s. ${waiting || "Go on: they are sent until they are kept."}`;
  }
}
