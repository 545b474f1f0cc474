"""A language small enough to learn in seconds: real models for real trainings on two CPU cores.

A prompt names a topic ("describe big sea :"); a good answer is made of that topic's words and ends. No torch in here:
`tiny_models` makes the models that speak it.
"""

from __future__ import annotations

import random
from typing import Any

TOPICS = {
    "farm": ["cow", "hen", "pig", "barn", "hay", "field", "plough", "goat", "sheep", "seed", "tractor", "milk"],
    "sea": ["wave", "ship", "fish", "salt", "sail", "tide", "reef", "crab", "harbour", "anchor", "whale", "shore"],
    "city": ["street", "tower", "bus", "crowd", "shop", "lamp", "bridge", "taxi", "office", "train", "noise", "market"],
    "sky": ["cloud", "star", "moon", "wind", "bird", "rain", "plane", "sun", "storm", "kite", "comet", "dawn"],
    "kitchen": ["pan", "knife", "oven", "bread", "soup", "spoon", "plate", "butter", "stove", "pepper", "kettle", "cup"],
    "forest": ["tree", "moss", "owl", "fern", "deer", "path", "wolf", "pine", "leaf", "stream", "mushroom", "bear"],
}
OPENINGS = ["write", "describe", "list", "name", "tell", "recall"]
ADJECTIVES = ["quiet", "big", "old", "small", "bright", "cold", "busy", "green"]
TOPIC_OF = {word: topic for topic, words in TOPICS.items() for word in words}
LONGEST = 32
"""Tokens of a prompt and its answer together, in training."""


def prompt(rng: random.Random) -> str:
    """A prompt that names one topic."""
    return f"{rng.choice(OPENINGS)} {rng.choice(ADJECTIVES)} {rng.choice(list(TOPICS))} :"


def answer(rng: random.Random, prompt: str, stay: float = 0.62, shortest: int = 4) -> str:
    """An answer whose words stay on the prompt's topic with probability `stay`; it begins with a space."""
    topic, words = prompt.split()[-2], list[str]()
    while len(words) < LONGEST - 6 and (len(words) < shortest or rng.random() > 0.16):
        names = TOPICS[topic if rng.random() < stay else rng.choice(list(TOPICS))]
        follows = words and words[-1] in names and rng.random() < 0.5
        words.append(names[(names.index(words[-1]) + 1) % len(names)] if follows else rng.choice(names))
    return " " + " ".join(words)


def share_on_topic(prompt: str, completion: str) -> float:
    """The share of a completion's words that belong to the prompt's topic, 0 to 1."""
    words = completion.replace("<eos>", "").replace("<pad>", "").split()
    return sum(TOPIC_OF.get(word) == prompt.split()[-2] for word in words) / max(1, len(words))


def topic_reward(prompts: list[str], completions: list[str], **_: Any) -> list[float | None]:
    """A reward function for GRPO and RLOO."""
    return [share_on_topic(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]


def prompts(seed: int, count: int = 256) -> list[str]:
    """Prompts, the same for the same seed."""
    rng = random.Random(seed)
    return [prompt(rng) for _ in range(count)]


def preferences(seed: int, count: int = 256) -> dict[str, list[str]]:
    """Pairs of an answer that mostly stays on topic and one that mostly does not."""
    rng = random.Random(seed + 1000)
    asked = [prompt(rng) for _ in range(count)]
    chosen = [answer(rng, question, stay=0.85) for question in asked]
    return {"prompt": asked, "chosen": chosen, "rejected": [answer(rng, question, stay=0.4) for question in asked]}
