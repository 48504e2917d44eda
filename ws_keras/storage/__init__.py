"""What is kept on a disk: rows, checkpoints, locks, whole files."""
