"""Losses, and penalties that are added to a loss."""
