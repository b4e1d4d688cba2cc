"""Train a sentence-transformers model on triplets that `workbench export triplets FILE` wrote.

Nothing here knows the workbench: the file has the columns query, positive and negative, in that order, which is all
that sentence-transformers asks for. Needs `pip install "sentence-transformers[train]"`.

    python train_triplets.py sentence-transformers/all-MiniLM-L6-v2 triplets.jsonl my-student --steps 400
"""

import argparse

from datasets import load_dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import BatchSamplers

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("model", help="a hub name or a folder")
parser.add_argument("triplets", help="a .jsonl or .parquet file")
parser.add_argument("output", help="the folder to write the trained model to")
parser.add_argument("--steps", type=int, default=400)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--learning-rate", type=float, default=2e-5)
arguments = parser.parse_args()

file_format = "parquet" if arguments.triplets.endswith(".parquet") else "json"
triplets = load_dataset(file_format, data_files=arguments.triplets, split="train")
model = SentenceTransformer(arguments.model)
trainer = SentenceTransformerTrainer(
    model=model,
    args=SentenceTransformerTrainingArguments(
        output_dir=arguments.output,
        max_steps=arguments.steps,
        per_device_train_batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        warmup_steps=0.1,
        # A passage that is in a batch twice would be a positive and a negative at once.
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        save_strategy="no",
        report_to="none",
        seed=0,
    ),
    train_dataset=triplets,
    loss=MultipleNegativesRankingLoss(model),
)
trainer.train()
model.save_pretrained(arguments.output)
