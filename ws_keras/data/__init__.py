"""Data sets as arrays in memory, and the indices of rounds."""
