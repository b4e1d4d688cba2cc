"""The loop: sentence-transformers' trainer, with our batches, objective, checkpoints and callback."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from sentence_transformers.sentence_transformer.training_args import SentenceTransformerTrainingArguments
from torch.utils.data import SequentialSampler
from transformers.trainer_callback import PrinterCallback

from workbench import memory
from workbench.errors import BadSetting
from workbench.students.methods.frozen import FrozenLayers
from workbench.trainer import attention, distributed
from workbench.trainer.batches.collator import Collator, is_routed
from workbench.trainer.callback import TrainingCallback, TrainingRun
from workbench.trainer.checkpoints import WEIGHTS, CheckpointFolder, TrainingState, load_weights, save_weights
from workbench.trainer.objective import Objective
from workbench.trainer.reading import set_dropout
from workbench.trainer.settings import Trained

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentence_transformers import SentenceTransformer


def train_in_folder(run: TrainingRun, path: Path, data: str) -> Trained:
    """Train in a folder, from its last checkpoint if there is one; `data` is the fingerprint of the examples."""
    frozen = FrozenLayers(run.model, run.settings.frozen_layers) if run.settings.frozen_layers else None
    if not any(value.requires_grad for value in run.model.parameters()):
        raise BadSetting(
            "Nothing in this student can be trained: all its weights are frozen.", "Choose another method."
        )
    arguments = _arguments(run, path)  # with them accelerate begins, where there are several processes
    recipe = asdict(run.settings) | {"data": data, "weights": fingerprint(run.model)}
    folder, trained = distributed.broadcast(lambda: _open(path, recipe))
    if trained:
        load_weights(run.model, folder.best_weights(trained.best_step))
        return trained
    checkpoint, state = distributed.broadcast(folder.checkpoint) or (None, TrainingState())
    distributed.broadcast(lambda: folder.rewind(state.step if checkpoint else -1))
    set_dropout(run.model, run.settings.dropout)
    attention.use_for_training(run.model)
    objective = Objective(run.model, run.settings)
    callback = TrainingCallback(run, folder, objective, state)
    if checkpoint is None:
        callback.evaluate_base()
    if run.settings.refresh and not callback.stopped:
        callback.load_negatives()
    if not callback.stopped:
        trainer = _Trainer(
            model=run.model,
            args=arguments,
            # One row for each query of each step: the texts are drawn when their step comes.
            train_dataset=Dataset.from_dict({"slot": range(run.settings.steps * run.settings.batch_size)}),
            loss=objective,
            data_collator=Collator(run.model, run.batches, run.anchor),
            callbacks=[callback],
        )
        trainer.frozen = frozen
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return callback.end()


def _open(path: Path, recipe: dict[str, Any]) -> tuple[CheckpointFolder, Trained | None]:
    """Return the folder of a training, and the outcome if that has ended."""
    folder = CheckpointFolder(path, recipe)
    return folder, folder.trained()


def fingerprint(model: SentenceTransformer) -> str:
    """Return a digest of a student's weights, and of the vectors that stand in for an encoder."""
    digest = blake2b(digest_size=8)
    for name, value in chain(model.named_parameters(), model.named_buffers()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


class _Trainer(SentenceTransformerTrainer):
    """sentence-transformers' trainer, saving only what changes, without a model card, as it does not know the teacher.

    Of several processes each has the gradients of its parts of the batch; their mean is that of the whole. torch's
    wrapper does not do it for us: it counts on one call of the model a step, and a student is called once a side.
    """

    frozen: FrozenLayers | None = None

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add none: it would describe our rows of slots."""

    def create_accelerator_and_postprocess(self) -> None:
        """Leave the model unwrapped, which accelerate does for one that is not trained."""
        super().create_accelerator_and_postprocess()
        self.accelerator.prepare_model = partial(self.accelerator.prepare_model, evaluation_mode=True)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Read a part of the batch; after the last one take the mean of the gradients over the processes."""
        loss = self._with_less_memory(partial(super().training_step, *args, **kwargs))
        if distributed.world_size() > 1 and self.accelerator.sync_gradients:
            for value in self.model.parameters():
                if value.grad is not None:
                    value.grad = self.accelerator.reduce(value.grad, "mean")
        return loss

    def _with_less_memory(self, step: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return the loss of a part of the batch; where memory does not suffice, read it anew in smaller parts."""
        objective = cast("Objective", self.loss)
        weights = [value for value in self.model.parameters() if value.requires_grad]
        gradients = [value.grad if value.grad is None else value.grad.clone() for value in weights]
        done = len(objective.batch_losses)
        while True:
            try:
                with self.frozen.left_out() if self.frozen else nullcontext():
                    return step()
            except (RuntimeError, MemoryError) as error:
                if not memory.is_exhausted(error):
                    raise
                if not objective.reader.halve():
                    raise _out_of_memory(objective) from error
            del objective.batch_losses[done:]
            for value, gradient in zip(weights, gradients, strict=True):
                value.grad = gradient if gradient is None else gradient.clone()
            memory.release()

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Write the weights that change; a resumption has the rest of the student."""
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        # transformers asks every process, for kinds of models whose weights are spread over them.
        if distributed.is_main():
            save_weights(self.model, folder / WEIGHTS)

    def _load_from_checkpoint(self, checkpoint_path: str, model: Any = None) -> None:
        """Read them back."""
        load_weights(self.model, Path(checkpoint_path) / WEIGHTS)


def _out_of_memory(objective: Objective) -> BadSetting:
    if objective.reader.fixed:
        return BadSetting(
            f"Memory does not suffice for parts of {objective.reader.in_words}.",
            "Set chunk to fewer texts: a deterministic training does not choose its parts by the memory that is free.",
        )
    return BadSetting(
        "Memory does not suffice for this student, even for one text at a time.",
        "Lower max_tokens, freeze layers with frozen_layers, or begin with a smaller base.",
    )


class _InOrder(DefaultBatchSampler):
    """Batches of consecutive slots: the order is drawn in Batches already."""

    def __init__(self, dataset: Dataset, batch_size: int, drop_last: bool, **kwargs: Any) -> None:
        super().__init__(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last, **kwargs)


def _arguments(run: TrainingRun, folder: Path) -> SentenceTransformerTrainingArguments:
    """Return our settings as the trainer's."""
    settings, device = run.settings, run.model.device.type
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_size // settings.accumulate,
        # accelerate deals the parts out in turn, so that all processes together are always at the same step.
        gradient_accumulation_steps=settings.accumulate // distributed.world_size(),
        batch_sampler=_InOrder,
        learning_rate=settings.learning_rate,
        warmup_steps=round(settings.warmup * settings.steps),
        lr_scheduler_type="linear" if settings.schedule == "linear" else "constant_with_warmup",
        weight_decay=settings.weight_decay,
        # The collator has named each side already; the trainer insists on a mapping too.
        router_mapping={"query": "query", "passage": "document"} if is_routed(run.model) else {},
        bf16=settings.precision == "bfloat16",
        use_cpu=device == "cpu",
        seed=settings.seed,
        # Evaluating, saving and logging are the callback's.
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=device == "cuda",
    )
