"""Reproduction of "Failures of Gradient-Based Deep Learning" (ICML 2017, arXiv 1703.07950).

The package holds the science and knows nothing of Snakemake, of paths or of the command line;
the workflow beside it decides what to run and where the results go.
"""

__version__ = "0.1.0"
