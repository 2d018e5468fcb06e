"""Models inside of what torch wraps around modules: compiled, for several devices, averaged."""

from __future__ import annotations

from typing import Any

from torch import nn

_INSIDE = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "AveragedModel": "module",
}
"""By the wrapper's class, the attribute with the module inside; torch's compiler is slow to import."""


_COMPILED = "_orig_mod"


def inside(model: Any) -> Any:
    """The module inside of all wrappers around it; anything else as it is.

    Example:
        >>> net = nn.Linear(2, 1)
        >>> inside(nn.DataParallel(net)) is net, inside(net) is net
        (True, True)
    """
    while isinstance(model, nn.Module):
        attribute = _attribute(model)
        inner = getattr(model, attribute, None) if attribute else None
        if not isinstance(inner, nn.Module):
            break
        model = inner
    return model


def wrapped_part(model: nn.Module) -> tuple[str, str, str] | None:
    """The first part of a model that something of torch's is around; None where there is none.

    Args:
        model: with parts, which may be models themselves.

    Returns:
        Its path, the wrapper's class, and the step that takes the wrapper off.

    Example:
        >>> model = nn.Sequential(nn.DataParallel(nn.Linear(2, 1)))
        >>> wrapped_part(model)
        ('0', 'DataParallel', 'model.0 = model.0.module')
    """
    for name, part in model.named_children():
        if inside(part) is not part:
            attribute = _attribute(part)
            step = f"model.{name} = model.{name}.{attribute}"
            compiled = f"; model.{name}.compile() compiles in place" * (attribute == _COMPILED)
            return name, type(part).__name__, step + compiled
        # A model, whose class cannot be imported here
        if hasattr(part, "freezable") and (found := wrapped_part(part)) is not None:
            path, kind, step = found
            return f"{name}.{path}", kind, step.replace("model.", f"model.{name}.")
    return None


def _attribute(module: nn.Module) -> str:
    """The attribute of a wrapper with the module inside; "" where it is none."""
    return next((_INSIDE[kind.__name__] for kind in type(module).__mro__ if kind.__name__ in _INSIDE), "")
