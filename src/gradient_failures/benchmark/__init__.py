"""How fast the experiments train, next to a plain torch loop and to the bare kernels."""

from collections.abc import Callable

Step = Callable[[], None]
"""Takes one training step."""
