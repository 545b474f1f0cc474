"""The numbers of a tensor, read once: statistics, change against an earlier self, and spectra on demand.

`RLDK_KERNELS=numpy` or `numba` chooses the implementation for a process, `backend=` for one call; both give the same numbers.
"""

from rldk_tui.checkpoints.kernels.backends import backend
from rldk_tui.checkpoints.kernels.formats import decode
from rldk_tui.checkpoints.kernels.passes import change, moments
from rldk_tui.checkpoints.kernels.spectral import effective_rank, power_law_alpha, spectral_norm

__all__ = ["backend", "change", "decode", "effective_rank", "moments", "power_law_alpha", "spectral_norm"]
