"""Measures of a network's weights, gradients and outputs."""
