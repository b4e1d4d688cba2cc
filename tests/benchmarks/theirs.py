"""DiffIR on two runs, from the files to its page: for the interpreter that has DiffIR and nothing of ours.

    PYTHON tests/benchmarks/theirs.py FOLDER BEFORE AFTER

FOLDER holds passages.tsv, queries.tsv, cut.qrels and the runs, and gets the page. Prints the seconds on the clock and
of the processor; the store in which ir_datasets looks up texts is built before they are counted. To mark a query's
words DiffIR fetches a tokenizer and stop words of NLTK; here a split at word ends and four stop words do, which is no
slower and needs no network.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace


def main(folder: Path, *runs: str) -> None:
    """Let DiffIR compare two runs by nDCG@10 and write its page with the 50 most changed queries."""
    import ir_datasets
    import nltk
    from diffir.run import diff
    from diffir.weight import unsupervised

    nltk.data.find = lambda _: ""
    unsupervised.word_tokenize = re.compile(r"\w+|\S").findall
    unsupervised.stopwords = SimpleNamespace(words=lambda _: ["what", "is", "the", "a"])

    collection = ir_datasets.create_dataset(
        *(str(folder / name) for name in ("passages.tsv", "queries.tsv", "cut.qrels"))
    )
    ir_datasets.registry.register("made-up", collection)
    collection.docs_store().build()
    config = {
        "dataset": "made-up",
        "measure": "qrel",
        "metric": "nDCG@10",
        "topk": 50,
        "weight": {"weights_1": None, "weights_2": None},
    }
    started, busy = time.perf_counter(), time.process_time()
    _, page = diff([str(folder / run) for run in runs], config, cli=False, web=True, print_html=False)
    (folder / "diffir.html").write_text(page, encoding="utf-8")
    print(time.perf_counter() - started, time.process_time() - busy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
