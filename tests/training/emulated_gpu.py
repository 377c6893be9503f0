"""A GPU emulated on the CPU, for code that makes its tensors on torch's default device.

Its tensors are tensors of the CPU in a wrapper that says "gpu:0". An operation on tensors of both fails, as
it does on a GPU; so does float64, which not all GPUs have.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("gpu")
GPU = torch.device("gpu:0")
MOVES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
"""What may see tensors of both."""


class OnGPU(Tensor):
    """A tensor on the GPU."""

    @staticmethod
    def __new__(cls, inner):
        if inner.dtype == torch.float64:
            raise TypeError("float64 on the GPU")
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=GPU,
            requires_grad=inner.requires_grad,
        )

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _on_gpu(operation, args, kwargs or {})


def _on_gpu(operation, args, kwargs):
    """Do on the CPU what is asked of the GPU."""
    given = tree_flatten((args, kwargs))[0]
    tensors = [value for value in given if isinstance(value, Tensor)]
    here = [value for value in tensors if not isinstance(value, OnGPU) and value.ndim]
    there = {id(value.inner): value for value in tensors if isinstance(value, OnGPU)}
    if here and there and operation not in MOVES:
        raise RuntimeError(f"{operation}: tensors on the GPU and on the CPU")
    target = kwargs.get("device")
    on_gpu = (target is None and bool(there)) or (target is not None and torch.device(target) == GPU)
    if operation is torch.ops.aten.copy_.default:
        on_gpu = isinstance(args[0], OnGPU)
    args, kwargs = tree_map_only(OnGPU, lambda tensor: tensor.inner, (args, kwargs))
    kwargs = {**kwargs, "device": torch.device("cpu")} if target is not None else kwargs
    result = operation(*args, **kwargs)
    if not on_gpu:
        return result
    return tree_map_only(
        Tensor, lambda tensor: there[id(tensor)] if id(tensor) in there else OnGPU(tensor), result
    )


class _Factories(TorchDispatchMode):
    """Sends to the GPU what is made there."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _on_gpu(operation, args, kwargs or {})


@contextmanager
def emulated_gpu() -> Iterator[None]:
    """Make the GPU torch's default device."""
    with _Factories(), GPU:
        yield
