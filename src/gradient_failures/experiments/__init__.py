"""The training experiments, one module each, all with the same ``Point``, ``Training`` and ``train``."""
