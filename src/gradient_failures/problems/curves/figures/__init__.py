"""Figures of piecewise-linear curves."""
