"""The weights of a model and their gradients, as the plain tensors this process holds, and the norms of many at once.

Nothing here is waited for: on a GPU every result stays there until somebody reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A tensor of torch, which is imported by nobody but the trainer's process."""
Named: TypeAlias = tuple[str, Tensor]

_WRAPPERS = re.compile(r"(?:^|(?<=\.))(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What DDP, `torch.compile`, FSDP and activation checkpointing put into the names of the modules they wrap."""


def weights_of(model: Any) -> tuple[Named, ...]:
    """Every weight by its name in the bare model, each once, in the order of the forward pass; none without a model."""
    if model is None:
        return ()
    return tuple((_WRAPPERS.sub("", name), weight) for name, weight in model.named_parameters())


def plain(tensor: Tensor) -> Tensor:
    """This process's part of a tensor that lies on several, and the values of a sparse one."""
    if tensor.is_sparse:
        return tensor.coalesce().values()
    to_local = getattr(tensor, "to_local", None)
    return tensor if to_local is None else to_local()


def gradients_of(weights: Sequence[Named]) -> list[Named]:
    """The gradients that are here, in the order of the weights; nothing of a weight without one."""
    here = ((name, weight.grad) for name, weight in weights)
    parts = [(name, plain(gradient)) for name, gradient in here if gradient is not None]
    return [(name, part) for name, part in parts if part.numel()]


def values_of(weights: Sequence[Named]) -> list[Named]:
    """The numbers of the weights that are here; nothing of a weight of which another process holds all."""
    parts = [(name, plain(weight.detach())) for name, weight in weights]
    return [(name, part) for name, part in parts if part.numel() and _is_number(part)]


def _is_number(part: Tensor) -> bool:
    """Whether its numbers can be reckoned with: not those of a quantised weight, nor of one that was never made."""
    return bool(part.is_floating_point() and part.element_size() > 1 and not part.is_meta)


def norms(tensors: Sequence[Named]) -> Tensor:
    """The Euclidean norm of each, shape (n,), on the device of the first; `tensors` is not empty.

    A NaN or an infinity in a tensor is one in its norm. The reverse fails beyond 1e19, whose square float32 cannot hold.
    """
    import torch

    parts = [tensor for _, tensor in tensors]
    try:
        found = torch._foreach_norm(parts, 2.0, dtype=torch.float32)  # noqa: SLF001 - what torch.nn.utils clips with
    except RuntimeError:  # one is in float64, which torch does not narrow
        found = torch._foreach_norm(parts, 2.0, dtype=torch.float64)  # noqa: SLF001
    device = found[0].device
    return torch.stack([norm if norm.device == device else norm.to(device) for norm in found])


def not_finite(tensors: Sequence[Named]) -> tuple[str, ...]:
    """Names of those that hold a NaN or an infinity, in the order given. Each is read by itself, for use on an alarm."""
    import torch

    return tuple(name for name, tensor in tensors if not bool(torch.isfinite(tensor).all()))
