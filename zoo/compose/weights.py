"""Weights: where a reference leads, and the strict fit."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from torch import Tensor, nn

from zoo.compose.tensors import Tensors
from zoo.interfaces.backbone import Backbone
from zoo.spec.component import Component, Weights
from zoo.spec.errors import BadReferenceError, WeightsError, listing, near, quote
from zoo.spec.reference import HubRef, PathRef, parse_reference

WEIGHTS_FILE = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Source:
    """Where weights come from.

    Args:
        text: how messages and the card call it.
        path: local file, or None while it is on the Hub.
        published: what the plugin says of them, if it does.
    """

    text: str
    path: Path | None
    published: Weights | None


def locate(component: Component, reference: str) -> Source:
    """What a `weights` value means for a component; nothing is downloaded yet.

    Args:
        component: whose weights.
        reference: a tag of the component, a file or folder, or a Hub repository.

    Raises:
        WeightsError: it is none of these, or the file is not there.
    """
    if reference in component.weights:
        return Source(f"{component.name} {reference}", None, component.weights[reference])
    try:
        ref = parse_reference(reference)
    except BadReferenceError:
        ref = None
    if isinstance(ref, PathRef):
        path = Path(ref.path).expanduser()
        path = path / WEIGHTS_FILE if path.is_dir() else path
        if not path.is_file():
            raise WeightsError(
                "weights", expected="a .safetensors file or a model folder", got=f"no file {path}"
            )
        return Source(str(path), path, None)
    if isinstance(ref, HubRef):
        return Source(str(ref), None, Weights(repo=ref.repo, revision=ref.revision or "main"))
    tags = list(component.weights)
    raise WeightsError(
        f"weights of {component.name}",
        expected=f"a tag ({listing(tags)}), a file or hf://owner/name",
        got=quote(reference),
        hint=near(reference, tags) if tags else "name a file",
    )


def fetch(source: Source) -> Path:
    """The local file, downloaded through the Hub's own cache if need be, and verified on arrival.

    Raises:
        WeightsError: the Hub cannot be reached, has no such file, or the file does not arrive whole.
    """
    if source.path is not None:
        return source.path
    weights = source.published
    assert weights is not None  # noqa: S101 - locate() gives one or the other
    path = _download(source.text, weights)
    sha256 = weights.sha256 or _announced(path)
    if sha256 and not _verified(path, sha256):
        path = _download(source.text, weights, force=True)
        if not _verified(path, sha256):
            raise WeightsError(
                f"weights {source.text}",
                expected=f"sha256 {sha256[:12]}...",
                got="another content, twice",
            )
    return path


def _download(text: str, weights: Weights, force: bool = False) -> Path:
    from huggingface_hub import constants, errors, hf_hub_download

    where = f"weights {text}: {weights.file} of {weights.repo}"
    offline = not _reachable(constants.ENDPOINT)
    try:
        with _quiet():
            got = hf_hub_download(
                weights.repo,
                weights.file,
                revision=weights.revision,
                force_download=force,
                local_files_only=offline,
            )
        return Path(got)
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(where, error) from error
    except (
        errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError,
        errors.HFValidationError,
    ) as error:  # fmt: skip
        raise WeightsError(
            where, expected="a file that is on the Hub", got=type(error).__name__,
            hint="check the name and revision, or log in if it is private",
        ) from error  # fmt: skip
    except Exception as error:  # the client raises its transport's own errors, whichever that is
        raise _unreachable(where, error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the client's news of each retry off the screen, unless the user has asked it for more."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR if level == logging.WARNING else level)
    try:
        yield
    finally:
        logger.setLevel(level)


def _reachable(endpoint: str) -> bool:
    """Whether the Hub answers at all. The client itself would retry for half a minute before it says no."""
    address = urlsplit(endpoint)
    if getproxies() or not address.hostname:
        return True
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname, port), timeout=5).close()
    except OSError:
        return False
    return True


def _unreachable(where: str, error: Exception) -> WeightsError:
    return WeightsError(
        f"{where} cannot be reached",
        expected="the Hub or a cached copy",
        got=f"neither ({type(error).__name__})",
        hint='go online, fill the cache that HF_HOME names, give a local file with weights="file:PATH", or '
        "leave weights out for random ones",
    )


def _announced(path: Path) -> str | None:
    """The sha256 that the Hub gave for a large file, after which its cache names the content."""
    name = path.resolve().name
    return name if re.fullmatch(r"[0-9a-f]{64}", name) else None


def _verified(path: Path, sha256: str) -> bool:
    """Whether the file has the hash; remembered beside the Hub's cache by size and time of the file."""
    stat = path.stat()
    stamp = path.resolve().with_suffix(".zoo-verified")
    mark = f"{sha256} {stat.st_size} {stat.st_mtime_ns}"
    try:
        if stamp.read_text() == mark:
            return True
    except OSError:
        pass
    with path.open("rb") as file:
        fine = hashlib.file_digest(file, "sha256").hexdigest() == sha256
    if fine:
        try:
            stamp.write_text(mark)
        except OSError:
            return True  # a read-only cache is verified again next time
    return fine


def converted(backbone: Backbone, state: Mapping[str, Tensor], text: str) -> tuple[Tensors, Tensors]:
    """A file's tensors as the backbone's and its original head's.

    Takes files in three manners: a model saved by zoo (`backbone.*`), a bare backbone's state dict, or the
    published network's own names.
    """
    own = set(backbone.state_dict())
    inside = {k.removeprefix("backbone."): v for k, v in state.items() if k.startswith("backbone.")}
    if inside and set(inside) & own:
        head = {k.removeprefix("head."): v for k, v in state.items() if k.startswith("head.")}
        return backbone.adapt_input(inside), head
    if set(state) == own:
        return backbone.adapt_input(dict(state)), {}
    mapped = backbone.convert(state)
    head = {k.removeprefix("head."): v for k, v in mapped.items() if k.startswith("head.")}
    body = {k: v for k, v in mapped.items() if not k.startswith("head.")}
    check_fit(backbone, backbone.adapt_input(body), text)
    return backbone.adapt_input(body), head


def check_fit(module: nn.Module, state: Mapping[str, Tensor], text: str) -> None:
    """Raises WeightsError unless keys and shapes are exactly the module's."""
    own = module.state_dict()
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
        expected=f"its {len(own)} tensors by name and shape",
        got="; ".join(facts),
        hint="are they weights of another network, or of other options?",
    )


def assign(module: nn.Module, state: Mapping[str, Tensor], text: str) -> None:
    """Makes the tensors the module's own, without copying; strict.

    Parameters that the module shares between places are shared afterwards too.

    Raises:
        WeightsError: keys or shapes are not exactly the module's.
    """
    own = module.state_dict()
    shared: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        shared.setdefault(id(parameter), []).append(name)
    full = dict(state)
    for names in shared.values():
        given = next((full[n] for n in names if n in full), None)
        full.update({n: given for n in names if given is not None and n not in full})
    check_fit(module, full, text)
    module.load_state_dict({k: v.to(own[k].dtype) for k, v in full.items()}, assign=True)
    for first, *others in shared.values():
        for name in others:
            owner, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(owner), attribute, module.get_parameter(first))
