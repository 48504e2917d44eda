"""Transforms: changes of a model's weights between two rounds."""
