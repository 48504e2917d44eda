"""Starts compared on real data that grow, each as in practice."""
