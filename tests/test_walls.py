"""The rules that hold the house together, each shown to fail on a planted breach."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.interfaces.tasks.choice import BY_NAME
from zoo.registry.lookup import entries

ROOT = Path(__file__).parents[1]
VOCABULARY = {
    # Task names are the tasks' own words, and some heads are called after them.
    "zoo/interfaces/tasks/classes.py": {"binary", "multiclass"},
    "zoo/interfaces/tasks/order.py": {"ordinal"},
    "zoo/interfaces/tasks/labels.py": {"multilabel"},
    "zoo/interfaces/tasks/values.py": {"regression"},
    "zoo/interfaces/tasks/vectors.py": {"embedding"},
    # A coefficient that is measured, and a loss that is called after it.
    "zoo/interfaces/tasks/masks.py": {"dice"},
}


def names_in_code(source: str) -> set[str]:
    """All texts in the code that are not docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    }


def planted(root: Path) -> list[str]:
    """Component names in the code of the core, but for its own plugin."""
    components = {e.component.name for e in entries()} | {e.qualified for e in entries()}
    found = []
    for file in sorted((root / "zoo").rglob("*.py")):
        place = file.relative_to(root).as_posix()
        if not place.startswith("zoo/builtin/"):
            names = names_in_code(file.read_text()) & components - VOCABULARY.get(place, set())
            found += [f"{place}: {name}" for name in sorted(names)]
    return found


TASKS = {type(task).__name__ for task in BY_NAME.values()}


def asked(root: Path) -> list[str]:
    """Questions about a particular task in the core, outside of the room of tasks.

    The core's own plugin is none of the core: its heads make their tasks, as a stranger's do.
    """
    found = []
    for file in sorted((root / "zoo").rglob("*.py")):
        place = file.relative_to(root).as_posix()
        if place.startswith(("zoo/builtin/", "zoo/interfaces/tasks/")):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zoo.interfaces.tasks"):
                named = {alias.name for alias in node.names} & TASKS
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value).startswith("zoo.interfaces"):
                named = {node.attr} & TASKS
            elif isinstance(node, ast.Compare):
                sides = {ast.unparse(side) for side in (node.left, *node.comparators)}
                declared = any(side.endswith("component.task") for side in sides)  # whichever that is
                named = {s for s in sides if s.endswith(("task.name", "task.needs")) and not declared}
            elif isinstance(node, ast.Constant):
                named = {node.value} & set(BY_NAME) if isinstance(node.value, str) else set()
            else:
                continue
            found += [f"{place}:{node.lineno}: {name}" for name in sorted(named)]
    return found


def copy_of_the_house(target: Path) -> Path:
    shutil.copytree(ROOT / "zoo", target / "zoo", ignore=shutil.ignore_patterns("__pycache__"))
    for plugin in (ROOT / "plugins").glob("*/src/*"):
        shutil.copytree(plugin, target / plugin.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", target)
    return target


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    command = [sys.executable, str(program), "--no-cache"]
    return subprocess.run(
        command, cwd=house, env={"PYTHONPATH": str(house)}, check=False, capture_output=True, text=True
    )


def test_no_core_file_names_a_component():
    assert planted(ROOT) == []


def test_a_planted_component_name_is_found(tmp_path):
    house = copy_of_the_house(tmp_path)
    with (house / "zoo/compose/parts.py").open("a") as file:
        file.write('\nFAVOURITE = "vgg16"\n')
    assert planted(house) == ["zoo/compose/parts.py: vgg16"]


def test_no_core_file_asks_for_a_particular_task():
    assert asked(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "from zoo.interfaces.tasks import Segmentation",
        "from zoo.interfaces.tasks.masks import Segmentation",
        "PLANTED = zoo.interfaces.tasks.Binary",
        'PLANTED = task.needs == "mask"',
        "PLANTED = model.task.name in WORDS",
        'PLANTED = {"segmentation": 1}',
    ],
)
def test_a_planted_question_about_a_task_is_found(tmp_path, line):
    house = copy_of_the_house(tmp_path)
    with (house / "zoo/training/evaluate.py").open("a") as file:
        file.write(f"\n{line}\n")
    (found,) = asked(house)
    assert found.startswith("zoo/training/evaluate.py:")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("zoo/spec/freeze.py", "import torch"),
        ("zoo/registry/lookup.py", "import zoo.interfaces.backbone"),
        ("zoo/interfaces/head.py", "import zoo.compose.build"),
        ("zoo/compose/build.py", "import zoo.hub.folder"),
        ("zoo/builtin/heads.py", "import zoo.compose.build"),
        ("zoo/compose/plan.py", "import zoo.builtin.heads"),
        ("zoo_vgg/vgg.py", "import zoo.registry.lookup"),
        ("zoo_vgg/config.py", "import torch"),
    ],
)
def test_a_planted_forbidden_import_breaks_the_layer_check(tmp_path, place, line):
    house = copy_of_the_house(tmp_path)
    assert (house / place).exists()
    with (house / place).open("a") as file:
        file.write(f"\n\ndef _planted() -> None:\n    {line}\n")
    done = lint_imports(house)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


def test_the_layers_hold(tmp_path):
    done = lint_imports(copy_of_the_house(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
