"""Findings -> health score with its reasons: one specification for runs and checkpoints.

A score is a product over fixed families, so that one cause is not counted once a rule, no number of good news outvotes one
bad, and adding a rule that finds nothing changes nothing but the coverage. Disqualifying facts cap it (as SSL Labs does),
what could not be measured is left out of it and shown as coverage (as OpenSSF Scorecard does).
"""

from rldk_tui.scoring.families import DIMENSIONS, Dimension, Family
from rldk_tui.scoring.score import SPEC, Cap, Evaluated, Judged, Score, score_of

__all__ = ["DIMENSIONS", "SPEC", "Cap", "Dimension", "Evaluated", "Family", "Judged", "Score", "score_of"]
