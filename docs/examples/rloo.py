"""RLOO, watched: python docs/examples/tiny.py; python docs/examples/rloo.py; rldk-tui example-runs/rloo."""

from __future__ import annotations

from pathlib import Path

from datasets import load_dataset
from rewards import variety
from transformers import AutoTokenizer
from trl import RLOOConfig, RLOOTrainer

from rldk_tui.integrations.trl import RLDKCallback, wrap_reward

TINY = Path(__file__).resolve().parent / "tiny"

trainer = RLOOTrainer(
    model=str(TINY / "model"),
    reward_funcs=wrap_reward(variety),  # prompts, completions and rewards are recorded
    args=RLOOConfig(
        output_dir="example-runs/rloo",
        max_steps=20,
        logging_steps=1,
        save_steps=10,
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=16,
        learning_rate=5e-4,
        bf16=False,
        use_cpu=True,
    ),
    train_dataset=load_dataset("json", data_files=str(TINY / "prompts.jsonl"), split="train"),
    processing_class=AutoTokenizer.from_pretrained(TINY / "model", padding_side="left"),
)
RLDKCallback().attach(trainer)
trainer.train()
