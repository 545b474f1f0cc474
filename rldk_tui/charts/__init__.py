"""Numbers -> picture, for any face: numpy only, no terminal and no markup.

`downsample` and `growing` make a long series short without losing an extreme, `sparkline` and `plot` draw it in text
cells, `trend` gives the slope of its last logs, `format` writes numbers for people, `text` makes a run's own text harmless.
Floor: beside `checkpoints` and `system`; knows nothing of runs or rules.
"""
