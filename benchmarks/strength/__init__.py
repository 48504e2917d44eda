"""Rules that choose the strength of shrink-perturb before training."""
