"""How fast the problems train, next to a plain torch loop and to its bare kernels."""
