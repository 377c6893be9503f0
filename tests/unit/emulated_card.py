"""A graphics card emulated on the processor, for code that places its tensors by torch's default device.

Tensors on it are tensors of the processor in a wrapper that says "card:0". An operation on tensors of both
places fails, as it does on a card; so does float64, which not all cards have.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("card")
CARD = torch.device("card:0")
MOVES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
"""What may see tensors of both places."""


class OnCard(Tensor):
    """A tensor on the card."""

    @staticmethod
    def __new__(cls, inner):
        if inner.dtype == torch.float64:
            raise TypeError("float64 on the card")
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=CARD,
            requires_grad=inner.requires_grad,
        )

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _on_card(operation, args, kwargs or {})


def _on_card(operation, args, kwargs):
    """Do on the processor what is asked of the card."""
    given = tree_flatten((args, kwargs))[0]
    tensors = [value for value in given if isinstance(value, Tensor)]
    here = [value for value in tensors if not isinstance(value, OnCard) and value.ndim]
    there = {id(value.inner): value for value in tensors if isinstance(value, OnCard)}
    if here and there and operation not in MOVES:
        raise RuntimeError(f"{operation}: tensors on the card and on the processor")
    target = kwargs.get("device")
    on_card = (target is None and bool(there)) or (target is not None and torch.device(target) == CARD)
    if operation is torch.ops.aten.copy_.default:
        on_card = isinstance(args[0], OnCard)
    args, kwargs = tree_map_only(OnCard, lambda tensor: tensor.inner, (args, kwargs))
    kwargs = {**kwargs, "device": torch.device("cpu")} if target is not None else kwargs
    result = operation(*args, **kwargs)
    if not on_card:
        return result
    return tree_map_only(
        Tensor, lambda tensor: there[id(tensor)] if id(tensor) in there else OnCard(tensor), result
    )


class _Factories(TorchDispatchMode):
    """Sends to the card what is made there."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _on_card(operation, args, kwargs or {})


@contextmanager
def emulated_card() -> Iterator[None]:
    """Make the card torch's default device."""
    with _Factories(), CARD:
        yield
