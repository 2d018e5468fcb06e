"""Figures that are kept beside a saved model."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch

import zoo
from zoo.interfaces.model import Model
from zoo.spec.errors import SaveError

Make = Callable[..., Model]
DIGITS = {"name": "digits", "per_class": 3}


@pytest.fixture
def saved(make_model: Make, tmp_path: Path) -> Path:
    return zoo.save(make_model(head="multiclass", classes=10), tmp_path / "model")


def test_figures_are_kept_in_the_folder_whose_model_is_read_once(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr("zoo.runtime.arguments.load", lambda path: read.append(path) or zoo.load(path))
    found = zoo.evaluate(saved, DIGITS, split="all", save=True)
    assert zoo.load(saved).metrics == {"all": found.metrics}
    assert zoo.load(saved).measured == {"all": found.on.kept}
    assert found.on.kept == {"data": found.on.data, "count": 30, "hash": found.on.hash}
    assert read == [saved]


def test_figures_of_a_training_say_what_they_were_measured_on_and_pushing_cuts_its_path(
    make_model: Make, tmp_path: Path
) -> None:
    run = zoo.fit(make_model(head="multiclass", classes=10), DIGITS, epochs=1, out=tmp_path / "run")
    on = run.model.measured["val"]
    assert on["count"] == run.images["val"]
    assert on["data"]["name"] == "datasets:digits"
    run.model.measured = {"val": {**on, "data": "file:/home/me/cats"}}
    zoo.push(run.model, f"file:{tmp_path}/hub")
    pulled = zoo.pull(f"file:{tmp_path}/hub")
    assert pulled.measured == {"val": {**on, "data": "file:cats"}}
    assert "images of cats, splits" in (tmp_path / "hub" / "README.md").read_text()


def test_figures_are_kept_beside_those_that_another_measurement_kept_meanwhile(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(path: Path) -> Model:
        model = zoo.load(path)
        zoo.evaluate(str(path), DIGITS, split="train", save=True)
        return model

    def as_model(path: Path | str) -> tuple[Model, Path]:
        return load(path) if isinstance(path, Path) else zoo.load(path), Path(path)

    monkeypatch.setattr("zoo.inference.evaluate.as_model", as_model)
    zoo.evaluate(saved, DIGITS, split="all", save=True)
    assert set(zoo.load(saved).metrics) == {"train", "all"}


def test_figures_are_not_kept_beside_weights_that_were_saved_meanwhile(
    saved: Path, make_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(path: Path) -> tuple[Model, Path]:
        model = zoo.load(path)
        zoo.save(make_model(head="multiclass", classes=10, seed=9), path)
        return model, path

    monkeypatch.setattr("zoo.inference.evaluate.as_model", load)
    with pytest.raises(SaveError, match="expected the weights that were measured, got others"):
        zoo.evaluate(saved, DIGITS, split="all", save=True)
    assert zoo.load(saved).metrics == {}


def test_a_model_that_has_no_folder_is_refused_before_it_is_fetched(
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SaveError, match=r"got hf://me/cats@v1; zoo pull hf://me/cats@v1 --out FOLDER"):
        zoo.evaluate("hf://me/cats@v1", DIGITS, save=True)
    with pytest.raises(SaveError, match=r"got a model in memory; its figures are in model\.metrics"):
        zoo.evaluate(make_model(head="multiclass", classes=10), DIGITS, save=True)
    assert not list(tmp_path.iterdir())


def test_figures_of_weights_that_a_training_replaced_are_on_no_card(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(head="multiclass", classes=10), DIGITS, epochs=1, out=tmp_path / "a")
    zoo.evaluate(run.folder, DIGITS, split="test", save=True)
    model = zoo.load(run.folder)
    again = zoo.fit(model, {"name": "digits", "per_class": 4}, epochs=1, out=tmp_path / "b")
    assert model.metrics == zoo.load(again.folder).metrics == {"val": again.metrics}
    assert zoo.load(again.folder).measured["val"]["count"] == again.images["val"]


def by_a_loop(model: Model) -> None:
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.rand(4, *model.example_input(1).shape[1:])).square().sum().backward()
    optimizer.step()
    model.eval()


def by_a_state(model: Model) -> None:
    model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})


def by_their_order(model: Model) -> None:
    for value in model.head.parameters():
        value.data = value.data.flip(0)


@pytest.mark.parametrize("change", [by_a_loop, by_a_state, by_their_order])
@pytest.mark.parametrize("loaded", [False, True], ids=["measured here", "measured before"])
def test_figures_of_weights_that_were_changed_since_are_not_saved(
    saved: Path, tmp_path: Path, change: Callable[[Model], None], *, loaded: bool
) -> None:
    model = zoo.load(saved, copy=True)
    zoo.evaluate(saved if loaded else model, DIGITS, split="all", save=loaded)
    model = zoo.load(saved, copy=True) if loaded else model
    change(model)
    with pytest.warns(zoo.ZooWarning, match="figures of all are of weights that the model has no longer"):
        folder = zoo.save(model, tmp_path / "changed")
    assert zoo.load(folder).metrics == {}
    with pytest.warns(zoo.ZooWarning, match="figures of all"):
        zoo.push(model, f"file:{tmp_path}/hub")
    assert "Nothing has been measured" in (tmp_path / "hub" / "README.md").read_text()


def test_figures_stay_with_weights_that_are_the_same_in_another_type_or_copy(
    saved: Path, tmp_path: Path
) -> None:
    model = zoo.load(saved, copy=True).half()
    zoo.evaluate(model, DIGITS, split="all")
    for same in (model, deepcopy(model), deepcopy(model).float(), deepcopy(model).double().float()):
        assert "all" in zoo.load(zoo.save(same, tmp_path / "same")).metrics
    model.float().metrics = {"all": {"accuracy": 0.5}}  # somebody's own
    by_a_state(model)
    assert zoo.load(zoo.save(model, tmp_path / "own")).metrics == {"all": {"accuracy": 0.5}}
