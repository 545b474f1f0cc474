"""PPO, watched: python docs/examples/tiny.py; python docs/examples/ppo.py; rldk-tui example-runs/ppo.

trl 1.12.0 is the last release with PPO.
"""

from __future__ import annotations

from pathlib import Path

from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer
from trl.experimental.ppo import PPOConfig, PPOTrainer

from rldk_tui.integrations.trl import PPOMonitoringCallback, RLDKCallback

TINY = Path(__file__).resolve().parent / "tiny"

tokenizer = AutoTokenizer.from_pretrained(TINY / "model", padding_side="left")
prompts = load_dataset("json", data_files=str(TINY / "prompts.jsonl"), split="train")
tokens = prompts.map(lambda row: {"input_ids": tokenizer(row["prompt"])["input_ids"]}, remove_columns=["prompt"])
monitor = PPOMonitoringCallback(anomaly_threshold=4.0)

trainer = PPOTrainer(
    args=PPOConfig(
        output_dir="example-runs/ppo",
        total_episodes=16 * 20,
        per_device_train_batch_size=16,
        gradient_accumulation_steps=1,
        num_mini_batches=1,
        response_length=16,
        num_sample_generations=0,
        stop_token="eos",
        save_steps=10,
        learning_rate=3e-4,
        bf16=False,
        use_cpu=True,
        report_to="none",
    ),
    processing_class=tokenizer,
    model=AutoModelForCausalLM.from_pretrained(TINY / "model"),
    ref_model=AutoModelForCausalLM.from_pretrained(TINY / "model"),
    reward_model=AutoModelForSequenceClassification.from_pretrained(TINY / "reward-model", num_labels=1),
    value_model=AutoModelForSequenceClassification.from_pretrained(TINY / "reward-model", num_labels=1),
    train_dataset=tokens,
    eval_dataset=tokens.select(range(16)),
    callbacks=[monitor],
)
RLDKCallback().attach(trainer)  # advantages, values and gradient norms of both networks come from the attached trainer
trainer.train()
print(monitor.trends())
