"""What is measured inside the training loop, where logs do not reach (the callback's `measured` events)."""

from __future__ import annotations

from rldk_tui.metrics.metric import Direction, Metric

CALLBACK = "use RLDKCallback"
ATTACHED = "call RLDKCallback.attach(trainer) before training"

HOOKS: tuple[Metric, ...] = (
    Metric(
        name="hook/parameters_total",
        title="Parameters",
        note="numbers in all weights of the model that is trained, measured when training begins",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/parameters_trainable",
        title="Trainable parameters",
        note="those that ask for a gradient",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/parameters_in_optimizer",
        title="Trainable parameters in the optimizer",
        note="only a parameter that asks for a gradient and that the optimizer holds is ever changed",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/update_ratio",
        title="Update over weight",
        note="‖ΔW‖/‖W‖ of one optimizer step, the median of some tensors; tensors of zeros are left out",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/lost_updates",
        title="Updates rounded away",
        direction=Direction.DOWN,
        note="of the weights that were to change in this step, the share too coarse in precision to take the change",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/nonfinite_gradients",
        title="Gradients that are not finite",
        unit="tensor",
        direction=Direction.DOWN,
        note="tensors whose gradient held a NaN or an infinity: before clipping where the trainer is attached, for clipping "
        "by a NaN norm spreads it to all; else as the optimizer takes it",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/nonfinite_parameters",
        title="Weights that are not finite",
        unit="tensor",
        direction=Direction.DOWN,
        note="tensors that held a NaN or an infinity after the step, or before it where that is why gradients do",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/grad_norm_peak",
        title="Highest gradient norm",
        note="before clipping, of the steps since the last log where there were several; in PPO, which never clips, of the "
        "optimizer steps of one update",
        to_log=ATTACHED,
    ),
    Metric(
        name="hook/policy_grad_norm",
        title="Gradient norm of the policy",
        note="in PPO, the mean over the optimizer steps of one update",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/value_grad_norm",
        title="Gradient norm of the value model",
        note="in PPO, the mean over the optimizer steps of one update",
        to_log=CALLBACK,
    ),
    Metric(
        name="hook/data_truncated",
        title="Examples cut by max_length",
        direction=Direction.DOWN,
        note="share of a sample of the training examples longer than the trainer's limit",
        to_log=ATTACHED,
    ),
    Metric(
        name="hook/data_identical_pairs",
        title="Pairs alike after truncation",
        direction=Direction.DOWN,
        note="share of the preference pairs whose chosen and rejected tokens are the same once they are cut",
        to_log=ATTACHED,
    ),
    Metric(
        name="hook/data_desirable",
        title="Desirable examples",
        note="share of the training examples with a true label, in KTO",
        to_log=ATTACHED,
    ),
    Metric(
        name="hook/eval_overlap",
        title="Eval prompts seen in training",
        direction=Direction.DOWN,
        note="share of the evaluation prompts that are in the training data too, compared as text without case and spaces",
        to_log=ATTACHED,
    ),
)
