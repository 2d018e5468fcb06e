"""Building without taking memory: the meta device, initialisation skipped; and filling it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo.interfaces.draws import forked
from zoo.spec.display import counted
from zoo.spec.errors import OptionError, PluginError, listing, quote

_FILLERS = frozenset(
    f"{name}_"
    for name in (
        "bernoulli", "cauchy", "clamp", "erfinv", "exponential", "fill", "geometric", "log_normal", "normal",
        "random", "uniform", "zero",
    )
)  # fmt: skip


class _SkipInit(TorchFunctionMode):
    """Leaves tensors as they are where an initialisation would fill them.

    Not all functions of `torch.nn.init` can be overridden; the tensor methods that they end in can. Besides
    being needless, a random fill on the meta device makes torch import its compiler, which takes seconds.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            return kwargs["tensor"]  # as torch hands it on
        if (
            args
            and isinstance(args[0], Tensor)
            and args[0].is_meta
            and getattr(func, "__name__", "") in _FILLERS
        ):
            return args[0]
        return func(*args, **kwargs)


@contextmanager
def on_meta_device() -> Iterator[None]:
    """Modules built inside have shapes but no memory."""
    with torch.device("meta"), _SkipInit():
        yield


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Random draws inside follow from `seed`, and the caller's random state is as before afterwards.

    Raises:
        OptionError: it is none that torch's generators take.
    """
    if seed is not None and (not isinstance(seed, int) or not -(2**63) <= seed < 2**63):
        raise OptionError("seed", expected="a whole number of 64 bits", got=quote(seed))
    if seed is None:
        yield
        return
    # The CPU's state alone: models are made there, and asking each GPU for its own would start CUDA
    with forked():
        torch.manual_seed(seed)
        yield


def fill_buffers(model: nn.Module) -> None:
    """Gives memory and values to the buffers that no file holds.

    Raises:
        PluginError: a tensor is still on the meta device.
    """
    for module in model.modules():
        # Private to torch, which has no other list of them
        for name in module._non_persistent_buffers_set:
            buffer = module._buffers.get(name)
            if buffer is not None and buffer.is_meta:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype)
    for module in model.modules():
        if callable(reset := getattr(module, "reset_buffers", None)):
            reset()
    left = meta_tensors(model)
    if left:
        raise PluginError(
            f"{counted(len(left), 'tensor')} without values after loading",
            expected="reset_buffers() of the backbone to compute what the file does not hold",
            got=listing(left, 3),
        )


def meta_tensors(model: nn.Module) -> list[str]:
    """Names of all tensors on the meta device, plain attributes included."""
    found = [name for name, t in (*model.named_parameters(), *model.named_buffers()) if t.is_meta]
    for prefix, module in model.named_modules():
        # Neither parameter nor buffer, so that no list of torch's has it
        plain = (k for k, v in vars(module).items() if isinstance(v, Tensor) and v.is_meta)
        found += [f"{prefix}.{name}" for name in plain]
    return found
