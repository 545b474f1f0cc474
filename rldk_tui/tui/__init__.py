"""The monitor: what a person sees of a running training, in a terminal or as one page of text.

`view` is what there is to show, `panels/` (one file each, found by a walk of the folder) and `pages/` turn it into `cells`:
lines of text with tones, and nothing of any terminal. `widgets/` and `screens/` put those into Textual, `once` prints them
with rich alone. `feed` polls in a thread, `layout` decides who gets which part of the terminal, `app` wires.
Floor: a face; it shows what `session` says and judges nothing.
"""
