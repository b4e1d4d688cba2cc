"""The command that says which queries train, choose and test: split."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.steps.data.splits.split import SHARES, Column, SplitResult, split

_SHARES = ",".join(f"{100 * share:g}" for share in SHARES)


def split_command(
    context: typer.Context,
    by: Annotated[
        str,
        typer.Option(
            help="What is not divided: `query`: nothing; `passages`: queries that share a relevant passage or a "
            "near-duplicate; `tag`; or a table with query_id and a column, whose equal values stay together. A column "
            "`split` says the split."
        ),
    ] = "query",
    column: Annotated[str, typer.Option(help="Which column of the table, where it has several.")] = "",
    shares: Annotated[str, typer.Option(help="How much goes to train, dev and test.")] = _SHARES,
    seed: Annotated[int, typer.Option(help="Another seed gives other splits.")] = 13,
    keep: Annotated[
        list[str] | None, typer.Option(help="A split whose queries stay there; its share falls to the others.")
    ] = None,
    of: Annotated[list[str] | None, typer.Option(help="Split only the queries of this split.")] = None,
    json: Json = False,
) -> None:
    """Give queries splits, and say what leaks between them; utilities, annotations and rankings stay."""
    session: Session = context.obj
    chosen = Column(by, column) if column else by
    store = session.store()
    result = split(store, chosen, _numbers(shares), seed, keep or (), of or ())
    if not json:
        output.table(list(SplitResult.columns), result.splits)
    session.finish(result, result.in_words, json)
    session.suggest_next(store)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise BadSetting(f"--shares {text} is not three numbers.", f"Example: --shares {_SHARES}") from error
