"""What is said of a checkpoint in trouble: once, for the analysis of a checkpoint and for the rules of a run.

The sentences have no end: an analysis adds what it compared with, a rule the step. Shares and limits come as text. The limits
are in `limits`.
"""

from __future__ import annotations

COUNT_TRAINABLE = "Count the trainable parameters, and see whether the optimizer holds them."
SAVE_THE_TRAINED = "Save the model the trainer trains (trainer.save_model), and keep weights in float32 while training."
DELETE_IT = "Delete this checkpoint, so that nothing resumes from it."
LOAD_AS_TRAINABLE = "Load the adapter with is_trainable=True, and count: model.print_trainable_parameters()."
SAVE_THE_ACTIVE = "See that the adapter that is saved is the active one: model.active_adapters."
TIE = "If they are to be one: call model.tie_weights() before training, and start again from before they parted."
UNTIE = "If they are to differ: set model.config.tie_word_embeddings = False, and save again."
LEAVE_NORMS_OUT = "Leave normalisation layers out of the training, or out of weight decay."
MEANT_TO_CHANGE = "are they meant to change?"
STATE_IN_FLOAT32 = "Keep the optimizer's state in float32."
HOLD_DOWN = "Hold the weights down"
GRADIENTS_DECIDE = "Let the gradients decide"
FOLLOW_FASTER = "Let the second moment follow faster"


def not_finite(tensors: float) -> str:
    """Tensors with a number that is NaN or infinite."""
    return "1 tensor that is not finite" if tensors == 1 else f"{tensors:.6g} tensors that are not finite"


def jumped(change: str, limit: str, z: float) -> str:
    """A tensor whose change stands out."""
    return f"One tensor changed by {change} in 100 steps (limit {limit}), {z:.0f} spreads beyond the others"


def rows_died(share: str) -> str:
    """Rows that are dead and were not."""
    return f"{share} of the rows of weight matrices have died"


def grew(factor: float) -> str:
    """A largest singular value."""
    return f"The largest singular value of a weight matrix has grown {factor:,.1f}-fold"


def kept_rank(share: str) -> str:
    """A stable rank."""
    return f"A weight matrix has kept {share} of its stable rank"


def gains_moved(share: str) -> str:
    """The median gain of a layer."""
    return f"The gains of a normalisation layer have moved by {share}"


def gains_turned(share: str) -> str:
    """Gains with another sign."""
    return f"{share} of the gains of normalisation layers have changed their sign"


def embeddings_differ(share: str) -> str:
    """Two tensors where the config has one."""
    return f"input and output embeddings that differ by {share}, although the config ties them"


def below_epsilon(share: str, epsilon: float | None) -> str:
    """Weights whose second moment is smaller than Adam's ε."""
    at = "" if epsilon is None else f" of {epsilon:g}"
    return f"The gradients of {share} of the weights are below Adam's ε{at}"


def large_step(rates: float, limit: float) -> str:
    """Adam's largest step, in learning rates."""
    return f"Adam's largest step was {rates:.3g} learning rates (limit {limit:g})"
