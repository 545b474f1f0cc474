"""The callback for TRL and every other trainer built on the Hugging Face `Trainer`.

Two lines in a training script::

    from rldk_tui.integrations.trl import RLDKCallback
    trainer = GRPOTrainer(..., callbacks=[RLDKCallback()])

`callback` is what the trainer calls, `recorder` writes the events, `border` is where our own failures stop, `values` and
`launch` turn what the trainer hands over into plain values. Only `callback` needs transformers, and it is loaded when it
is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rldk_tui.integrations.trl.callback import RLDKCallback

__all__ = ["RLDKCallback"]


def __getattr__(name: str) -> object:
    if name == "RLDKCallback":
        from rldk_tui.integrations.trl.callback import RLDKCallback

        return RLDKCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
