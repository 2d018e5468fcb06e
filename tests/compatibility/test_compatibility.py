"""What earlier versions wrote is read, resumed and measured to the same figures; `make.py` wrote it."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import zoo

from .make import answers, figures, machine, outcome, plain, rows, settled

OLD = Path(__file__).parent / "0.1"
FACTS: dict[str, Any] = json.loads((OLD / "facts.json").read_text())
MODELS = sorted(FACTS["models"])
RUNS = sorted(FACTS["runs"])
KILLED = [name for name in RUNS if name.startswith("killed")]
UNUSED = {"early_tap": ("backbone.block3.",)}
"""What version 0.1 kept behind the taps of a head, which nothing used."""
HERE = FACTS["machine"] == machine()
"""Whether this processor and torch compute the bits of those that made the fixtures."""


@pytest.fixture(scope="module")
def expected() -> dict[str, Tensor]:
    return load_file(OLD / "answers.safetensors")


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Bits depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def read(name: str) -> zoo.Model:
    """A model of the fixtures; where tensors are passed over, one line says so."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = zoo.load(OLD / "models" / name)
    assert ["passed over" in str(line.message) for line in said] == [True] * (name in UNUSED)
    return model


def same(got: Tensor, want: Tensor) -> None:
    if HERE:
        assert torch.equal(got, want)
    else:
        torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-4)


def same_areas(got: Any, want: Any) -> None:
    """Takes the area under the ROC curve over training pairs out of both, once compared.

    Version 0.1 added it up in double precision, torchmetrics does in single: its last bits differ.
    """
    tables = [found["history"] for found in (got, want) if "history" in found]
    for ours, theirs in zip(*tables, strict=True) if tables else ():
        if "auc" in theirs:
            assert ours.pop("auc") == pytest.approx(theirs.pop("auc"), rel=0, abs=1e-6)


def same_figures(got: Any, want: Any) -> None:
    # Version 0.1 called images pictures.
    got, want = json.loads(json.dumps(got)), json.loads(json.dumps(want).replace('"pictures"', '"images"'))
    for found in (got, *(value for value in got.values() if isinstance(value, dict))):
        found.pop("constant", None)  # 0.1 did not look at it
    same_areas(got, want)
    if HERE:
        assert got == want
    else:
        close(got, want)


def close(got: Any, want: Any) -> None:
    """Compares plain data as another processor computes them: the last digits differ, ranks may."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        for key in want:
            close(got[key], want[key])
    elif isinstance(want, list):
        assert len(got) == len(want)
        for ours, theirs in zip(got, want, strict=True):
            close(ours, theirs)
    else:
        assert got == (pytest.approx(want, rel=1e-2, abs=1e-3) if isinstance(want, float) else want)


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_gives_what_it_gave(name: str, expected: dict[str, Tensor]) -> None:
    model = read(name)
    same(answers(model), expected[name])
    assert plain(model) == FACTS["models"][name]


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_is_saved_again_with_the_same_tensors_and_answers(
    name: str, tmp_path: Path, expected: dict[str, Tensor]
) -> None:
    zoo.save(read(name), tmp_path / "again")
    old, new = (load_file(f / "model.safetensors") for f in (OLD / "models" / name, tmp_path / "again"))
    unused = {key for key in old if any(key.startswith(part) for part in UNUSED.get(name, ()))}
    # Values have a scale since, which was 0 and 1 before
    scale = {key: new.pop(key) for key in ("head.scale.mean", "head.scale.std") if key in new}
    assert all(
        torch.equal(value, torch.full_like(value, key.endswith("std"))) for key, value in scale.items()
    )
    assert old.keys() == new.keys() | unused
    assert not unused & new.keys()
    assert all(torch.equal(old[key], new[key]) for key in new)
    again = zoo.load(tmp_path / "again")
    same(answers(again), expected[name])
    assert plain(again) == FACTS["models"][name]


@pytest.mark.parametrize("name", ["tiny_resnet", "srgan"])
def test_a_repository_is_pulled(name: str, tmp_path: Path, expected: dict[str, Tensor]) -> None:
    hub = f"file:{tmp_path / 'hub'}"
    shutil.copytree(OLD / "models" / name, tmp_path / "hub")
    same(answers(zoo.pull(hub)), expected[name])


@pytest.mark.filterwarnings("ignore:frozen blocks")
def test_a_recipe_builds_what_it_built(expected: dict[str, Tensor]) -> None:
    model = settled(zoo.build(zoo.Recipe.from_file(OLD / "recipe.toml")))
    same(answers(model), expected["recipe"])
    now = plain(model)
    # A new model reads files fast, whatever recipe it is built of
    assert now["input"].pop("decode") == "fast"
    assert now == FACTS["recipe"]


def test_a_finished_run_gives_and_measures_what_it_did(tmp_path: Path, expected: dict[str, Tensor]) -> None:
    folder, want = tmp_path / "finished", FACTS["runs"]["finished"]
    shutil.copytree(OLD / "runs" / "finished", folder)
    model = zoo.load(folder)
    same(answers(model), expected["run finished"])
    assert rows(json.loads((folder / "history.json").read_text())) == want["history"]
    data = json.loads((folder / "run.json").read_text())["data"]
    same_figures(figures(zoo.evaluate(folder, data)), want["test"])


@pytest.mark.parametrize("name", KILLED)
def test_a_killed_run_ends_as_unbroken(name: str, tmp_path: Path, expected: dict[str, Tensor]) -> None:
    shutil.copytree(OLD / "runs" / name, tmp_path / "run")
    data = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    run = zoo.fit(resume=tmp_path / "run", progress=False)
    same_figures(outcome(run, data), FACTS["runs"][name])
    same(answers(run.model), expected[f"run {name}"])


def test_a_catalogue_is_listed(shelf: Any) -> None:
    catalogue = json.loads((OLD / "catalogue.json").read_text())
    shelf.plugin("zoo-stranger", catalogue=catalogue, code="raise ImportError('not to be imported')")
    (found,) = [row for row in zoo.list("backbone") if row.distribution == "zoo-stranger"]
    (wanted,) = catalogue["components"]
    for key in ("name", "target", "summary", "config", "licence", "api"):
        assert getattr(found, key, wanted[key]) == wanted[key]
    assert zoo.info("stranger:nin")["facts"] == wanted["facts"]
