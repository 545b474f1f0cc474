"""Every event and shared record, as frozen structs.

Times are Unix seconds, memory is bytes, steps are optimizer steps as the trainer counts them. `None` means "not measured".
In `Metrics.values` and `Completion.rewards` three things are distinct and all kept: a number (NaN and infinities included),
`None` (the trainer logged Python's None: nothing could be scored), and an absent key (not logged).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import msgspec

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning. Readers keep every older version readable."""

LAST_STEP = 2**53
"""No training gets here; beyond it JSON numbers are no longer exact."""

Step: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=LAST_STEP)]
"""An optimizer step as the trainer counts them."""

LAST_TIME = 1e11
"""Unix seconds of the year 5138: a clock that says more is broken."""

Time: TypeAlias = Annotated[float, msgspec.Meta(le=LAST_TIME)]
"""Unix seconds."""

Json: TypeAlias = Any
"""A value that JSON can carry. The wire decides its shape, so no narrower type is true."""


class Algorithm(StrEnum):
    """The training method, which decides what a metric's name means and which rules apply."""

    GRPO = "grpo"
    RLOO = "rloo"
    PPO = "ppo"
    DPO = "dpo"
    KTO = "kto"
    ONLINE_DPO = "online_dpo"
    REWARD = "reward"
    SFT = "sft"


class Phase(StrEnum):
    """Which of the trainer's rows a log entry is; the same step may have one of each."""

    TRAIN = "train"
    EVAL = "eval"
    FINAL = "final"
    """The summary the Hugging Face Trainer appends at the end (`train_loss`, `train_runtime`)."""


class Severity(StrEnum):
    """How bad a finding is, in rising order."""

    INFO = "info"
    WARNING = "warning"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """1 (info) to 4 (critical); 0 is kept for "nothing"."""
        return _RANKS[self]

    @staticmethod
    def from_rank(rank: int) -> Severity:
        """The severity whose `rank` this is."""
        return list(Severity)[rank - 1]


_RANKS = {severity: rank for rank, severity in enumerate(Severity, 1)}


class RunState(StrEnum):
    """What the run is doing at the moment the snapshot was taken."""

    WAITING = "waiting"
    LIVE = "live"
    SLOW = "slow"
    STALLED = "stalled"
    FINISHED = "finished"
    DIED = "died"
    UNKNOWN = "unknown"


class ExtractionKind(StrEnum):
    """What went wrong with a value on its way into the record."""

    FAILED = "failed"
    """It could not be taken or written, and no row holds it."""
    VALUE = "value"
    """The trainer logged it, and it is no usable number; the row holds it as it was logged, and rules judge it there."""
    MISSING = "missing"
    """The trainer logs it by itself and did not; the rule metric-missing judges that."""
    UNAVAILABLE = "unavailable"
    """Nothing is wrong: this training cannot tell it as it is set up, and the message says why."""


class FindingChange(StrEnum):
    """What happened to a finding when it was reported."""

    OPENED = "opened"
    ESCALATED = "escalated"
    CLOSED = "closed"


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that travels inside events or faces."""


class _Event(_Record, frozen=True, kw_only=True, tag_field="type"):
    """One line of an event log."""

    time: Time


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    """The first line of every event log, and again at the head of each relaunch."""

    schema_version: int
    run_id: str
    algorithm: Algorithm | None = None
    trainer: str | None = None
    model: str | None = None
    config: dict[str, Json] = {}
    versions: dict[str, str] = {}
    hardware: dict[str, Json] = {}
    host: str | None = None
    pid: int | None = None
    seed: int | None = None
    git_revision: str | None = None
    max_steps: int | None = None
    first_step: Step = 0
    """The step training starts from: 0, or the checkpoint's step when it was resumed."""
    rank: int = 0
    world_size: int = 1


class RunDescribed(_Event, frozen=True, kw_only=True, tag="run_described"):
    """What a source that starts no run (a model card, a final state file) knows of it."""

    algorithm: Algorithm | None = None
    trainer: str | None = None
    model: str | None = None
    config: dict[str, Json] = {}
    versions: dict[str, str] = {}
    max_steps: int | None = None


class Metrics(_Event, frozen=True, kw_only=True, tag="metrics"):
    """One call of the trainer's `log`. Keys are the trainer's own, without the `eval_` prefix in the eval phase."""

    step: Step
    phase: Phase = Phase.TRAIN
    values: dict[str, float | None]
    counted: bool = False
    """Whether `step` is the number of the entry, because its source tells no step: the step is then `logging_steps` times
    that. Our own log never says so."""


class Heartbeat(_Event, frozen=True, kw_only=True, tag="heartbeat"):
    """A finished optimizer step: written whether or not this step is logged."""

    step: Step


class Gpu(_Record, frozen=True, kw_only=True):
    """One GPU as NVML sees it, all processes together."""

    index: int
    name: str | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    utilization_percent: float | None = None
    power_watts: float | None = None
    temperature_celsius: float | None = None


class System(_Event, frozen=True, kw_only=True, tag="system"):
    """The machine and the training process at one moment, from one rank."""

    step: Step | None = None
    rank: int = 0
    process_rss: int | None = None
    process_vms: int | None = None
    process_cpu_percent: float | None = None
    host_memory_used: int | None = None
    host_memory_total: int | None = None
    host_cpu_percent: float | None = None
    disk_free: int | None = None
    disk_total: int | None = None
    torch_allocated: int | None = None
    torch_reserved: int | None = None
    torch_peak: int | None = None
    gpus: tuple[Gpu, ...] = ()


class Completion(_Record, frozen=True, kw_only=True):
    """One sampled generation. `length` is in tokens where the trainer says so, else None.

    Where the run records no text, prompt and completion are marks: the same mark for the same text of one launch, and no
    way back to the text.
    """

    prompt: str
    completion: str
    rewards: dict[str, float | None] = {}
    advantage: float | None = None
    length: int | None = None
    truncated: bool | None = None

    @property
    def total_reward(self) -> float | None:
        """The sum over the reward functions that scored it, as TRL adds them up with equal weights; None if none did."""
        scored = [value for value in self.rewards.values() if value is not None and value == value]
        return sum(scored) if scored else None


class Completions(_Event, frozen=True, kw_only=True, tag="completions"):
    """The generations of one log; a later event for the same step and phase replaces the earlier one.

    `without_text`: prompts and completions are marks, so nothing can be measured on what was said. `left_out`: generations
    of this batch that are not among the rows, to keep the event small.
    """

    step: Step
    phase: Phase = Phase.TRAIN
    rows: tuple[Completion, ...]
    without_text: bool = False
    left_out: int = 0


class Measured(_Event, frozen=True, kw_only=True, tag="measured"):
    """What was measured beside the trainer's log: inside the training loop, on a checkpoint, on the sampled generations.

    Keys are catalogue names that begin with `hook/`, `checkpoint/` or `samples/`; they become columns of the step's row, so
    that a rule and a chart read them like any metric. `named` tells what a value is about: names of tensors for a count of
    tensors, `step/row` of generations for a share of generations, the worst first.
    """

    step: Step
    values: dict[str, float | None]
    named: dict[str, tuple[str, ...]] = {}


class Checkpoint(_Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A checkpoint on disk. `path` is relative to the run directory where it lies inside it."""

    step: Step
    path: str
    complete: bool | None = None
    size: int | None = None


class ExtractionError(_Event, frozen=True, kw_only=True, tag="extraction_error"):
    """Something the callback could not measure or write, or that the trainer's log hides. It is data: every face shows it.

    What lasts is told once an episode: at its first step, and again only after it was fine for a while.
    """

    step: Step | None = None
    phase: Phase | None = None
    metric: str | None = None
    kind: ExtractionKind = ExtractionKind.FAILED
    message: str
    value: str | None = None
    advice: str | None = None


class RunEnded(_Event, frozen=True, kw_only=True, tag="run_ended"):
    """The training loop is over: it returned, or an exception left it. A killed process writes none."""

    step: Step | None = None
    reason: str = "finished"
    failed: bool = False
    """Whether an exception ended it; `reason` then names it."""


class Advice(_Record, frozen=True, kw_only=True):
    """One thing to do. `parameter` is the name in the run's own config, to be set to `proposed`."""

    text: str
    parameter: str | None = None
    current: Json = None
    proposed: str | None = None


class Evidence(_Record, frozen=True, kw_only=True):
    """Enough for any face to draw why: the metric around the episode and the limit it crossed.

    `values` holds None where the trainer logged None, and NaN or infinities where it logged those.
    """

    metric: str | None = None
    unit: str | None = None
    steps: tuple[int, ...] = ()
    values: tuple[float | None, ...] = ()
    limit: float | None = None
    peak: float | None = None
    peak_step: int | None = None
    rows: tuple[str, ...] = ()


class Finding(_Record, frozen=True, kw_only=True):
    """One episode of trouble. `id` is `rule:scope:first_step` and is stable while the episode lasts.

    `parent` is the id of the finding that explains this one best, `alternatives` those that might as well.
    """

    id: str
    rule: str
    severity: Severity
    metric: str | None
    first_step: int
    last_step: int
    detected_step: int
    open: bool
    summary: str
    evidence: Evidence = Evidence()
    cause: str | None = None
    advice: tuple[Advice, ...] = ()
    parent: str | None = None
    alternatives: tuple[str, ...] = ()


class FindingReported(_Event, frozen=True, kw_only=True, tag="finding"):
    """A record of what was said when. Never an input to diagnosis."""

    finding: Finding
    change: FindingChange


class ReadProblem(_Record, frozen=True, kw_only=True):
    """Something in the run directory that could not be read; the rest of the run is still shown.

    Attributes:
        source: The file, relative to the run directory.
        message: What is wrong, in words.
        line: Where it was met first.
        count: How many times it was met.
        steps_untold: The source does not tell where its rows stand; a better source that knows these steps settles it.
    """

    source: str
    message: str
    line: int | None = None
    count: int = 1
    steps_untold: bool = False


class Origin(_Record, frozen=True, kw_only=True):
    """Where an event was read.

    Attributes:
        source: The file, relative to the run directory.
        format: The reader's name.
        authority: When two sources disagree about a finite number, the higher authority is believed (0 to 15).
    """

    source: str
    format: str
    authority: int = 0


Event: TypeAlias = (
    RunStarted
    | RunDescribed
    | Metrics
    | Heartbeat
    | System
    | Completions
    | Measured
    | Checkpoint
    | ExtractionError
    | FindingReported
    | RunEnded
)
"""What one line of an event log can be."""
