"""A reward model, watched: python docs/examples/tiny.py; python docs/examples/reward.py; rldk-tui example-runs/reward."""

from __future__ import annotations

from pathlib import Path

from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer

from rldk_tui.integrations.trl import RLDKCallback

TINY = Path(__file__).resolve().parent / "tiny"

trainer = RewardTrainer(
    model=AutoModelForSequenceClassification.from_pretrained(TINY / "reward-model", num_labels=1),
    args=RewardConfig(
        output_dir="example-runs/reward",
        max_steps=20,
        logging_steps=1,
        save_steps=10,
        per_device_train_batch_size=8,
        learning_rate=5e-4,
        bf16=False,
        use_cpu=True,
    ),
    train_dataset=load_dataset("json", data_files=str(TINY / "pairs.jsonl"), split="train"),
    processing_class=AutoTokenizer.from_pretrained(TINY / "model"),
)
RLDKCallback().attach(trainer)
trainer.train()
