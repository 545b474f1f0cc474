"""What in a folder is a log, a checkpoint, a run; and what is new in it since the last look.

`tail` reads what a file grew by, exactly; `discovery` finds the files and asks the readers whose they are; `follower`
puts both together into batches of events; `locate` turns what a person typed into a run directory. No clock is read here
and nothing is ever written.
"""

from rldk_tui.ingest.declined import why_declined
from rldk_tui.ingest.follower import Batch, Follower
from rldk_tui.ingest.generations_table import scan_generations
from rldk_tui.ingest.locate import NoLogError, is_run, locate, newest_run, runs_below
from rldk_tui.ingest.recorded import rows_of

__all__ = [
    "Batch",
    "Follower",
    "NoLogError",
    "is_run",
    "locate",
    "newest_run",
    "rows_of",
    "runs_below",
    "scan_generations",
    "why_declined",
]
