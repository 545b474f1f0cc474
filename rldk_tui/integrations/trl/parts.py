"""Which parts watch a training, from what the user asked for."""

from __future__ import annotations

from dataclasses import dataclass

from rldk_tui.events import Severity
from rldk_tui.integrations.trl.checkpoints import CheckpointAnalysis
from rldk_tui.integrations.trl.dataset import DataAudit
from rldk_tui.integrations.trl.ending import Ending
from rldk_tui.integrations.trl.extraction import Extraction
from rldk_tui.integrations.trl.generations import Generations
from rldk_tui.integrations.trl.grad_norm import GradientNorms, NetworkNorms
from rldk_tui.integrations.trl.gradients import Finiteness
from rldk_tui.integrations.trl.live import LiveDiagnosis, OnFinding
from rldk_tui.integrations.trl.parameters import Parameters
from rldk_tui.integrations.trl.part import Part
from rldk_tui.integrations.trl.phases import Phases
from rldk_tui.integrations.trl.ppo import Networks, Rollouts
from rldk_tui.integrations.trl.reward_pairs import RewardPairs
from rldk_tui.integrations.trl.sampler import Sampler
from rldk_tui.integrations.trl.stopping import Stopping
from rldk_tui.integrations.trl.throughput import Throughput
from rldk_tui.integrations.trl.trainer_settings import TrainerSettings
from rldk_tui.integrations.trl.updates import Updates


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `RLDKCallback` was asked to watch; see there."""

    log_interval: int = 1
    system_interval: float = 1.0
    check_gradients: bool = True
    completions_every: int = 1
    completions_megabytes: float = 256.0
    record_text: bool = True
    profile: bool = False
    checkpoint_analysis: bool = True
    on_finding: OnFinding | None = None
    stop_on: Severity | None = None


def parts_for(options: Options) -> list[Part]:
    """Fresh parts for one training."""
    parts: list[Part] = [
        Sampler(options.system_interval),
        Ending(),
        Extraction(),
        TrainerSettings(),
        Throughput(options.log_interval),
        Generations(every=options.completions_every, megabytes=options.completions_megabytes, with_text=options.record_text),
        Networks(options.log_interval),
        Rollouts(options.log_interval),
        GradientNorms(),
        NetworkNorms(),
        Parameters(),
        Updates(options.log_interval),
        DataAudit(),
        RewardPairs(),
    ]
    if options.check_gradients:
        parts.insert(0, Finiteness(options.log_interval))
    if options.profile:
        parts.append(Phases(options.log_interval))
    if options.checkpoint_analysis:
        parts.append(CheckpointAnalysis())
    stopping = Stopping()
    if options.on_finding is not None or options.stop_on is not None:
        parts.append(LiveDiagnosis(options.on_finding, options.stop_on, stopping))
    parts.append(stopping)
    return parts
