"""Each optimizer step learns from very few prompts.

What it means
    GRPO and RLOO turn the replies to each prompt into one comparison. With one or two prompts in a step the direction of
    the step is that of those prompts, and the noise of which prompts happened to come up outweighs what is to be learned.

Why it happens
    `per_device_train_batch_size` counts replies, not prompts: a batch of 8 with `num_generations=8` is a single prompt. TRL's
    defaults on one device are exactly that.

What to do
    Raise `gradient_accumulation_steps`: it costs time but no memory. Where that is no option, lower `learning_rate` with the
    batch, or take fewer replies a prompt (`num_generations`), never fewer than about four.

Where the limit comes from
    Catalogue: fewer than eight prompts a step are worth a remark, since small models and easy tasks learn from three. A warning
    below two, and only at a learning rate above TRL's default of 1e-6: the noise of training grows with the rate over the
    batch (Smith et al., arXiv 1711.00489; McCandlish et al., arXiv 1812.06162), so at the default rate one prompt is what
    TRL itself takes for enough. Public runs with one or two groups a step jump from log to log.
"""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.rule import ConfigRule, Family, StateVerdict, Telling
from rldk_tui.events import Severity
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.run import RunInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """Prompts in an optimizer step, and the learning rate up to which few of them are no cause for worry."""

    info: float = 8.0
    warning: float = 2.0
    calm_rate: float = 1e-6


LIMITS = Limits()


def applies(info: RunInfo) -> str | None:
    """Trainers that compare the replies to one prompt."""
    return None if info.algorithm is None or info.algorithm in GROUPED else "this trainer compares no groups of replies"


def prompts_a_step(info: RunInfo) -> float | None:
    """Prompts in one optimizer step over all processes; None where the config does not tell.

    Replies that are sampled for several steps at once are shuffled among these steps, and with them the prompts.
    """
    generated, replies = info.setting("generation_batch_size"), info.setting("num_generations")
    steps, accumulated = info.setting("steps_per_generation"), info.setting("gradient_accumulation_steps")
    if not generated or not replies or not steps:
        return None
    a_step = generated / steps * (accumulated or 1.0)
    return min(a_step, max(generated, a_step) / replies)


def judge(info: RunInfo, limits: Limits) -> StateVerdict | None:
    """The prompts a step against the limits."""
    prompts, rate = prompts_a_step(info), info.setting("learning_rate")
    if prompts is None or prompts >= limits.info:
        return None
    noisy = prompts < limits.warning and rate is not None and rate > limits.calm_rate
    today = info.setting("gradient_accumulation_steps") or 1.0
    times = -(-limits.info // prompts)
    return StateVerdict(
        severity=Severity.WARNING if noisy else Severity.INFO,
        telling=Telling(
            summary=f"Each optimizer step compares the replies to {prompts:.3g} prompt{'' if prompts == 1 else 's'} "
            f"(fewer than {limits.warning if noisy else limits.info:g}).",
            cause="per_device_train_batch_size counts replies: divided by num_generations it gives the prompts.",
            advice=(
                set_to(
                    info,
                    "gradient_accumulation_steps",
                    "Gather more prompts before each step; it costs time but no memory",
                    f"{times * today:g}",
                    current=today,
                ),
            ),
        ),
    )


RULE = ConfigRule(
    family=Family.CONFIG,
    settings=("generation_batch_size",),
    judge=judge,
    limits=LIMITS,
    applies=applies,
    ceiling=Severity.WARNING,
)
