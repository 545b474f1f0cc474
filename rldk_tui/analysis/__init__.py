"""Numbers out of a snapshot that are no metric of the trainer: for now, what can be measured on a sampled text.

Floor: beside `ingest`, above `run`; faces show it, rules will judge by it.
"""
