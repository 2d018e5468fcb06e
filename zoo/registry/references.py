"""Meaning of a reference that may be a component or a path: the one place that decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zoo.registry.lookup import registry
from zoo.registry.snapshot import Kinds
from zoo.spec.errors import AmbiguousNameError, ZooError, quote
from zoo.spec.kinds import with_article
from zoo.spec.reference import ComponentRef, PathRef, Reference, parse_reference

Fits = Callable[[Path], bool]
"""Whether a path can be what an argument takes; a stray folder of a component's name cannot."""


def component_or_path(value: object, kind: Kinds, fits: Fits = Path.exists) -> Reference:
    """The component, path or repository that a reference means.

    A bare name is a component. One that is no component but an existing file or folder is that path, and one
    that is both is an error that names both spellings. What is not bare (`./photos`, `core:photos`, a table
    with options, a reference that was read already) says itself what it is.

    Args:
        value: as the user gave it.
        kind: which kinds of component it may be.
        fits: whether a path of that name can be meant.

    Raises:
        AmbiguousNameError: it is a component, and a path that fits.
        BadReferenceError: it follows none of the forms.
    """
    ref = parse_reference(value)
    if not isinstance(ref, ComponentRef) or isinstance(value, ComponentRef) or ref.namespace or ref.options:
        return ref
    path = Path(ref.name)
    if not path.exists() or not fits(path):
        return ref
    # Not `find`: no component is no error here, and several of the name make it no less one
    named = registry().named(ref, kind)
    if not named:
        return PathRef(ref.name)
    first = named[0]
    what = "a folder" if path.is_dir() else "a file"
    raise AmbiguousNameError(
        f"{quote(ref.name)} is {with_article(first.kind)} and {what} here",
        expected="one of the two",
        got=quote(ref.name),
        hint=f"say {quote(first.qualified)} or {quote(f'./{ref.name}')}",
    )


def path_or_place(value: object) -> object:
    """A bare name of an existing file or folder as its path, else the value: for what no component can be."""
    if isinstance(value, str) and value.strip():
        ref = parse_reference(value)
        if isinstance(ref, ComponentRef) and Path(value.strip()).exists():
            return PathRef(value.strip())
    return value


def component_hint(name: str, kind: Kinds = None) -> str | None:
    """The hint for a name that was taken for a path and is a component; None where it is none.

    Args:
        name: as the user gave it.
        kind: which kinds of component it may be.
    """
    try:
        entry = registry().find(name, kind)
    except ZooError:
        return None
    return f"{quote(name)} is the {entry.component.kind} {entry.qualified}"
