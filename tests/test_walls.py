"""The rules that hold the house together, each shown to fail on a planted breach."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from zoo.registry.lookup import entries

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("walls", ROOT / "checks" / "walls.py")
walls: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(walls)
PRECISION = {"precision"}
"""Of numbers, an argument of `zoo.fit`; a metric is called so too."""

# A word of HTML, JSON and messages, and a data set that is called after it.
WORDS = {"table"}

VOCABULARY = {
    # Bands of images, which some augmenters are called after.
    "zoo/cli/evaluate.py": {"flip"},
    "zoo/cli/predict.py": {"flip"},
    "zoo/inference/asking/views.py": {"flip"},
    "zoo/spec/channels/bands.py": {"hue", "saturation", "grayscale"},
    "zoo/interfaces/normalise.py": {"hue", "saturation", "grayscale"},
    # A field of input specs, which an augmenter is called after.
    "zoo/spec/inputs.py": {"crop"},
    "zoo/compose/chosen_inputs.py": {"crop"},
    "zoo/data/row_cache/pixels.py": {"crop"},
    # Task names are the tasks' own words, and some heads are called after them.
    "zoo/interfaces/tasks/classes.py": {"binary", "multiclass", "auroc", "f1"},
    "zoo/interfaces/tasks/order.py": {"ordinal", "multiclass"},
    "zoo/interfaces/tasks/labels.py": {"multilabel", "f1"},
    "zoo/interfaces/tasks/values.py": {"regression"},
    "zoo/interfaces/tasks/vectors.py": {"embedding"},
    # An option of training, and a metric that is called alike.
    "zoo/runtime/given_objects.py": {"precision"},
    # Forms of answers, which some tasks are called after.
    "zoo/interfaces/tasks/target_counts.py": {"binary", "multiclass", "multilabel"},
    # Figures that tasks measure, and a loss and metrics that are called after them.
    "zoo/interfaces/tasks/masks.py": {"dice", "iou", "precision", "recall"},
    "zoo/interfaces/tasks/base.py": {"mae", "rmse"},
    "zoo/interfaces/tasks/images.py": {"mae"},
    "zoo/interfaces/tasks/confusion.py": {"f1", "precision", "recall"},
    "zoo/inference/sample_quality.py": {"precision", "recall"},
    **dict.fromkeys(
        (
            "zoo/cli/fit.py", "zoo/spec/arguments.py", "zoo/runtime/processes.py", "zoo/runtime/computing.py",
            "zoo/training/fit.py",
            "zoo/training/record/run_folder.py", "zoo/training/request.py", "zoo/spec/disk/records.py",
            "zoo/experiments/folds.py", "zoo/experiments/fold_record.py",
        ),
        PRECISION,
    ),
}  # fmt: skip


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
            names = names_in_code(file.read_text()) & components - VOCABULARY.get(place, set()) - WORDS
            found += [f"{place}: {name}" for name in sorted(names)]
    return found


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of what the walls are built of, to plant breaches in."""
    for name in ("zoo", "plugins", "examples"):
        for source in [ROOT / name] if name == "zoo" else (ROOT / name).glob("*/src"):
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, tmp_path / source.relative_to(ROOT), ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def plant(file: Path, *lines: str) -> list[int]:
    """Each line in a function of its own; returns their numbers."""
    last = len(file.read_text().splitlines())
    with file.open("a") as end:
        end.writelines(f"\n\ndef _planted() -> None:\n    {line}\n" for line in lines)
    return [last + 4 * (i + 1) for i in range(len(lines))]


def places(breaches: list[str]) -> set[str]:
    """Files and lines of breaches."""
    return {":".join(breach.split(":")[:2]) for breach in breaches}


def test_no_core_file_names_a_component():
    assert planted(ROOT) == []


def test_a_planted_component_name_is_found(house):
    with (house / "zoo/compose/parts.py").open("a") as file:
        file.write('\nFAVOURITE = "vgg16"\n')
    assert planted(house) == ["zoo/compose/parts.py: vgg16"]


@pytest.mark.slow  # `make check` holds them up too
def test_the_walls_hold():
    assert [breach for check in walls.CHECKS for breach in check(ROOT)] == []


def test_no_core_file_asks_for_a_particular_task():
    assert walls.task_questions(ROOT) == []


def test_planted_questions_about_a_task_are_found(house):
    numbers = plant(
        house / "zoo/inference/evaluate.py",
        "from zoo.interfaces.tasks import Segmentation",
        "from zoo.interfaces.tasks.masks import Segmentation",
        "from zoo.interfaces import Regression",
        "PLANTED = zoo.interfaces.tasks.Binary",
        'PLANTED = task.needs == "mask"',
        "PLANTED = model.task.name in WORDS",
        'PLANTED = {"segmentation": 1}',
    )
    found = walls.task_questions(house)
    assert places(found) == {f"zoo/inference/evaluate.py:{number}" for number in numbers}


def test_planted_questions_about_the_system_are_found(house):
    lines = (
        "os.fsync(handle)", "os.kill(pid, 0)", "size = path.stat().st_blocks * 512", "os.fork()",
        "import msvcrt", "import fcntl", "os.replace(old, new)", "os.rename(old, new)",
        "path.replace(target)", "old.rename(new)", 'size = getattr(facts, "st_blocks", None)',
        "if sys.platform: ...", "path.symlink_to(target)", 'if hasattr(os, "killpg"): ...',
        "os.kill(pid, signal.SIGKILL)", "from resource import getrlimit",
    )  # fmt: skip
    # Texts and tables may be replaced and renamed anywhere
    fine = 'text.replace("a", "b"); replace(recipe, seed=0); table.rename({"a": "b"})'
    *numbers, _ = plant(house / "zoo/hub/push.py", *lines, fine)
    plant(house / "zoo/spec/disk/locks.py", *lines)
    assert places(walls.system_questions(house)) == {f"zoo/hub/push.py:{number}" for number in numbers}


def test_planted_imports_against_the_floors_are_found(house):
    lines = {
        "zoo/spec/freeze_grammar.py": "import torch",
        "zoo/registry/lookup.py": "import zoo.interfaces.backbone",
        "zoo/interfaces/head.py": "import zoo.trainers.score",
        "zoo/trainers/score.py": "import zoo.data.batch_order",
        "zoo/compose/build.py": "import zoo.hub.folder",
        "zoo/builtin/heads.py": "import zoo.compose.build",
        "zoo/builtin/config.py": "import torch",
        "zoo/compose/plan.py": "import zoo.builtin.heads",
    }
    for place, line in lines.items():
        plant(house / place, line)
    found = "\n".join(walls.floors(house))
    wanted = [
        f"{place.removesuffix('.py').replace('/', '.')} -> {line.removeprefix('import ')} "
        for place, line in lines.items()
    ]
    assert [one for one in wanted if one not in found] == []


def test_a_planted_import_in_every_plugin_is_found(house):
    packages = walls.packages(house)
    assert {path.parents[1].name for path in packages.values()} == {
        p.name for p in (ROOT / "plugins").iterdir()
    }
    for folder in packages.values():
        plant(folder / "plugin.py", "import zoo.registry.lookup")
    found = " ".join(walls.floors(house))
    assert [name for name in packages if f"{name}.plugin -> zoo.registry.lookup" not in found] == []


def test_a_way_around_the_doors_is_found_everywhere(house):
    lines = {
        "from zoo.interfaces.blocks.block import Block": "zoo.interfaces.blocks.block is behind the doors",
        "import zoo.registry.lookup": "zoo.registry.lookup is behind the doors",
        "from zoo.interfaces import _hidden": "zoo.interfaces._hidden is private",
    }
    places = [
        *(folder / "plugin.py" for folder in walls.packages(house).values()),
        *house.glob("examples/*/src/*/plugin.py"),
        house / "zoo/builtin/heads.py",
        *house.glob("zoo/cli/templates/*/module.py.tmpl"),
    ]
    for place in places:
        place.write_text("\n".join([place.read_text(), *lines, ""]))
    found = walls.doors(house)
    wanted = {(str(place.relative_to(house)), said) for place in places for said in lines.values()}
    assert {(breach.split(":")[0], breach.rpartition(": ")[2]) for breach in found} == wanted


def test_a_local_import_that_saves_nothing_is_found(house):
    plant(house / "zoo/data/batch_order.py", "import zoo.spec.names")
    assert any("zoo.spec.names brings nothing heavy" in breach for breach in walls.local_imports(house))


def test_torch_in_every_declaration_is_found(house):
    names = walls.torch_free(house)
    assert {name.split(".")[0] for name in names} == walls.packages(house).keys()
    for name in names:
        package, _, module = name.partition(".")
        plant(walls.packages(house)[package] / f"{module}.py", "import torch")
    found = " ".join(walls.floors(house))
    assert [name for name in names if f"{name} -> torch" not in found] == []


def test_a_planted_circle_is_found(house):
    plant(house / "zoo/spec/errors.py", "import zoo.spec.names")
    plant(house / "zoo/spec/names.py", "import zoo.spec.errors")
    assert "circle of imports: zoo.spec.errors, zoo.spec.names" in walls.circles(house)


def test_every_room_has_its_row_among_the_rooms() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Where things are")[2]
    rows = set(re.findall(r"^\|[^|]*\| `(zoo/\w+)` \|", table.partition("\n## ")[0], re.MULTILINE))
    rooms = {f"zoo/{folder.parent.name}" for folder in (ROOT / "zoo").glob("*/__init__.py")}
    assert rows == rooms


def test_a_planted_long_file_is_found_in_the_core_and_in_every_plugin(house):
    places = [
        house / "zoo/spec/freeze_grammar.py",
        *(folder / "plugin.py" for folder in walls.packages(house).values()),
    ]
    for place in places:
        lines = len(place.read_text().splitlines())
        place.write_text(place.read_text() + "\n" * (301 - lines))
    found = {breach.split(":")[0] for breach in walls.long_files(house)}
    assert found == {str(place.relative_to(house)) for place in places}


def test_a_file_of_300_lines_is_none_too_long(house):
    place = house / "zoo/spec/freeze_grammar.py"
    place.write_text(place.read_text() + "\n" * (300 - len(place.read_text().splitlines())))
    assert walls.long_files(house) == []


def test_a_planted_full_room_is_found_but_in_a_series(house):
    for room in ("zoo/spec", "zoo/cli"):
        for number in range(17 - len([*(house / room).glob("*.py")])):
            (house / room / f"planted{number}.py").touch()
        (house / room / "planted.py").touch()
    (found,) = walls.full_rooms(house)
    assert found.startswith("zoo/spec: 1")


@pytest.mark.parametrize("text", ["", '"""Two sentences. In a line."""', '"""No end"""', '"""Two\nlines."""'])
def test_a_room_that_does_not_say_what_is_in_it_is_found(house, text):
    (house / "zoo/spec/__init__.py").write_text(f"{text}\n")
    (found,) = walls.full_rooms(house)
    assert found.startswith("zoo/spec/__init__.py: ")


def test_a_planted_function_of_more_than_40_lines_is_found_and_a_table_may_be_longer(house):
    with (house / "zoo/spec/freeze_grammar.py").open("a") as file:
        for lines in (40, 41):
            body = "\n".join(f"    number = {i}\n\n    # no code" for i in range(lines))
            file.write(f'\n\ndef planted(\n    number: int,\n) -> None:\n    """A docstring."""\n{body}\n')
        rows = "\n".join(f"        {i}," for i in range(100))
        file.write(f"\n\ndef planted() -> list[int]:\n    return [\n{rows}\n    ]\n")
    (found,) = walls.long_functions(house)
    assert "planted: 41 lines of code" in found


def test_a_planted_riddle_is_found_in_the_core_and_in_every_plugin(house):
    folders, words = [house / "zoo/spec", *walls.packages(house).values()], ("What", "Of", "There")
    methods = "".join(f'\n    def outcome(self) -> None:\n        """{word} it."""\n' for word in words)
    for folder in folders:
        (folder / "planted.py").write_text(f'class Run:\n    """A run."""\n{methods}')
    found = [breach.split(": ") for breach in walls.riddles(house)]
    wanted = {(str((folder / "planted.py").relative_to(house)), word) for folder in folders for word in words}
    assert {(place.split(":")[0], word) for place, name, word, *_ in found if name == "outcome"} == wanted
    assert len(found) == len(wanted)


def test_a_riddle_of_a_module_is_found(house):
    (house / "zoo/spec/planted.py").write_text('"""How it goes."""\n')
    (found,) = walls.riddles(house)
    assert found.startswith("zoo/spec/planted.py:1: module: How: ")


def test_a_private_name_may_be_told_as_its_author_likes(house):
    (house / "zoo/spec/planted.py").write_text('def _planted() -> None:\n    """What it is."""\n')
    assert walls.riddles(house) == []
