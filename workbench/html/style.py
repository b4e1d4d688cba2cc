"""The style of cards, badges and tallies, shared by the pages and the report."""

from __future__ import annotations

from workbench.plots.look import ANSWER, ROLES


def css() -> str:
    """Return the rules of what this room draws; colours follow the text colour of the page."""
    roles = "\n".join(
        f".wb-{role.word.replace(' ', '-').lower()} {{ --role: {role.colour}; }}" for role in ROLES.values()
    )
    return f"{_RULES.replace('ANSWER', ANSWER)}\n{roles}"


_RULES = """
.wb { --line: color-mix(in srgb, currentColor 16%, transparent);
  --soft: color-mix(in srgb, currentColor 74%, transparent);
  --role: color-mix(in srgb, currentColor 55%, transparent); line-height: 1.5; overflow-wrap: anywhere; }
.wb-soft { color: var(--soft); }
.wb-tally { display: flex; height: .65rem; border-radius: .33rem; overflow: hidden; gap: 2px;
  margin: .55rem 0 .3rem; }
.wb-tally span { background: var(--role); min-width: 3px; }
.wb-words { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .95rem;
  font-variant-numeric: tabular-nums; }
.wb-words i { font-style: normal; font-weight: 600; }
.wb-badge { display: inline-block; border: 1px solid var(--role); border-radius: 1rem; padding: 0 .5rem;
  font-size: .78rem; line-height: 1.35rem; max-height: 8.1rem; overflow: auto; vertical-align: middle;
  background: color-mix(in srgb, var(--role) 13%, transparent); }
.wb-badge::before { content: ""; display: inline-block; width: .5rem; height: .5rem; border-radius: 50%;
  background: var(--role); margin-right: .35rem; }
.wb-badge.wb-plain { --role: color-mix(in srgb, currentColor 40%, transparent); background: none; }
.wb-badge.wb-plain::before { display: none; }
.wb-query { font-size: 1.22rem; font-weight: 600; line-height: 1.35; margin: 0 0 .25rem; max-height: 13rem;
  overflow: auto; }
.wb-card { border: 1px solid var(--line); border-radius: .6rem; padding: .6rem .8rem .65rem; margin: 0 0 .55rem; }
.wb-card.wb-role { border-left: 4px solid var(--role); }
.wb-head { display: flex; gap: .6rem; align-items: baseline; }
.wb-rank { font-weight: 700; font-variant-numeric: tabular-nums; min-width: 1.5rem; font-size: 1.05rem; }
.wb-title { font-weight: 600; flex: 1; max-height: 7.5rem; overflow: auto; }
.wb-move { font-size: .85rem; font-weight: 600; color: color-mix(in srgb, var(--role) 60%, currentColor);
  white-space: nowrap; }
.wb-stays { --role: currentColor; }
.wb-badges { display: flex; flex-wrap: wrap; gap: .3rem; margin: .3rem 0 .35rem; }
.wb-text { font-size: .94rem; margin: 0; white-space: pre-wrap; }
.wb-fold > summary { list-style: none; cursor: pointer; }
.wb-fold > summary::-webkit-details-marker { display: none; }
.wb-fold .wb-text { display: -webkit-box; -webkit-line-clamp: 4; -webkit-box-orient: vertical; overflow: hidden; }
.wb-fold .wb-more { font-size: .82rem; color: var(--soft); text-decoration: underline; text-underline-offset: .15em; }
.wb-fold .wb-less, .wb-fold[open] .wb-all { display: none; }
.wb-fold[open] .wb-text { display: block; }
.wb-fold[open] .wb-less { display: inline; }
.wb mark { color: inherit; border-radius: .2rem; padding: 0 .1rem; background: none; }
.wb mark.wb-answer { background: color-mix(in srgb, ANSWER 30%, transparent); border-bottom: 2px solid ANSWER; }
.wb mark.wb-term { text-decoration: underline dotted; text-underline-offset: .22em; text-decoration-thickness: 2px;
  padding: 0; }
.wb-id { font-family: ui-monospace, monospace; font-size: .78rem; color: var(--soft); }
.wb-column { border-bottom: 2px solid var(--role); padding-bottom: .25rem; margin-bottom: .55rem; line-height: 1.35; }
.wb-column b { display: block; font-weight: 600; }
.wb-column span { display: block; font-size: .85rem; color: var(--soft); overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
"""
