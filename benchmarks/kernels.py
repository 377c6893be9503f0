"""The products and convolutions of a training step alone, products into memory that is there already."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

PRODUCTS: dict[Any, Any] = {torch.ops.aten.mm.default: torch.mm, torch.ops.aten.addmm.default: torch.addmm}
CONVOLUTIONS = (torch.ops.aten.convolution.default, torch.ops.aten.convolution_backward.default)


def kernels_of(step: Callable[[], Any]) -> Callable[[], None]:
    """A function that repeats the products and convolutions of ``step``, on the same numbers."""
    recorder = _Recorder()
    with recorder:
        step()

    def repeat() -> None:
        for call in recorder.calls:
            call()

    return repeat


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Callable[[], Any]] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operation(*args, **(kwargs or {}))
        if operation in PRODUCTS:
            self.calls.append(partial(PRODUCTS[operation], *map(_fixed, args), out=torch.empty_like(result)))
        elif operation in CONVOLUTIONS:
            self.calls.append(partial(operation, *map(_fixed, args)))
        return result


def _fixed(value: Any) -> Any:
    """A tensor without its history, and images in the layout that oneDNN is fastest in."""
    if not isinstance(value, Tensor):
        return value
    return value.detach().contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value.detach()
