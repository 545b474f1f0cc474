"""Where the time and the memory of a step go, measured by the callback inside the training loop."""

from __future__ import annotations

from rldk_tui.metrics.metric import Direction, Metric

_CALLBACK = "use RLDKCallback"
_PROFILE = "use RLDKCallback(profile=True) and call attach(trainer) before training"
_WHAT = {
    "generate": "sampling the replies",
    "score": "asking reward functions and models",
    "update": "what a step does beside generating and scoring: forward, backward, optimizer",
    "save": "writing a checkpoint",
    "eval": "an evaluation, with all it generates and scores",
}
_BYTES = {
    "peak": "the most torch had allocated on the GPU in this phase",
    "allocated": "what torch had allocated on the GPU at the end of this phase",
    "reserved": "what torch held of the GPU at the end of this phase",
}

PHASES: tuple[Metric, ...] = (
    Metric(
        name="hook/step_time",
        title="Step time, whole",
        unit="s",
        direction=Direction.DOWN,
        note="from the end of a step to the end of the next: optimizer, evaluation and saving are in it",
        to_log=_CALLBACK,
    ),
    Metric(
        name="hook/tokens_per_second",
        title="Tokens a second",
        direction=Direction.UP,
        note="as the trainer counts tokens, all processes together, over the whole step time",
        to_log=f"{_CALLBACK}; a trainer that counts no tokens by itself needs include_num_input_tokens_seen",
    ),
    Metric(
        name="hook/samples_per_second",
        title="Samples a second",
        direction=Direction.UP,
        note="examples or replies trained on, all processes together, over the whole step time",
        to_log=_CALLBACK,
    ),
    *(
        Metric(
            name=f"hook/time_{phase}",
            title=f"Time to {phase}" if phase != "eval" else "Time to evaluate",
            unit="s",
            direction=Direction.DOWN,
            note=f"in one step: {what}",
            to_log=_PROFILE,
        )
        for phase, what in _WHAT.items()
    ),
    *(
        Metric(name=f"hook/memory_{kind}_{phase}", title=f"GPU memory, {kind}, {phase}", unit="B", note=what, to_log=_PROFILE)
        for phase in _WHAT
        for kind, what in _BYTES.items()
    ),
)
