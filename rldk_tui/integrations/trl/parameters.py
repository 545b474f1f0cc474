"""Which weights will train: all of them, those that ask for a gradient, and those of these that the optimizer holds."""

from __future__ import annotations

from typing import Any

from rldk_tui.integrations.trl.not_measured import tell_unmeasured
from rldk_tui.integrations.trl.part import Part, Training

_SPREAD = ("FSDP", "DEEPSPEED", "MEGATRON_LM")
"""Ways of accelerate in which the optimizer holds other tensors than the model shows."""


class Parameters(Part):
    """Measures `hook/parameters_total`, `..._trainable` and `..._in_optimizer` once, before the first step.

    Where weights lie on several processes, what this one sees of them is no count, and nothing is measured: DeepSpeed alone
    says how many there are in all.
    """

    task = "count the parameters"

    def begin(self, training: Training) -> None:
        """Count, in the process that logs."""
        if not training.is_main or training.model is None:
            return
        weights = list(training.model.parameters())
        sizes = [_size(weight) for weight in weights]
        if not weights or None in sizes:
            why = "the weights lie on several processes, and this one sees a part of them"
            tell_unmeasured(training, "hook/parameters_total", why)
            return
        counted = [(weight, size) for weight, size in zip(weights, sizes, strict=True) if size is not None]
        asked = [(weight, size) for weight, size in counted if weight.requires_grad]
        measured: dict[str, float | None] = {
            "hook/parameters_total": float(sum(size for _, size in counted)),
            "hook/parameters_trainable": float(sum(size for _, size in asked)),
        }
        held = None if _spread() else _held_by(training.optimizer)
        if held is not None:
            measured["hook/parameters_in_optimizer"] = float(sum(size for weight, size in asked if id(weight) in held))
        training.recorder.measure(measured)
        training.recorder.flush(training.state.global_step)


def _size(weight: Any) -> int | None:
    """Numbers in a weight; None where this process holds a part of it and nothing tells how large it is."""
    whole = getattr(weight, "ds_numel", None)  # DeepSpeed's ZeRO 3 leaves an empty tensor and its size
    if isinstance(whole, int):
        return whole
    if getattr(weight, "_is_flat_param", False) or weight.numel() == 0:  # FSDP 1
        return None
    return int(weight.numel())


def _held_by(optimizer: Any) -> set[int] | None:
    """Identities of the tensors an optimizer holds; None where there is none that tells."""
    groups = getattr(optimizer, "param_groups", None)
    if not isinstance(groups, list):
        return None
    return {id(weight) for group in groups for weight in group.get("params", ())}


def _spread() -> bool:
    from accelerate.state import AcceleratorState

    if not AcceleratorState._shared_state:  # noqa: SLF001 - asking an unmade state would make one
        return False
    return AcceleratorState().distributed_type.name in _SPREAD
