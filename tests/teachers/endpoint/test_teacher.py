"""The endpoint teacher against servers of three protocols, and servers whose log-probabilities mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.teachers import models
from tests.teachers.endpoint.server import ModelServer, Rows
from tests.teachers.likelihood.test_teacher import EMPTY, GROUPS, OIL, QUERY, SEA, prepared, scored
from workbench.errors import ServerUnavailable
from workbench.records import Failure, Group, Query, Utility
from workbench.teachers.endpoint.probe import meaningless
from workbench.teachers.endpoint.settings import EndpointSettings
from workbench.teachers.endpoint.teacher import Endpoint

PROTOCOLS = ("vllm", "sglang", "echo")


def asking(server: ModelServer, **settings: Any) -> Endpoint:
    """Return an endpoint teacher that is prepared to ask a server, without waiting long for anything."""
    quick = {"tokenizer": server.folder, "longest_wait": 0.02, "timeout": 60.0, "retries": 2}
    made = Endpoint(EndpointSettings(server.url, server.model, **quick | settings))
    made.prepare()
    return made


@pytest.mark.parametrize(
    ("protocol", "options"),
    [*((protocol, {}) for protocol in PROTOCOLS), ("vllm", {"normalisation": "sum", "max_tokens": 60, "bos": False})],
)
def test_utilities_are_those_of_the_likelihood_teacher(
    server: ModelServer, protocol: str, options: dict[str, Any]
) -> None:
    remote, local = asking(server, protocol=protocol, **options), prepared(server.folder, **options)
    here, there = scored(local), scored(remote)
    assert set(here) == set(there)
    for pair, expected in here.items():
        one = there[pair]
        assert isinstance(one, Utility) == isinstance(expected, Utility)
        if isinstance(one, Utility) and isinstance(expected, Utility):
            assert one.value == pytest.approx(expected.value, abs=1e-4)
            assert one.truncated == expected.truncated
            for mine, its in zip(one.answers, expected.answers, strict=True):
                assert mine.answer == its.answer
                assert mine[1:] == pytest.approx(its[1:], abs=1e-4)
    assert remote.unit == local.unit


def test_each_pair_and_each_answer_alone_is_one_request(server: ModelServer) -> None:
    remote = asking(server)
    assert len(scored(remote)) == 9
    probes, pairs, queries = 3, 7, 3  # of the fourth query nothing is known to ask about
    assert len(server.asked) == probes + pairs + queries
    assert len(set(server.sequences())) == len(server.sequences()) - 1  # one is asked twice by the probe
    assert {len(request.body["prompt"]) for request in server.asked} == {1, 2}
    assert remote.budget.spent.requests == len(server.received)
    assert remote.budget.spent.input_tokens == sum(map(len, server.sequences()))


def test_no_more_requests_are_under_way_than_were_allowed(server: ModelServer) -> None:
    server.seconds = 0.05
    scored(asking(server, concurrency=3))
    assert server.most_at_once == 3


def test_a_pair_is_yielded_when_it_is_answered(server: ModelServer) -> None:
    remote = asking(server, concurrency=1)
    server.seconds = 0.02
    batches = remote.utilities(GROUPS)
    next(batches)
    assert len(server.answered) <= 6  # three of the probe, the query's answer, and the pair
    batches.close()


def test_the_name_holds_the_recipe_and_neither_address_nor_key(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_KEY", "sk-12345")
    name = asking(server, key_variable="TINY_KEY", concurrency=2).name
    assert name == asking(server).name
    assert name.startswith("endpoint:tiny:plain-")
    assert name.endswith(":mean:vllm")
    assert "127.0.0.1" not in name
    others = [{"max_tokens": 99}, {"bos": False}, {"protocol": "sglang"}, {"template": "reader-minilm"}]
    assert len({name, *(asking(server, **other).name for other in others)}) == 1 + len(others)


@pytest.mark.parametrize(
    ("protocol", "change", "problem"),
    [
        ("vllm", lambda rows: [[0.0 for _ in row] for row in rows], "are all 0"),
        ("sglang", lambda rows: [[-2.5 for _ in row] for row in rows], "are all -2.5"),
        ("vllm", lambda rows: [[-float(at % 7) for at in range(len(row), 0, -1)] for row in rows], "do not depend"),
        ("vllm", lambda rows: [[-9999.0 for _ in row] for row in rows], "are not finite"),
        ("sglang", lambda rows: [[None for _ in row] for row in rows], "gave none"),
        ("vllm", lambda rows: [row[:3] for row in rows], "gave none"),
        ("echo", lambda rows: [row[:3] for row in rows], "gave none"),
    ],
)
def test_meaningless_log_probabilities_are_refused(
    server: ModelServer, protocol: str, change: Any, problem: str
) -> None:
    server.change = change
    with pytest.raises(ServerUnavailable, match=problem) as error:
        scored(asking(server, protocol=protocol, retries=0))
    assert "vLLM (protocol=vllm) and SGLang" in error.value.hint
    assert len(server.asked) <= 3


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (([-1.0, -2.0], [-1.5, -2.5], [-1.0, -2.01]), ""),
        (([-1.0, 0.0005], [-1.5, -2.5], [-1.0, 0.0]), ""),
        (([-1.0, 0.002], [-1.5, -2.5], [-1.0, 0.0]), "are above 0"),
        (([-1.0, float("nan")], [-1.5, -2.5], [-1.0, 0.0]), "are not finite"),
        (([-1.0, -1.0], [-1.5, -2.5], [-1.0, -1.0]), "are all -1"),
        (([-1.0, -2.0], [-1.0, -2.0], [-1.0, -2.0]), "do not depend on the prompt"),
        (([-1.0, -2.0], [-1.5, -2.5], [-1.0, -2.5]), "change when the same is asked again"),
    ],
)
def test_what_log_probabilities_must_be(rows: Any, problem: str) -> None:
    assert meaningless(*rows).startswith(problem)
    assert bool(meaningless(*rows)) == bool(problem)


def test_log_probabilities_that_change_are_refused(server: ModelServer) -> None:
    def drift(rows: Rows) -> Rows:
        return [[value if value is None else value - len(server.asked) for value in row] for row in rows]

    server.change = drift
    with pytest.raises(ServerUnavailable, match="change when the same is asked again"):
        scored(asking(server))


@pytest.mark.parametrize("message", ["echo is not supported", "prompt must be a string"])
def test_a_server_that_refuses_the_probe_is_refused(server: ModelServer, message: str) -> None:
    server.fault = lambda _number, _request: f"400 {message}"
    with pytest.raises(ServerUnavailable, match=message):
        scored(asking(server))
    assert len(server.asked) == 1


def test_a_server_of_another_model_is_refused_before_anything_is_asked(server: ModelServer) -> None:
    remote = Endpoint(EndpointSettings(server.url, "other", tokenizer=server.folder))
    remote.prepare()
    with pytest.raises(ServerUnavailable, match=r"does not serve other\. It serves: tiny"):
        scored(remote)
    assert server.asked == []


def test_a_tokenizer_of_another_model_is_refused(server: ModelServer, tmp_path: Path) -> None:
    models.tokenizer(cls_token="[CLS]").train_new_from_iterator(["rivers " * 9], 270).save_pretrained(tmp_path)
    with pytest.raises(ServerUnavailable, match="is not that of the model"):
        scored(asking(server, tokenizer=tmp_path))
    assert server.asked == []


def test_a_server_that_tells_neither_models_nor_tokens_is_asked_all_the_same(server: ModelServer) -> None:
    server.paths -= {"/v1/models", "/tokenize"}
    assert any(isinstance(one, Utility) for one in scored(asking(server)).values())


def test_an_estimate_is_what_it_then_takes(server: ModelServer) -> None:
    remote = asking(server, max_tokens=190)
    estimate = remote.estimate(GROUPS)
    assert server.received == []
    scored(remote)
    probes = server.asked[:3]
    assert estimate.requests == len(server.asked) - len(probes)
    assert estimate.input_tokens == remote.budget.spent.input_tokens - sum(map(len, server.sequences(probes)))
    assert estimate.output_tokens == remote.budget.spent.output_tokens - len(probes)


def test_odd_texts_are_asked_as_they_are(server: ModelServer) -> None:
    odd = Query("-q 1/ü", "  where </s> {do} rivers run?  ", (" the sea ", "ß", "   "))
    one = scored(asking(server), [Group(odd, (SEA, EMPTY)), Group(Query("q", "", ("x",)), (OIL,))])
    expected = scored(prepared(server.folder), [Group(odd, (SEA, EMPTY)), Group(Query("q", "", ("x",)), (OIL,))])
    assert {pair: value.value for pair, value in one.items() if isinstance(value, Utility)} == pytest.approx(
        {pair: value.value for pair, value in expected.items() if isinstance(value, Utility)}, abs=1e-4
    )
    assert len(one) == 3


def test_a_pair_without_room_fails_alone(server: ModelServer) -> None:
    rows = scored(asking(server, max_tokens=20), [Group(QUERY, (OIL, SEA))])
    assert all(isinstance(one, Failure) and "no room" in one.reason for one in rows.values())
