"""Running a network for its shapes alone, without memory for its weights and without computing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zoo.interfaces.blocks.modes import kept_modes
from zoo.interfaces.blocks.number_types import number_type


def trace_shapes(module: nn.Module, shapes: Sequence[tuple[int, ...]]) -> None:
    """Calls a module in inference mode; what it sees and returns has the right shapes but for the batch axis.

    An empty batch on the CPU goes through torch's own kernels, which check shapes as ever and touch no
    weight, so that the weights' memory is only promised by the system, never taken. Where an operation cannot
    do with an empty batch (a reshape that infers a size), the call is repeated on the meta device. That would
    always work, but its first use in a process makes torch import its compiler, which takes seconds.

    Args:
        module: on any device; left as it is. It should keep what the caller wants to see.
        shapes: of the inputs, without the batch axis.

    Raises:
        RuntimeError: or whatever else the module raises where the shapes do not fit.
    """
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    kind = number_type(module)
    with kept_modes(module), torch.no_grad():
        for part in module.modules():  # one by one: `train` would set all that is inside alike
            part.training = False
        try:
            _call(
                module,
                {k: _hollow(t) for k, t in tensors.items()},
                [torch.zeros(0, *shape, dtype=kind) for shape in shapes],
            )
        except Exception:  # whichever way an operation refuses; the meta device has the last word
            meta = {k: t.detach().to("meta") for k, t in tensors.items()}
            _call(module, meta, [torch.empty(1, *shape, device="meta", dtype=kind) for shape in shapes])


def _hollow(tensor: Tensor) -> Tensor:
    """A tensor like the one given that costs nothing as long as nobody reads it; indices may be read."""
    if tensor.is_floating_point():
        return torch.empty(tensor.shape, dtype=tensor.dtype)
    # Zeros, as any other index may lie outside; one number in memory, whatever the shape
    return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)


def _call(module: nn.Module, tensors: dict[str, Tensor], inputs: list[Tensor]) -> None:
    # So that the module keeps its own tensors
    torch.func.functional_call(module, tensors, tuple(inputs))
