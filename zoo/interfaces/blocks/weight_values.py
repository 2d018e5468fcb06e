"""Values of weights: which are no numbers, and whether they are still those that were measured."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator, Mapping

import torch
from torch import Tensor, nn

from zoo.spec.errors import listing

_MOST = 2


def checksum(module: nn.Module) -> int:
    """Checksum of all values of a module, wherever they lie and however many bits they take.

    Example:
        >>> one = nn.Linear(2, 1)
        >>> before = checksum(one)
        >>> same = checksum(one.double().float()) == before
        >>> one.bias.data += 1
        >>> same, checksum(one) == before
        (True, False)
    """
    found = 0
    for _, value in _tensors(module.state_dict()):
        flat = value.to_dense() if value.layout != torch.strided else value
        if flat.is_floating_point() and flat.dtype != torch.float32:
            # The same number in another type is the same one
            single = flat.float()
            flat = (
                flat if flat.itemsize > single.itemsize and not torch.equal(single.double(), flat) else single
            )
        found = zlib.crc32(flat.cpu().contiguous().reshape(-1).numpy().data, found)
    return found


def broken(state: Mapping[str, object], parameters: Collection[str]) -> list[str]:
    """Names of tensors with values that no output can be computed with.

    Args:
        state: tensors by name.
        parameters: names of those that are parameters; others may be infinite, as masks are.

    Example:
        >>> broken({"a": torch.tensor([1.0, math.nan]), "b": torch.tensor(math.inf)}, ["a"])
        ['a']
    """
    return [name for name, value in _tensors(state) if _broken(value, infinite=name not in parameters)]


def broken_weights(module: nn.Module) -> list[str]:
    """The same of a module's own tensors."""
    return broken(module.state_dict(), {name for name, _ in module.named_parameters(remove_duplicate=False)})


def overflowed(state: Mapping[str, Tensor], typed: Mapping[str, Tensor]) -> list[str]:
    """Names of tensors with numbers that are infinite in another type.

    Args:
        state: tensors by name.
        typed: the same in another type.

    Example:
        >>> wide = {"a": torch.tensor([1e300], dtype=torch.float64), "b": torch.tensor([1.0])}
        >>> overflowed(wide, {name: value.float() for name, value in wide.items()})
        ['a']
    """
    return [
        name
        for name, value in _tensors(state)
        # As most are: of the same type, or without anything infinite
        if value.dtype != typed[name].dtype
        and value.is_floating_point()
        and _broken(typed[name].detach(), infinite=False)
        and bool((typed[name].isinf() & value.isfinite()).any())
    ]


def told(names: Collection[str]) -> str:
    """Names of tensors for a message.

    Example:
        >>> told(["a", "b", "c"])
        'a, b and 1 more'
    """
    return listing(names, _MOST)


def _tensors(state: Mapping[str, object]) -> Iterator[tuple[str, Tensor]]:
    """Those with values that can be looked at: not on the meta device, nor packed by a quantiser."""
    for name, value in state.items():
        if isinstance(value, Tensor) and not value.is_meta and not nn.parameter.is_lazy(value):
            yield name, (value.detach().dequantize() if value.is_quantized else value.detach())


def _broken(value: Tensor, *, infinite: bool) -> bool:
    if not value.is_floating_point():
        return False
    wide = value.float() if value.itemsize == 1 else value
    # A sum of numbers is one, which takes a fraction of the time; that of large ones may be infinite too
    if math.isfinite(float(wide.sum())):
        return False
    return bool(wide.isnan().any() if infinite else ~wide.isfinite().all())
