"""A workspace whose every gain is memory: test queries that train has seen are won, the others are not."""

from __future__ import annotations

import json
from dataclasses import asdict

from tests.conftest import run
from workbench.records import Hit, Passage, Qrel, Query
from workbench.store import Store, views
from workbench.trainer import TrainSettings

SEEN, UNSEEN = 40, 30


def leaking(store: Store) -> None:
    """Fill a store: 40 of 70 test queries share their passage with train; student "memory" ranks these alone better."""
    seen, unseen = [f"seen{n:02}" for n in range(SEEN)], [f"unseen{n:02}" for n in range(UNSEEN)]
    queries = [Query(name, f"about {name}", (), "test") for name in seen + unseen]
    queries += [Query(f"train{n:02}", f"before {n}", (), "train") for n in range(SEEN)]
    own = {name: f"p-{name}" for name in seen + unseen} | {f"train{n:02}": f"p-seen{n:02}" for n in range(SEEN)}
    texts = {passage: f"text of {passage}" for passage in sorted(set(own.values()))}
    passages = [Passage(passage, "", text) for passage, text in texts.items()]
    store.add_collection(queries, passages, [Qrel(query_id, passage, 1) for query_id, passage in own.items()])
    for name in ("base", "memory", "other"):
        made = run(name, depth=4)._replace(collection=views.collection_fingerprint(store))
        hits = []
        for number, query_id in enumerate(seen + unseen):
            # of the unseen, as many are won as are lost, by as much
            won, lost = query_id in seen or number % 3 == 0, query_id in unseen and number % 3 == 1
            rank = 1 if (won if name == "memory" else lost) else 2
            order = [
                passage for passage in ("p-seen00", "p-seen01", "p-seen02", "p-seen03") if passage != own[query_id]
            ]
            order = [*order[: rank - 1], own[query_id], *order[rank - 1 : 3]]
            hits += [Hit(made.run, query_id, passage, at, 1 - at / 8) for at, passage in enumerate(order, start=1)]
        store.add_run(made, hits)
    recipe = {
        "name": "memory", "base": "base", "teacher": "toy", "loss": "kl", "seed": 13,
        "settings": asdict(TrainSettings(loss="kl", steps=4, batch_size=4, candidates=8)), "created": "2026",
        "outcome": {"measure": "nDCG@10", "dev_before": 0.5, "dev_after": 0.6, "steps": 4, "best_step": 3,
                    "seconds": 1.0, "stopped": "budget"},
    }  # fmt: skip
    folder = store.students / "memory"
    folder.mkdir(parents=True)
    (folder / "student.json").write_text(json.dumps(recipe))
