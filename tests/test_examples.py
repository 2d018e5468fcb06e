"""The examples: each recipe builds, and the example plugin works as the documentation says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch

import zoo
from zoo.compose.parts import part
from zoo.compose.plan import plan
from zoo.registry import reset
from zoo.spec.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
PLUGIN = EXAMPLES / "zoo-example"
RECIPES = sorted((EXAMPLES / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_a_recipe_describes_a_model_whose_parts_fit(path):
    recipe = Recipe.from_file(path)
    planned = plan(recipe.model)  # shapes on the meta device; weights are located, not downloaded
    assert planned.meta_model.outputs >= 1


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_a_recipe_names_a_trainer_and_data_that_exist(path):
    recipe = Recipe.from_file(path)
    part("trainer", recipe.trainer)
    if not str(recipe.data).startswith("file:"):
        part("dataset", recipe.data)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A folder that holds the example plugin as an installer leaves it."""
    target = tmp_path_factory.mktemp("target")
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    package = project["name"].replace("-", "_")
    shutil.copytree(PLUGIN / "src" / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    info = target / f"{package}-{project['version']}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{needs}"
    (info / "METADATA").write_text(head)
    groups = "".join(
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(groups)
    (info / "RECORD").write_text("")
    return target


@pytest.fixture(scope="module")
def installed(target, tmp_path_factory):
    """Runs Python with the example plugin on its path."""
    cache = tmp_path_factory.mktemp("cache")

    def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(target), str(ROOT)])
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cache,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "ZOO_CACHE": str(cache),
                "OMP_NUM_THREADS": "1",
                **variables,
            },
        )

    return python


def zoo_command(python, *words: str, **variables: str) -> str:
    done = python("-c", "from zoo.cli import main; main()", *words, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_example_plugin_is_listed(installed):
    rows = json.loads(zoo_command(installed, "list", "backbone", "--search", "nin", "--json"))
    assert ("nin", "zoo-example") in {(row["name"], row["distribution"]) for row in rows}
    assert "zoo-example" in zoo_command(installed, "plugins", "--check", ZOO_PLUGINS="zoo-example")


@pytest.mark.slow
def test_the_example_plugin_keeps_its_contract(installed):
    tests = ["--import-mode=importlib", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = installed(
        "-m", "pytest", *tests, "--rootdir", str(PLUGIN), "-c", os.devnull, str(PLUGIN / "tests")
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 10
    assert "skipped" not in done.stdout


def test_the_example_plugin_trains_and_is_saved(target, tmp_path, monkeypatch):
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(target))
    reset()
    try:
        model = zoo.build("nin", head="binary", input_size=32, channels=[8, 8, 8], seed=0)
        run = zoo.fit(model, {"name": "faces", "per_class": 10}, epochs=1, out=tmp_path / "run")
        x = torch.rand(2, 3, 32, 32)
        assert len(run.history) == 1
        assert torch.equal(zoo.load(run.folder)(x), model(x))
        assert zoo.load(run.folder).plugins["zoo-example"] == "0.1.0"
    finally:
        monkeypatch.undo()
        for module in {m for m in set(sys.modules) - before if m.startswith("zoo_example")}:
            del sys.modules[module]
        reset()


@pytest.mark.slow
def test_its_catalogue_is_up_to_date(installed):
    assert "up to date" in zoo_command(installed, "catalogue", "--check", str(PLUGIN))


def test_the_page_shows_the_files_as_they_are():
    page = (ROOT / "docs/guide/write-a-plugin.md").read_text()
    titled = r'^```\w+ title="([^"]+\.\w+)"\n(.*?)^```$'
    shown = dict(re.findall(titled, page, flags=re.MULTILINE | re.DOTALL))
    assert set(shown) >= {"pyproject.toml", "src/zoo_example/plugin.py", "tests/test_contract.py"}
    for path, text in shown.items():
        assert text == (PLUGIN / path).read_text(), path


def test_the_page_shows_the_layout_as_it_is():
    page = (ROOT / "docs/guide/write-a-plugin.md").read_text()
    layout = page.partition("```text\nzoo-example/\n")[2].partition("```")[0]
    shown = {line.split()[0] for line in layout.splitlines()}
    files = {path for path in PLUGIN.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {name for name in shown if not name.endswith("/")} == {path.name for path in files}
