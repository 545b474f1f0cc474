"""KTO, watched: python docs/examples/tiny.py; python docs/examples/kto.py; rldk-tui example-runs/kto."""

from __future__ import annotations

from pathlib import Path

from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import KTOConfig, KTOTrainer

from rldk_tui.integrations.trl import RLDKCallback

TINY = Path(__file__).resolve().parent / "tiny"

trainer = KTOTrainer(
    model=AutoModelForCausalLM.from_pretrained(TINY / "model"),
    args=KTOConfig(
        output_dir="example-runs/kto",
        max_steps=20,
        logging_steps=1,
        save_steps=10,
        per_device_train_batch_size=8,
        learning_rate=5e-4,
        bf16=False,
        use_cpu=True,
    ),
    train_dataset=load_dataset("json", data_files=str(TINY / "judged.jsonl"), split="train"),
    processing_class=AutoTokenizer.from_pretrained(TINY / "model"),
)
RLDKCallback().attach(trainer)
trainer.train()
