"""Declarations: what a plugin says about its components, without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from zoo.spec.errors import DeclarationError, listing, near, quote
from zoo.spec.inputs import InputSpec
from zoo.spec.kinds import KINDS

API = 1
"""Version of the interfaces in `zoo.interfaces` that this core offers."""


_NAME = re.compile(r"^[a-z0-9][a-z0-9_.\-]*$")
# A file of an import package, which is found without importing it: `package/path/to/file`
_INSIDE = re.compile(r"^[A-Za-z_]\w*(/\w[\w.\-]*)+$")
_DISTRIBUTION = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._\-]*[A-Za-z0-9])?$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
# What torch.save writes; read with a declared hash alone
_PICKLES = (".pth", ".pt", ".bin")
_DOTTED = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")


def _check(fine: bool, where: str, field_name: str, expected: str, got: object) -> None:
    if not fine:
        raise DeclarationError(f"{where}: bad {field_name}", expected=expected, got=quote(got))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSource:
    """One place that published weights come from: the Hub, an installed package, or the plugin itself.

    With `repo` it is the Hub; with `package`, a distribution that `pip` installs and that may be missing;
    with neither, the plugin ships the file. Sources of one set may differ in file, format and names of
    tensors, so each says its own.

    Args:
        repo: Hub repository, `owner/name`.
        package: distribution that brings the file, by the name that `pip` knows it by.
        file: a `.safetensors`, or a torch pickle (`.pth`, `.pt`, `.bin`) with `sha256`. In a repository its
            path there, else its path from the import package on, `zoo_basic/weights/net.safetensors`.
        revision: branch, tag or commit of the repository.
        sha256: of the file, if known; needed without a repository, and for a pickle.
        install: what `pip install` takes to bring the package, such as an extra of the plugin; the package
            itself where None.

    Raises:
        DeclarationError: a field is not of the form above.

    Example:
        >>> WeightsSource(package="net-weights", file="net_weights/net.pth", sha256="0" * 64).place
        'package net-weights'
    """

    repo: str | None = None
    package: str | None = None
    file: str = "model.safetensors"
    revision: str = "main"
    sha256: str | None = None
    install: str | None = None

    def __post_init__(self) -> None:
        where = f"weights of {self.repo or self.package or self.file}"
        fine = self.file.endswith((".safetensors", *_PICKLES))
        _check(fine, where, "file", f"a .safetensors, or a pickle ({listing(_PICKLES)})", self.file)
        if self.repo is None:
            _check(bool(_INSIDE.match(self.file)), where, "file", "package/path/to/file", self.file)
        else:
            fine = self.repo.count("/") == 1 and not self.repo.startswith("/")
            _check(fine, where, "repo", "owner/name", self.repo)
            _check(self.package is None, where, "package", "none beside a repository", self.package)
        fine = self.package is None or bool(_DISTRIBUTION.match(self.package))
        _check(fine, where, "package", "the name of a distribution", self.package)
        fine = self.install is None or (self.package is not None and self.install.isprintable())
        _check(fine, where, "install", "what pip installs, with a package", self.install)
        # The Hub announces the hash of each file, so a safetensors there needs none; a pickle is never opened
        # on the word of the place that it comes from
        fine = bool(_SHA256.match(self.sha256)) if self.sha256 else self.repo is not None and not self.pickled
        _check(fine, where, "sha256", "the hash of the file, 64 hexadecimal digits", self.sha256)

    @property
    def pickled(self) -> bool:
        """Whether the file is a torch pickle."""
        return self.file.endswith(_PICKLES)

    @property
    def place(self) -> str:
        """Place of the weights, as tables say it."""
        return self.repo or f"package {self.package or self.file.partition('/')[0]}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON; empty fields left out."""
        return _plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights(WeightsSource):
    """One published set of weights of a backbone or model: its first source, and what is said of them.

    Args:
        classes: number of classes of the original head.
        labels: their names, or the name of a list that the core ships, such as `imagenet-1k`.
        input: preprocessing that these weights were trained with.
        metrics: published figures, e.g. `{"imagenet top-1": 71.59}` in percent.
        licence: SPDX name, only where the publisher gives one.
        fallbacks: further sources, tried in order where a package is not installed.

    Example:
        >>> weights = Weights(
        ...     package="net-weights",
        ...     file="net_weights/net.pth",
        ...     sha256="0" * 64,
        ...     fallbacks=(WeightsSource(repo="owner/name"),),
        ... )
        >>> [source.place for source in weights.sources]
        ['package net-weights', 'owner/name']
    """

    classes: int | None = None
    labels: tuple[str, ...] | str = ()
    input: InputSpec = field(default_factory=InputSpec)
    metrics: Mapping[str, float] = field(default_factory=dict)
    licence: str | None = None
    fallbacks: tuple[WeightsSource, ...] = ()

    def __post_init__(self) -> None:
        WeightsSource.__post_init__(self)  # super() does not know a class that slots have made anew
        where = f"weights of {self.place}"
        fine = isinstance(self.fallbacks, tuple) and all(isinstance(f, WeightsSource) for f in self.fallbacks)
        _check(fine, where, "fallbacks", "a tuple of WeightsSource", self.fallbacks)
        # A shipped file is always there, and whether the Hub has one is not known without asking it.
        never = next((source.place for source in self.sources[:-1] if source.package is None), None)
        _check(never is None, where, "fallbacks", "sources after packages alone", f"one after {never}")

    @property
    def sources(self) -> tuple[WeightsSource, ...]:
        """All sources, in the order in which they are tried."""
        return (self, *self.fallbacks)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`."""
        values = dict(data)
        labels = values.get("labels", ())
        values["labels"] = labels if isinstance(labels, str) else tuple(labels)
        values["input"] = InputSpec.from_dict(values.get("input", {}))
        values["fallbacks"] = tuple(WeightsSource.from_dict(f) for f in values.get("fallbacks", ()))
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part that a plugin offers.

    Args:
        kind: one of `zoo.spec.kinds.KINDS`.
        name: lower case, unique per kind in its distribution.
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
    api: int = API

    def __post_init__(self) -> None:
        where = f"component {quote(self.name)}"
        for key in ("kind", "name", "target", "summary"):
            value = getattr(self, key)
            _check(isinstance(value, str) and bool(value.strip()), where, key, "a text", value)
        _check(self.kind in KINDS, where, "kind", f"one of {', '.join(KINDS)}", self.kind)
        _check(bool(_NAME.match(self.name)), where, "name", "lower case letters, digits, _ - .", self.name)
        _check(bool(_DOTTED.match(self.target)), where, "target", "package.module:Class", self.target)
        _check("\n" not in self.summary, where, "summary", "one line", self.summary)
        config_fine = self.config is None or (
            isinstance(self.config, str) and bool(_DOTTED.match(self.config))
        )
        _check(config_fine, where, "config", "package.module:Class", self.config)
        for key in ("paper", "licence", "task"):
            value = getattr(self, key)
            _check(value is None or isinstance(value, str), where, key, "a text or None", value)
        _check(isinstance(self.api, int) and self.api >= 1, where, "api", "a positive integer", self.api)
        tags_fine = isinstance(self.tags, tuple) and all(isinstance(t, str) for t in self.tags)
        _check(tags_fine, where, "tags", "a tuple of texts", self.tags)
        weights_fine = isinstance(self.weights, Mapping) and all(
            isinstance(v, Weights) for v in self.weights.values()
        )
        _check(weights_fine, where, "weights", "Weights by tag", self.weights)
        for key in ("tiny", "former"):
            value = getattr(self, key)
            _check(isinstance(value, Mapping), where, key, "options by name", value)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON; empty fields left out."""
        return _plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Component:
        """The reverse of `to_dict`.

        Raises:
            DeclarationError: a field is unknown, missing or malformed.
        """
        known = [f.name for f in fields(cls)]
        where = f"component {quote(data.get('name'))}"
        for key in data:
            if key not in known:
                raise DeclarationError(
                    f"{where}: unknown field", expected=listing(known), got=key, hint=near(key, known)
                )
        values = dict(data)
        values["tags"] = tuple(values.get("tags", ()))
        try:
            values["weights"] = {k: Weights.from_dict(v) for k, v in values.get("weights", {}).items()}
            return cls(**values)
        except (TypeError, AttributeError) as error:  # an unknown field of Weights; weights that are no table
            raise DeclarationError(where, expected="the fields of Component", got=str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """The namespace of a distribution's names, which the optional hook `zoo_namespace` returns.

    Args:
        name: the word before the colon in `name:component`.
        bare: True where every component is also reached without it, else the names that are.
    """

    name: str
    bare: bool | tuple[str, ...] = True

    def __post_init__(self) -> None:
        where = f"namespace {quote(self.name)}"
        fine = isinstance(self.name, str) and bool(_NAME.match(self.name))
        _check(fine, where, "name", "lower case letters, digits, _ - .", self.name)

    def claims(self, name: str) -> bool:
        """Whether the bare name belongs to this distribution."""
        return self.bare if isinstance(self.bare, bool) else name in self.bare


def _plain(item: Any) -> dict[str, Any]:
    """A dataclass as plain JSON data without its empty fields."""
    out: dict[str, Any] = {}
    for f in fields(item):
        value = getattr(item, f.name)
        # A field that was added later leaves declarations without it as they were written
        if value in (None, (), {}):
            continue
        out[f.name] = _plain_value(value)
    return out


def _plain_value(value: Any) -> Any:
    if isinstance(value, InputSpec | WeightsSource):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {k: _plain_value(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain_value(v) for v in value]
    return value
