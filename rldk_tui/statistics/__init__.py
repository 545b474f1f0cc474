"""Numbers from numbers: windows, persistence, trends. numpy only; no clock, no polars, no knowledge of runs.

Everything that rolls takes the new values and what it kept of the earlier ones (`past`), and gives a result per new
value and the new `past`. The result at a value depends on values up to it only, so any chunking of a series gives the
same results.
"""
