"""The GPU waits most of the time.

What it means
    The GPU is paid for and does little: hardly a sample of its utilisation was near full. The training is no worse for it,
    only slower than it could be.

Why it happens
    Replies are generated token by token with small batches, the reward runs on the CPU or waits for a service, the data loader
    does not keep up, or the model is small for the GPU.

What to do
    Generate with vLLM (`use_vllm`), run rewards in parallel or asynchronously, raise `per_device_train_batch_size` as far as
    memory allows and lower `gradient_accumulation_steps` in turn, give the loader more workers (`dataloader_num_workers`).

Where the limit comes from
    SageMaker Debugger's LowGPUUtilization: the 95th percentile below 70 %. It takes 1000 samples at two a second, about eight
    minutes; here 100 samples are asked for, since the callback samples more rarely. Its second half, a 5th percentile below
    10 %, is left out: every online method pauses the GPU for rewards and weights. Utilisation tells that some kernel ran, not
    that the GPU was well used, so a high number is no praise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldk_tui.charts.format import percent
from rldk_tui.diagnosis.blame import set_to
from rldk_tui.diagnosis.levels import scope_rows
from rldk_tui.diagnosis.rule import Context, Episode, Family, RowRule, Telling, Verdict
from rldk_tui.events import Advice, Severity
from rldk_tui.metrics.metric import ONLINE
from rldk_tui.run import Rows, RunInfo
from rldk_tui.statistics.windows import NOTHING_YET, Floats, rolling_mean


@dataclass(frozen=True, slots=True)
class Limits:
    """See the manual for the source.

    Attributes:
        busy: Percent of utilisation from which a sample counts as busy.
        share: The share of samples that must be busy.
        samples: How many are looked at.
    """

    busy: float = 70.0
    share: float = 0.05
    samples: int = 100


LIMITS = Limits()


def watch(rows: Rows, past: Floats, context: Context) -> Verdict[Floats]:
    """The share of busy samples among the last ones."""
    limits: Limits = context.limits
    at, used = scope_rows(rows, context)
    busy = used >= limits.busy
    share, kept = rolling_mean(busy.astype(np.float64), past, limits.samples, limits.samples)
    return Verdict(
        at=at,
        breach=~busy,
        level=(share < limits.share) * np.int8(Severity.INFO.rank),
        value=share,
        limit=np.full(at.size, limits.share),
        past=kept,
    )


def tell(episode: Episode, context: Context) -> Telling:
    """The words."""
    limits: Limits = context.limits
    return Telling(
        summary=f"In {percent(episode.peak)} of {limits.samples} samples the GPU was at least {limits.busy:g} % busy, by step "
        f"{episode.peak_step}; it waits most of the time.",
        cause="Something else sets the pace: generation token by token, the reward, or the data loader.",
        advice=_faster(context.info),
    )


def _faster(info: RunInfo) -> tuple[Advice, ...]:
    workers = set_to(
        info,
        "dataloader_num_workers",
        "Give the data loader more workers",
        "4",
        current=info.setting("dataloader_num_workers"),
    )
    if info.algorithm not in ONLINE:
        return (workers,)
    generation = set_to(info, "use_vllm", "Generate with vLLM", "True", current=False)
    return (
        *([generation] if info.config.get("use_vllm") is not True else []),
        Advice(text="Time the reward functions, and run slow ones in parallel or asynchronously."),
    )


RULE = RowRule(
    family=Family.SYSTEM,
    reads=("system/gpu_utilization",),
    watch=watch,
    limits=LIMITS,
    fresh=NOTHING_YET,
    tell=tell,
    window=lambda limits: limits.samples,
    worst=np.argmin,
    ceiling=Severity.INFO,
)
