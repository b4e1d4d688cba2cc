"""The few rules of CSS that Streamlit's theme does not cover; colours follow the theme by way of the text colour."""

from __future__ import annotations

from workbench.html import style
from workbench.plots.look import ANSWER, HARMFUL, USEFUL


def css() -> str:
    """Return the style sheet of the parts that are drawn as HTML."""
    rules = _RULES.replace("SUCCESS", USEFUL.colour).replace("WARNING", ANSWER).replace("FAILURE", HARMFUL.colour)
    return f"<style>\n{style.css()}\n{rules}</style>"


_RULES = """
.wb-lead { font-size: 1.06rem; max-width: 62rem; margin: 0 0 .2rem; }
.wb-numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; }
.wb-number { border: 1px solid var(--line); border-radius: .6rem; padding: .65rem .85rem .6rem; }
.wb-number b { display: block; font-size: 1.5rem; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.wb-number .wb-label, .wb-number .wb-note { font-size: .82rem; color: var(--soft); display: block;
  line-height: 1.35; }
.wb-number.wb-role { border-left: 4px solid var(--role); }
.wb-why { border-left: 4px solid var(--role); padding: .3rem .8rem; margin: .2rem 0 .6rem; }
[class*="st-key-wb-three"] [data-testid="stColumn"] { min-width: 17.5rem; }
[class*="st-key-wb-rankings"] [data-testid="stColumn"] { min-width: 13.5rem; }
[class*="st-key-wb-two"] [data-testid="stColumn"] { min-width: 20.5rem; }
[class*="st-key-wb-four"] [data-testid="stColumn"] { min-width: 10.5rem; }
[class*="st-key-wb-pickers"] [data-testid="stColumn"] { min-width: 7.5rem; }
/* Trained students begin alike: only their ends tell one from another. */
.st-key-wb-pickers-of-two [data-testid="stColumn"]:nth-child(-n+2) { min-width: 20rem; }
.wb-notice { display: flex; gap: .65rem; border-left: 4px solid var(--kind); border-radius: .5rem;
  padding: .65rem .9rem; background: color-mix(in srgb, var(--kind) 11%, transparent); }
.wb-notice > span:first-child { color: color-mix(in srgb, var(--kind) 60%, currentColor); font-weight: 700; }
.wb-success { --kind: SUCCESS; }
.wb-warning { --kind: WARNING; }
.wb-failure { --kind: FAILURE; }
ol.wb-walk { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0 !important;
  margin: .1rem 0 .2rem !important; }
.wb-walk li { border: 1px solid var(--line); border-radius: 1rem; padding: .05rem .7rem; font-size: .88rem;
  margin: 0; }
.wb-walk .wb-done { background: color-mix(in srgb, currentColor 6%, transparent); }
.wb-walk .wb-next { font-weight: 700; border: 2px solid currentColor; }
.wb-walk .wb-later { color: var(--soft); border-style: dashed; }
/* Streamlit's own colours for captions, for code and on primary buttons are too faint to read (WCAG 2.2, 1.4.3). */
.stApp [data-testid="stCaptionContainer"] { color: color-mix(in srgb, currentColor 76%, transparent); opacity: 1; }
.stApp [data-testid="stCode"] .token { color: inherit; }
/* A mark of direction in an argument, which is quoted for it, turns none of the command behind it. */
.stApp [data-testid="stCode"] .token.string { unicode-bidi: isolate; }
.stApp [data-testid="stCode"] .token:is(.keyword, .function, .class-name, .variable, .property) {
  color: light-dark(#1769AA, #6FB4E6); }
.stApp [data-testid="stCode"] .token:is(.string, .number, .boolean) { color: light-dark(#0A6F58, #4CC3A6); }
.stApp :is([data-testid^="stBaseButton-primary"]:not(:disabled), [data-testid="stMultiSelect"] [data-tag]) {
  color: light-dark(#FFFFFF, #11151B); }
"""
