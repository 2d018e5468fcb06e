"""Recipes in files: every option's effective value, and format 1 read with the defaults of its day."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.compose.parts import part
from zoo.registry import loading
from zoo.registry.lookup import find
from zoo.spec.errors import UnknownComponentError
from zoo.training.record.run_folder import RunFolder

OLD = Path(__file__).parents[1] / "compatibility" / "0.1"

ROWS = [
    {
        "kind": kind, "name": title.lower(), "summary": "One.",
        "target": f"zoo_rungs.net:{title}", "config": f"zoo_rungs.config:{title}Options",
    }
    for kind, title in (("backbone", "Rung"), ("model", "Pile"))
]  # fmt: skip
CONFIG = """
from typing import Annotated
from pydantic import Field
from zoo.spec.options import Options, PartOf, RefValue

class RungOptions(Options):
    width: int = Field(WIDTH, description="channels")

class PileOptions(Options):
    below: Annotated[RefValue, PartOf("backbone")] = Field("rung", description="a backbone")
    share: float = Field(0.5, description="of it")
"""
NET = """
import torch
from torch import nn
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Reconstruction
from zoo.spec.inputs import InputSpec

MADE = []

class Rung(Backbone):
    def __init__(self, *, in_channels=3, width):
        MADE.append(("rung", torch.empty(0).device.type))
        blocks = [Block(conv=nn.Conv2d(in_channels, width, 3, 2, 1))]
        super().__init__(blocks, input_spec=InputSpec(size=(8, 8)))

class Pile(Model):
    def __init__(self, *, below, share, classes=None, in_channels=3):
        MADE.append(("pile", torch.empty(0).device.type))
        super().__init__(task=Reconstruction(), input_spec=below.input_spec)
        self.below = below
    @property
    def freezable(self):
        return {"below": self.below}
    @property
    def outputs(self):
        return 3
    def forward(self, x):
        return self.below(x)
"""


@pytest.fixture
def rungs(shelf: Any) -> Any:
    """A plugin whose default width can be changed, as in a later version of it."""

    def install(default: int, **former: Any) -> Any:
        package = shelf.plugin("zoo-rungs", rows=[{**ROWS[0], "former": former}, ROWS[1]])
        (package / "config.py").write_text(CONFIG.replace("WIDTH", str(default)))
        (package / "net.py").write_text(NET)
        for name in ("config", "net", "plugin"):
            sys.modules.pop(f"zoo_rungs.{name}", None)
        loading.declare.cache_clear()
        return package

    return install


def as_format_1(folder: Path) -> None:
    """What 0.1 would have written of it: names and options as they were asked for."""
    config = json.loads((folder / "config.json").read_text())
    section = config["recipe"]["model"]
    section["name"] = section["name"].rpartition(":")[2]
    section.pop("options")
    (folder / "config.json").write_text(json.dumps({**config, "format": 1}))


def test_a_file_records_every_option_and_the_unambiguous_name(rungs, tmp_path):
    rungs(4)
    zoo.save(zoo.build("pile"), tmp_path / "pile")
    config = json.loads((tmp_path / "pile" / "config.json").read_text())
    assert config["format"] == 2
    options = {"below": {"name": "rungs:rung", "width": 4}, "share": 0.5}
    assert config["recipe"]["model"] == {"name": "rungs:pile", "options": options}


@pytest.mark.parametrize("name", ["rung", "pile"])
def test_a_changed_default_changes_no_saved_model(rungs, tmp_path, name):
    rungs(4)
    zoo.save(zoo.build(name), tmp_path / "saved")
    rungs(6)
    assert _width(zoo.build(name)) == 6
    assert _width(zoo.load(tmp_path / "saved")) == 4
    assert _width(zoo.build(str(tmp_path / "saved"))) == 4


@pytest.mark.parametrize("name", ["rung", "pile"])
def test_format_1_is_read_with_the_defaults_of_its_day(rungs, tmp_path, name):
    rungs(4)
    zoo.save(zoo.build(name), tmp_path / "saved")
    as_format_1(tmp_path / "saved")
    rungs(6, width=4)
    assert _width(zoo.load(tmp_path / "saved")) == 4
    assert _width(zoo.build(str(tmp_path / "saved"))) == 4
    assert _width(zoo.build(name)) == 6


def _width(model: zoo.Model) -> int:
    network = model.networks.get("backbone", model.networks.get("below"))
    return int(network.block1.conv.out_channels)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("rung", [("rung", "meta"), ("rung", "cpu")]),
        ("pile", [("rung", "meta"), ("pile", "meta"), ("rung", "cpu"), ("pile", "cpu")]),
    ],
)
def test_a_network_is_made_once_without_memory_and_once_with(rungs, name, made):
    rungs(4)
    net = importlib.import_module("zoo_rungs.net")
    zoo.build(name)
    assert made == net.MADE


@pytest.mark.parametrize("name", ["rung", "pile"])
def test_a_saved_model_is_made_once_without_memory(rungs, tmp_path, name):
    rungs(4)
    net = importlib.import_module("zoo_rungs.net")
    zoo.save(zoo.build(name), tmp_path / "saved")
    net.MADE.clear()
    zoo.load(tmp_path / "saved")
    assert {device for _, device in net.MADE} == {"meta"}
    assert len(net.MADE) == len({*net.MADE})


DEFAULTS = json.loads((OLD / "defaults.json").read_text())


@pytest.mark.parametrize("reference", sorted(DEFAULTS))
def test_the_defaults_of_version_0_1_are_kept(reference):
    """An option whose default is another today needs its old one in `Component.former`."""
    kind, _, name = reference.partition(" ")
    try:
        component = find(name, kind).component
    except UnknownComponentError:
        pytest.skip(f"{reference} is not offered any more")
    needed = {key: value for key, value in component.tiny.items() if key in DEFAULTS[reference]["required"]}
    asked = {**needed, **DEFAULTS[reference]["defaults"]}
    now, then = (
        part(kind, {"name": name, **options}, former=True).effective(lambda kind, value, path: value)
        for options in (needed, asked)
    )
    assert now == then


def test_a_run_of_format_1_is_read_with_the_trainer_of_its_day():
    asked = json.loads((OLD / "runs" / "killed" / "run.json").read_text())["recipe"]["trainer"]
    read = RunFolder.read(OLD / "runs" / "killed").facts
    assert read["format"] == 2
    assert "weight_decay" not in asked
    trainer = read["recipe"]["trainer"]
    assert trainer["name"] == "core:supervised"
    assert (trainer["lr"], trainer["monitor"]) == (asked["lr"], "val_loss")
    assert trainer.keys() > {"weight_decay", "monitor", *asked}


@pytest.mark.filterwarnings("ignore:frozen")
@pytest.mark.filterwarnings("ignore:.*are passed over")
@pytest.mark.filterwarnings("ignore:small_cnn. option hidden=8")
@pytest.mark.parametrize("name", sorted(folder.name for folder in (OLD / "models").iterdir()))
def test_what_is_recorded_builds_what_records_the_same(name):
    recipe = zoo.load(OLD / "models" / name).recipe
    assert zoo.build(recipe).recipe == recipe
