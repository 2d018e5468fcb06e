"""What tests of several rooms need: a small model, images to train on, and plugins installed without pip."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.interfaces.model import Model
from zoo.registry import loading, reset
from zoo.registry.catalogue import known
from zoo.registry.plugins.installed import installed

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = ["mutation_sample.py"]  # a program, which imports what lies beside it


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests under a layer that refuses what Windows refuses, see `tests/windows/layer.py`."""
    parser.addoption("--windows", action="store_true", help="refuse what Windows refuses")


def pytest_configure(config: pytest.Config) -> None:
    """The layer gives the fixture `windows`."""
    spec = importlib.util.spec_from_file_location("windows_layer", ROOT / "tests" / "windows" / "layer.py")
    layer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(layer)
    config.pluginmanager.register(layer, "windows_layer")


def row(name: str, kind: str = "backbone", package: str = "pkg", **more: Any) -> dict[str, Any]:
    """A component as plain data."""
    return {"kind": kind, "name": name, "target": f"{package}.net:Net", "summary": f"The {name}.", **more}


class Shelf:
    """A folder on `sys.path` with fake distributions in it.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plugin(
        self,
        distribution: str,
        *names: str,
        version: str = "1.0",
        code: str | None = None,
        catalogue: dict[str, Any] | str | bool = False,
        entry: str = "plugin",
        rows: list[dict[str, Any]] | None = None,
        namespace: str | None = None,
        bare: bool | list[str] = True,
        formerly: list[str] | None = None,
        requires: str = "zoo-core",
    ) -> Path:
        """Writes a distribution and returns its package's folder.

        Args:
            distribution: its name.
            names: of its backbones.
            version: as installed.
            code: of its plugin module; by default hooks that declare `rows`.
            catalogue: True for one that agrees with the hooks, or its content.
            entry: name of its entry point.
            rows: its components, instead of `names`.
            namespace: which it claims.
            bare: which names it claims bare.
            formerly: namespaces that its components had.
            requires: what its metadata asks for.
        """
        package = distribution.replace("-", "_")
        rows = rows if rows is not None else [row(name, package=package) for name in names]
        folder = self.folder / package
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text("")
        (folder / "net.py").write_text(
            "class Net:\n    def __init__(self, **options): self.options = options\n"
        )
        (folder / "plugin.py").write_text(
            code if code is not None else _code(rows, namespace, bare, formerly)
        )
        if catalogue is True:
            catalogue = {"format": 1, "distribution": distribution, "bare": bare, "components": rows}
            catalogue |= {"namespace": namespace} if namespace else {}
            catalogue |= {"formerly": formerly} if formerly else {}
        if catalogue is not False:
            text = catalogue if isinstance(catalogue, str) else json.dumps(catalogue)
            (folder / "catalogue.json").write_text(text)
        self._metadata(distribution, version, f"[zoo]\n{entry} = {package}.plugin\n", requires)
        importlib.invalidate_caches()
        reset()
        return folder

    def _metadata(self, distribution: str, version: str, entry_points: str, requires: str) -> None:
        package = distribution.replace("-", "_")
        for old in self.folder.glob(f"{package}-*.dist-info"):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        info = self.folder / f"{package}-{version}.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\nRequires-Dist: {requires}\n"
        (info / "METADATA").write_text(head)
        (info / "entry_points.txt").write_text(entry_points)
        (info / "RECORD").write_text("")

    def python(self, code: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs Python code in a process that sees the shelf."""
        return self._run([*options, "-c", code], variables)

    def zoo(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line in a process that sees the shelf."""
        return self._run(["-c", "from zoo.cli import main; main()", *arguments], variables)

    def _run(self, arguments: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.folder), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": path, **variables}
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=120, check=False
        )


def _code(
    rows: list[dict[str, Any]],
    namespace: str | None,
    bare: bool | list[str],
    formerly: list[str] | None = None,
) -> str:
    hook = "import zoo\n\n@zoo.hookimpl\ndef"
    text = f"{hook} zoo_components():\n    return [zoo.Component.from_dict(row) for row in {rows!r}]\n"
    if namespace or bare is not True:
        claim = tuple(bare) if isinstance(bare, list) else bare
        name = namespace or "unnamed"
        arguments = f"name={name!r}, bare={claim!r}, formerly={tuple(formerly or ())!r}"
        text += f"{hook} zoo_namespace():\n    return zoo.Namespace({arguments})\n"
    return text


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A shelf for fake distributions, seen by this process and its children; other plugins are off."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    real = ",".join(item.distribution for item in installed())
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", real)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    # A file that is written twice in a second, as long as before, would be read as compiled the first time
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    monkeypatch.delenv("ZOO_STRICT_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    _forget()
    yield Shelf(folder)
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    _forget()


def _forget() -> None:
    reset()
    loading.declare.cache_clear()
    known.cache_clear()
    importlib.invalidate_caches()


@pytest.fixture
def make_model() -> Callable[..., Model]:
    """A small model with batch norm and dropout, the same at each call."""

    def make(**options: object) -> Model:
        given = {"head": {"name": "binary", "dropout": 0.2}, "in_channels": 1, "input_size": 16, "seed": 0}
        return zoo.build("tiny_resnet", **{**given, **options})

    return make


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Class folders of dark and of bright images, easy to tell apart; each is different."""
    rng = np.random.default_rng(0)
    for label, level in (("bright", 200), ("dark", 20)):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for i in range(14):
            pixels = (level + rng.integers(0, 40, (12, 12, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "photos"
