"""The programs that are timed in turn: this package and its peers."""
