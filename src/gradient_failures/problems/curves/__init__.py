"""Piecewise-linear curves."""
