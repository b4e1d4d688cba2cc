"""The settings of a training that have usual values: its length, its temperatures, its passages, its memory."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.students.methods import METHODS
from workbench.trainer import TrainSettings
from workbench.trainer.settings import PRECISIONS
from workbench.ui.shell import components


def length(begin: TrainSettings, suffix: str, like: str) -> dict[str, Any]:
    """Ask how long the training may take.

    `suffix` tells the fields of a preset from those of another, `like` those that begin as another training was.
    """
    first, second, third, _ = _four("length")
    return {
        "steps": first.number_input(
            "Steps", 1, 100_000, begin.steps, key=f"steps{suffix}", help="At most; it ends earlier without gain."
        ),
        "minutes": second.number_input(
            "Minutes", 0.1, 600.0, begin.minutes, 1.0, key=f"minutes{suffix}", format="%g", placeholder="no limit",
            help="Ends earlier after so long.",
        ),
        "seed": third.number_input("Seed", 0, 999_999, begin.seed, key=f"seed{like}", help="Same seed, same student."),
    }  # fmt: skip


def loss_sum(begin: str, like: str) -> str:
    """Ask for a sum of losses, to begin with `begin`; "" if there is none."""
    text = st.text_input(
        "A sum of losses, in place of the one above", begin, key=f"loss-sum{like}",
        placeholder="utility_infonce + 0.2*infonce(alpha=0.6)",
        help="Names of losses, each with a weight or with options in brackets where you like.",
    )  # fmt: skip
    return text.strip()


def learning(method: str, begin: TrainSettings, suffix: str, like: str) -> dict[str, Any]:
    """Ask for temperatures, learning rate and batch size, and for a rank where the method has one."""
    first, second, third, fourth = _four("learning")
    settings: dict[str, Any] = {
        "teacher_temperature": first.number_input(
            "Teacher temperature", 0.01, 20.0, begin.teacher_temperature, 0.1, key=f"teacher-temperature{like}",
            placeholder="from the spread",
            help="Divides utilities. Low: only the best passage counts; high: all nearly alike.",
        ),
        "student_temperature": second.number_input(
            "Student temperature", 0.001, 1.0, begin.student_temperature, 0.01, format="%.3f",
            key=f"student-temperature{like}", help="Divides cosines.",
        ),
        "learning_rate": third.number_input(
            "Learning rate", 1e-7, 1.0, begin.learning_rate, key=f"learning-rate{like}", format="%g",
            placeholder="by method",
            help="Unless given, 0.002 for a static student and 0.00006 for a transformer; some methods have their own.",
        ),
        "batch_size": fourth.number_input(
            "Queries a step", 1, 1_024, begin.batch_size, key=f"batch-size{suffix}", placeholder="by student",
            help="Unless given, 32, or 64 for a transformer on a CPU.",
        ),
    }  # fmt: skip
    if (default := METHODS[method].rank) is not None:
        settings["rank"] = first.number_input(
            "Rank", 1, 4_096, begin.rank, key=f"rank{like}", placeholder=f"{default}",
            help="The rank of the change to the weights or vectors: a low one learns less and costs less.",
        )  # fmt: skip
    return settings


def passages(begin: TrainSettings, suffix: str, like: str) -> dict[str, Any]:
    """Ask which queries come together, and which passages each is trained on."""
    first, second, third, fourth = _four("passages")
    settings: dict[str, Any] = {
        "candidates": first.number_input(
            "Candidates a query", 2, 100, begin.candidates, key=f"candidates{suffix}", placeholder="by student",
            help="Scored passages, at most; unless given, 16, or 2 for a transformer on a CPU.",
        ),
        "negatives": second.number_input(
            "Negatives a query", 0, 100, begin.negatives, key=f"negatives{suffix}", placeholder="by student",
            help="Other passages a query is trained on, random or hard ones; unless given, 4, or 0 for a transformer "
            "on a CPU.",
        ),
        "refresh": third.number_input(
            "Steps between minings", 0, 100_000, begin.refresh, key=f"refresh{like}",
            help="Steps after which hard negatives, the highest-ranked passages that are not relevant, are mined "
            "anew; 0: negatives are random.",
        ),
        "hard": fourth.number_input(
            "Hard negatives", 1, 1_000, begin.hard, key=f"hard{like}",
            disabled=not st.session_state.get(f"refresh{like}", begin.refresh),
            help="Negatives are drawn from so many of a query's nearest passages, where they are mined.",
        ),
    }  # fmt: skip
    settings["topics"] = first.number_input(
        "Topics a step", 0, 1_000, begin.topics, key=f"topics{like}", placeholder="by student",
        help="Topics that the queries of a step come from, so that they share passages; 0: all. Unless given, 0, or 2 "
        "for a transformer on a CPU.",
    )  # fmt: skip
    settings["curriculum"] = second.number_input(
        "Curriculum", 0.0, 1.0, begin.curriculum, 0.1, key=f"curriculum{like}", format="%g",
        help="Share of the steps that begins with the queries the teacher is surest of; 0: all from the start.",
    )  # fmt: skip
    return settings


def layers(begin: TrainSettings, suffix: str, like: str) -> dict[str, Any]:
    """Ask what a transformer trains of itself, how exactly it calculates, and how it reads what memory cannot hold."""
    first, second, third, fourth = _four("layers")
    return {
        "precision": first.selectbox(
            "Precision", PRECISIONS, PRECISIONS.index(begin.precision), key=f"precision{suffix}",
            help="What a transformer calculates in: `auto` is the faster one, by a measurement on this machine.",
        ),
        "max_tokens": second.number_input(
            "Tokens a text", 1, 100_000, begin.max_tokens, key=f"max-tokens{like}", placeholder="99 % whole",
            help="Where a transformer truncates texts in training; unless given, as long as 99 % of the passages are.",
        ),
        "frozen_layers": third.number_input(
            "Frozen layers", 0, 100, begin.frozen_layers, key=f"frozen-layers{like}",
            help="Lower layers of a transformer that are not trained, with the embeddings; 0: all are trained.",
        ),
        "dropout": fourth.number_input(
            "Dropout", 0.0, 0.9, begin.dropout, 0.1, key=f"dropout{like}", format="%g", placeholder="the base's own",
            help="For transformers: the share of activations that training leaves out. Any is slow on a CPU.",
        ),
        "accumulate": first.number_input(
            "Parts of a batch", 1, 64, begin.accumulate, key=f"accumulate{like}",
            help="Splits a batch larger than memory; each part sees its own negatives only.",
        ),
        "chunk": second.number_input(
            "Texts encoded at once", 1, 10_000, begin.chunk, key=f"chunk{like}", placeholder="what fits",
            help="For transformers: unless given, as many as are fast and fit into memory; the gradients are the same.",
        ),
        "deterministic": third.checkbox(
            "Same seed, same bytes", begin.deterministic, key=f"deterministic{like}",
            help="`--deterministic`: trains on one thread, so that the same settings and seed give the same weights.",
        ),
    }  # fmt: skip


def _four(name: str) -> list[Any]:
    return components.columns(f"four-{name}", [1, 1, 1, 1])
