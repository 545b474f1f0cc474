"""Lines of cells as Textual widgets."""
