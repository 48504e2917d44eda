"""Callbacks: transforms, schedules, resets and stopping rules in `fit`."""
