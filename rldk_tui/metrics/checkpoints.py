"""What is measured on a checkpoint's files (`measured` events of its analysis)."""

from __future__ import annotations

from rldk_tui.metrics.metric import Direction, Metric

ANALYSE = "save checkpoints, and let RLDKCallback analyse them or run: rldk checkpoints --record RUN"
_COMPARE = f"{ANALYSE}; it takes an earlier checkpoint to compare with"
_SPECTRAL = "measured on demand only, for it takes many passes: rldk checkpoints --record RUN --spectral"
_OPTIMIZER = "save the optimizer too (save_only_model=False, optim of Adam's kind), and run: rldk checkpoints --record RUN"
_BASE = "the first checkpoint of the run, or the model it began from"

CHECKPOINTS: tuple[Metric, ...] = (
    Metric(
        name="checkpoint/health",
        title="Checkpoint health",
        direction=Direction.UP,
        note="its own score, 0 to 1, from its weights alone; None where none of them could be read",
        to_log=ANALYSE,
    ),
    Metric(
        name="checkpoint/issues",
        title="Checkpoint issues",
        unit="issue",
        direction=Direction.DOWN,
        note="of every severity; the first few are named with it, worst first",
        to_log=ANALYSE,
    ),
    Metric(
        name="checkpoint/usable",
        title="Checkpoint usable",
        direction=Direction.UP,
        note="1 if all of its weights are there, can be read and are finite, else 0",
        to_log=ANALYSE,
    ),
    Metric(
        name="checkpoint/drift_previous",
        title="Drift, last checkpoint",
        note="‖ΔW‖/‖W‖ over all weights, from samples of each tensor",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/drift_first",
        title="Drift, first checkpoint",
        note=f"‖ΔW‖/‖W‖ over all weights against {_BASE}, from samples of each tensor",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/nonfinite_tensors",
        title="Saved tensors that are not finite",
        unit="tensor",
        direction=Direction.DOWN,
        to_log=ANALYSE,
    ),
    Metric(
        name="checkpoint/steps_since",
        title="Steps since the checkpoint before",
        unit="step",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/largest_change",
        title="Largest change of a tensor",
        note="‖ΔW‖/‖W‖ since the checkpoint before, of the tensor that changed most",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/change_outlier",
        title="Change of the tensor that stands out",
        note="‖ΔW‖/‖W‖ for 100 steps; of matrices: vectors, value heads and tensors that were zero are left out",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/change_outlier_z",
        title="How far that tensor stands out",
        note="robust z over the logarithms of all matrices' changes; LoRA's A and B are each compared among themselves",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/newly_dead_rows",
        title="Rows that died",
        direction=Direction.DOWN,
        note=f"share of the rows of matrices (no adapters) below a millionth of the median row, and not so in {_BASE}",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/spectral_growth",
        title="Growth of the largest singular value",
        note=f"the worst matrix, over {_BASE}; only matrices of at least 256 rows and columns",
        to_log=_SPECTRAL,
    ),
    Metric(
        name="checkpoint/stable_rank_kept",
        title="Stable rank kept",
        note=f"the worst matrix's ‖W‖²/σ², over {_BASE}; only matrices of at least 256 rows and columns",
        to_log=_SPECTRAL,
    ),
    Metric(
        name="checkpoint/gain_drift",
        title="Drift of the norms' gains",
        note=f"median relative change of a layer's gains against {_BASE}, the worst layer; not of queries and keys",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/gain_sign_flips",
        title="Gains that changed sign",
        direction=Direction.DOWN,
        note=f"share of these gains whose sign is not that of {_BASE}",
        to_log=_COMPARE,
    ),
    Metric(
        name="checkpoint/tied_mismatch",
        title="Tied embeddings apart",
        direction=Direction.DOWN,
        note="relative difference of the output and the input embeddings, where the config ties them and both were saved",
        to_log=ANALYSE,
    ),
    Metric(
        name="checkpoint/lora_b_zero",
        title="Adapters that are still zero",
        direction=Direction.DOWN,
        note="share of the LoRA modules whose B matrix is exactly zero, as it is before training",
        to_log=ANALYSE,
    ),
    Metric(
        name="checkpoint/adam_below_epsilon",
        title="Second moments below epsilon",
        direction=Direction.DOWN,
        note="share of the weights whose √v is below adam_epsilon; rows that never had a gradient are left out",
        to_log=_OPTIMIZER,
    ),
    Metric(
        name="checkpoint/adam_largest_step",
        title="Largest Adam step",
        direction=Direction.DOWN,
        note="max |m|/(√v + ε), both corrected for their bias: what the learning rate is multiplied with",
        to_log=_OPTIMIZER,
    ),
)
