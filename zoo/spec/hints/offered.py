"""Options that the command at hand has, so that no hint names one that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_OFFERED: ContextVar[frozenset[str] | None] = ContextVar("offered", default=None)


@contextmanager
def offering(names: Iterable[str]) -> Iterator[None]:
    """Within it a command has these options, called like arguments of a verb: `skip_unreadable`."""
    token = _OFFERED.set(frozenset(names))
    try:
        yield
    finally:
        _OFFERED.reset(token)


def offered(name: str) -> bool:
    """Whether the command at hand has an option; true where no command is at hand.

    Example:
        >>> with offering(["head"]):
        ...     offered("head"), offered("folds")
        (True, False)
    """
    names = _OFFERED.get()
    return names is None or name in names
