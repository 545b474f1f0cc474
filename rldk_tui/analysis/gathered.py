"""What is gathered over a run's generations, batch by batch in the order of the training. Memory is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

from rldk_tui.analysis.gibberish import TextReference
from rldk_tui.analysis.paying_phrases import PhraseSearch


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that later batches are measured by.

    Attributes:
        phrases: Which phrases occurred, and how they were paid.
        text: What the text of this run is made of.
    """

    phrases: PhraseSearch = field(default_factory=PhraseSearch)
    text: TextReference = field(default_factory=TextReference)
