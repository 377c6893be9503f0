"""How fast the experiments train, next to a plain torch loop and to the bare kernels."""
