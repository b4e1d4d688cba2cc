"""The likelihood teacher: how much a passage raises what a causal language model gives the reference answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench import machine
from workbench.errors import BadSetting, NothingToDo
from workbench.hub import model_folder
from workbench.records import AnswerLikelihood, Failure, Group, Passage, Scored, Unit, Utility
from workbench.teachers.likelihood import checkpoint
from workbench.teachers.likelihood.pairs import Pair, TokenLimits, batches, pairs_of, windows
from workbench.teachers.likelihood.settings import LikelihoodSettings
from workbench.teachers.likelihood.tokens import PromptTokenizer
from workbench.teachers.normalisation import UNITS, best_gain
from workbench.teachers.prompts import template

if TYPE_CHECKING:
    from workbench.teachers.likelihood.causal import CausalModel

LEGACY_TITLE_JOIN = ". "
# Log-likelihoods without a passage, by the query's text and the answer.
Baselines = dict[tuple[str, str], float]


class _Checkpoint(NamedTuple):
    folder: Path
    dtype: str
    device: str


class Likelihood:
    """Scores passages by the reference answers' log-likelihood with the passage against without.

    The value is the best over a query's answers. The definition follows "Aligning Dense Retrievers with LLM Utility
    via Distillation" (arXiv 2604.22722), whose exact normalisation is not public; hence the setting.
    """

    def __init__(self, settings: LikelihoodSettings) -> None:
        self.settings = settings
        self._template = template(settings.template)
        self._name = ""
        self._checkpoint: _Checkpoint | None = None
        self._loaded: tuple[CausalModel, PromptTokenizer] | None = None

    @property
    def name(self) -> str:
        """Return the recipe: model and weights, template and reading settings, normalisation, dtype."""
        if not self._name:
            raise NothingToDo("The likelihood teacher does not know its model yet.", "Call prepare(()) first.")
        return self._name

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return UNITS[self.settings.normalisation]

    def prepare(self, collection: Iterable[Passage] = ()) -> None:
        """Find the model and fingerprint its files; it is loaded when the first pair is asked for.

        How titles are joined to texts is part of the recipe, as `collection` has it, where the template reads them as
        one; names from before there was a choice do not hold it, and mean the full stop.
        """
        settings = self.settings
        folder = model_folder(str(settings.model), checkpoint.FILES)
        device = machine.best_device() if settings.device == "auto" else settings.device
        dtype = checkpoint.dtype_of(settings.dtype, device)
        title_join = next((passage.title_join for passage in collection), LEGACY_TITLE_JOIN)
        joined = [title_join] if self._template.reads_content and title_join != LEGACY_TITLE_JOIN else []
        limits = [settings.max_tokens, settings.max_passage_tokens]
        reading = [self._template.fingerprint, settings.bos, *limits, *joined]
        prompts = sha256(json.dumps(reading).encode()).hexdigest()[:6]
        model = checkpoint.model_name(settings.model, folder)
        self._name = f"likelihood:{model}:{self._template.name}-{prompts}:{settings.normalisation}:{dtype}"
        self._checkpoint, self._loaded = _Checkpoint(folder, dtype, device), None

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield a utility per pair, longest first, or a failure with its reason; stopping between batches is safe."""
        baselines: Baselines = {}
        for window in windows(groups):
            pairs, failures = self._pairs(window)
            if failures:
                yield failures
            if pairs:
                self._add_baselines(pairs, baselines)
            for batch in batches(pairs, self.settings.token_budget):
                yield self._scored(batch, baselines)

    def _pairs(self, groups: Sequence[Group]) -> tuple[list[Pair], list[Scored]]:
        _, tokenizer = self._open()
        limits = self._limits()
        pairs: list[Pair] = []
        failures: list[Scored] = []
        for group in groups:
            of_group, failed = pairs_of(group, tokenizer, limits, self.name)
            pairs += of_group
            failures += failed
        return pairs, failures

    def _add_baselines(self, pairs: Sequence[Pair], baselines: Baselines) -> None:
        from workbench.teachers.likelihood.causal import Continuation

        model, _ = self._open()
        missing = {
            (pair.query.text, answer): Continuation(pair.prompt_without_passage, ids)
            for pair in pairs
            for answer, ids in pair.answers.items()
            if (pair.query.text, answer) not in baselines
        }
        longest_first = sorted(missing, key=lambda key: -missing[key].length)
        values = model.log_likelihoods([missing[key] for key in longest_first], self.settings.token_budget)
        baselines.update(zip(longest_first, values, strict=True))

    def _scored(self, pairs: Sequence[Pair], baselines: Baselines) -> list[Scored]:
        from workbench.teachers.likelihood.causal import Continuation

        model, _ = self._open()
        continuations = [Continuation(pair.prompt, ids) for pair in pairs for ids in pair.answers.values()]
        values = iter(model.log_likelihoods(continuations, self.settings.token_budget))
        return [
            self._utility(pair, [
                AnswerLikelihood(answer, len(ids), next(values), baselines[pair.query.text, answer])
                for answer, ids in pair.answers.items()
            ])
            for pair in pairs
        ]  # fmt: skip

    def _utility(self, pair: Pair, answers: Sequence[AnswerLikelihood]) -> Scored:
        query_id, passage_id = pair.query.query_id, pair.passage.passage_id
        if not all(isfinite(answer.with_passage) and isfinite(answer.without_passage) for answer in answers):
            return Failure(query_id, passage_id, self.name, "the model gave an answer no finite likelihood")
        value = best_gain(answers, self.settings.normalisation)
        return Utility(query_id, passage_id, self.name, value, tuple(answers), pair.truncated)

    def _limits(self) -> TokenLimits:
        model, _ = self._open()
        limits = [limit for limit in (model.limit, self.settings.max_tokens) if limit is not None]
        if not limits:
            raise BadSetting("The model's configuration has no limit on its tokens.", "Set max_tokens.")
        return TokenLimits(min(limits), self.settings.max_passage_tokens)

    def _open(self) -> tuple[CausalModel, PromptTokenizer]:
        if self._checkpoint is None:
            raise NothingToDo("The likelihood teacher does not know its model yet.", "Call prepare(()) first.")
        if self._loaded is None:
            from workbench.teachers.likelihood.causal import CausalModel

            model = CausalModel(*self._checkpoint)
            self._loaded = model, PromptTokenizer(model.tokenizer, self._template, self.settings.bos)
        return self._loaded
