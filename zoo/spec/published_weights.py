"""Declarations of published weights: where they come from and what they were trained on, without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from zoo.spec.arguments import check, check_texts, said_by_name
from zoo.spec.errors import listing
from zoo.spec.inputs import InputSpec

# A file of an import package, which is found without importing it: `package/path/to/file`
_INSIDE = re.compile(r"^[A-Za-z_]\w*(/\w[\w.\-]*)+$")
_DISTRIBUTION = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._\-]*[A-Za-z0-9])?$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")
# torchvision's files are named after the first digits of their hash, as torch.hub checks it
_NAMED = re.compile(r"^[\w.\-]+-([0-9a-f]{8,64})\.\w+$")
# A folder and nothing that a server would be asked besides; of this machine itself without encryption too
_ADDRESS = re.compile(r"^(https://[a-z0-9.\-]+|http://(localhost|127\.0\.0\.1))(:\d{1,5})?(/[\w.\-]+)*$")
# What torch.save writes; read with a declared hash alone
_PICKLES = (".pth", ".pt", ".bin")


def _weights(given: Mapping[str, Any]) -> str:
    """The words for a declaration of weights, from its arguments."""
    place = given.get("repo") or given.get("package") or given.get("file") or given.get("address")
    return f"weights of {place}" if place else "weights"


@said_by_name(_weights)
@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSource:
    """One place that published weights come from: the Hub, an address, an installed package, or the plugin.

    With `repo` it is the Hub; with `address`, a folder of a web server; with `package`, a distribution that
    `pip` installs and that may be missing; with none, the plugin ships the file. Sources of one set may
    differ in file, format and names of tensors, so each says its own.

    Args:
        repo: Hub repository, `owner/name`.
        package: distribution that brings the file, by the name that `pip` knows it by.
        file: a `.safetensors`, or a torch pickle (`.pth`, `.pt`, `.bin`) with `sha256`. In a repository its
            path there, below an address its name, else its path from the import package on,
            `zoo_basic/weights/net.safetensors`.
        revision: branch, tag or commit of the repository.
        sha256: of the file, if known; needed without a repository, and for a pickle. Below an address the
            first eight digits or more may stand in the file's name instead, as in `resnet18-f37072fd.pth`.
        install: what `pip install` takes to bring the package, such as an extra of the plugin; the package
            itself where None.
        address: of the folder that the file lies in, `https://download.pytorch.org/models`; `http` of this
            machine alone.

    Raises:
        DeclarationError: a field is not of the form above.

    Example:
        >>> WeightsSource(package="net-weights", file="net_weights/net.pth", sha256="0" * 64).place
        'package net-weights'
        >>> WeightsSource(address="https://example.org/models", file="net-0123abcd.pth").digits
        '0123abcd'
    """

    repo: str | None = None
    package: str | None = None
    file: str = "model.safetensors"
    revision: str = "main"
    sha256: str | None = None
    install: str | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        where = f"weights of {self.repo or self.package or self.file}"
        check(isinstance(self.file, str), where, "file", "a text", self.file)
        check_texts(where, self, ("repo", "package", "revision", "sha256", "install", "address"))
        fine = self.file.endswith((".safetensors", *_PICKLES))
        check(fine, where, "file", f"a .safetensors, or a pickle ({listing(_PICKLES)})", self.file)
        if self.address is not None:
            check(bool(_ADDRESS.match(self.address)), where, "address", "https://host/folder", self.address)
            check("/" not in self.file, where, "file", "a name", self.file)
            fine = self.repo is None and self.package is None
            check(fine, where, "address", "none beside a repository or package", self.address)
        elif self.repo is None:
            check(bool(_INSIDE.match(self.file)), where, "file", "package/path/to/file", self.file)
        else:
            fine = self.repo.count("/") == 1 and not self.repo.startswith("/")
            check(fine, where, "repo", "owner/name", self.repo)
            check(self.package is None, where, "package", "none beside a repository", self.package)
        fine = self.package is None or bool(_DISTRIBUTION.match(self.package))
        check(fine, where, "package", "the name of a distribution", self.package)
        fine = self.install is None or (self.package is not None and self.install.isprintable())
        check(fine, where, "install", "what pip installs, with a package", self.install)
        # The Hub announces the hash of each file, so a safetensors there needs none; a pickle is never opened
        # on the word of the place that it comes from
        trusted = self.digits is not None or (self.repo is not None and not self.pickled)
        fine = bool(_SHA256.match(self.sha256)) if self.sha256 else trusted
        check(fine, where, "sha256", "the hash of the file, 64 hexadecimal digits", self.sha256)

    @property
    def digits(self) -> str | None:
        """Declared hash of the file: 64 digits, or the first ones that its name tells below an address."""
        named = _NAMED.match(self.file) if self.address is not None else None
        return self.sha256 or (named[1] if named else None)

    @property
    def remote(self) -> bool:
        """Whether the file has to be fetched: from the Hub, or from an address."""
        return self.repo is not None or self.address is not None

    @property
    def pickled(self) -> bool:
        """Whether the file is a torch pickle."""
        return self.file.endswith(_PICKLES)

    @property
    def place(self) -> str:
        """Place of the weights, as tables say it."""
        if self.address is not None:
            return f"{self.address}/{self.file}"
        return self.repo or f"package {self.package or self.file.partition('/')[0]}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON; empty fields left out."""
        return plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`."""
        return cls(**data)


@said_by_name(_weights)
@dataclass(frozen=True, slots=True, kw_only=True)
class Weights(WeightsSource):
    """One published set of weights of a backbone or model: its first source, and what is said of them.

    Args:
        classes: number of classes of the original head.
        labels: their names, or the name of a list that the core ships, such as `imagenet-1k`.
        input: preprocessing that these weights were trained with; its crop, which they were measured with, is
            for the original head alone.
        metrics: published figures, e.g. `{"imagenet top-1": 71.59}` in percent.
        licence: SPDX name, only where the publisher gives one.
        options: values of the network's options that these weights were trained with, where they are not the
            defaults; taken where nothing else is asked for.
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
    options: Mapping[str, Any] = field(default_factory=dict)
    fallbacks: tuple[WeightsSource, ...] = ()

    def __post_init__(self) -> None:
        WeightsSource.__post_init__(self)  # super() does not know a class that slots have made anew
        where = f"weights of {self.place}"
        number = self.classes
        fine = number is None or (isinstance(number, int) and number >= 1)
        check(fine, where, "classes", "a positive integer or None", number)
        fine = isinstance(self.labels, str) or (
            isinstance(self.labels, tuple) and all(isinstance(label, str) for label in self.labels)
        )
        check(fine, where, "labels", "a tuple of texts, or the name of a list", self.labels)
        check(isinstance(self.input, InputSpec), where, "input", "an InputSpec", self.input)
        check(isinstance(self.metrics, Mapping), where, "metrics", "figures by name", self.metrics)
        check_texts(where, self, ("licence",))
        check(isinstance(self.options, Mapping), where, "options", "values by name", self.options)
        fine = isinstance(self.fallbacks, tuple) and all(isinstance(f, WeightsSource) for f in self.fallbacks)
        check(fine, where, "fallbacks", "a tuple of WeightsSource", self.fallbacks)
        # A shipped file is always there, and whether the Hub has one is not known without asking it.
        never = next((source.place for source in self.sources[:-1] if source.package is None), None)
        check(never is None, where, "fallbacks", "sources after packages alone", f"one after {never}")

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


def plain(item: Any) -> dict[str, Any]:
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
