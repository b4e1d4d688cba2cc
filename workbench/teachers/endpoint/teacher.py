"""The endpoint teacher: the likelihood teacher's utilities, from a model that a server runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from math import isfinite
from typing import Any

from workbench.errors import BadSetting, NothingToDo
from workbench.hub import ModelFiles, model_folder
from workbench.records import AnswerLikelihood, Failure, Group, Passage, Scored, Unit, Utility
from workbench.teachers.endpoint.background import Background
from workbench.teachers.endpoint.budget import Budget, Usage
from workbench.teachers.endpoint.probe import ServerFacts, probe
from workbench.teachers.endpoint.protocols import PROTOCOLS, Continuations, call_of, token_log_probabilities
from workbench.teachers.endpoint.settings import EndpointSettings
from workbench.teachers.endpoint.transport import RequestFailed, Transport
from workbench.teachers.likelihood.checkpoint import model_name
from workbench.teachers.likelihood.pairs import Pair, TokenLimits, pairs_of
from workbench.teachers.likelihood.tokens import Ids, PromptTokenizer, start_ids
from workbench.teachers.normalisation import UNITS, best_gain
from workbench.teachers.prompts import TEMPLATES, template

TOKENIZER = ModelFiles(
    lambda folder: (folder / "tokenizer.json").is_file(),
    needs="tokenizer.json",
    hint="Set tokenizer to the hub name or folder that the server loads the model from.",
    fetched=("config.json", "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt"),
)
LONGEST_SANE = 1e9  # a tokenizer without a limit of its own reports 1e30
Baselines = dict[tuple[str, tuple[str, ...]], "asyncio.Task[list[float]]"]


class Endpoint:
    """Scores passages as the likelihood teacher does, with a model behind vLLM, SGLang or a server of their protocols.

    The definition is that of "Aligning Dense Retrievers with LLM Utility via Distillation" (arXiv 2604.22722). Prompts
    are tokenised here and sent as token ids, so that prompt and answer meet where they do locally. A first request
    checks that the server's log-probabilities mean something.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        self.settings = settings
        self.budget = Budget(settings)
        self._template = template(settings.template)
        if self._template.scored != "answer":
            fit = ", ".join(name for name, one in TEMPLATES.items() if one.scored == "answer")
            raise BadSetting(f"Template {self._template.name} scores no answer.", f"Templates that do: {fit}.")
        self._name = ""
        self._tokenizer: Any = None
        self._limits: TokenLimits | None = None

    @property
    def name(self) -> str:
        """Return the recipe: model, tokenizer, template and reading settings, normalisation, protocol."""
        if not self._name:
            raise NothingToDo("The endpoint teacher does not know its tokenizer yet.", "Call prepare(()) first.")
        return self._name

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return UNITS[self.settings.normalisation]

    def prepare(self, collection: Iterable[Passage] = ()) -> None:
        """Load the tokenizer; the server is asked when the first pair is."""
        from transformers import AutoTokenizer

        settings = self.settings
        folder = model_folder(str(settings.tokenizer or settings.model), TOKENIZER)
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        title_join = next((passage.title_join for passage in collection), " ")
        reading = [
            self._template.fingerprint, settings.bos, settings.max_tokens, settings.max_passage_tokens,
            model_name(folder, folder), title_join if self._template.reads_content else "",
        ]  # fmt: skip
        prompts = sha256(json.dumps(reading).encode()).hexdigest()[:6]
        model = "-".join(settings.model.replace(":", "-").split())
        self._name = f"endpoint:{model}:{self._template.name}-{prompts}:{settings.normalisation}:{settings.protocol}"
        self._limits = None

    @property
    def spent(self) -> Usage:
        """Return what was asked for so far, the first requests that check the server included."""
        return self.budget.spent

    def estimate(self, groups: Sequence[Group]) -> Usage:
        """Return what scoring these pairs takes if no request is sent twice; nothing is sent for it."""
        tokenizer, limits = self._prompts(), self._token_limits(None)
        usage, asked = Usage(prices=self.spent.prices), set[tuple[str, tuple[str, ...]]]()
        for group in groups:
            for pair in pairs_of(group, tokenizer, limits, self.name)[0]:
                usage = usage.plus(call_of(self.settings, continuations(pair, pair.prompt)).most)
                if (key := _key(pair)) not in asked:
                    asked.add(key)
                    usage = usage.plus(call_of(self.settings, continuations(pair, pair.prompt_without_passage)).most)
        return usage

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield a utility per pair as its answer comes, or a failure with its reason."""
        if not groups:
            return
        if self._limits is None:
            self._limits = self._token_limits(self._probed())
        baselines: Baselines = {}

        async def ask(transport: Transport, pair: Pair) -> Scored:
            return await self._scored(transport, pair, baselines)

        failures: list[Scored] = []
        pairs = self._pairs(groups, self._limits, failures)
        background = Background(lambda: Transport(self.settings, self.budget), ask, self.settings.concurrency)
        yield from background.results(pairs)
        if failures:
            yield failures

    def _pairs(self, groups: Sequence[Group], limits: TokenLimits, failures: list[Scored]) -> Iterator[Pair]:
        """Yield the pairs that can be asked, and append the others to `failures`."""
        tokenizer = self._prompts()
        for group in groups:
            pairs, failed = pairs_of(group, tokenizer, limits, self.name)
            failures += failed
            yield from pairs

    async def _scored(self, transport: Transport, pair: Pair, baselines: Baselines) -> Scored:

        query_id, passage_id = pair.query.query_id, pair.passage.passage_id
        key = _key(pair)
        if key not in baselines:
            asking = self._log_likelihoods(transport, continuations(pair, pair.prompt_without_passage))
            baselines[key] = asyncio.create_task(asking)
            # If nobody waits for it any more, as everything was stopped, its error is no news.
            baselines[key].add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            without = await asyncio.shield(baselines[key])
        except RequestFailed as error:
            return Failure(query_id, passage_id, self.name, f"the answer without a passage was not scored: {error}")
        try:
            behind = await self._log_likelihoods(transport, continuations(pair, pair.prompt))
        except RequestFailed as error:
            return Failure(query_id, passage_id, self.name, str(error))
        answers = tuple(
            AnswerLikelihood(answer, len(ids), *values)
            for (answer, ids), values in zip(pair.answers.items(), zip(behind, without, strict=True), strict=True)
        )
        if not all(isfinite(value) for value in (*behind, *without)):
            return Failure(query_id, passage_id, self.name, "the model gave an answer no finite likelihood")
        return Utility(
            query_id, passage_id, self.name, best_gain(answers, self.settings.normalisation), answers, pair.truncated
        )

    async def _log_likelihoods(self, transport: Transport, asked: Continuations) -> list[float]:

        read = partial(token_log_probabilities, self.settings, asked)
        rows = await transport.answer(call_of(self.settings, asked), read)
        return [sum(row) for row in rows]

    def _probed(self) -> int | None:
        """Return the server's limit on tokens, None if it names none; raises ServerUnavailable if it will not do."""
        start = start_ids(self._tokenizer, self.settings.bos)

        async def ask(transport: Transport, tokenizer: Any) -> ServerFacts:
            return await probe(transport, self.settings, tokenizer, start)

        background = Background(lambda: Transport(self.settings, self.budget), ask, 1)
        (facts,) = (facts for batch in background.results([self._tokenizer]) for facts in batch)
        return facts.max_model_tokens

    def _prompts(self) -> PromptTokenizer:
        if self._tokenizer is None:
            raise NothingToDo("The endpoint teacher does not know its tokenizer yet.", "Call prepare(()) first.")
        return PromptTokenizer(self._tokenizer, self._template, self.settings.bos)

    def _token_limits(self, of_server: int | None) -> TokenLimits:
        """Return the limits of server, tokenizer and settings; a server that has to write a token needs room for it."""
        written = PROTOCOLS[self.settings.protocol].written
        of_tokenizer = self._tokenizer.model_max_length
        limits = [
            of_server - written if of_server else None,
            self.settings.max_tokens,
            int(of_tokenizer) - written if not of_server and 0 < of_tokenizer < LONGEST_SANE else None,
        ]
        known = [limit for limit in limits if limit is not None]
        if not known:
            raise BadSetting("Neither server nor tokenizer says how many tokens the model reads.", "Set max_tokens.")
        return TokenLimits(min(known), self.settings.max_passage_tokens)


def continuations(pair: Pair, prompt: Ids) -> Continuations:
    """Return a pair's answers behind its prompt, or behind the one without a passage."""
    return Continuations(prompt, tuple(pair.answers.values()))


def _key(pair: Pair) -> tuple[str, tuple[str, ...]]:
    return pair.query.text, tuple(pair.answers)
