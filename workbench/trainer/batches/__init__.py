"""What a step shows the student: queries, passages and targets, and how they become tensors."""

from workbench.trainer.batches.draw import LEFT_OUT, NEGATIVE, NO_PASSAGE, Batch, Batches, stratified

__all__ = ["LEFT_OUT", "NEGATIVE", "NO_PASSAGE", "Batch", "Batches", "stratified"]
