"""The record itself."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

NOT_COUNTED = -1
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RLDKMetrics:
    """What one log of a trainer says, with what was measured beside it. Steps are optimizer steps.

    What was not measured is NaN in a float, -1 in a whole number, "unknown" in a text and None in the one flag; a 0 is always
    a measured 0. `missing` names those fields. Metrics mean what the trainer's own mean: `kl_mean` is in nats a token in GRPO
    and RLOO and in nats a reply in PPO, KTO and Online DPO.

    Attributes:
        time: Unix seconds at which the trainer logged.
        phase: "train", "eval" or "final".
        git_sha: The commit the training script ran from.
        grad_norm: Norm of all gradients before clipping, of the last step.
        reward_mean, reward_std, reward_min, reward_max: Over the replies of this log.
        entropy_mean: nats a token.
        clip_frac: Share of tokens (PPO: of values) whose policy ratio was clipped.
        policy_loss, value_policy_loss: The policy's loss in its own step, and in the value function's; never mixed.
        value_mean, value_std, advantage_mean, advantage_std: Over the tokens of the replies.
        advantage_normalized: Whether the trainer divides advantages by their spread.
        rollout_length_mean, rollout_length_std: Tokens a reply.
        clip_range, clip_range_value: The config's clipping of policy ratio and value.
        kl_coef, target_kl: Weight of the KL penalty, and its target where one is set.
        batch_size: Samples an optimizer step, all processes together.
        global_step: The same as `step`, by the trainer's name for it.
        vocab_size, tokenizer_vocab_size: Of the model's config and of the tokenizer.
        dataset_size: Examples in the training data.
        rollout_buffer_size, rollout_buffer_pos: Replies an update is made of, and how many were gathered.
        rollout_mean_reward, rollout_std_reward: Reward less KL penalty, a reply.
        policy_lr, value_lr: Learning rates of the two networks.
        step_time_seconds: As the trainer logs it: generation, forward and backward of a step.
        step_seconds: Seconds a step by the clock, between this log and the one before.
        tokens_seen, tokens_per_second, samples_per_second: As the trainer counts them.
        process_rss_bytes, process_vms_bytes, host_memory_used_bytes, disk_free_bytes: Of the machine's latest sample.
        torch_allocated_bytes, torch_reserved_bytes, torch_peak_bytes: As torch counts them.
        gpu_memory_used_bytes, gpu_utilization_percent, gpu_power_watts, gpu_temperature_celsius: Of the machine's GPUs the
            one of most memory used.
    """

    run_id: str = UNKNOWN
    phase: str = UNKNOWN
    time: float = math.nan
    step: int = NOT_COUNTED
    global_step: int = NOT_COUNTED
    epoch: float = math.nan
    seed: int = NOT_COUNTED
    git_sha: str = UNKNOWN

    loss: float = math.nan
    grad_norm: float = math.nan
    learning_rate: float = math.nan

    reward_mean: float = math.nan
    reward_std: float = math.nan
    reward_min: float = math.nan
    reward_max: float = math.nan
    kl_mean: float = math.nan
    kl_std: float = math.nan
    entropy_mean: float = math.nan
    clip_frac: float = math.nan
    value_loss: float = math.nan
    policy_loss: float = math.nan
    value_policy_loss: float = math.nan
    policy_grad_norm: float = math.nan
    value_grad_norm: float = math.nan
    value_mean: float = math.nan
    value_std: float = math.nan
    rollout_length_mean: float = math.nan
    rollout_length_std: float = math.nan
    advantage_mean: float = math.nan
    advantage_std: float = math.nan
    advantage_normalized: bool | None = None
    kl_coef: float = math.nan
    target_kl: float = math.nan
    clip_range: float = math.nan
    clip_range_value: float = math.nan
    batch_size: int = NOT_COUNTED
    model_type: str = UNKNOWN
    vocab_size: int = NOT_COUNTED
    tokenizer_vocab_size: int = NOT_COUNTED
    dataset_size: int = NOT_COUNTED
    rollout_buffer_size: int = NOT_COUNTED
    rollout_buffer_pos: int = NOT_COUNTED
    rollout_mean_reward: float = math.nan
    rollout_std_reward: float = math.nan
    policy_total_params: int = NOT_COUNTED
    policy_trainable_params: int = NOT_COUNTED
    policy_lr: float = math.nan
    value_total_params: int = NOT_COUNTED
    value_trainable_params: int = NOT_COUNTED
    value_lr: float = math.nan

    step_time_seconds: float = math.nan
    step_seconds: float = math.nan
    tokens_seen: int = NOT_COUNTED
    tokens_per_second: float = math.nan
    samples_per_second: float = math.nan

    process_rss_bytes: int = NOT_COUNTED
    process_vms_bytes: int = NOT_COUNTED
    process_cpu_percent: float = math.nan
    host_memory_used_bytes: int = NOT_COUNTED
    host_cpu_percent: float = math.nan
    disk_free_bytes: int = NOT_COUNTED
    torch_allocated_bytes: int = NOT_COUNTED
    torch_reserved_bytes: int = NOT_COUNTED
    torch_peak_bytes: int = NOT_COUNTED
    gpu_memory_used_bytes: int = NOT_COUNTED
    gpu_utilization_percent: float = math.nan
    gpu_power_watts: float = math.nan
    gpu_temperature_celsius: float = math.nan

    def missing(self) -> tuple[str, ...]:
        """Names of the fields that were not measured.

        A NaN that the trainer itself logged is among them: which of the two it was, the run's log tells.
        """
        return tuple(field.name for field in dataclasses.fields(self) if not measured(getattr(self, field.name)))

    def as_dict(self) -> dict[str, float | int | str | bool | None]:
        """Every field by name."""
        return dataclasses.asdict(self)


def measured(value: float | str | bool | None) -> bool:
    """Whether a field's value says anything."""
    if value is None or value == UNKNOWN:
        return False
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return value != NOT_COUNTED
    return not (isinstance(value, float) and math.isnan(value))


KINDS: dict[str, type] = {
    field.name: {"float": float, "int": int, "str": str}.get(str(field.type), bool) for field in dataclasses.fields(RLDKMetrics)
}
"""The type of each field."""
