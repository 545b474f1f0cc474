"""What runs inside somebody else's training process, one folder a framework; it measures and never judges.

Importing this package imports no framework. Floor: beside `readers` and `run`; a training process pays for this package,
`system`, `metrics` and `events`, and for nothing else. To add a framework: a folder here, tested on a real tiny training.
"""
