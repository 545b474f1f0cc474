"""What is measured inside PPO's loop and its two networks, of which TRL's PPO logs nothing.

All of it is of the replies of one update on the process that logs; tokens are those of the replies, padding left out.
"""

from __future__ import annotations

from rldk_tui.events.schema import Algorithm
from rldk_tui.metrics.metric import Band, Direction, Metric, same_band

_ATTACH = "call RLDKCallback.attach(trainer) before PPO's train()"
_CALLBACK = "use RLDKCallback with TRL's PPO"
_PPO = frozenset({Algorithm.PPO})

PPO: tuple[Metric, ...] = (
    Metric(
        name="hook/advantage_mean",
        title="Advantage",
        note="mean over tokens before whitening; whitened ones have a mean of 0 by construction",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/advantage_std",
        title="Advantage spread",
        note="over tokens before whitening, unbiased",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/advantage_normalized",
        title="Advantages whitened",
        note="1 where the trainer whitened the advantages it used, 0 where it did not",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/value_mean",
        title="Value",
        note="what the value function foretold when the replies were sampled, mean over the tokens it learns from",
        to_log=_ATTACH,
    ),
    Metric(name="hook/value_std", title="Value spread", note="over tokens, unbiased", to_log=_ATTACH),
    Metric(
        name="hook/return_mean",
        title="Return",
        note="value plus advantage before whitening: what the value function is to learn, mean over tokens",
        to_log=_ATTACH,
    ),
    Metric(name="hook/return_std", title="Return spread", note="over tokens, unbiased", to_log=_ATTACH),
    Metric(
        name="hook/explained_variance",
        title="Explained variance",
        direction=Direction.UP,
        note="share of the returns' variance that the value function foretells; below 0 the mean alone would do better",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/rollout_length_mean",
        title="Reply length",
        unit="token",
        note="end token included, unless it is the padding token too",
        to_log=_ATTACH,
    ),
    Metric(name="hook/rollout_length_std", title="Reply length spread", unit="token", note="unbiased", to_log=_ATTACH),
    Metric(
        name="hook/rollout_truncated",
        title="Truncated share",
        direction=Direction.DOWN,
        bands=same_band(Band(0.0, 0.3, "RLDK rule truncation"), _PPO),
        note="share of the replies without an end token",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/reward_std",
        title="Reward spread",
        note="over the replies, the penalty for a missing end token included as in the logged mean; unbiased",
        to_log=_ATTACH,
    ),
    Metric(name="hook/reward_min", title="Lowest reward", note="see hook/reward_std", to_log=_ATTACH),
    Metric(name="hook/reward_max", title="Highest reward", note="see hook/reward_std", to_log=_ATTACH),
    Metric(
        name="hook/kl_std",
        title="KL spread",
        unit="nat/sequence",
        note="over the replies, of the estimate whose mean the trainer logs; unbiased",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/rollout_mean_reward",
        title="Reward minus KL penalty, per reply",
        direction=Direction.UP,
        note="the reward that the update maximises, summed over a reply; its mean over the replies",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/rollout_std_reward",
        title="Spread of reward minus KL penalty",
        note="over the replies, unbiased",
        to_log=_ATTACH,
    ),
    Metric(
        name="hook/rollout_buffer_size",
        title="Replies an update",
        note="PPO's rollout buffer: per_device_train_batch_size times gradient_accumulation_steps on this process",
        to_log=_CALLBACK,
    ),
    Metric(
        name="hook/rollout_buffer_pos",
        title="Replies gathered",
        note="how many replies the update was made of; as many as the buffer holds, or the update was cut short",
        to_log=_ATTACH,
    ),
    Metric(name="hook/policy_total_params", title="Parameters of the policy", to_log=_CALLBACK),
    Metric(
        name="hook/policy_trainable_params",
        title="Trainable parameters of the policy",
        note="those that ask for a gradient",
        to_log=_CALLBACK,
    ),
    Metric(
        name="hook/policy_lr",
        title="Learning rate of the policy",
        note="the highest of the optimizer's groups that hold a weight of it",
        to_log=_CALLBACK,
    ),
    Metric(name="hook/value_total_params", title="Parameters of the value model", to_log=_CALLBACK),
    Metric(
        name="hook/value_trainable_params",
        title="Trainable parameters of the value model",
        note="those that ask for a gradient",
        to_log=_CALLBACK,
    ),
    Metric(
        name="hook/value_lr",
        title="Learning rate of the value model",
        note="the highest of the optimizer's groups that hold a weight of it",
        to_log=_CALLBACK,
    ),
)
