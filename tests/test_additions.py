"""What an addition costs: a backbone family, a metric and a task each touch their own files and no other."""

from __future__ import annotations

import hashlib
import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import TensorDataset

import zoo
from zoo.registry import loading, reset

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/zoo-example"
DECLARATIONS = "zoo_example/plugin.py"

BACKBONE = '''
from torch import nn

from zoo.interfaces import Backbone, Block


class Thin(Backbone):
    """Two strided convolutions."""

    def __init__(self, *, in_channels: int = 3, width: int = 4) -> None:
        blocks = [
            Block(conv=nn.Conv2d(in_channels, width, 3, 2, 1), relu=nn.ReLU()),
            Block(conv=nn.Conv2d(width, 2 * width, 3, 2, 1), relu=nn.ReLU()),
        ]
        super().__init__(blocks)
'''
METRIC = '''
from torchmetrics import MeanMetric

from zoo.interfaces import Metric, Task


class _Surprise(MeanMetric):
    def update(self, answer, target):
        super().update((answer - target.float()).abs())


class Surprise(Metric):
    """Mean distance of the probability from the truth."""

    name, forms, higher_is_better = "surprise", ("binary",), False

    def measure(self, task: Task, outputs: int) -> MeanMetric:
        return _Surprise()
'''
TASK = '''
from torch import Tensor, nn

from zoo.interfaces import Head, Loss, Regression


class Counting(Regression):
    """How many there are, as the logarithm of a rate."""

    name = "counting"


class CountHead(Head):
    """One value of the last map's mean."""

    def __init__(self, *, inputs, classes: int | None = None) -> None:
        super().__init__(task=Counting(), inputs=inputs, outputs=1)
        self.fc = nn.Linear(inputs[-1].channels, 1)

    def forward(self, *features: Tensor) -> Tensor:
        return self.fc(features[-1].mean((2, 3)))


class Poisson(Loss):
    """Negative log-likelihood of counts."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return nn.functional.poisson_nll_loss(output, target)
'''


def row(kind: str, name: str, target: str, **more: Any) -> str:
    fields = {
        "kind": kind,
        "name": name,
        "target": f"zoo_example.{target}",
        "summary": "An addition.",
        **more,
    }
    return f"Component({', '.join(f'{key}={value!r}' for key, value in fields.items())})"


ADDITIONS: dict[str, tuple[dict[str, str], list[str]]] = {
    "backbone": ({"thin.py": BACKBONE}, [row("backbone", "thin", "thin:Thin")]),
    "metric": ({"surprise.py": METRIC}, [row("metric", "surprise", "surprise:Surprise")]),
    "task": (
        {"counting.py": TASK},
        [
            row("head", "count", "counting:CountHead", task="counting"),
            row("loss", "poisson", "counting:Poisson", task="counting", tags=("default",)),
        ],
    ),
}
"""New files with their text, and what the declarations get."""


def contents(*roots: Path) -> dict[str, str]:
    """The hash of each file of the core, the plugins and the package that is added to."""
    files = (file for root in roots for file in root.rglob("*") if file.is_file())
    kept = (file for file in files if "__pycache__" not in file.parts)
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}


def forget() -> None:
    """What this process knows of installed plugins and their modules."""
    reset()
    loading.declare.cache_clear()
    importlib.invalidate_caches()


class House:
    """The core, our plugins, and a copy of the example plugin that is added to."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "zoo_example"
        self.watched = [ROOT / "zoo", *sorted(ROOT.glob("plugins/*/src")), self.package]
        ignored = shutil.ignore_patterns("__pycache__", "catalogue.json")  # it is asked through its hook
        shutil.copytree(EXAMPLE / "src/zoo_example", self.package, ignore=ignored)
        info = folder / "zoo_example-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-example\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text("[zoo]\nexample = zoo_example.plugin\n")
        (info / "RECORD").write_text("")
        self.before = contents(*self.watched)

    def add(self, which: str) -> None:
        """Writes the addition's files and declares it."""
        files, rows = ADDITIONS[which]
        for name, text in files.items():
            (self.package / name).write_text(
                f'"""An addition."""\n\nfrom __future__ import annotations\n{text}'
            )
        declarations = self.package.parent / DECLARATIONS
        text = declarations.read_text()
        assert text.count("        *KEYPOINTS,\n") == 1
        lines = "".join(f"        {line},\n" for line in rows)
        declarations.write_text(text.replace("        *KEYPOINTS,\n", f"        *KEYPOINTS,\n{lines}"))
        forget()

    def touched(self) -> list[str]:
        """Files that are new or other than before."""
        after = contents(*self.watched)
        assert self.before.keys() <= after.keys()
        root = str(self.package.parent)
        return sorted(name.removeprefix(f"{root}/") for name in after if after[name] != self.before.get(name))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield made
    monkeypatch.undo()
    for module in {name for name in set(sys.modules) - before if name.startswith("zoo_example")}:
        del sys.modules[module]
    forget()


def listed(kind: str, name: str) -> bool:
    return any((each.name, each.distribution) == (name, "zoo-example") for each in zoo.list(kind))


@pytest.mark.filterwarnings("ignore:frozen blocks")
def test_a_backbone_family_is_one_file_and_its_declaration(house: House) -> None:
    house.add("backbone")
    assert listed("backbone", "thin")
    model = zoo.build("thin", head="binary", freeze="block1", in_channels=1, input_size=16, seed=0)
    assert model(torch.rand(2, 1, 16, 16)).shape == (2, 1)
    assert model.frozen == ("block1",)
    assert house.touched() == [DECLARATIONS, "zoo_example/thin.py"]


def test_a_metric_is_one_file_and_its_declaration(house: House) -> None:
    house.add("metric")
    assert listed("metric", "surprise")
    model = zoo.build("small_cnn", head="binary", in_channels=1, input_size=16, seed=0)
    found = zoo.evaluate(model, {"name": "faces", "per_class": 4}, split="all", metrics=["surprise"])
    assert 0 < found.metrics["surprise"] < 1
    assert house.touched() == [DECLARATIONS, "zoo_example/surprise.py"]


def test_a_task_is_one_file_and_its_declarations(house: House, tmp_path: Path) -> None:
    house.add("task")
    assert listed("head", "count")
    model = zoo.build("small_cnn", head="count", in_channels=1, input_size=16, seed=0)
    data = TensorDataset(torch.rand(12, 1, 16, 16), torch.arange(12) % 4.0)
    run = zoo.fit(model, data, epochs=1, out=tmp_path / "run", progress=False)
    assert run.model.task.name == "counting"
    assert run.model.recipe.loss == "example:poisson"
    assert "loss" in zoo.evaluate(run.model, data, split="test").metrics
    assert house.touched() == ["zoo_example/counting.py", DECLARATIONS]


def test_a_touched_file_of_the_core_is_found(house: House) -> None:
    (house.package / "nin.py").write_text("")
    assert house.touched() == ["zoo_example/nin.py"]
