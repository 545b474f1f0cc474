"""What is measured on a step's generations (`analysis/samples.py`)."""

from __future__ import annotations

from dataclasses import replace

from rldk_tui.events.schema import Algorithm
from rldk_tui.metrics.metric import ONLINE, Direction, Metric

TO_LOG = "set log_completions=True (GRPO, RLOO), or call RLDKCallback.attach(trainer) before training"
TO_LOG_PAIRS = "evaluate the reward model (eval_strategy) with RLDKCallback.attach(trainer)"
TO_LOG_RANGE = (
    "call RewardModelIntegrator(log_dir, reward_range=scored_range(<the reward model's run>)) with each batch's rewards"
)
TO_LOG_WINDOW = "call RewardModelIntegrator(log_dir).monitor_reward_model(...) with each batch's rewards"


def _row(name: str, title: str, note: str = "", *, unit: str = "", direction: Direction = Direction.NEITHER) -> Metric:
    return Metric(name=f"samples/{name}", title=title, unit=unit, note=note, direction=direction, only_in=ONLINE, to_log=TO_LOG)


def _mark(name: str, title: str, note: str) -> Metric:
    return Metric(name=f"samples/{name}", title=title, note=note, only_in=ONLINE, to_log=TO_LOG, mark=True)


SAMPLES: tuple[Metric, ...] = (
    _row("count", "Generations on record"),
    _row("groups", "Groups on record", "prompts with two replies or more"),
    _row("distinct_prompts", "Different prompts on record", "of one log; several groups of one prompt count once"),
    _mark("prompt_mark", "Mark of the first prompt", "a number by which the same prompt is known again"),
    _mark("batch_mark", "Mark of the generations", "a number by which the same batch is known again"),
    _row("unique_in_group", "Different replies to a prompt", "0 if all replies to a prompt are one text, 1 if all differ"),
    _row(
        "similarity_across_prompts",
        "Likeness of replies to different prompts",
        "Jaccard of word 3-grams: 0 for different texts, 1 for the same",
        direction=Direction.DOWN,
    ),
    _row("distinct_2", "Distinct pairs of words", "falls by itself as replies grow longer"),
    _row("repeating", "Replies that loop", "by compression or repeated 4-grams at their end", direction=Direction.DOWN),
    _row("special_tokens", "Replies with template tokens", "other than at their very end", direction=Direction.DOWN),
    _row("unprintable", "Unprintable characters", "share of all characters: controls and U+FFFD", direction=Direction.DOWN),
    _row(
        "gibberish",
        "Replies that are no text",
        "their characters stand in no order that the run's own text has",
        direction=Direction.DOWN,
    ),
    _row("script_mismatch", "Replies in another script", "than most of the prompt", direction=Direction.DOWN),
    _row("empty", "Empty replies", "no text, or two tokens at most where tokens are counted", direction=Direction.DOWN),
    _row("ref_nll", "Surprise of the reference", unit="nat/token", direction=Direction.DOWN),
    _row("length_mean", "Reply length on record", "words where the source does not count tokens", unit="token"),
    _row("length_reward_groups", "Groups that tell of length", "length and reward both vary in them"),
    _row("length_reward_z", "Length–reward correlation, summed", "divided by its weight: atanh of the mean rank correlation"),
    _row("length_reward_weight", "Length–reward correlation, weight", "replies less three, summed over groups"),
    _row("length_reward_covariance", "Length–reward covariance, summed", "about the means of the groups"),
    _row("length_variance", "Length variance, summed", "about the means of the groups"),
    _row(
        "phrase_explained",
        "Reward explained by one phrase",
        "share of its variance within prompts; 0 if none surely does, absent where it was not looked for",
    ),
    _row("phrase_effect", "Reward of that phrase", "with it less without it, within prompts"),
    _row("phrase_share", "Replies that hold that phrase", "of the newest batches"),
    _row("phrase_share_before", "Replies that held that phrase", "of the first batches"),
    _mark("phrase_mark", "Mark of that phrase", "a number by which the same phrase is known again"),
    _row("reward_between", "Reward variance between prompts", "sum of squares"),
    _row("reward_between_freedom", "Prompts less one", "degrees of freedom between prompts"),
    _row("reward_within", "Reward variance within prompts", "sum of squares, over prompts whose replies differ in reward"),
    _row("reward_within_freedom", "Replies less one a prompt", "degrees of freedom within prompts"),
    _row("group_size", "Replies a prompt", "the mean that an analysis of variance takes"),
    _row("reward_mean", "Reward on record", "all reward functions added up with equal weights"),
    _row("reward_std", "Reward spread on record"),
    _row("reward_farthest", "Farthest reward", "from the median of the batch, in the reward's own unit"),
    _row("reward_extreme", "Farthest reward, in spreads", "from the median of the batch", direction=Direction.DOWN),
    _row("unscored", "Replies nobody could score", direction=Direction.DOWN),
    _row("advantage_mean", "Advantage", "over groups with any"),
    _row("advantage_std", "Advantage spread", "over groups with any"),
    _row("advantage_top_share", "Advantage of the top 1 %", "share of all advantage, at least one reply"),
    _row("near_ties", "Groups tied but for noise", "spread above 0 and below 1 % of the batch's", direction=Direction.DOWN),
    *(
        replace(row, only_in=frozenset({Algorithm.REWARD}), to_log=TO_LOG_PAIRS)
        for row in (
            _row("rm_pairs", "Evaluation pairs scored", "by the reward model"),
            _row("rm_ece", "Calibration error", "expected, in 10 bins of equal mass", direction=Direction.DOWN),
            _row("rm_ece_low", "Calibration error, at least", "lower end of its bootstrap interval", direction=Direction.DOWN),
            _row(
                "rm_length_bias", "Preference for length", "rank correlation of length and score differences, given the label"
            ),
            _row("rm_length_bias_low", "Preference for length, at least", "lower end of its interval"),
            _row("rm_overconfidence", "Claims beyond what came true", "above 0 scores lie too far apart, below too close"),
            _row("rm_brier", "Brier score of pairs", "0.25 for a coin", direction=Direction.DOWN),
            _row(
                "rm_far_apart", "Pairs with scores far apart", "share with more than 10 between them", direction=Direction.DOWN
            ),
            _row(
                "rm_label_noise",
                "Errors in the surest tenth",
                "the labels' errors are about as many at most",
                direction=Direction.DOWN,
            ),
            _row("rm_score_low", "Lowest score of pairs", "0.1 % quantile"),
            _row("rm_score_high", "Highest score of pairs", "99.9 % quantile"),
        )
    ),
    replace(
        _row(
            "rm_outside_range",
            "Rewards the reward model never gave",
            "share of rewards outside the 0.1 % to 99.9 % quantiles of its scores on evaluation pairs",
            direction=Direction.DOWN,
        ),
        to_log=TO_LOG_RANGE,
    ),
    *(
        replace(row, to_log=TO_LOG_WINDOW)
        for row in (
            _row("window_rewards", "Rewards in the window"),
            _row("window_mean", "Reward, window"),
            _row("window_std", "Reward spread, window"),
            _row("window_psi", "Reward drift (PSI)", "newer against older half of the window; 0.1 is moderate, 0.25 large"),
            _row("window_ks", "Reward drift (KS)", "largest distance of the halves' distribution functions"),
            _row("window_shift", "Reward drift, in spreads", "difference of the halves' means"),
            _row("window_between_prompts", "Reward variance between prompts", "share a policy cannot change"),
            _row("window_tied_groups", "Groups of one reward", "share, in the window", direction=Direction.DOWN),
            _row("window_at_highest", "Rewards at their highest", "share within 1 % of the range"),
            _row("window_slope", "Reward slope", "Theil and Sen's, a step", direction=Direction.UP),
            _row("window_inconsistent", "Repeated replies scored anew otherwise", direction=Direction.DOWN),
            _row("window_agreement", "Agreement of two rewards", "rank correlation within prompts", direction=Direction.UP),
            _row("window_outliers", "Reward outliers", "in the newest rewards", direction=Direction.DOWN),
            _row("window_not_numbers", "Rewards that are no number", "in the newest rewards", direction=Direction.DOWN),
        )
    ),
)
