"""Declarations: what a plugin says about its components, without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.spec.arguments import check, check_texts, said_by_name
from zoo.spec.errors import DeclarationError, listing, near, quote
from zoo.spec.kinds import KINDS
from zoo.spec.names import closest
from zoo.spec.published_weights import Weights, plain

API = 3
"""Version of the interfaces in `zoo.interfaces` that this core offers."""


EXAMPLE = ("model", "head", "data", "classes", "for")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")
_NAMESPACE = re.compile(r"^[a-z0-9][a-z0-9_.\-]*$")
_DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")


@said_by_name(lambda given: f"component {quote(given['name'])}" if "name" in given else "component")
@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part that a plugin offers.

    Args:
        kind: one of `zoo.spec.kinds.KINDS`.
        name: letters, digits, `_`, `-` and `.`, unique per kind in its distribution; in lower case, but for
            what another library has made known in a spelling of its own, such as `CIFAR10`.
        target: `package.module:Class`, called with the options as keyword arguments; imported when built.
        config: dotted name `package.module:Class` of its pydantic options class, free of torch.
        summary: one line.
        paper: link to the paper or source.
        licence: SPDX name of the code's or weights' licence, only where one is given.
        tags: words to filter by.
        task: what a head or model is for; for a loss, the task that it is the default for.
        weights: published weights by tag.
        tiny: options that make an instance small enough for contract tests.
        former: values that options had by default in version 0.1, where they differ from today's: what it
            saved said only what had been asked for, and is read with them.
        example: what its example on the site takes: `model`, `head`, `data`, `classes`; `for` lists the tasks
            whose examples take this one, `"*"` any.
        api: version of the interface that the target implements.

    Raises:
        DeclarationError: a field is not of the form above.

    Example:
        >>> c = Component(kind="backbone", name="net", target="pkg.net:Net", summary="A net.")
        >>> Component.from_dict(c.to_dict()) == c
        True
    """

    kind: str
    name: str
    target: str
    summary: str
    config: str | None = None
    paper: str | None = None
    licence: str | None = None
    tags: tuple[str, ...] = ()
    task: str | None = None
    weights: Mapping[str, Weights] = field(default_factory=dict)
    tiny: Mapping[str, Any] = field(default_factory=dict)
    former: Mapping[str, Any] = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict)
    api: int = API

    def __post_init__(self) -> None:
        where = f"component {quote(self.name)}"
        for key in ("kind", "name", "target", "summary"):
            value = getattr(self, key)
            check(isinstance(value, str) and bool(value.strip()), where, key, "a text", value)
        if self.kind not in KINDS:
            meant = near(self.kind, [*KINDS]) if closest(self.kind, [*KINDS]) else None
            check(False, where, "kind", f"one of {', '.join(KINDS)}", self.kind, meant)
        check(bool(_NAME.match(self.name)), where, "name", "letters, digits, _ - .", self.name)
        check(bool(_DOTTED.match(self.target)), where, "target", "package.module:Class", self.target)
        check("\n" not in self.summary, where, "summary", "one line", self.summary)
        config_fine = self.config is None or (
            isinstance(self.config, str) and bool(_DOTTED.match(self.config))
        )
        check(config_fine, where, "config", "package.module:Class", self.config)
        check_texts(where, self, ("paper", "licence", "task"))
        check(isinstance(self.api, int) and self.api >= 1, where, "api", "a positive integer", self.api)
        tags_fine = isinstance(self.tags, tuple) and all(isinstance(t, str) for t in self.tags)
        check(tags_fine, where, "tags", "a tuple of texts", self.tags)
        weights_fine = isinstance(self.weights, Mapping) and all(
            isinstance(v, Weights) for v in self.weights.values()
        )
        check(weights_fine, where, "weights", "Weights by tag", self.weights)
        for key in ("tiny", "former"):
            value = getattr(self, key)
            check(isinstance(value, Mapping), where, key, "options by name", value)
        example_fine = isinstance(self.example, Mapping) and {*self.example} <= {*EXAMPLE}
        check(example_fine, where, "example", f"a table of {listing(EXAMPLE)}", self.example)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON; empty fields left out."""
        return plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Component:
        """The reverse of `to_dict`.

        Raises:
            DeclarationError: a field is unknown, missing or malformed.
        """
        where = f"component {quote(data.get('name'))}"
        values = dict(data)
        values["tags"] = tuple(values.get("tags", ()))
        try:
            values["weights"] = {k: Weights.from_dict(v) for k, v in values.get("weights", {}).items()}
            return cls(**values)
        except (TypeError, AttributeError) as error:  # an unknown field of Weights; weights that are no table
            raise DeclarationError(where, expected="the fields of Component", got=str(error)) from error


@said_by_name(lambda given: f"namespace {quote(given['name'])}" if "name" in given else "namespace")
@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """The namespace of a distribution's names, which the optional hook `zoo_namespace` returns.

    Args:
        name: the word before the colon in `name:component`.
        bare: True where every component is also reached without it, else the names that are.
        formerly: namespaces that its components had before they moved to this distribution. What was
            recorded then, `core:photo`, is read as this distribution's as long as no distribution of the
            old namespace offers the name.

    Raises:
        DeclarationError: a name is malformed.

    Example:
        >>> Namespace(name="augment", formerly=("core",)).formerly
        ('core',)
    """

    name: str
    bare: bool | tuple[str, ...] = True
    formerly: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"namespace {quote(self.name)}"
        fine = isinstance(self.name, str) and bool(_NAMESPACE.match(self.name))
        check(fine, where, "name", "lower case letters, digits, _ - .", self.name)
        fine = isinstance(self.bare, bool) or (
            isinstance(self.bare, tuple) and all(isinstance(name, str) for name in self.bare)
        )
        check(fine, where, "bare", "True, False or a tuple of names", self.bare)
        fine = isinstance(self.formerly, tuple) and all(
            isinstance(name, str) and _NAMESPACE.match(name) and name != self.name for name in self.formerly
        )
        check(fine, where, "formerly", "a tuple of other namespaces", self.formerly)

    def claims(self, name: str) -> bool:
        """Whether the bare name belongs to this distribution."""
        return self.bare if isinstance(self.bare, bool) else name in self.bare
