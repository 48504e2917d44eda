"""Grows models by classes or words while keeping what they have learned."""
