"""Supervised fine-tuning, watched: python docs/examples/tiny.py; python docs/examples/sft.py; rldk-tui example-runs/sft."""

from __future__ import annotations

from pathlib import Path

from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from rldk_tui.integrations.trl import RLDKCallback

TINY = Path(__file__).resolve().parent / "tiny"

trainer = SFTTrainer(
    model=AutoModelForCausalLM.from_pretrained(TINY / "model"),
    args=SFTConfig(
        output_dir="example-runs/sft",
        max_steps=20,
        logging_steps=1,
        save_steps=10,
        per_device_train_batch_size=8,
        learning_rate=5e-4,
        bf16=False,
        use_cpu=True,
    ),
    train_dataset=load_dataset("json", data_files=str(TINY / "answers.jsonl"), split="train"),
    processing_class=AutoTokenizer.from_pretrained(TINY / "model"),
)
RLDKCallback().attach(trainer)
trainer.train()
