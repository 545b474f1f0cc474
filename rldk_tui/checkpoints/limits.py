"""Beyond what the weights of a checkpoint are in trouble.

One place for the analysis of a checkpoint and for the rules that read its measurements in a run (`diagnosis/rules/ckpt_*.py`,
`lora_b_zero.py`, `adam_epsilon_regime.py`), whose manuals tell where each comes from. Shares are of 1.
"""

from __future__ import annotations

UNCHANGED = 1e-7
"""‖ΔW‖/‖W‖ of the tensor that changed most, below which nothing was trained."""
JUMP_Z = 8.0
"""Robust z of a tensor's change among all tensors' (logarithms)."""
JUMP_WARNING, JUMP_HIGH = 0.05, 0.3
"""‖ΔW‖/‖W‖ in 100 steps of such a tensor."""
DEAD_ROW = 1e-6
"""A row whose norm is below this share of its matrix's median row is dead."""
DEAD_WARNING, DEAD_HIGH = 0.001, 0.01
"""Shares of all rows that died."""
SPECTRAL_GROWTH = 2.0
"""Largest singular value over that of the same matrix in the beginning."""
STABLE_RANK_KEPT = 0.5
SPECTRAL_SMALLEST = 256
"""Rows and columns that a matrix needs for its singular values to be judged: in small ones they move while all is well."""
GAIN_DRIFT = 0.1
"""Median relative change of a layer's gains."""
GAIN_FLIPS = 0.01
"""Share of the gains with another sign."""
TIED_DIFFERENCE = 1e-6
"""Relative difference up to which two tensors are one."""
LORA_ZERO_MOST = 0.5
LORA_ZERO_STEPS = 20
"""Steps up to which a B of zero says nothing."""
ADAM_BELOW = 0.5
"""Share of the weights whose step ε decides."""
ADAM_STEP = 20.0
"""Learning rates in Adam's largest step."""

LARGE_HISTORY = 2.0
"""Root mean square of a tensor over the same tensor's in the beginning. No constant will do for weights as such: models differ
by orders of magnitude. Tuning moves a pretrained matrix by a few percent, so twice is not learning; the same factor is asked
of the largest singular value."""
LARGE_Z, LARGE_FACTOR = 8.0, 3.0
"""Without a beginning to compare with: robust z of a tensor's logarithm among the tensors of all layers that do the same, and
how many times their median it must be. Healthy models have layers of twice the others' size (the first and the last)."""
FEWEST_LAYERS = 8
"""Layers that tell what is usual among them."""

RATE_OFF = 1e-3
"""Share of its height at or below which a learning rate is off."""
RATE_WITHOUT_END = 0.1
"""Share of the training at either end in which a rate of nothing is a warm-up or a decay."""
