"""The screens: the panels of the run, and a page on top of them."""
