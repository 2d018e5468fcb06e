"""Types of numbers: models in half or double precision take images as everybody has them."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn

HALVES = (torch.float16, torch.bfloat16)


def number_type(module: nn.Module) -> torch.dtype | None:
    """The type of a module's floating parameters, else buffers; None where it has none.

    Example:
        >>> number_type(nn.Linear(2, 1).half()), number_type(nn.ReLU())
        (torch.float16, None)
    """
    tensors = chain(module.parameters(), module.buffers())
    return next((t.dtype for t in tensors if t.is_floating_point()), None)


def mixed_types(module: nn.Module) -> str | None:
    """Types of a module's weights, each with one that has it; None where all have one.

    Of norms in single precision amid others in half precision nothing is said: they compute.

    Example:
        >>> mixed_types(nn.Sequential(nn.Linear(2, 2).half(), nn.LayerNorm(2), nn.Linear(2, 1)))
        'float16 in 0.weight, float32 in 2.weight'
    """
    found: dict[torch.dtype, str] = {}
    norms: dict[torch.dtype, str] = {}
    for path, part in module.named_modules():
        norm = "norm" in type(part).__name__.lower()
        # Some norms have buffers alone; those of other layers may be constants of any type
        buffers = part.named_buffers(recurse=False) if norm else ()
        for name, tensor in chain(part.named_parameters(recurse=False), buffers):
            if tensor.is_floating_point():
                (norms if norm else found).setdefault(tensor.dtype, f"{path}.{name}".lstrip("."))
    # Norms in single precision amid others in half precision compute
    single = {torch.float32} if {*found} <= {*HALVES} else set()
    found |= {kind: name for kind, name in norms.items() if kind not in found and kind not in single}
    text = ", ".join(f"{str(kind).removeprefix('torch.')} in {name}" for kind, name in found.items())
    return text if len(found) > 1 else None


def fitted(x: Tensor, module: nn.Module) -> Tensor:
    """A floating tensor in the type that a module computes in; any other as it is."""
    kind = number_type(module)
    return x if kind is None or not x.is_floating_point() else x.to(kind)


def widened(x: Tensor) -> Tensor:
    """A tensor of half precision in single precision, in which figures and answers are computed."""
    return x.float() if x.dtype in HALVES else x
