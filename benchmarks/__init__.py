"""Measurements of methods and of speed, each by one command."""
