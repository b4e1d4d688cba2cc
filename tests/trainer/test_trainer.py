"""The trainer: what a step sees, that it learns, and that it goes on where it was killed."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from workbench.errors import BadSetting, Conflict, NothingToDo, UnknownName
from workbench.records import Example, Passage, Query
from workbench.trainer import PRESETS, TrainSettings, preset, train
from workbench.trainer.batches import LEFT_OUT, NEGATIVE, Batches, chosen, spread

TOPICS = 12
# Passage i of topic t is of use to query t; "the" and "of" are in every passage and hide it from an untrained mean.
PASSAGES = tuple(Passage(f"p{i}", "", f"the of the answer{i % TOPICS} filler{i % 5} of the") for i in range(4 * TOPICS))
QUICK = TrainSettings(
    batch_size=4, candidates=3, negatives=1, steps=30, evaluate_every=10, patience=0, learning_rate=0.05, seed=7
)


def example(topic, candidates=6):
    """Return a query whose candidates from its own topic help, and whose others do not."""
    own = [passage for i, passage in enumerate(PASSAGES) if i % TOPICS == topic]
    rest = [passage for i, passage in enumerate(PASSAGES) if i % TOPICS != topic]
    taken = (own + rest[topic:])[:candidates]
    utilities = [2.0 if passage in own else -0.1 * place for place, passage in enumerate(taken)]
    known = frozenset(passage.passage_id for passage in (*taken, *own))
    return Example(Query(f"q{topic}", f"question{topic} the", (), "train"), tuple(taken), tuple(utilities), known)


EXAMPLES = tuple(example(topic) for topic in range(TOPICS))


def student(dimension=8):
    """Return a static student of about forty words, always the same."""
    words = ["[UNK]", "the", "of", *(f"{kind}{i}" for kind in ("answer", "question", "filler") for i in range(TOPICS))]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    table = torch.randn(len(words), dimension, generator=torch.Generator().manual_seed(1))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, table)], device="cpu")


def dev_evaluator(model):
    """Return how often the nearest passage is of the query's topic."""
    queries = model.encode([each.query.text for each in EXAMPLES], normalize_embeddings=True)
    passages = model.encode([each.content for each in PASSAGES], normalize_embeddings=True)
    nearest = (queries @ passages.T).argmax(axis=1)
    return float(np.mean(nearest % TOPICS == np.arange(TOPICS)))


def trained(folder, chosen_settings=QUICK, model=None, **how):
    """Train a student and return it with the result."""
    model = model or student()
    return model, train(
        model, EXAMPLES, PASSAGES, how.pop("dev_evaluator", dev_evaluator), chosen_settings, folder, **how
    )


def weights(model):
    return model[0].embedding.weight.detach().clone()


# --- what a step sees


@given(st.lists(st.floats(-9.0, 9.0), min_size=1, max_size=30), st.integers(1, 12), st.integers(0, 2**32))
def test_the_best_is_always_drawn_and_nothing_twice(values, most, seed):
    utilities = np.array(sorted(values, reverse=True))
    drawn = chosen(utilities, most, np.random.default_rng(seed))
    assert drawn[0] == 0
    assert len(drawn) == min(most, len(utilities)) == len(set(drawn.tolist()))


def test_candidates_are_spread_over_the_range_of_utility():
    utilities = np.array([5.0, 4.0, 1.9, *np.linspace(0.02, 0.0, 50)])
    draws = [chosen(utilities, 5, np.random.default_rng(seed)).tolist() for seed in range(40)]
    # Two of 52 candidates hold the upper three of the four parts: both would rarely come at random.
    assert all(drawn[:3] == [0, 1, 2] for drawn in draws)
    assert len({tuple(drawn) for drawn in draws}) > 30
    assert len({place for drawn in draws for place in drawn}) > 25


def test_a_candidate_of_another_query_is_a_negative_unless_it_is_known():
    batches = Batches(EXAMPLES, PASSAGES, replace(QUICK, candidates=6, negatives=2))
    batch = batches.batch(range(TOPICS))
    assert len(set(batch.passages)) == len(batch.passages) == batch.targets.shape[1]
    for text, line in zip(batch.queries, batch.targets, strict=True):
        at = next(each for each in EXAMPLES if each.query.text == text)
        utilities = {passage.content: utility for passage, utility in zip(at.passages, at.utilities, strict=True)}
        known = {passage.content for passage in PASSAGES if passage.passage_id in at.known}
        for passage, target in zip(batch.passages, line, strict=True):
            if passage in utilities:
                assert target == np.float32(utilities[passage])
            else:
                assert target == (LEFT_OUT if passage in known else NEGATIVE)
    assert (batch.targets == NEGATIVE).any()


def test_a_known_passage_that_was_not_drawn_is_left_out():
    targets = Batches(EXAMPLES, PASSAGES, replace(QUICK, candidates=1, negatives=40)).batch([0]).targets
    assert np.isfinite(targets).sum() == 1
    assert (targets == LEFT_OUT).sum() >= 4


def test_passages_of_the_same_text_are_one():
    copy = Passage("copy", "", PASSAGES[0].content)
    twice = Example(EXAMPLES[0].query, (PASSAGES[0], copy, PASSAGES[1]), (1.0, 3.0, 0.0), frozenset({"p0", "copy"}))
    batch = Batches([twice], [*PASSAGES, copy], replace(QUICK, candidates=8, negatives=60)).batch([0])
    own = {text: value for text, value in zip(batch.passages, batch.targets[0], strict=True) if np.isfinite(value)}
    assert own == {copy.content: 3.0, PASSAGES[1].content: 0.0}


def test_a_slot_holds_the_same_whenever_it_is_drawn():
    late = Batches(EXAMPLES, PASSAGES, QUICK)
    early = Batches(EXAMPLES, PASSAGES, QUICK)
    early.batch(range(4))
    for one, other in zip(late.batch(range(8, 20)), early.batch(range(8, 20)), strict=True):
        np.testing.assert_array_equal(one, other)
    other_seed = Batches(EXAMPLES, PASSAGES, replace(QUICK, seed=8)).batch(range(8, 20))
    assert other_seed.queries != late.batch(range(8, 20)).queries


def test_each_turn_shows_each_query_once():
    batches = Batches(EXAMPLES, PASSAGES, QUICK)
    turns = [batches.batch(range(turn * TOPICS, (turn + 1) * TOPICS)).queries for turn in range(3)]
    assert all(sorted(turn) == sorted(turns[0]) for turn in turns)
    assert turns[0] != turns[1]


def test_a_query_with_one_candidate_still_learns_from_negatives():
    alone = Example(Query("q", "question1", (), "train"), (PASSAGES[1],), (2.0,))
    batch = Batches([alone], PASSAGES, replace(QUICK, negatives=5)).batch([0])
    assert np.isfinite(batch.targets).sum() == 1
    assert (batch.targets == NEGATIVE).sum() >= 1


@pytest.mark.parametrize(
    ("examples", "collection"),
    [
        ([], PASSAGES),
        ([Example(Query("q", "q"), (), ())], PASSAGES),
        ([Example(Query("q", "q"), PASSAGES[:1], (float("nan"),))], PASSAGES),
        (EXAMPLES, ()),
    ],
)
def test_examples_that_teach_nothing_are_refused(examples, collection):
    with pytest.raises(NothingToDo):
        Batches(examples, collection, QUICK)


@pytest.mark.parametrize(
    "bad",
    [
        {"loss": "hinge"},
        {"teacher_temperature": 0.0},
        {"student_temperature": float("nan")},
        {"batch_size": 0},
        {"candidates": 2.5},
        {"steps": True},
        {"negatives": -1},
        {"learning_rate": 0.0},
        {"minutes": -1.0},
        {"warmup": 1.5},
        {"schedule": "cosine"},
        {"precision": "half"},
        {"accumulate": 3},
        {"chunk": 0},
        {"refresh": -1},
        {"hard": 0},
        {"refresh": 3, "negatives": 0},
        {"curriculum": 1.5},
    ],
)
def test_settings_that_cannot_work_say_so(bad):
    with pytest.raises(Exception, match=next(iter(bad)) if "loss" not in bad else "hinge"):
        TrainSettings(**bad)


def test_presets_are_settings_that_work():
    assert {name: TrainSettings(**preset(name)).steps for name in PRESETS} == {"cpu": 200, "gpu": 2_000}
    assert TrainSettings(**preset("cpu")).minutes <= 2
    with pytest.raises(UnknownName, match="tpu"):
        preset("tpu")


def test_the_natural_temperature_follows_the_teacher_s_unit():
    examples = [replaced(each, [3.0 * value for value in each.utilities]) for each in EXAMPLES]
    assert spread(examples) == pytest.approx(3 * spread(EXAMPLES))
    flat = [replaced(each, [1.0] * len(each.utilities)) for each in EXAMPLES]
    assert spread([*flat, EXAMPLES[0]]) == spread(EXAMPLES[:1])
    with pytest.raises(NothingToDo, match="equally"):
        spread(flat)


def replaced(each, utilities):
    return each._replace(utilities=tuple(utilities))


# --- hard negatives and curriculum


def test_what_is_mined_is_what_the_student_puts_nearest_and_nobody_knows():
    from workbench.trainer.negatives import mine

    model, batches = student(), Batches(EXAMPLES, PASSAGES, replace(QUICK, hard=7))
    rows = mine(model, batches)
    assert rows.shape == (TOPICS, 7)
    passages = model.encode(batches.collection, normalize_embeddings=True)
    for line, each in zip(rows, EXAMPLES, strict=True):
        known = {passage.content for passage in PASSAGES if passage.passage_id in each.known}
        similarities = passages @ model.encode(each.query.text, normalize_embeddings=True)
        allowed = [row for row, text in enumerate(batches.collection) if text not in known]
        assert len(set(line.tolist())) == 7
        assert set(line.tolist()) <= set(allowed)
        nearest = sorted((similarities[row] for row in allowed), reverse=True)[:7]
        np.testing.assert_allclose(similarities[line], nearest, rtol=1e-5)


def test_a_query_that_knows_all_passages_has_no_hard_negative_and_draws_at_random():
    from workbench.trainer.batches import NOBODY
    from workbench.trainer.negatives import mine

    everything = EXAMPLES[0]._replace(known=frozenset(passage.passage_id for passage in PASSAGES))
    batches = Batches([everything], PASSAGES, replace(QUICK, hard=7, refresh=5, negatives=3))
    batches.mined[0] = mine(student(), batches)
    assert (batches.mined[0] == NOBODY).all()
    assert not (batches.batch([0]).targets == NEGATIVE).any()


def test_negatives_are_drawn_from_what_was_mined_a_step_before():
    batches = Batches(EXAMPLES, PASSAGES, replace(QUICK, candidates=1, refresh=2, negatives=3, batch_size=1))
    unknown = [[row for row, text in enumerate(batches.collection) if row not in known] for known in batches.known]
    batches.mined = {0: np.array([rows[:5] for rows in unknown]), 2: np.array([rows[-5:] for rows in unknown])}
    for step, mining in ((0, 0), (1, 0), (2, 0), (3, 2), (4, 2)):
        batch = batches.batch([step])
        query = batches.questions.index(batch.queries[0])
        allowed = {batches.collection[row] for row in batches.mined[mining][query]}
        drawn = {text for text, target in zip(batch.passages, batch.targets[0], strict=True) if target == NEGATIVE}
        assert len(drawn) == 3
        assert drawn <= allowed


def test_a_curriculum_begins_with_what_the_teacher_is_sure_of_and_widens_to_all():
    sure = [replaced(each, [3.0 - place, *[0.0] * 5]) for place, each in enumerate(EXAMPLES[:3])]
    unsure = [replaced(each, [0.1, *[0.0] * 5]) for each in EXAMPLES[3:]]
    how = replace(QUICK, curriculum=0.5, steps=40, batch_size=3, teacher_temperature=1.0)
    batches = Batches([*unsure, *sure], PASSAGES, how)
    seen = [set(batches.batch(range(3 * step, 3 * step + 3)).queries) for step in range(40)]
    assert seen[0] == {each.query.text for each in sure}
    assert all(len(each) == 3 for each in seen)
    # 9 queries join over 20 steps: no more than these can have been seen
    assert all(len(set().union(*seen[: step + 1])) <= 3 + 9 * step // 20 for step in range(20))
    # from then on each turn of four batches shows all twelve
    assert all(len(set().union(*seen[begin : begin + 4])) == TOPICS for begin in range(20, 40, 4))
    again = Batches([*unsure, *sure], PASSAGES, how)
    for one, other in zip(again.batch(range(30, 33)), batches.batch(range(30, 33)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("ends", [10, 14, 21])
def test_with_hard_negatives_and_curriculum_it_goes_on_to_the_same_weights(tmp_path, ends):
    how = replace(QUICK, refresh=7, hard=5, negatives=2, curriculum=0.4)
    whole, result = trained(tmp_path / "whole", how)
    plain, _ = trained(tmp_path / "plain", replace(how, refresh=0))
    assert not torch.equal(weights(plain), weights(whole))
    asked = iter([False] * (ends - 1) + [True])
    trained(tmp_path / "parts", how, stop=lambda: next(asked))
    rest, end = trained(tmp_path / "parts", how)
    assert torch.equal(weights(rest), weights(whole))
    losses = [[line.get("loss") for line in each.history if line["step"] > ends + 5] for each in (end, result)]
    assert losses[0] == losses[1]
    assert not list((tmp_path / "parts").glob("mined-*"))


# --- learning


def test_a_student_learns_and_holds_its_best_weights(tmp_path):
    told = []
    model, result = trained(tmp_path, listen=told.append)
    assert result.improved
    assert result.dev_after > result.dev_before + 0.2
    assert dev_evaluator(model) == result.dev_after == max(line["dev"] for line in result.history if "dev" in line)
    assert (result.steps, result.stopped, result.measure) == (30, "budget", "nDCG@10")
    assert [each.done for each in told] == list(range(1, 31))
    assert {each.total for each in told} == {30}
    assert (result.teacher_temperature, result.learning_rate) == (spread(EXAMPLES), 0.05)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_the_history_is_a_line_for_each_fifth_and_each_judged_step(tmp_path):
    _, result = trained(tmp_path, replace(QUICK, evaluate_every=8))
    lines = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert tuple(lines) == result.history
    assert [line["step"] for line in lines] == [0, 5, 8, 10, 15, 16, 20, 24, 25, 30]
    assert [line["step"] for line in lines if "dev" in line] == [0, 8, 16, 24, 30]
    for line in lines[1:]:
        assert line["loss"] > 0
        assert line["effective"] == pytest.approx(np.exp(line["entropy"]))
        assert 1 <= line["effective"] <= QUICK.candidates
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


@pytest.mark.parametrize("name", ["utility_infonce", "kl", "infonce"])
def test_every_loss_trains_with_the_same_seed_to_the_same_bits(tmp_path, name):
    how = replace(QUICK, loss=name, steps=10)
    # A dev_evaluator that likes each student better than the last keeps the last weights, good or not.
    rising = count()
    one, other = (trained(tmp_path / turn, how, dev_evaluator=lambda _: next(rising))[0] for turn in ("one", "two"))
    assert not torch.equal(weights(one), weights(student()))
    assert torch.equal(weights(one), weights(other))


def test_a_training_that_never_beats_its_base_gives_the_base_back(tmp_path):
    values = iter([0.9, 0.5, 0.9, 0.4])
    model, result = trained(tmp_path, dev_evaluator=lambda _: next(values))
    assert not result.improved
    assert (result.best_step, result.dev_after, result.steps) == (0, 0.9, 30)
    assert torch.equal(weights(model), weights(student()))


def test_patience_ends_a_training_and_the_best_is_kept(tmp_path):
    values = iter([0.1, 0.5, 0.4, 0.3, 0.9])
    _, result = trained(tmp_path, replace(QUICK, steps=100, patience=2), dev_evaluator=lambda _: next(values))
    assert (result.stopped, result.steps, result.best_step, result.dev_after) == ("patience", 30, 10, 0.5)


def test_minutes_end_a_training(tmp_path):
    _, result = trained(tmp_path, replace(QUICK, steps=100_000, minutes=0.02))
    assert result.stopped == "budget"
    assert 0 < result.steps < 100_000
    assert result.history[-1]["step"] == result.steps
    assert "dev" in result.history[-1]


def test_a_loss_that_diverges_is_said_and_not_trained_on(tmp_path):
    with pytest.raises(BadSetting, match="diverged"):
        trained(tmp_path, replace(QUICK, learning_rate=1e38, warmup=0.0))


def test_a_judge_that_returns_no_number_is_a_caller_s_bug(tmp_path):
    with pytest.raises(ValueError, match="dev_evaluator"):
        trained(tmp_path, dev_evaluator=lambda _: float("nan"))


# --- stopping and going on


def test_asked_to_stop_it_ends_after_the_step_and_can_go_on(tmp_path):
    whole, _ = trained(tmp_path / "whole")
    asked = iter([False] * 19 + [True])
    _, result = trained(tmp_path / "parts", stop=lambda: next(asked))
    assert (result.stopped, result.steps) == ("asked", 20)
    rest, end = trained(tmp_path / "parts")
    assert (end.stopped, end.steps) == ("budget", 30)
    assert torch.equal(weights(rest), weights(whole))
    steps = [line["step"] for line in end.history]
    assert steps == sorted(set(steps)) == [0, 5, 10, 15, 20, 25, 30]


def test_asked_again_after_the_end_it_returns_what_it_returned(tmp_path):
    model, result = trained(tmp_path)
    again, same = trained(tmp_path, dev_evaluator=lambda _: pytest.fail("judged again"))
    assert same == result
    assert torch.equal(weights(again), weights(model))


@pytest.mark.slow
@pytest.mark.parametrize("at", [3, 14])
def test_killed_it_goes_on_to_the_same_weights(tmp_path, at):
    whole, result = trained(tmp_path / "whole")
    program = (
        "import os, signal, sys; sys.path[:0] = sys.argv[1].split(os.pathsep)\n"
        "from pathlib import Path; import test_trainer as t\n"
        f"die = lambda said: os.kill(os.getpid(), signal.SIGKILL) if said.done == {at} else None\n"
        "t.trained(Path(sys.argv[2]), listen=die)\n"
    )
    here = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    died = subprocess.run([sys.executable, "-c", program, here, str(tmp_path / "parts")], check=False, stderr=-1)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    # A line and a checkpoint that were being written when the process died.
    with (tmp_path / "parts" / "history.jsonl").open("a") as file:
        file.write('{"step": 2')
    (tmp_path / "parts" / "checkpoint-29").mkdir()
    begun = []
    rest, end = trained(tmp_path / "parts", listen=lambda said: begun.append(said.done))
    assert begun[0] == at // 10 * 10 + 1
    assert torch.equal(weights(rest), weights(whole))
    assert [line["step"] for line in end.history] == [line["step"] for line in result.history]
    for one, other in zip(end.history, result.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert (end.best_step, end.dev_before, end.dev_after) == (result.best_step, result.dev_before, result.dev_after)


@pytest.mark.parametrize("difference", ["seed", "data", "student"])
def test_a_folder_is_for_one_training(tmp_path, difference):
    trained(tmp_path, replace(QUICK, steps=10))
    how = replace(QUICK, steps=10, seed=8 if difference == "seed" else QUICK.seed)
    examples = EXAMPLES[1:] if difference == "data" else EXAMPLES
    model = student()
    if difference == "student":
        torch.nn.init.ones_(model[0].embedding.weight)
    with pytest.raises(Conflict, match=difference):
        train(model, examples, PASSAGES, dev_evaluator, how, tmp_path)


# --- transformers


@pytest.fixture(scope="module")
def transformer_folder(tmp_path_factory):
    """Save a BERT of two narrow layers and the toy's words."""
    from sentence_transformers.sentence_transformer.modules import Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "of"]
    words += [f"{kind}{i}" for kind in ("answer", "question", "filler") for i in range(TOPICS)]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    folder = tmp_path_factory.mktemp("bert")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=32, **shape)).save_pretrained(folder)
    reader = Transformer(str(folder))
    SentenceTransformer(modules=[reader, Pooling(reader.get_embedding_dimension(), "mean")], device="cpu").save(
        str(folder / "student")
    )
    return folder / "student"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_transformer_learns_in_either_precision_and_stays_float32(tmp_path, transformer_folder, precision):
    model = SentenceTransformer(str(transformer_folder), device="cpu")
    before = [value.detach().clone() for value in model.parameters()]
    how = replace(QUICK, steps=10, learning_rate=1e-2, precision=precision, max_tokens=6)
    told = iter(range(9))
    train(model, EXAMPLES, PASSAGES, lambda _: next(told), how, tmp_path)
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert any(not torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))
    losses = [json.loads(line).get("loss") for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[1]


def test_frozen_weights_are_neither_changed_nor_kept(tmp_path, transformer_folder):
    model = SentenceTransformer(str(transformer_folder), device="cpu")
    for name, value in model.named_parameters():
        value.requires_grad = "layer.1" in name
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    told = iter(range(9))
    result = train(model, EXAMPLES, PASSAGES, lambda _: next(told), replace(QUICK, steps=10), tmp_path)
    assert result.best_step == 10
    changed = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert changed
    assert all("layer.1" in name for name in changed)
    whole = sum(value.nbytes for value in before.values())
    assert (tmp_path / "best-10.safetensors").stat().st_size < whole / 2


def test_a_student_with_nothing_to_train_is_refused(tmp_path):
    model = student().requires_grad_(False)
    with pytest.raises(BadSetting, match="frozen"):
        trained(tmp_path, model=model)


def test_prompts_are_read_as_encode_query_and_encode_document_read_them(tmp_path):
    from workbench.trainer.reading import Collator

    model = student()
    model.prompts = {"query": "question3 ", "passage": "answer4 "}
    collate = Collator(model, Batches(EXAMPLES, PASSAGES, QUICK), QUICK)
    read = collate([{"slot": slot} for slot in range(4)])
    batch = collate.batches.batch(range(4))
    for side, encode, texts in (
        ("query", model.encode_query, batch.queries),
        ("passage", model.encode_document, batch.passages),
    ):
        seen = {key: read[f"{side}_{key}"] for key in ("input_ids", "offsets")}
        vectors = model(seen)["sentence_embedding"].detach().numpy()
        np.testing.assert_allclose(vectors, encode(texts), rtol=1e-5)


# --- batches larger than memory


@pytest.fixture(scope="module")
def certain(tmp_path_factory, transformer_folder):
    """Save the same BERT without dropout."""
    folder = tmp_path_factory.mktemp("certain")
    model = SentenceTransformer(str(transformer_folder), device="cpu")
    config = model[0].auto_model.config
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    model.save(str(folder))
    return folder


def after_three(folder, base, **how):
    """Return the weights of a transformer after three steps."""
    rising = count()
    model = SentenceTransformer(str(base), device="cpu")
    how = replace(QUICK, steps=3, evaluate_every=3, learning_rate=1e-3, **how)
    result = train(model, EXAMPLES, PASSAGES, lambda _: next(rising), how, folder)
    return dict(model.named_parameters()), result


@pytest.mark.parametrize("chunk", [1, 3, 100])
@pytest.mark.parametrize("loss", ["utility_infonce", "kl"])
def test_read_in_chunks_a_batch_gives_the_same_weights(tmp_path, certain, loss, chunk):
    whole, one = after_three(tmp_path / "whole", certain, loss=loss)
    parts, other = after_three(tmp_path / "parts", certain, loss=loss, chunk=chunk)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6, msg=lambda said, name=name: f"{name}: {said}")
    assert other.history[-1]["loss"] == pytest.approx(one.history[-1]["loss"], abs=1e-5)
    untouched = dict(SentenceTransformer(str(certain), device="cpu").named_parameters())
    assert max((untouched[name] - value).abs().max() for name, value in whole.items()) > 1e-3


def test_the_second_reading_repeats_the_dropout_of_the_first(tmp_path, transformer_folder):
    # One chunk holds the whole batch, so that both ways draw the same masks, if the second reading draws none anew.
    whole, _ = after_three(tmp_path / "whole", transformer_folder)
    parts, _ = after_three(tmp_path / "parts", transformer_folder, chunk=100)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)


def test_accumulated_parts_add_up_to_the_batch_where_no_negative_comes_from_another_query(tmp_path, certain):
    whole, one = after_three(tmp_path / "whole", certain, loss="kl")
    parts, other = after_three(tmp_path / "parts", certain, loss="kl", accumulate=2)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)
    assert (other.steps, len(other.history)) == (one.steps, len(one.history))
    assert other.history[-1]["loss"] == pytest.approx(one.history[-1]["loss"], abs=1e-5)


def test_a_static_student_has_nothing_to_read_in_chunks(tmp_path):
    with pytest.raises(BadSetting, match="chunk"):
        trained(tmp_path, replace(QUICK, chunk=8))


def test_max_tokens_means_nothing_to_a_static_student(tmp_path):
    with pytest.raises(BadSetting, match="max_tokens"):
        trained(tmp_path, replace(QUICK, max_tokens=8))


def test_importing_the_trainer_loads_no_torch():
    program = "import sys, workbench.trainer, workbench.losses; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
