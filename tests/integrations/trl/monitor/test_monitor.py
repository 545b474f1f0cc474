"""The monitor against plain reckoning, on noise in which nothing is wrong, and over a long run."""

from __future__ import annotations

import dataclasses
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

from rldk_tui.events import Severity
from rldk_tui.integrations.trl.monitor import Anomaly, Detection, Direction, Monitor
from rldk_tui.integrations.trl.monitor.anomalies import _SCALES, _Watched
from rldk_tui.integrations.trl.monitor.readings import ABOUT_ZERO, readings
from rldk_tui.integrations.trl.monitor.trend import LEAST, trend_of
from rldk_tui.statistics.null_zoo import ZOO, Cell, Noise, Shape, series
from rldk_tui.statistics.robust import Baseline, logarithm, robust_z
from rldk_tui.statistics.windows import NOTHING_YET, Floats, m_of_n

PPO_LOG = {
    "objective/kl": 2.0,
    "loss/policy_avg": -0.5,
    "loss/value_avg": 0.25,
    "objective/scores": 1.0,
    "policy/clipfrac_avg": 0.1,
    "policy/entropy_avg": 3.0,
    "objective/entropy": 60.0,
}
TAME = [cell for cell in ZOO if cell.noise is Noise.GAUSS and cell.correlation < 0.9 and cell.shape is Shape.FLAT]


def monitored(detection: Detection | None = None, **metrics: Any) -> tuple[Monitor, list[Anomaly]]:
    """A monitor that was fed these logs, and what it told when they came."""
    monitor, told = Monitor(detection or Detection()), []
    for step, row in enumerate(zip(*metrics.values(), strict=True), 1):
        told += monitor.feed(step, None, dict(zip(metrics, row, strict=True)))
    return monitor, told


def noise(length: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(size=length)


def test_ppos_own_names_and_the_ratios() -> None:
    found = readings(3, 0.5, PPO_LOG)
    assert found is not None
    assert (found.kl_div, found.policy_loss, found.value_loss) == (2.0, -0.5, 0.25)
    assert (found.reward, found.clip_ratio, found.entropy) == (1.0, 0.1, 3.0)
    assert (found.kl_policy_ratio, found.value_policy_ratio) == (4.0, 0.5), "against the size of the policy loss"


@pytest.mark.parametrize(("loss", "known"), [(ABOUT_ZERO / 2, False), (-ABOUT_ZERO / 2, False), (2 * ABOUT_ZERO, True)])
def test_nothing_is_divided_by_about_nothing(loss: float, known: bool) -> None:
    found = readings(1, None, {"kl": 1.0, "policy_loss": loss})
    assert found is not None
    assert (found.kl_policy_ratio is not None) == known


def test_grpos_names_and_what_it_does_not_log() -> None:
    found = readings(1, None, {"kl": 0.1, "reward": 0.5, "entropy": 1.0, "clip_ratio/region_mean": 0.0, "loss": 0.0})
    assert found is not None
    assert found.values() == {"kl_div": 0.1, "reward": 0.5, "entropy": 1.0, "clip_ratio": 0.0}
    assert readings(1, None, {"loss": 1.0, "reward": None}) is None


def test_the_detector_is_the_catalogues_robust_z_and_persistence() -> None:
    """Fed one log at a time it alarms where the whole series says so."""
    values = np.exp(noise(600) * 0.3)
    values[200:203] *= 40
    values[400] *= 1e4
    detection = Detection(threshold=6.0)
    baseline = Baseline(detection.size, detection.n, detection.at_least, floor=0.02, relative=0.0)
    found, _ = robust_z(logarithm(values), NOTHING_YET, baseline)
    far = np.abs(found.z) > detection.threshold
    several, _ = m_of_n(far, NOTHING_YET, detection.m, detection.n)
    monitor, told = monitored(detection, value_loss=values)
    assert [anomaly.detected_step for anomaly in told] == [int(np.flatnonzero(several)[0]) + 1] == [202]
    (kept,) = monitor.anomalies
    assert (kept.first_step, kept.last_step, kept.open, kept.high) == (201, 203, False, True)
    assert kept.z == pytest.approx(float(found.z[200:203].max()))
    worst = 200 + int(np.argmax(found.z[200:203]))
    assert (kept.value, kept.usual) == pytest.approx((values[worst], np.exp(found.middle[worst])))


@pytest.mark.parametrize("cell", ZOO[::3], ids=str)
@pytest.mark.parametrize("threshold", [1.0, 2.5])
def test_what_is_beyond_the_threshold_is_so_by_the_whole_series(cell: Cell, threshold: float) -> None:
    """The shortcut by the place among the sorted values decides nothing by itself."""
    (values,) = series(cell, (1, 1000), 4)
    detection = Detection(threshold=threshold)
    found, _ = robust_z(values, NOTHING_YET, Baseline(detection.size, detection.n, detection.at_least))
    watched = _Watched(_SCALES["reward"], detection)
    judged = [watched.judge(step, float(value)) for step, value in enumerate(values)]
    expected = np.flatnonzero(np.abs(found.z) > threshold)
    assert [far.step for far in judged if far] == expected.tolist()
    np.testing.assert_allclose([far.z for far in judged if far], found.z[expected])
    assert expected.size > 10


def test_a_single_log_is_no_episode_and_one_that_is_not_finite_is() -> None:
    usual = np.exp(noise(100) * 0.1)
    lone = usual.copy()
    lone[60] = 1e6
    assert monitored(value_loss=lone)[1] == []
    lone[60] = math.nan
    (told,) = monitored(value_loss=lone)[1]
    assert (told.severity, told.detected_step) == (Severity.CRITICAL, 61)
    assert "value_loss is nan at step 61" in str(told)


@pytest.mark.parametrize(("times", "severity"), [(1.5, "warning"), (3.0, "high"), (5.0, "critical")])
def test_severity_is_how_far(times: float, severity: str) -> None:
    values = np.concatenate((noise(80), np.zeros(2)))
    middle, spread = np.median(values[11:75]), 1.4826 * np.median(np.abs(values[11:75] - np.median(values[11:75])))
    values[80:] = middle + times * 8.0 * spread
    ((told,), monitor) = monitored(reward=values)[::-1]
    assert told.severity == severity
    assert monitor.anomalies == (told,)
    assert str(told).startswith(f"{severity}: reward ")


def test_a_fall_is_one_too_and_what_is_not_logged_is_none() -> None:
    entropy = np.concatenate((3.0 + 0.01 * noise(80), np.full(3, 0.01)))
    (told,) = monitored(entropy=entropy)[1]
    assert not told.high
    assert monitored(entropy=[3.0 if step % 2 else None for step in range(100)], kl=[None] * 100)[1] == []


def _false(cell: Cell, threshold: float) -> float:
    """Episodes in 10,000 logs."""
    rows = series(cell, (2, 5000), 3)
    told = [monitored(Detection(threshold=threshold), reward=row + 10.0)[1] for row in rows]
    return float(sum(map(len, told)))


@pytest.mark.parametrize("cell", TAME, ids=str)
def test_noise_is_no_anomaly(cell: Cell) -> None:
    assert _false(cell, 8.0) == 0


def test_a_plain_threshold_of_three_would_cry_wolf() -> None:
    assert _false(TAME[-1], 3.0) > 10


@pytest.mark.parametrize(("phi", "most"), [(0.0, 0.01), (0.3, 0.01), (0.6, 0.02), (0.9, 0.05)])
def test_autocorrelated_noise_has_no_trend(phi: float, most: float) -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        values = np.zeros(160)
        for step, shock in enumerate(rng.normal(size=159), 1):
            values[step] = phi * values[step - 1] + math.sqrt(1 - phi**2) * shock
        trend = trend_of(values[-64:], 1, 64)
        assert trend is not None
        found.append(trend.direction is not Direction.STABLE)
    assert np.mean(found) <= most


def test_a_trend_has_theil_and_sens_slope_a_step() -> None:
    steps = np.arange(0, 640, 10)
    monitor = Monitor(Detection())
    for step in steps:
        monitor.feed(int(step), None, {"reward": 0.03 * step, "entropy": 3.0, "kl": 5.0 - 0.001 * step})
    trends = monitor.trends()
    assert {name: trend.direction.value for name, trend in trends.items()} == {
        "reward": "increasing",
        "entropy": "stable",
        "kl_div": "decreasing",
    }
    assert trends["reward"].slope == pytest.approx(0.03)
    assert trends["kl_div"].slope == pytest.approx(-0.001)
    assert (trends["reward"].first_step, trends["reward"].last_step, trends["reward"].logs) == (0, 630, 64)
    assert trend_of(np.arange(LEAST - 1.0), 1, LEAST - 1) is None


def test_each_epoch_has_its_statistics() -> None:
    rewards = noise(30) + np.linspace(0, 20, 30)
    monitor = Monitor(Detection())
    for step, reward in enumerate(rewards, 1):
        monitor.feed(step, step / 15, {"reward": float(reward)})
    monitor.feed(31, 31 / 15, {"reward": math.nan})
    first, second = monitor.epochs()
    assert (first.epoch, first.first_step, first.last_step, first.complete) == (1, 1, 15, True)
    assert (second.epoch, second.first_step, second.last_step, second.complete) == (2, 16, 30, True)
    told, values = second.metrics["reward"], rewards[15:]
    assert (told.mean, told.std, told.min, told.max, told.count) == pytest.approx(
        (values.mean(), values.std(ddof=1), values.min(), values.max(), 15)
    )
    assert told.trend is not None
    assert told.trend.direction is Direction.INCREASING


def test_a_long_epoch_is_told_from_all_of_it() -> None:
    values = 0.001 * np.arange(5000) + noise(5000)
    monitor = Monitor(Detection())
    for step, value in enumerate(values, 1):
        monitor.feed(step, 0.5, {"reward": float(value)})
    (found,) = monitor.epochs()
    trend = found.metrics["reward"].trend
    assert trend is not None
    assert (trend.direction, found.complete) == (Direction.INCREASING, False)
    assert trend.slope == pytest.approx(0.001, rel=0.05)


def test_nothing_grows_with_the_run() -> None:
    monitor = Monitor(Detection())
    rows = [dict(zip(PPO_LOG, np.abs(noise(len(PPO_LOG), seed)).tolist(), strict=True)) for seed in range(50)]

    def feed(first: int, last: int) -> int:
        for step in range(first, last):
            monitor.feed(step, step / 200_000, rows[step % 50])
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = feed(0, 2_000)
        assert feed(2_000, 6_000) - before < 20_000
    finally:
        tracemalloc.stop()


def test_results_are_frozen() -> None:
    found = readings(1, None, PPO_LOG)
    assert found is not None
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.reward = 2.0  # type: ignore[misc]


def test_wild_numbers_warn_of_nothing() -> None:
    wild = [1e308, -1e308, 0.0, 5e-324, math.inf, -math.inf, math.nan] * 20
    monitor, _ = monitored(kl=wild, reward=wild, value_loss=wild, entropy=wild, policy_loss=wild)
    monitor.trends()
    monitor.epochs()
