"""The shell on projections."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from tests.shell import shell, worked
from tests.steps import classes


def test_points_are_kept_and_written_to_a_file(tmp_path: Path) -> None:
    store, base = classes.collection(tmp_path / "workspace"), classes.base(tmp_path / "base")
    out = tmp_path / "coordinates.parquet"
    printed = worked("project", base, "--out", out, workspace=store.path)
    assert "24 queries and 24 passages by principal components. The axes are its own." in printed.out
    assert "nearest in all dimensions, over 48 texts" in printed.out
    table = pq.read_table(out)
    assert (table.column_names, table.num_rows) == (["kind", "id", "x", "y"], 48)
    result = worked("project", base, "--axes-of", base, "--json", workspace=store.path).json
    assert (result["placement"], result["queries"]) == ("own", 24)
    assert Path(result["file"]).parent == store.path / "maps"
    assert "'tsne'" in shell("project", base, "--method", "tsne", workspace=store.path).err
