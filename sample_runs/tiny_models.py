"""The models that speak the tiny language, trained on the spot in seconds.

`build` makes the word tokenizer, a two-layer Llama that already speaks the language and wanders between topics, and a
reward model that scores how much of an answer is on topic. torch and transformers are imported where they are used, so
that `work_alone` can tell them first to fetch and send nothing.
"""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sample_runs import tiny_language
from sample_runs.tiny_language import ADJECTIVES, LONGEST, OPENINGS, TOPIC_OF, TOPICS, answer, prompt, share_on_topic

_BATCH = 32


@dataclass(frozen=True)
class Models:
    """Folders of pretrained models, each with the tokenizer beside it."""

    language: Path
    reward: Path

    def tokenizer(self) -> Any:
        """The word tokenizer, padding on the left as generation needs it."""
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast.from_pretrained(self.language, padding_side="left")

    def policy(self) -> Any:
        """A fresh copy of the language model."""
        from transformers import LlamaForCausalLM

        return LlamaForCausalLM.from_pretrained(self.language)

    def scorer(self) -> Any:
        """A fresh copy of the reward model, which also serves as a value model."""
        from transformers import LlamaForSequenceClassification

        return LlamaForSequenceClassification.from_pretrained(self.reward, num_labels=1)


def work_alone() -> None:
    """One thread, nothing fetched and nothing sent; to be called before transformers is imported."""
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "TRL_EXPERIMENTAL_SILENCE", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def build(folder: Path | None = None, steps: int = 500) -> Models:
    """The models, trained on the spot the first time and taken from `folder` afterwards.

    Args:
        folder: Where to keep them; by default a folder of this user's below the system's temporary one.
        steps: Steps of training each; 500 take about 15 s on one core.
    """
    work_alone()
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    sources = Path(__file__).read_bytes() + Path(tiny_language.__file__).read_bytes()
    recipe = hashlib.sha256(sources + f"{steps} {torch.__version__}".encode()).hexdigest()[:12]
    home = folder or Path(tempfile.gettempdir()) / f"rldk-tiny-language-{os.getuid()}"
    found = Models(language=home / f"language-{recipe}", reward=home / f"reward-{recipe}")
    if not found.reward.is_dir():
        torch.manual_seed(0)
        _train_language_model(steps, found.language)
        torch.manual_seed(1)
        _train_reward_model(steps, found.reward)
    return found


def _new_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<eos>", "<unk>", ":", *sorted({*OPENINGS, *ADJECTIVES, *TOPICS, *TOPIC_OF})]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")


def _config(tokenizer: Any, **more: Any) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
        **more,
    )


def _batch(tokenizer: Any, texts: list[str]) -> Any:
    endings = [text + " <eos>" for text in texts]
    return tokenizer(endings, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Written aside and renamed, so that two processes may build at once."""
    aside = folder.with_name(f"{folder.name}.{os.getpid()}")
    model.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    if not folder.is_dir():
        aside.rename(folder)


def _optimize(model: Any, steps: int, rate: float, loss_of_batch: Any) -> None:
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimizer.zero_grad()
        loss_of_batch().backward()
        optimizer.step()


def _train_language_model(steps: int, folder: Path) -> None:
    from transformers import LlamaForCausalLM

    rng, tokenizer = random.Random(0), _new_tokenizer()
    model = LlamaForCausalLM(_config(tokenizer))

    def loss_of_batch() -> Any:
        asked = [prompt(rng) for _ in range(_BATCH)]
        batch = _batch(tokenizer, [question + answer(rng, question) for question in asked])
        return model(**batch, labels=batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)).loss

    _optimize(model, steps, 4e-3, loss_of_batch)
    _save(model, tokenizer, folder)


def _train_reward_model(steps: int, folder: Path) -> None:
    import torch
    from transformers import LlamaForSequenceClassification

    rng, tokenizer = random.Random(3), _new_tokenizer()
    model = LlamaForSequenceClassification(_config(tokenizer, num_labels=1))

    def loss_of_batch() -> Any:
        asked = [prompt(rng) for _ in range(_BATCH)]
        replies = [answer(rng, question, rng.choice([0, 0.3, 0.6, 1]), rng.choice([1, 4, 14])) for question in asked]
        batch = _batch(tokenizer, [question + reply for question, reply in zip(asked, replies, strict=True)])
        wanted = torch.tensor([2 * share_on_topic(*pair) - 1 for pair in zip(asked, replies, strict=True)])
        return (model(**batch).logits[:, 0] - wanted).square().mean()

    _optimize(model, steps, 3e-3, loss_of_batch)
    _save(model, tokenizer, folder)
