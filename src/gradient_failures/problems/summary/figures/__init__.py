"""Figures of the graphical summary."""
