"""`RLDKMetrics`: one typed record a log, whatever the trainer and its version call the numbers.

`record` is the record, `sources` says which logged or measured name each field is read from, `facts` reads what is constant
from the trainer's own objects, `history` is the part of the callback that keeps rows and makes records of them when they are
asked for, `unavailable` says why a field cannot be had.
"""

from rldk_tui.integrations.trl.metrics_record.history import History, MetricsHistory
from rldk_tui.integrations.trl.metrics_record.record import RLDKMetrics

__all__ = ["History", "MetricsHistory", "RLDKMetrics"]
