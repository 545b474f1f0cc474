"""Runs side by side: what was set and found differently, which is better, and since when they differ.

`differences` compares settings and findings, `alignment` pairs the logs of a metric by step or by tokens, `judgement` says
whether a difference is more than noise and since when it is there, `compare` puts that together, `gate` turns it into the
answer of `rldk check --baseline`, `objects` and `prose` say it to programs and people. Floor: above the session; no face.

One run each cannot tell how another seed would have gone: what is judged is whether these two curves differ.
"""

from rldk_tui.comparison.alignment import Axis
from rldk_tui.comparison.compare import Comparison, Pair, compare
from rldk_tui.comparison.gate import Gate, gate
from rldk_tui.comparison.judgement import Judgement, Outcome

__all__ = ["Axis", "Comparison", "Gate", "Judgement", "Outcome", "Pair", "compare", "gate"]
