"""Keeps griffe from reading Python's `list`, in an annotation anywhere in zoo, as the verb `zoo.list`.

Griffe looks a name up in the packages around a module too, where Python looks in its builtins.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

from griffe import Attribute, Class, Expr, ExprName, Extension, Function, Module, Object

_BUILTINS = frozenset(dir(builtins))


class BuiltinNames(Extension):
    """Unties builtin names from the module that they stand in, unless it has such a name of its own."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Called by griffe once a package and all that is in it are read."""
        for owner in _objects(pkg):
            for name in _names(owner):
                if name.name in _BUILTINS and not _own(owner, name.name):
                    name.parent = None


def _objects(owner: Object) -> Iterator[Object]:
    yield owner
    for member in owner.members.values():
        if isinstance(member, Object):  # no alias, whose object has its own place
            yield from _objects(member)


def _names(owner: Object) -> Iterator[ExprName]:
    if isinstance(owner, Function):
        expressions = [owner.returns, *(p.annotation for p in owner.parameters)]
    else:
        expressions = [owner.annotation] if isinstance(owner, Attribute) else []
    for expression in expressions:
        if isinstance(expression, Expr):
            yield from (e for e in expression.iterate(flat=True) if isinstance(e, ExprName))


def _own(owner: Object, name: str) -> bool:
    """Whether a name is defined in the classes around an object or in its module."""
    place: Object | None = owner
    while place is not None:
        if isinstance(place, Class | Module) and name in place.members:
            return True
        place = None if isinstance(place, Module) else place.parent
    return False
