"""Reproduction of "Failures of Gradient-Based Deep Learning" (ICML 2017, arXiv 1703.07950).

``problems`` has one folder for each problem of the paper, with all that belongs to it; the other folders hold
what problems share. The workflow beside the package decides what to run and where the results go.
"""
