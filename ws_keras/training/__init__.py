"""One round: fit until the stopping rule, then evaluate."""
