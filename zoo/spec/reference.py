"""References: one grammar for naming a component, a Hub repository or a file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.spec.disk.paths import check_path
from zoo.spec.errors import BadReferenceError, quote

GRAMMAR = (
    'a component "name" or "namespace:name", "hf://owner/name@revision", "file:path" or a path, '
    "or a table {name = ..., option = ...}"
)
PathLike = str | os.PathLike[str]
"""A path as text or as `pathlib.Path`."""

FILE_PREFIX = "file:"
"""What a reference to a file or folder begins with where its text alone could mean something else."""

HUB_PREFIX = "hf://"
"""What a reference to a repository on the Hub begins with."""

# Wider than what a component may be called: `VGG16` is looked up, and answered by the nearest name.
_COMPONENT = re.compile(r"^(?:(?P<namespace>\w[\w.\-]*):)?(?P<name>\w[\w.\- ]*)$")
# A revision may have slashes, as branches do
_HUB = re.compile(r"^hf://(?P<data>datasets/)?(?P<repo>[\w.\-]+/[\w.\-]+)(?:@(?P<revision>[\w.\-/]+))?$")


@dataclass(frozen=True, slots=True)
class ComponentRef:
    """A component by name, with options."""

    name: str
    namespace: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}" if self.namespace else self.name

    def to_value(self) -> str | dict[str, Any]:
        """The shortest form in a recipe."""
        return {"name": str(self), **self.options} if self.options else str(self)


@dataclass(frozen=True, slots=True)
class HubRef:
    """A repository on the Hub."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"hf://{self.repo}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True, slots=True)
class HubDataRef:
    """A data set on the Hub."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"hf://datasets/{self.repo}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True, slots=True)
class PathRef:
    """A file or folder."""

    path: str

    def __str__(self) -> str:
        return f"{FILE_PREFIX}{self.path}"


Reference = ComponentRef | HubRef | HubDataRef | PathRef


def parse_reference(value: object) -> Reference:  # noqa: PLR0911 - one return a form
    """Reads a reference.

    Raises:
        BadReferenceError: the value follows none of the forms.

    Example:
        >>> parse_reference("timm:convnext_tiny")
        ComponentRef(name='convnext_tiny', namespace='timm', options={})
        >>> parse_reference("hf://me/cats@v1")
        HubRef(repo='me/cats', revision='v1')
        >>> parse_reference("hf://datasets/me/cats")
        HubDataRef(repo='me/cats', revision=None)
        >>> parse_reference("./cats")
        PathRef(path='./cats')
        >>> parse_reference({"name": "binary", "dropout": 0.5}).options
        {'dropout': 0.5}
    """
    if isinstance(value, ComponentRef | HubRef | HubDataRef | PathRef):
        return value
    if isinstance(value, Mapping):
        options = {str(k): v for k, v in value.items()}
        name = options.pop("name", None)
        if not isinstance(name, str):
            raise BadReferenceError(
                "a table that names no component", expected=GRAMMAR, got=quote(dict(value))
            )
        ref = parse_reference(name)
        if not isinstance(ref, ComponentRef):
            if options:
                raise BadReferenceError(
                    "options beside a file or repository", expected="a component's name", got=quote(name)
                )
            return ref
        return ComponentRef(ref.name, ref.namespace, options)
    if not isinstance(value, str) or not value.strip():
        raise BadReferenceError("reference", expected=GRAMMAR, got=quote(value))
    text = value.strip()
    if text.startswith(HUB_PREFIX):
        match = _HUB.match(text)
        if match is None:
            raise BadReferenceError(
                "Hub reference", expected="hf://owner/name or hf://owner/name@revision", got=quote(text)
            )
        return (HubDataRef if match["data"] else HubRef)(match["repo"], match["revision"])
    if text.startswith(FILE_PREFIX):
        if text == FILE_PREFIX:
            raise BadReferenceError("file reference", expected="file:path", got=quote(text))
        return PathRef(without_prefix(text))
    # No component's name has such a sign, so nothing need be there to tell it for a path
    if any(sign in text for sign in "/\\{") or text.startswith((".", "~")):
        return PathRef(text)
    match = _COMPONENT.match(text)
    if match is None:
        raise BadReferenceError("reference", expected=GRAMMAR, got=quote(text))
    return ComponentRef(match["name"], match["namespace"])


def of_model(ref: Reference) -> ComponentRef | HubRef | PathRef:
    """A reference that may mean a model.

    Args:
        ref: as it was read.

    Raises:
        BadReferenceError: it is a data set.
    """
    if isinstance(ref, HubDataRef):
        raise BadReferenceError("model", expected="hf://owner/name", got=f"{ref}, a data set")
    return ref


def without_prefix(text: str) -> str:
    """A path as it is written, whether it was said as `file:path` or bare.

    Example:
        >>> without_prefix("file:cats"), without_prefix("./cats")
        ('cats', './cats')
    """
    return text.removeprefix(FILE_PREFIX)


def local_path(value: PathLike) -> Path:
    """The file or folder that is meant by a path, `file:path`, or either from the home folder (`~`).

    Raises:
        BadReferenceError: the path is empty, as of a variable that is not set, or one that no system takes.

    Example:
        >>> local_path("file:runs/cats") == local_path(Path("runs/cats")) == Path("runs/cats")
        True
    """
    text = without_prefix(os.fspath(value))
    if not text.strip():
        # `Path` reads it as the working folder
        got, hint = quote(os.fspath(value)), "for the working folder say '.'"
        raise BadReferenceError("path", expected="a file or folder", got=got, hint=hint)
    check_path(text)
    return Path(text).expanduser()
