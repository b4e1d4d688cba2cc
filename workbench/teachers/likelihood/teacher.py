"""The likelihood teacher: how much a passage raises what a causal language model gives the reference answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from workbench import machine
from workbench.errors import BadSetting, NothingToDo
from workbench.hub import model_folder
from workbench.records import AnswerLikelihood, Failure, Group, Passage, Query, Scored, Unit, Utility
from workbench.teachers.likelihood import checkpoint
from workbench.teachers.likelihood.tokens import Encoding, Ids, cut
from workbench.teachers.prompts import Template, template

if TYPE_CHECKING:
    from workbench.teachers.likelihood.causal import Causal

# Tokenised and sorted by length together: enough for even batches, few enough to hold in memory and to start soon.
PAIRS_AT_ONCE = 4096


@dataclass(frozen=True)
class LikelihoodSettings:
    """`model` is a folder or a hub's name; `template` a name in TEMPLATES or a file.

    `normalisation` "mean" gives nats per answer token (log-perplexity reduction), "sum" nats per answer. `bos` None
    does what the tokenizer does. Token limits are the model's own where None; `token_budget` counts padded tokens of
    a batch and changes no value beyond rounding.
    """

    model: str | Path
    template: str | Path | Template = "plain"
    normalisation: Literal["mean", "sum"] = "mean"
    dtype: str = "auto"
    device: str = "auto"
    bos: bool | None = None
    max_tokens: int | None = None
    max_passage_tokens: int | None = None
    token_budget: int = 8192

    def __post_init__(self) -> None:
        if self.normalisation not in ("mean", "sum"):
            raise BadSetting(f"normalisation is {self.normalisation!r}.", "It is 'mean' or 'sum'.")
        if self.dtype not in ("auto", *checkpoint.DTYPES):
            raise BadSetting(f"dtype is {self.dtype!r}.", f"It is 'auto' or one of {', '.join(checkpoint.DTYPES)}.")
        if self.bos not in (None, True, False):
            raise BadSetting(f"bos is {self.bos!r}.", "It is true, false or left out.")
        for name in ("max_tokens", "max_passage_tokens", "token_budget"):
            value = getattr(self, name)
            if not ((isinstance(value, int) and value > 0) or (value is None and name != "token_budget")):
                raise BadSetting(f"{name} is {value!r}.", "It is a whole number above 0.")


class _Pair(NamedTuple):
    query: Query
    passage: Passage
    prompt: Ids
    bare: Ids  # the prompt without the passage
    answers: dict[str, Ids]
    truncated: int

    @property
    def length(self) -> int:
        return len(self.prompt) + max(map(len, self.answers.values()))


class Likelihood:
    """Scores passages by the reference answers' log-likelihood with the passage against without.

    The value is the best over a query's answers. The definition follows "Aligning Dense Retrievers with LLM Utility
    via Distillation" (arXiv 2604.22722), whose exact normalisation is not public; hence the setting.
    """

    def __init__(self, settings: LikelihoodSettings) -> None:
        self.settings = settings
        self._template = template(settings.template)
        self._name = ""
        self._where: tuple[Path, str, str] | None = None
        self._opened: tuple[Causal, Encoding] | None = None

    @property
    def name(self) -> str:
        """Return the recipe: model and weights, template and reading settings, normalisation, dtype."""
        if not self._name:
            raise NothingToDo("The likelihood teacher does not know its model yet.", "Call prepare(()) first.")
        return self._name

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return "nats per token" if self.settings.normalisation == "mean" else "nats"

    def prepare(self, collection: Iterable[Passage] = ()) -> None:
        """Find the model and fingerprint its files; it is loaded when the first pair is asked for."""
        chosen = self.settings
        folder = model_folder(str(chosen.model), checkpoint.FILES)
        device = machine.best_device() if chosen.device == "auto" else chosen.device
        dtype = checkpoint.dtype_of(chosen.dtype, device)
        reading = [self._template.fingerprint, chosen.bos, chosen.max_tokens, chosen.max_passage_tokens]
        read = sha256(json.dumps(reading).encode()).hexdigest()[:6]
        is_folder = Path(chosen.model).expanduser().is_dir()
        called = folder.resolve().name if is_folder else str(chosen.model)
        model = "-".join(called.replace(":", "-").split()) + f"-{checkpoint.fingerprint(folder)[:6]}"
        self._name = f"likelihood:{model}:{self._template.name}-{read}:{chosen.normalisation}:{dtype}"
        self._where, self._opened = (folder, dtype, device), None

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield a utility per pair, longest first, or a failure with its reason; stopping between batches is safe."""
        baselines: dict[tuple[str, str], float] = {}
        for some in _windows(groups):
            pairs, failed = self._drafted(some)
            if failed:
                yield failed
            if pairs:
                self._add_baselines(pairs, baselines)
            for batch in _batches(pairs, self.settings.token_budget):
                yield self._scored(batch, baselines)

    def _drafted(self, groups: Sequence[Group]) -> tuple[list[_Pair], list[Scored]]:
        found: list[_Pair | Failure] = []
        for group in groups:
            answers: dict[str, Ids] = {}
            reason = "the query has no reference answer"
            if any(answer.strip() for answer in group.query.answers):
                answers = self._answers(group.query)
                reason = "the model's tokenizer leaves nothing of any reference answer"
            if answers:
                found += self._prompted(group, answers)
            else:
                query_id = group.query.query_id
                found += [Failure(query_id, passage.passage_id, self.name, reason) for passage in group.passages]
        pairs = [one for one in found if isinstance(one, _Pair)]
        return pairs, [one for one in found if isinstance(one, Failure)]

    def _prompted(self, group: Group, answers: dict[str, Ids]) -> Iterator[_Pair | Failure]:
        _, encoding = self._open()
        limit = self._limit()
        room = limit - max(map(len, answers.values()))
        bare, *drafts = encoding.prompts([(group.query, passage) for passage in (None, *group.passages)])
        for passage, draft in zip(group.passages, drafts, strict=True):
            fitted = cut(draft, room, self.settings.max_passage_tokens)
            if fitted is None or len(bare.ids) > room:
                reason = f"query and answer leave no room for the passage within {limit} tokens"
                yield Failure(group.query.query_id, passage.passage_id, self.name, reason)
            else:
                yield _Pair(group.query, passage, fitted[0], bare.ids, answers, fitted[1])

    def _answers(self, query: Query) -> dict[str, Ids]:
        _, encoding = self._open()
        found = {answer: encoding.answer(answer) for answer in query.answers}
        return {answer: ids for answer, ids in found.items() if ids is not None}

    def _add_baselines(self, pairs: Sequence[_Pair], baselines: dict[tuple[str, str], float]) -> None:
        from workbench.teachers.likelihood.causal import Continuation

        causal, _ = self._open()
        asked = {
            (pair.query.text, answer): Continuation(pair.bare, ids)
            for pair in pairs
            for answer, ids in pair.answers.items()
            if (pair.query.text, answer) not in baselines
        }
        ordered = sorted(asked, key=lambda key: -asked[key].length)
        values = causal.log_likelihoods([asked[key] for key in ordered], self.settings.token_budget)
        baselines.update(zip(ordered, values, strict=True))

    def _scored(self, pairs: Sequence[_Pair], baselines: dict[tuple[str, str], float]) -> list[Scored]:
        from workbench.teachers.likelihood.causal import Continuation

        causal, _ = self._open()
        asked = [Continuation(pair.prompt, ids) for pair in pairs for ids in pair.answers.values()]
        values = iter(causal.log_likelihoods(asked, self.settings.token_budget))
        return [
            self._judged(pair, [
                AnswerLikelihood(answer, len(ids), next(values), baselines[pair.query.text, answer])
                for answer, ids in pair.answers.items()
            ])
            for pair in pairs
        ]  # fmt: skip

    def _judged(self, pair: _Pair, answers: Sequence[AnswerLikelihood]) -> Scored:
        query_id, passage_id = pair.query.query_id, pair.passage.passage_id
        if not all(isfinite(one.with_passage) and isfinite(one.without_passage) for one in answers):
            return Failure(query_id, passage_id, self.name, "the model gave an answer no finite likelihood")
        if self.settings.normalisation == "mean":
            value = max(one.log_perplexity_reduction for one in answers)
        else:
            value = max(one.log_likelihood_gain for one in answers)
        return Utility(query_id, passage_id, self.name, value, tuple(answers), pair.truncated)

    def _limit(self) -> int:
        causal, _ = self._open()
        own, asked = causal.limit, self.settings.max_tokens
        if own is None and asked is None:
            raise BadSetting("The model does not say how many tokens it can read.", "Set max_tokens.")
        return min(limit for limit in (own, asked) if limit is not None)

    def _open(self) -> tuple[Causal, Encoding]:
        if self._where is None:
            raise NothingToDo("The likelihood teacher does not know its model yet.", "Call prepare(()) first.")
        if self._opened is None:
            from workbench.teachers.likelihood.causal import Causal

            folder, dtype, device = self._where
            causal = Causal(folder, dtype, device)
            self._opened = causal, Encoding(causal.tokenizer, self._template, self.settings.bos)
        return self._opened


def _windows(groups: Sequence[Group]) -> Iterator[list[Group]]:
    window: list[Group] = []
    pairs = 0
    for group in groups:
        window.append(group)
        pairs += len(group.passages)
        if pairs >= PAIRS_AT_ONCE:
            yield window
            window, pairs = [], 0
    if window:
        yield window


def _batches(pairs: Sequence[_Pair], token_budget: int) -> Iterator[list[_Pair]]:
    """Yield pairs of like length together, the longest first: what does not fit shows at once."""
    batch: list[_Pair] = []
    rows = width = 0
    for pair in sorted(pairs, key=lambda pair: -pair.length):
        rows += len(pair.answers)
        if batch and rows * width > token_budget:
            yield batch
            batch, rows = [], len(pair.answers)
        width = width if batch else pair.length
        batch.append(pair)
    if batch:
        yield batch
