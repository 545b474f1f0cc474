"""Where models, data and reward functions come from, by the names a description gives them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rldk_tui.errors import UserError

_LOADERS = {".json": "json", ".jsonl": "json", ".csv": "csv", ".parquet": "parquet"}
_HUB = "Give a folder or file that exists, or a name on the Hugging Face hub (and look whether HF_HUB_OFFLINE is set)."


def dataset(name: str, split: str) -> Any:
    """A dataset from a file, a folder that `datasets` saved, or the hub.

    Raises:
        UserError: if there is none of this name, or it has no such split.
    """
    import datasets

    path = Path(name)
    try:
        if path.suffix in _LOADERS and path.is_file():
            return datasets.load_dataset(_LOADERS[path.suffix], data_files=str(path), split="train")
        if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():
            found = datasets.load_from_disk(str(path))
            return found[split] if isinstance(found, datasets.DatasetDict) else found
        return datasets.load_dataset(name, split=split)
    except (OSError, ValueError, KeyError, datasets.exceptions.DatasetsError) as failure:
        raise UserError(f"The dataset {name!r} cannot be loaded: {_first_line(failure)}", _HUB) from failure


def tokenizer(name: str) -> Any:
    """The tokenizer of a model, padding on the left as sampling needs it.

    Raises:
        UserError: if there is none.
    """
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(name, padding_side="left")
    except (OSError, ValueError) as failure:
        raise UserError(f"The tokenizer of {name!r} cannot be loaded: {_first_line(failure)}", _HUB) from failure
    if found.pad_token is None:
        found.pad_token = found.eos_token
    return found


def language_model(name: str) -> Any:
    """A causal language model.

    Raises:
        UserError: if there is none of this name.
    """
    from transformers import AutoModelForCausalLM

    return _pretrained(AutoModelForCausalLM, name)


def scoring_model(name: str) -> Any:
    """A model with one number for a text: a reward model or a value network.

    Raises:
        UserError: if there is none of this name.
    """
    from transformers import AutoModelForSequenceClassification

    return _pretrained(AutoModelForSequenceClassification, name, num_labels=1)


def _pretrained(kind: Any, name: str, **options: Any) -> Any:
    try:
        return kind.from_pretrained(name, **options)
    except (OSError, ValueError) as failure:
        raise UserError(f"The model {name!r} cannot be loaded: {_first_line(failure)}", _HUB) from failure


def reward_function(name: str) -> Callable[..., Any]:
    """The function that `package.module:function` or `file.py:function` names. Its module is run, as an import does.

    Raises:
        UserError: if it is not there, or is no function.
    """
    place, _, function = name.rpartition(":")
    if not place or not function:
        raise UserError(f"{name!r} names no reward function.", 'Write "package.module:function" or "file.py:function".')
    module = _module(place)
    found = getattr(module, function, None)
    if not callable(found):
        raise UserError(f"{place} has no function {function!r}.")
    return found  # type: ignore[no-any-return] # callable, as asked above


def _module(place: str) -> Any:
    try:
        if place.endswith(".py"):
            spec = importlib.util.spec_from_file_location(Path(place).stem, place)
            if spec is None or spec.loader is None:
                raise ImportError(place)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
        return importlib.import_module(place)
    except (ImportError, OSError, SyntaxError) as failure:
        raise UserError(f"{place} cannot be imported: {_first_line(failure)}") from failure


def _first_line(failure: BaseException) -> str:
    lines = str(failure).splitlines()
    return lines[0] if lines else type(failure).__name__
