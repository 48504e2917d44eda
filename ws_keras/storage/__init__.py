"""Files of a run: rows, curves, checkpoints, locks."""
