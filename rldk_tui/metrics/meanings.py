"""What a metric tells, how it looks in a run that goes well, and what it is taken for by mistake: for "is this normal?".

What the trainers compute was read from their code (TRL 0.7 to 1.16) and seen in real runs; a limit or a claim from elsewhere
names where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rldk_tui.metrics.catalogue import MEASURED, lookup

_TRL = "the trainers' code, TRL 0.7 to 1.16"
_OURS = "measured by RLDK beside the trainer's log"
_FAQ = "TRL's training FAQ"
_SCHULMAN = "Schulman et al., Proximal Policy Optimization Algorithms (2017)"
_SPINNING = "OpenAI Spinning Up, PPO"
_GRPO = "Shao et al., DeepSeekMath (2024)"
_DPO = "Rafailov et al., Direct Preference Optimization (2023); TRL's DPO guide"
_DAPO = "Yu et al., DAPO (2025)"
_GAO = "Gao et al., Scaling Laws for Reward Model Overoptimization (2022)"
_KL_APPROX = "Schulman, Approximating KL Divergence (2020)"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What people need beside a number.

    Attributes:
        what: What the number is.
        healthy: How it looks when all is well; "" where nobody can say so in general.
        mistaken: What it is often taken for, and is not.
        source: Who says so.
    """

    what: str
    healthy: str = ""
    mistaken: str = ""
    source: str = _TRL


_REWARD_OF_ONE = Meaning(
    "what one reward function gave, over the replies of the log, before it is weighted and added to the others",
    "each moves on its own; a format reward saturates first, a correctness reward is slower",
    "a total that rises because one easy reward rises is no progress on the others: look at each",
)
_SPREAD_OF_ONE = Meaning(
    "how far apart one reward function's values are over the replies of the log",
    "above 0: a reward that gives everybody the same teaches nothing",
)

_MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "reward": Meaning(
            "the mean reward of the replies sampled for this log, all reward functions weighted and added up",
            "rises and then flattens, with noise of the size of the reward spread divided by the root of the replies",
            "a rising reward alone is no proof of learning: a hacked reward rises too, and its true quality falls",
            _GAO,
        ),
        "reward_std": Meaning(
            "how far the rewards of one log are apart: over the batch since TRL 0.29, the mean of the groups' spreads before",
            "well above 0; it shrinks as the task is solved",
            "0 is not stability: with no spread there is no advantage, and nothing is learned",
            _GRPO,
        ),
        "kl": Meaning(
            "how far the policy's token probabilities are from the reference model's, estimated from the sampled tokens",
            "starts at 0 and grows slowly; the unit decides what is much (per token in GRPO and RLOO, per reply in PPO)",
            "a small negative value is the noise of an unbiased estimate (k1: RLOO, PPO, Online DPO), not an error; GRPO's k3 "
            "and KTO's clamped one are never negative, so there 0 means 'no reference distance', not 'no learning'",
            _KL_APPROX,
        ),
        "entropy": Meaning(
            "how undecided the policy is about the next token, averaged over the tokens of its replies",
            "falls by half or more while the reward rises, and stays clear of 0",
            "a falling entropy is not yet a collapse; near 0 the policy says one thing only, and sampling explores nothing",
            "Cui et al., The Entropy Mechanism of RL for Reasoning Language Models (2025)",
        ),
        "entropy/sequence": Meaning(
            "the sum of the log-probabilities' negatives over a whole reply: it grows with the length of the reply",
            "to be compared at equal lengths only",
            "it is no entropy per token: shorter replies lower it by themselves",
        ),
        "completions/mean_length": Meaning(
            "the mean length of the sampled replies in tokens, the cut ones counted at the limit",
            "drifts with the task; sudden jumps want a look at the text",
            "longer replies are not better ones: many rewards pay for length by accident",
            "Singhal et al., A Long Way to Go: Length Correlations in RLHF (2023)",
        ),
        "completions/clipped_ratio": Meaning(
            "the share of replies that were cut at max_completion_length before they ended",
            "below 0.3; the reward of a cut reply grades a fragment",
            "not the clipping of the policy ratio, which is called clip_ratio",
            _DAPO,
        ),
        "frac_reward_zero_std": Meaning(
            "the share of groups in which every reply got the same reward, so that no reply has an advantage",
            "below 0.5; it rises as prompts are solved or stay unsolvable",
            "0 does not prove a signal: when every reward is NaN, TRL logs 0 here",
            _DAPO,
        ),
        "grad_norm": Meaning(
            "the length of the gradient of the last step before the log, before it is clipped to max_grad_norm",
            "steady within a factor of a few; above max_grad_norm now and then is what clipping is for",
            "0 is no convergence: it means no signal (equal rewards, learning rate aside) or an update that overflowed",
        ),
        "loss": Meaning(
            "the value the optimizer gets its gradient from",
            "in GRPO and RLOO about 0 and without a direction; in DPO from 0.693 (ln 2) down; in SFT falling",
            "a GRPO loss near 0 is no finished training: advantages add up to 0 in a group, so the loss starts there and only "
            "its gradient matters; it rises with the KL term. A NaN loss is logged as 0.0 unless logging_nan_inf_filter=False",
            "TRL's GRPO guide; " + _TRL,
        ),
        "learning_rate": Meaning(
            "the step size that the scheduler set for this step",
            "warms up, then decays to 0 or to its floor at max_steps",
            "0 in the first log is the warm-up's beginning, not a mistake",
        ),
        "policy_loss": Meaning(
            "PPO's clipped objective for the policy, with its sign turned",
            "small and noisy about 0: advantages are whitened",
            "it does not fall as training succeeds; it is no measure of quality",
            _SCHULMAN,
        ),
        "value_loss": Meaning(
            "the squared error of the value function against the returns, half of it, clipped",
            "falls early and stays low; it follows the scale of the reward",
            "a rise with a rising reward may only be a larger scale; explained variance tells",
            _SCHULMAN,
        ),
        "value_policy_loss": Meaning("the policy's loss in the step in which the value function was updated"),
        "approx_kl": Meaning(
            "how far one round of updates moved the policy from the one that sampled",
            "below 0.03; 1.5 × target_kl is where Spinning Up stops a round early",
            "not the KL to the reference model: this one starts again at 0 with every batch",
            _SPINNING,
        ),
        "clip_fraction": Meaning(
            "the share of tokens (in RLOO: replies) whose probability ratio left the trust region, so that their gradient is 0",
            "0 to 0.3 with several updates a batch",
            "always 0 is normal when each batch is used once (num_iterations=1): policy and sampler are then the same",
            _SCHULMAN,
        ),
        "value_clip_fraction": Meaning(
            "the share of tokens whose value moved further than the value clip allows", "low", source=_SCHULMAN
        ),
        "policy_ratio": Meaning(
            "the mean of new over old probability of the sampled tokens",
            "close to 1",
            "a mean of 1 hides single tokens far from it: look at the clip fraction too",
            "TRL's PPO guide",
        ),
        "policy_ratio_var": Meaning(
            "how much that ratio differs between the passes of one update",
            "near 0",
            "NaN is normal with one epoch, one minibatch and no accumulation: the variance of a single number",
        ),
        "explained_variance": Meaning(
            "the share of the returns' variance that the value function foretells",
            "rises towards 1",
            "below 0 the value function is worse than the plain mean: advantages are then mostly noise",
            "Huang et al., The 37 Implementation Details of PPO (2022)",
        ),
        "rlhf_reward": Meaning(
            "the score of the reward model less the KL penalty: what PPO maximises",
            "rises",
            "it can rise because the penalty shrinks: look at score and KL apart",
            _FAQ,
        ),
        "kl_penalty": Meaning("minus kl_coef times the KL: what distance from the reference costs", "small beside the score"),
        "kl_coef": Meaning("the weight of the KL in the reward", "constant, unless it adapts"),
        "rewards/margins": Meaning(
            "how much more the policy than the reference prefers the chosen over the rejected reply, times beta",
            "rises from 0",
            "it rises too when both log-probabilities fall and the rejected one falls faster: look at logps/chosen",
            _DPO,
        ),
        "margin": Meaning("the score of the chosen reply less that of the rejected one", "rises above 0"),
        "accuracy": Meaning(
            "the share of pairs in which the chosen reply scores higher",
            "0.6 to 0.8 on human preferences, whose labels disagree about that often; 1.0 asks for a look at the data",
            "a NaN margin is logged as 0, not as NaN",
            "Stiennon et al., Learning to Summarize from Human Feedback (2020)",
        ),
        "rewards/accuracies": Meaning(
            "the share of pairs of which the policy prefers the chosen reply more than the reference does",
            "rises from 0.5",
            "0.5 in the first logs is where it must begin; a NaN margin is logged as 0",
            _DPO,
        ),
        "rewards/chosen": Meaning(
            "beta times how much likelier the chosen reply is to the policy than to the reference",
            "near 0 or rising",
            "falling together with the rejected one is common and means both became less likely",
            "Pal et al., Smaug: Fixing Failure Modes of DPO (2024)",
        ),
        "rewards/rejected": Meaning(
            "beta times how much likelier the rejected reply is to the policy than to the reference",
            "falls below 0",
            source=_DPO,
        ),
        "logps/chosen": Meaning(
            "the log-probability the policy gives the chosen reply, summed over its tokens",
            "steady",
            "it depends on the length of the replies in the batch: single logs are not comparable",
            "Pal et al., Smaug: Fixing Failure Modes of DPO (2024)",
        ),
        "logps/rejected": Meaning("the same of the rejected reply", "falls", source=_DPO),
        "logits/chosen": Meaning("the mean of all logits over the chosen reply", "", "its level says nothing by itself"),
        "logits/rejected": Meaning("the mean of all logits over the rejected reply", "", "its level says nothing by itself"),
        "mean_token_accuracy": Meaning(
            "the share of tokens the model ranks first in the training text",
            "rises and flattens",
            "0 in a late log may be a NaN in the weights: the comparison with NaN is false",
        ),
        "num_tokens": Meaning(
            "tokens trained on so far", "rises evenly", "it restarts at 0 on resume in SFT, DPO, KTO and Reward"
        ),
        "step_time": Meaning(
            "generation, forward and backward of a step",
            "steady once compiled; grows with the length of the replies",
            "optimizer, evaluation and saving are not in it",
        ),
        "step_seconds": Meaning("the time between two logs by the clock, divided by their steps", "steady", source=_OURS),
        "epoch": Meaning("passes over the training data", "rises evenly"),
        "episode": Meaning("replies trained on so far"),
        "eps": Meaning("replies trained on in a second", "steady"),
        "completions/mean_terminated_length": Meaning(
            "the mean length of the replies that ended by themselves",
            "follows the mean length",
            "0 when no reply ended, not a length",
        ),
        "completions/min_length": Meaning("the shortest reply of the log", "above a few tokens"),
        "completions/max_length": Meaning("the longest reply of the log", "below the limit", "the limit itself means: cut"),
        "completions/length_std": Meaning("how much the lengths of the replies differ", "above 0"),
        "val/num_eos_tokens": Meaning(
            "replies with an end token, on one rank", "as many as the replies of a batch on it", "a count, not a share"
        ),
        "sampling/sampling_logp_difference/mean": Meaning(
            "how far vLLM's log-probabilities are from the trainer's for the same tokens",
            "a few hundredths of a nat: kernels and precision differ",
            "a large gap is off-policy training that nobody asked for",
            "Yao et al., Your Efficient RL Framework Secretly Brings You Off-Policy RL Training (2025)",
        ),
        "sampling/importance_sampling_ratio/mean": Meaning(
            "what the trainer multiplies each token (or reply) by to correct for that gap, after masking and truncation",
            "about 1",
            "below 1 it tells what was thrown away, not how far sampler and trainer differ",
        ),
        "advantage_mean": Meaning("how much better replies were than expected", "about 0 by construction"),
        "advantage_std": Meaning("how much that differs between replies", "about 1 where it is whitened"),
        "gold": Meaning(
            "a measure of what is really meant, apart from the reward",
            "rises with the reward",
            "where it falls while the reward rises, the reward is being gamed",
            _GAO,
        ),
        "tools/call_frequency": Meaning("tool calls a prompt", "", "more calls are not better ones"),
        "tools/failure_frequency": Meaning("the share of tool calls that failed", "near 0"),
        "train_runtime": Meaning("seconds of the whole training"),
    }
)


def meaning_of(name: str) -> Meaning:
    """What is known of a metric by its canonical name; of one that nobody described, what its catalogue row says."""
    bare = name.removeprefix("eval/")
    known = _MEANINGS.get(bare)
    if known is not None:
        return known
    row = lookup(bare)
    if bare.startswith("rewards/") and bare.endswith("/mean"):
        return _REWARD_OF_ONE
    if bare.startswith("rewards/") and bare.endswith("/std"):
        return _SPREAD_OF_ONE
    if row.title == row.name and not bare.startswith(MEASURED):
        return Meaning("a key of this trainer or script that the catalogue does not know", source="the run's own log")
    ours = bare.startswith(MEASURED)
    return Meaning(row.note or row.title, source=_OURS if ours else _TRL)
