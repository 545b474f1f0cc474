"""Checkpoints that every process of a training wrote its own part of: recognised, and told how to make whole.

They are not read here. The plan of a torch distributed checkpoint (`.metadata`: FSDP, `torch.distributed.checkpoint`) is a
bare pickle, which torch's own reader unpickles with all it may do; DeepSpeed's parts are pickles of flat pieces whose places
are in other pickles. Both frameworks bring the program that joins them, to be run where the checkpoint is trusted.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rldk_tui.checkpoints.file_problem import FileProblem

_DEEPSPEED_PART = re.compile(
    r"(mp_rank_|(bf16_|fp16_)?zero_pp_rank_|layer_)\w{1,60}(_model_states|_optim_states|-model_states)\.pt"
)
_MODEL_PART = re.compile(r"(mp_rank_|zero_pp_rank_)\w{1,60}_model_states\.pt|layer_[\w-]{1,60}-model_\w{1,20}\.pt")
_FSDP_MODEL = re.compile(r"pytorch_model_fsdp_\d+")
_FSDP_OPTIMIZER = re.compile(r"optimizer_\d+")
_MOST_LOOKED_AT = 10_000


class Format(StrEnum):
    """Who wrote the parts."""

    DEEPSPEED = "DeepSpeed"
    FSDP = "FSDP"
    TORCH = "torch distributed"


@dataclass(frozen=True, slots=True)
class Parts:
    """A folder of parts in a checkpoint.

    Attributes:
        format: Who wrote it.
        folder: Its name relative to the checkpoint, "." for the checkpoint itself.
        weights: Whether it holds the weights; else it holds the optimizer alone.
        whole: Whether the file that says how the parts fit together is there.
    """

    format: Format
    folder: str
    weights: bool
    whole: bool


def find_parts(folder: Path) -> tuple[Parts, ...]:
    """The folders of parts in a checkpoint folder, and itself if it is one.

    Raises:
        OSError: if the folder cannot be listed.
    """
    inner = [path for path in sorted(folder.iterdir())[:_MOST_LOOKED_AT] if path.is_dir() and not path.is_symlink()]
    found = (_parts(folder, "."), *(_parts(path, path.name) for path in inner))
    return tuple(parts for parts in found if parts is not None)


def _parts(folder: Path, name: str) -> Parts | None:
    try:
        files = {path.name for _, path in zip(range(_MOST_LOOKED_AT), folder.iterdir(), strict=False)}
    except OSError:
        return None
    if any(_DEEPSPEED_PART.fullmatch(file) for file in files):
        return Parts(Format.DEEPSPEED, name, any(_MODEL_PART.fullmatch(file) for file in files), whole=True)
    if ".metadata" in files or any(file.endswith(".distcp") for file in files):
        written = Format.FSDP if _FSDP_MODEL.fullmatch(name) or _FSDP_OPTIMIZER.fullmatch(name) else Format.TORCH
        return Parts(written, name, not _FSDP_OPTIMIZER.fullmatch(name), whole=".metadata" in files)
    return None


def convert_first(checkpoint: Path, parts: Parts) -> FileProblem:
    """Why the parts were not read, with the command that joins them."""
    source = checkpoint.absolute().name if parts.folder == "." else parts.folder
    if not parts.whole:
        message = (
            f"Parts of a {parts.format} checkpoint without the `.metadata` that says how they fit: its save was cut short."
        )
        return FileProblem("parts-incomplete", source, message, "Use an earlier checkpoint.")
    message = (
        f"{'Weights' if parts.weights else 'Optimizer state'} in parts of {parts.format}, which only its own program joins."
    )
    advice = f"Convert first, where you trust it (this runs pickles): {_command(checkpoint, parts)}"
    return FileProblem("convert-first", source, message, advice)


def _command(checkpoint: Path, parts: Parts) -> str:
    parted = checkpoint if parts.folder == "." else checkpoint / parts.folder
    output = f"{checkpoint}-whole"
    if parts.format is Format.DEEPSPEED:
        home = shlex.quote(str(parted.parent))
        return f"python {home}/zero_to_fp32.py {home} {shlex.quote(output)}"
    if parts.format is Format.FSDP and parts.weights:
        return f"accelerate merge-weights {shlex.quote(str(parted))} {shlex.quote(output)}"
    module = "torch.distributed.checkpoint.format_utils"
    return f"python -m {module} dcp_to_torch {shlex.quote(str(parted))} {shlex.quote(output + '.pt')}"
