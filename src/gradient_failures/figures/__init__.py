"""The figures, one module each, all with the same ``TITLE`` and ``draw``."""
