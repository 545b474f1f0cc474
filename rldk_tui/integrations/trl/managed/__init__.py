"""A whole training from one description: the trainer is built, watched, checked and reported by one object.

`configuration` is the description, `building` makes TRL's trainer of it, `manager` runs it, `result` is what came out.
"""
