"""The likelihood teacher: how much a passage raises what a causal language model gives the reference answer."""

from __future__ import annotations

import json
from collections import defaultdict
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
from workbench.teachers.likelihood.pairs import Pair, TokenLimits, pairs_of, windows
from workbench.teachers.likelihood.reading import WordedPair, likelihoods
from workbench.teachers.likelihood.settings import LikelihoodSettings
from workbench.teachers.likelihood.tokens import PromptTokenizer
from workbench.teachers.normalisation import UNITS, best_gain
from workbench.teachers.prompts import TEMPLATES, Target, templates

if TYPE_CHECKING:
    from workbench.teachers.likelihood.causal import CausalModel

LEGACY_TITLE_JOIN = ". "


class _Checkpoint(NamedTuple):
    folder: Path
    dtype: str
    device: str


class Likelihood:
    """Scores passages by the reference answers' log-likelihood with the passage against without.

    The value is the best over a query's answers. The definition follows "Aligning Dense Retrievers with LLM Utility
    via Distillation" (arXiv 2604.22722), whose exact normalisation is not public; hence the setting.

    With several templates an answer's log-likelihood is the mean over them, so that no single wording decides.
    """

    kind = "likelihood"
    scored: Target = "answer"

    def __init__(self, settings: LikelihoodSettings) -> None:
        self.settings = settings
        self._templates = templates(settings.template)
        if unfit := [one.name for one in self._templates if one.scored != self.scored]:
            fit = ", ".join(name for name, one in TEMPLATES.items() if one.scored == self.scored)
            reason = f"Template {unfit[0]} scores no {self.scored}, which the {self.kind} teacher asks for."
            raise BadSetting(reason, f"Templates that do: {fit}.")
        self._name = self.remark = ""
        self._checkpoint: _Checkpoint | None = None
        self._loaded: tuple[CausalModel, list[PromptTokenizer]] | None = None

    @property
    def name(self) -> str:
        """Return the recipe: model and weights, template and reading settings, normalisation, dtype."""
        if not self._name:
            raise NothingToDo("The teacher does not know its model yet.", "Call prepare(()) first.")
        return self._name

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return UNITS[self.settings.normalisation]

    def prepare(self, collection: Iterable[Passage] = ()) -> None:
        """Find the model and fingerprint its files; it is loaded when the first pair is asked for.

        Where bfloat16 would be quick and `dtype` is "auto", it is loaded now, to compare both; `remark` says how far
        they are apart.

        How titles are joined to texts is part of the recipe, as `collection` has it, where the template reads them as
        one; names from before there was a choice do not hold it, and mean the full stop.
        """
        settings = self.settings
        folder = model_folder(str(settings.model), checkpoint.FILES)
        device = machine.best_device() if settings.device == "auto" else settings.device
        dtype = checkpoint.dtype_of(settings.dtype, device)
        self._loaded, self.remark = None, ""
        if settings.dtype == "auto" and dtype == "bfloat16":
            dtype = self._compare_precisions(folder, device)
        title_join = next((passage.title_join for passage in collection), LEGACY_TITLE_JOIN)
        reads_content = any(one.reads_content for one in self._templates)
        joined = [title_join] if reads_content and title_join != LEGACY_TITLE_JOIN else []
        limits = [settings.max_tokens, settings.max_passage_tokens]
        reading = [*(one.fingerprint for one in self._templates), settings.bos, *limits, *joined]
        prompts = sha256(json.dumps(reading).encode()).hexdigest()[:6]
        model = checkpoint.model_name(settings.model, folder)
        wording = "+".join(one.name for one in self._templates)
        self._name = f"{self.kind}:{model}:{wording}-{prompts}:{settings.normalisation}:{dtype}"
        self._checkpoint = _Checkpoint(folder, dtype, device)

    def _compare_precisions(self, folder: Path, device: str) -> str:
        from workbench.teachers.likelihood.precision import choose

        precision, model = choose(folder, device)
        self._loaded, self.remark = (model, self._tokenizers(model)), precision.in_words
        return precision.dtype

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield a utility per pair, or a failure with its reason; stopping between batches is safe.

        What prompts of many groups begin with alike is read once: with a template that has the passage first, each
        passage is, for all queries handed over that have it as a candidate.
        """
        model, _ = self._open()
        for window in windows(groups):
            pairs, failures = self._pairs(window)
            if failures:
                yield failures
            if pairs:
                for batch in likelihoods(model, pairs, self.settings.token_budget):
                    yield [self._utility(pair, answers) for pair, answers in batch]

    def _pairs(self, groups: Sequence[Group]) -> tuple[list[WordedPair], list[Scored]]:
        """Return the pairs in the words of every template; one that a single template leaves no room for has failed."""
        _, tokenizers = self._open()
        limits = self._limits()
        pairs: list[WordedPair] = []
        failures: dict[tuple[str, str], Scored] = {}
        for group in groups:
            worded: dict[str, list[Pair]] = defaultdict(list)
            for tokenizer in tokenizers:
                of_group, failed = pairs_of(group, tokenizer, limits, self.name)
                failures |= {(failure.query_id, failure.passage_id): failure for failure in failed}
                for pair in of_group:
                    worded[pair.passage.passage_id].append(pair)
            for wordings in worded.values():
                answers = [answer for answer in wordings[0].answers if all(answer in pair.answers for pair in wordings)]
                if len(wordings) == len(tokenizers) and answers:
                    pairs.append(WordedPair(tuple(wordings), tuple(answers)))
        return pairs, list(failures.values())

    def _utility(self, pair: WordedPair, answers: tuple[AnswerLikelihood, ...]) -> Scored:
        wording = pair.wordings[0]
        query_id, passage_id = wording.query.query_id, wording.passage.passage_id
        if not all(isfinite(answer.with_passage) and isfinite(answer.without_passage) for answer in answers):
            return Failure(query_id, passage_id, self.name, "the model gave an answer no finite likelihood")
        value = best_gain(answers, self.settings.normalisation)
        truncated = max(wording.truncated for wording in pair.wordings)
        return Utility(query_id, passage_id, self.name, value, answers, truncated)

    def _limits(self) -> TokenLimits:
        model, _ = self._open()
        limits = [limit for limit in (model.limit, self.settings.max_tokens) if limit is not None]
        if not limits:
            raise BadSetting("The model's configuration has no limit on its tokens.", "Set max_tokens.")
        return TokenLimits(min(limits), self.settings.max_passage_tokens)

    def _open(self) -> tuple[CausalModel, list[PromptTokenizer]]:
        if self._checkpoint is None:
            raise NothingToDo("The teacher does not know its model yet.", "Call prepare(()) first.")
        if self._loaded is None:
            from workbench.teachers.likelihood.causal import CausalModel

            model = CausalModel(*self._checkpoint)
            self._loaded = model, self._tokenizers(model)
        return self._loaded

    def _tokenizers(self, model: CausalModel) -> list[PromptTokenizer]:
        return [PromptTokenizer(model.tokenizer, one, self.settings.bos) for one in self._templates]


class QueryLikelihood(Likelihood):
    """Scores passages by the query's own log-likelihood with the passage against without; no answer is needed.

    "Improving Passage Retrieval with Zero-Shot Question Generation" (UPR, arXiv 2204.07496) ranks by the mean
    log-likelihood of the query's tokens after the passage and an instruction to ask. What the query has without a
    passage is subtracted: the same for all passages of a query, so that UPR's ranking stays, and above 0 a passage
    makes the query likelier. UPR's own value is `with_passage / tokens` of a utility's one entry in `answers`.
    """

    kind = "query_likelihood"
    scored: Target = "query"
