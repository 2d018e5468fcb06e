"""Weights: where a reference leads, and the strict fit."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zoo.registry.references import component_or_path
from zoo.spec.component import Component
from zoo.spec.disk.reading import read_json
from zoo.spec.disk.unfinished import unfinished_run
from zoo.spec.display import counted
from zoo.spec.errors import BadReferenceError, DeclarationError, WeightsError, listing, near, quote, warn
from zoo.spec.files import CONFIG_FILE, WEIGHTS_FILE
from zoo.spec.inputs import InputSpec
from zoo.spec.published_weights import Weights, WeightsSource
from zoo.spec.reference import HubRef, PathRef, local_path, parse_reference
from zoo.weights.addresses import read_address
from zoo.weights.broken_values import warn_broken, warn_overflow
from zoo.weights.download import WITHOUT_HUB, fetch, fetch_beside
from zoo.weights.packages import installed_file, to_install
from zoo.weights.pickles import read_pickle
from zoo.weights.tensor_files import Tensors, read

SUFFIX = ".safetensors"
# Told apart by name alone: none of them is opened to see
PICKLES = (".bin", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib")


@dataclass(frozen=True, slots=True)
class Source:
    """A source of weights.

    Args:
        text: how messages and the card call it.
        path: local file, or None while it is on the Hub or a server.
        published: what the plugin says of them, if it does.
        declared: preprocessing that the plugin states for them.
        place: what is declared of the file, or of the repository that was named.
        installs: commands that bring the weights without the Hub.
    """

    text: str
    path: Path | None
    published: Weights | None
    declared: InputSpec | None
    place: WeightsSource | None = None
    installs: tuple[str, ...] = ()

    @property
    def input(self) -> InputSpec | None:
        """Preprocessing that they were trained with, as far as plugin, folder or repository say."""
        if self.declared is not None:
            return self.declared
        config = self.config
        try:
            return InputSpec.from_dict(config["input"]) if config else None
        except (LookupError, TypeError, AttributeError, DeclarationError):
            return None  # the weights are still of use

    @property
    def config(self) -> dict[str, Any] | None:
        """The config beside the weights of a saved model; None for a bare file or another program's."""
        path = self.path
        # A bare address has a file and no folder of a saved model
        if path is None and self.place is not None and self.place.repo is not None:
            path = fetch_beside(self.text, self.place, CONFIG_FILE, installs=self.installs)
        try:
            config = read_json(path.with_name(CONFIG_FILE)) if path else None
        except (OSError, ValueError, RecursionError):
            return None
        return config if isinstance(config, dict) and "zoo" in config else None

    def fetch(self) -> None:
        """Brings the file onto this machine, where it is on none of its disks yet."""
        _ = self.read() if self.place and self.place.address else self._file()

    def _file(self) -> Path:
        """The local file; see `zoo.weights.download.fetch`."""
        if self.path is not None:
            return self.path
        assert self.place is not None  # noqa: S101 - locate() gives one or the other
        return fetch(self.text, self.place, installs=self.installs)

    def read(self) -> Tensors:
        """The tensors, mapped from the file, or from what is kept of it where it is a pickle.

        Raises:
            WeightsError: the file cannot be reached, or is not what it should be.
        """
        if self.place is not None and self.place.address is not None:
            return read_address(self.text, self.place, installs=self.installs)
        path, wanted = self._file(), self.place.sha256 if self.place else None
        if self.place and self.place.pickled and wanted:
            return read_pickle(path, digits=wanted, text=self.text)
        return read(path, verified=wanted is not None)


def locate(component: Component, reference: str) -> Source:
    """The source that a `weights` value means for a component; nothing is downloaded yet.

    Args:
        component: whose weights.
        reference: a tag of the component, a file or folder, or a Hub repository.

    Raises:
        WeightsError: it is none of these, or the file is not there or damaged.
    """
    if reference in component.weights:
        return tagged(f"{component.name} {reference}", component.weights[reference])
    try:
        ref = parse_reference(reference)
    except BadReferenceError:
        ref = None
    if isinstance(ref, PathRef | HubRef):
        return stored(ref, component.name)
    tags = list(component.weights)
    known = f"a tag ({listing(tags)}), " if tags else ""
    if Path(reference).exists() or Path(reference).suffix in {*PICKLES, SUFFIX}:
        return stored(PathRef(reference), component.name)  # says what is wrong with it
    raise WeightsError(
        f"weights of {component.name}",
        expected=f"{known}a .safetensors file, a model folder or hf://owner/name",
        got=f"{quote(reference)}, and nothing here has that name",
        hint=near(reference, tags)
        if tags
        else "the plugin publishes none; leave weights out for random ones",
    )


def settled(component: Component, reference: str) -> str:
    """A `weights` value as a recipe keeps it: the path of what is no tag, but a file or folder with weights.

    Args:
        component: whose weights.
        reference: as the user gave it.
    """
    try:
        ref = component_or_path(reference, (), holds_weights)
    except BadReferenceError:  # for `locate` to refuse
        return reference
    if not isinstance(ref, PathRef):
        return reference
    if reference not in component.weights:
        return str(ref)
    what = "folder" if Path(reference).is_dir() else "file"
    taken = f"weights={quote(reference)} are those published for {component.name}"
    warn(f"{taken}; the {what} here is './{reference}'")
    return reference


def is_saved(path: Path) -> bool:
    """Whether a path is the folder of a saved model."""
    return (path / CONFIG_FILE).is_file() and (path / WEIGHTS_FILE).is_file()


def holds_weights(path: Path) -> bool:
    """Whether a path is a file or folder that weights are read from."""
    return path.suffix == SUFFIX if path.is_file() else (path / WEIGHTS_FILE).is_file()


def tagged(text: str, published: Weights) -> Source:
    """The first source of published weights that is there; whether the Hub has its file, only `fetch` asks.

    Args:
        text: how messages call the weights.
        published: with its sources in order.

    Raises:
        WeightsError: a package is damaged, or none is installed and there is no other source.
    """
    installs: list[str] = []
    for place in published.sources:
        which = "Hub" if place.repo else place.place
        called = f"{text} ({which})" if published.fallbacks else text
        # A damaged package raises here: only a missing one is passed over
        path = None if place.remote else installed_file(called, place)
        if place.remote or path:
            return Source(called, path, published, published.input, place, tuple(installs))
        installs.append(to_install(place))
    names = " or ".join(str(place.package) for place in published.sources)
    ways = ", ".join(f"`{command}`" for command in dict.fromkeys(installs))
    raise WeightsError(
        f"weights {text}",
        expected=f"package {names}",
        got="none installed",
        hint=f"{ways}, {WITHOUT_HUB}",
    )


def stored(ref: PathRef | HubRef, network: str = "NAME") -> Source:
    """Weights in a file, folder or repository; nothing is downloaded yet.

    Args:
        ref: where they are.
        network: that they are for, for the command in a message.

    Raises:
        WeightsError: there is no such file.
    """
    if isinstance(ref, PathRef):
        path = local_path(ref.path)
        path = path / WEIGHTS_FILE if path.is_dir() else path
        if not path.is_file():
            run = unfinished_run(path.parent) if path.name == WEIGHTS_FILE else None
            expected = "a .safetensors file or a model folder"
            got, hint = (f"{run[0]} in {path.parent}", run[1]) if run else (f"no file {path}", None)
            raise WeightsError("weights", expected=expected, got=got, hint=hint)
        if path.suffix in PICKLES:
            hint = f"zoo convert {shlex.quote(os.fspath(path))} --to {network} makes one of it"
            got = "a pickle, which may run code and is not read"
            raise WeightsError(f"weights {path}", expected="a .safetensors file", got=got, hint=hint)
        return Source(str(path), path, None, None)
    published = Weights(repo=ref.repo, revision=ref.revision or "main")
    return Source(str(ref), None, published, None, published)


def check_fit(module: nn.Module, state: Mapping[str, Tensor], text: str) -> None:
    """Raises WeightsError unless keys and shapes are the module's, and numbers real where its are."""
    own = module.state_dict()
    check_numbers(own, state, f"weights {text}")
    missing = sorted(set(own) - set(state))
    unexpected = sorted(set(state) - set(own))
    shapes = [
        f"{k} {tuple(state[k].shape)} for {tuple(own[k].shape)}"
        for k in own
        if k in state and state[k].shape != own[k].shape
    ]
    if not (missing or unexpected or shapes):
        return
    facts = [
        f"{len(names)} {word}: {listing(names, 3)}"
        for word, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
        if names
    ]
    raise WeightsError(
        f"weights {text} do not fit {type(module).__name__}",
        expected=f"its {counted(len(own), 'tensor')} by name and shape",
        got="; ".join(facts),
        hint="are they weights of another network, or of other options?",
    )


def check_numbers(own: Mapping[str, Tensor], state: Mapping[str, Tensor], where: str) -> None:
    """Raises WeightsError for whole numbers in the place of real ones: quantised, they need their scales."""
    odd = [
        f"{name} ({str(state[name].dtype).removeprefix('torch.')})"
        for name, tensor in own.items()
        if name in state and tensor.is_floating_point() and not state[name].is_floating_point()
    ]
    if odd:
        raise WeightsError(
            where,
            expected="real numbers where the network has such",
            got=f"{counted(len(odd), 'tensor')} of another type: {listing(odd, 3)}",
            hint="quantised weights are steps of a scale and no weights yet: save them as they were before "
            "quantising, or times their scales, as float32",
        )


def assign(module: nn.Module, state: Mapping[str, Tensor], text: str, *, cast: bool = True) -> None:
    """Makes the tensors the module's own, without copying; strict.

    Other types of number become the module's (which copies), unless `cast` is off.

    Parameters that the module shares between places are shared afterwards too.

    Raises:
        WeightsError: keys or shapes are not exactly the module's.
    """
    own = module.state_dict()
    shared: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        shared.setdefault(id(parameter), []).append(name)
    full = dict(state)
    # A file may hold a tied tensor under one of its names, whichever
    for names in shared.values():
        given = next((full[n] for n in names if n in full), None)
        full.update({n: given for n in names if given is not None and n not in full})
    # What a file of before has no word of
    for prefix, part in module.named_modules():
        for name, value in getattr(part, "absent", {}).items():
            full.setdefault(f"{prefix}.{name}" if prefix else name, value)
    check_fit(module, full, text)
    warn_broken(full, {name for names in shared.values() for name in names}, text)
    typed = {k: v.to(own[k].dtype) for k, v in full.items()} if cast else full
    warn_overflow(full, typed, text)
    module.load_state_dict(typed, assign=True)
    # Assigning puts a parameter of its own in each place, which unties what was one
    for first, *others in shared.values():
        for name in others:
            owner, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(owner), attribute, module.get_parameter(first))
