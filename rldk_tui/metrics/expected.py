"""What a trainer logs by itself as it is set up: what may be missed, and what is rightly absent."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rldk_tui.events.schema import Algorithm
from rldk_tui.metrics.catalogue import lookup
from rldk_tui.metrics.metric import GROUPED
from rldk_tui.metrics.settings import setting

KNOWN_SINCE = (1, 12)
"""The version of TRL from which on the trainers' keys were read and seen in real runs."""
_LIGER = ("use_liger_kernel", "use_liger_loss")
_WITHOUT_CLIPPING = ("cispo", "vespo")


def due(name: str, algorithm: Algorithm | None, config: Mapping[str, object]) -> bool:
    """Whether the trainer logs this metric, by its catalogue name, as the run is set up.

    Not due are KL without a reference (`beta=0`), the gradient norm with `max_grad_norm=0`, the clipping with losses that do
    not clip, entropy under the Liger kernel, and KTO's values of chosen and rejected, which come with some batches only.
    """
    if algorithm is None or (algorithm not in lookup(name).expected_in and not (name == "kl" and algorithm in GROUPED)):
        return False
    if name == "kl":
        beta = setting(config, "beta")
        return algorithm not in GROUPED or beta is None or beta != 0.0
    if name == "grad_norm":
        return setting(config, "max_grad_norm") != 0.0
    if name == "clip_fraction":
        return config.get("loss_type") not in _WITHOUT_CLIPPING
    if name in ("entropy", "mean_token_accuracy"):
        return not any(config.get(liger) is True for liger in _LIGER)
    return algorithm is not Algorithm.KTO or not name.startswith(("rewards/", "logps/"))


def never_came_is_missing(
    name: str,
    algorithm: Algorithm | None,
    config: Mapping[str, object],
    versions: Mapping[str, str],
    since: tuple[int, int] = KNOWN_SINCE,
) -> bool:
    """Whether version and config are known well enough to miss a metric that is due and never came."""
    if name == "kl" and algorithm in GROUPED and setting(config, "beta") is None:
        return False
    version = re.match(r"(\d+)\.(\d+)", versions.get("trl", ""))
    return bool(config) and version is not None and (int(version[1]), int(version[2])) >= since
