"""Hard cases as a frame: the pairs that are worth a person's minute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.errors import UnknownName
from workbench.steps.data.frames import known_split
from workbench.store import Store, views
from workbench.store.views import RULES, Thresholds

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store.views import HardCase


def hard_cases(
    store: Store,
    student: str,
    before: str | None = None,
    teacher: str | None = None,
    split: str = "test",
    rule: str | None = None,
    **thresholds: float,
) -> pd.DataFrame:
    """Return the pairs that are worth a person's minute as a frame, one row a pair.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        Whose rankings are searched.
    before : str, optional
        The student that it was before training; the rule "got worse" needs it.
    teacher : str, optional
        Whose utilities, by the teacher's name or the beginning of it; the only teacher's unless given. Where no
        teacher has scored anything, the rules that need no utilities are left.
    split : str
        Of which queries: "train", "dev" or "test".
    rule : str, optional
        Only what this rule finds, one of `views.RULES`.
    **thresholds : float
        Where the rules draw their lines, such as `useful=0.3, far=5`; `views.usual_thresholds` has those not named.

    Returns
    -------
    pandas.DataFrame
        A query's cases together, the rules in turn, the greatest disagreement first: `query_id`, `passage_id`, `rules`
        (a tuple of names, the strongest first), `why` (in words), `strength` (the sum over the rules), `utility`, the
        ranks `before` and `after`, and `relevance`; numbers are missing where they are not known.

    Raises
    ------
    NothingToDo
        A student has not been evaluated on this split; or the rule needs utilities, and no teacher has scored
        anything.
    UnknownName
        There is no such teacher, rule, split or threshold.
    BadSetting
        A threshold is out of bounds; or no teacher is named, and several have scored.

    Examples
    --------
    >>> cases = wb.hard_cases(store, "student", rule="useful but far", far=1)
    >>> cases.columns.tolist()
    ['query_id', 'passage_id', 'rules', 'why', 'strength', 'utility', 'before', 'after', 'relevance']
    """
    import pandas as pd

    if rule and rule not in RULES:
        raise UnknownName("rule of hard cases", rule, list(RULES))
    of = str(known_split(split))
    run, run_before = views.find_run(store, student, of), views.find_run(store, before, of) if before else None
    name = views.teacher_of_cases(store, teacher, rule)
    cases = views.hard_cases(store, name, run, run_before, Thresholds(**thresholds))
    columns: dict[str, Any] = {
        "query_id": "str", "passage_id": "str", "rules": object, "why": "str", "strength": "float64",
        "utility": "float64", "before": "Int64", "after": "Int64", "relevance": "Int64",
    }  # fmt: skip
    rows = [
        (
            case.query_id, case.passage_id, case.rules, case.why, case.strength, case.utility, case.before, case.after,
            case.relevance,
        )
        for case in cases
        if not rule or rule in case.rules
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def hard_case_bytes(cases: Iterable[HardCase], form: str) -> bytes:
    """Return hard cases with all their reasons as one file's content, "jsonl", "csv" or "parquet"."""
    from workbench.formats.writing.columns import HARD_CASES
    from workbench.formats.writing.rows import file_content

    rows = (
        case._asdict()
        | {"reasons": [reason._asdict() for reason in case.reasons], "rules": case.rules, "why": case.why}
        for case in cases
    )
    return file_content(rows, HARD_CASES, form)
