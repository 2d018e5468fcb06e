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


def inside(model: Any) -> Any:
    """The module inside of all wrappers around it; anything else as it is.

    Example:
        >>> net = nn.Linear(2, 1)
        >>> inside(nn.DataParallel(net)) is net, inside(net) is net
        (True, True)
    """
    while isinstance(model, nn.Module):
        names = [_INSIDE[kind.__name__] for kind in type(model).__mro__ if kind.__name__ in _INSIDE]
        inner = getattr(model, names[0], None) if names else None
        if not isinstance(inner, nn.Module):
            break
        model = inner
    return model
