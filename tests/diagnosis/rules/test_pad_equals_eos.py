"""One token for padding and for the end."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "pad-equals-eos"
SAME = {"pad_token_id": 2, "eos_token_id": 2}


@pytest.mark.parametrize(
    ("algorithm", "trl", "severity"),
    [
        (Algorithm.PPO, "1.12.0", Severity.HIGH),
        (Algorithm.SFT, "0.17.0", Severity.WARNING),
        (Algorithm.SFT, "0.18.0", Severity.INFO),
        (Algorithm.SFT, "1.16.0", Severity.INFO),
        (Algorithm.SFT, None, Severity.INFO),
        (Algorithm.GRPO, "1.16.0", Severity.INFO),
        (Algorithm.DPO, "0.9.6", Severity.INFO),
    ],
)
def test_it_matters_where_padding_is_found_by_its_token(algorithm: Algorithm, trl: str | None, severity: Severity) -> None:
    assert worst(RULE, a_run(algorithm, config=SAME, versions={"trl": trl} if trl else {})) is severity


@pytest.mark.parametrize(
    "config",
    [
        {"pad_token_id": 0, "eos_token_id": 2},
        {"pad_token_id": None, "eos_token_id": None},
        {"pad_token_id": 2},
        {"pad_token": "<PAD_TOKEN>", "eos_token": "<EOS_TOKEN>"},
        {"pad_token": None, "eos_token": None},
        {"pad_token": "<EOS_TOKEN>", "eos_token": "<EOS_TOKEN>"},
    ],
)
def test_two_tokens_or_untold_ones_are_silent(config: dict[str, object]) -> None:
    assert not findings(RULE, a_run(Algorithm.PPO, config=config))


def test_one_of_several_ends_counts_and_so_does_the_text() -> None:
    assert worst(RULE, a_run(Algorithm.PPO, config={"pad_token_id": 7, "eos_token_id": [2, 7]})) is Severity.HIGH
    found = only(RULE, a_run(Algorithm.PPO, config={"pad_token": "</s>", "eos_token": "</s>"}))
    assert "'</s>'" in found.summary
    assert found.advice[1].parameter == "pad_token"
    assert [item.parameter for item in only(RULE, a_run(Algorithm.PPO, config=SAME)).advice] == [None]
