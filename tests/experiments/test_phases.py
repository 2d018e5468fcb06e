"""Recipes on the same data: what they are measured on, and which one is best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.data.view import Subset
from zoo.experiments import phases as phases_module
from zoo.experiments.phases import Phase, _metric, best, check_same_data, curves, run_phase, unseen
from zoo.inference.evaluation import Evaluation, Measured
from zoo.interfaces.dataset import Dataset, Sample
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import RecipeError
from zoo.spec.recipe import Recipe

DIGITS = {"name": "digits", "per_class": 4}


def recipe(data: Any = DIGITS, seed: int = 0) -> Recipe:
    return Recipe.from_dict({"model": {"name": "mlp"}, "data": data, "seed": seed})


def phase(name: str, validation: float, score: float, epochs: int = 3) -> Phase:
    history = [{"epoch": i + 1, "loss": 1 / (i + 1), "val_loss": 0.5, "accuracy": 0.5} for i in range(epochs)]
    run: Any = SimpleNamespace(metrics={"accuracy": validation}, history=history)
    return Phase(name=name, recipe=recipe(), run=run, metric="accuracy", score=score)


class Whole(Dataset):
    """Three images with masks, groups and splits."""

    masks = True
    targets = (None, None, None)

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.zeros((2, 2, 1), np.uint8), None, np.zeros((2, 2), np.uint8))

    def key(self, index: int) -> str:
        return f"k{index}"

    def split_of(self, index: int) -> str:
        return f"s{index}"

    def group_of(self, index: int) -> str:
        return f"g{index}"


def test_only_recipes_on_the_same_data_with_the_same_seed_are_compared() -> None:
    check_same_data({"one": recipe(), "two": recipe()})
    with pytest.raises(RecipeError, match=r"two: data: expected the data of one, .*digits.*, got 'faces'"):
        check_same_data({"one": recipe(), "two": recipe("faces")})
    with pytest.raises(RecipeError, match="three: seed: expected the seed of one, 0, got 1"):
        check_same_data({"one": recipe(), "two": recipe(), "three": recipe(seed=1)})


def test_what_no_recipe_saw_is_left_to_measure_with() -> None:
    rest, (train, val) = unseen(recipe(), 0)
    whole, used = as_dataset("digits"), as_dataset(DIGITS)
    assert len(rest) + train + val == len(whole)
    assert train + val < len(used)
    seen = {used.key(i) for i in range(len(used))} - {rest.key(i) for i in range(len(rest))}
    assert len(seen) == train + val
    alone, (train, val) = unseen(recipe("digits"), 0)
    assert len(alone) + train + val == len(whole)


def test_data_with_splits_of_their_own_are_measured_on_their_test_split() -> None:
    whole = as_dataset("photos")
    rest, _ = unseen(recipe("photos"), 0)
    assert {whole.split_of(i) for i in rest.indices} == {"test"}
    assert len(rest) == sum(whole.split_of(i) == "test" for i in range(len(whole)))


def test_a_part_is_the_whole_by_other_numbers() -> None:
    whole = as_dataset(DIGITS)
    part = Subset(whole, [5, 2])
    assert (len(part), part.targets) == (2, [whole.targets[5], whole.targets[2]])
    assert part.name(1) == whole.name(2)
    assert np.array_equal(part[0].image, whole[5].image)
    assert (part.task, part.labels) == (whole.task, whole.labels)


def test_a_part_has_masks_groups_splits_and_keys_of_the_whole() -> None:
    whole = Whole()
    part = Subset(whole, [2, 0])
    assert part.masks
    assert [part.group_of(i) for i in (0, 1)] == ["g2", "g0"]
    assert [part.split_of(i) for i in (0, 1)] == ["s2", "s0"]
    assert [part.key(i) for i in (0, 1)] == ["k2", "k0"]


def test_where_a_lower_figure_is_better_the_lowest_is_best() -> None:
    phases = [phase("a", 0.5, 0.9), phase("b", 0.25, 0.1), phase("c", 0.25, 0.8)]
    assert best([replace(item, higher_is_better=False) for item in phases]).name == "b"
    assert best(phases).name == "a"
    with pytest.raises(RecipeError, match="c: metric: expected accuracy, as a, got mae"):
        best([*phases[:2], replace(phases[2], metric="mae")])


def measured(*names: str, **left_out: str) -> Evaluation:
    on = Measured(data=None, split="all", count=3, hash="")
    return Evaluation(on=on, metrics=dict.fromkeys(["loss", *names], 0.5), left_out=left_out)


def test_phases_are_measured_by_a_figure_that_all_their_images_define() -> None:
    run: Any = SimpleNamespace(metrics={"loss": 0.1, "ap": 0.5})
    assert _metric("one", measured("auroc", "ap"), run) == "ap"
    words = r"one: metric: expected a metric that .* define, got auroc \(left out of the validation images\);"
    with pytest.raises(RecipeError, match=words):
        _metric("one", measured("auroc"), run)
    with pytest.raises(RecipeError, match=r"got ap \(left out of the unseen images: one class\);"):
        _metric("one", measured(ap="one class"), run)
    with pytest.raises(RecipeError, match="expected a task with a metric beside its loss, got none"):
        _metric("one", measured(), run)


def test_a_phase_knows_the_direction_of_its_figure(tmp_path: Path) -> None:
    values = Recipe.from_dict({
        "model": {"name": "mlp", "head": "regression", "input_size": 8, "in_channels": 1, "classes": 1},
        "data": DIGITS, "trainer": {"name": "supervised", "epochs": 1},
    })  # fmt: skip
    found = run_phase("one", values, Subset(as_dataset(DIGITS), range(8)), tmp_path / "run", seed=0)
    assert (found.metric, found.higher_is_better) == ("mae", False)


def test_a_seventh_curve_is_drawn_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr("zoo.experiments.phases.write_figure", lambda figure, path: drawn.append(figure))
    curves([phase(str(i), 0.5, 0.5) for i in range(7)], tmp_path / "c.png", "title")
    for axis in drawn[0].axes:
        lines = [line for line in axis.lines if not line.get_label().startswith("_")]
        assert [line.get_label() for line in lines] == [*"0123456"]
        assert len({(line.get_color(), line.get_marker()) for line in lines}) == 7


def test_unseen_images_decide_nothing() -> None:
    phases = [phase("a", 0.5, 0.9), phase("b", 0.75, 0.1), phase("c", 0.75, 0.8)]
    assert best(phases).name == "b"
    assert phases[0].validation == 0.5


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.drawn
def test_curves_of_all_phases_are_drawn_in_their_colours(tmp_path: Path, epochs: int) -> None:
    path = curves([phase("a", 0.5, 0.5, epochs), phase("b", 0.5, 0.5, epochs)], tmp_path / "c.png", "title")
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    assert {(138, 143, 152), (199, 106, 0)} <= {tuple(map(int, pixel)) for pixel in np.unique(pixels, axis=0)}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be written."""
    seen: list[Any] = []
    monkeypatch.setattr(phases_module, "write_figure", lambda figure, path: seen.append(figure) or path)
    return seen


@pytest.mark.parametrize(("epochs", "marker"), [(1, "."), (2, "."), (3, "None")])
def test_curves_of_few_epochs_have_points(figures: list[Any], epochs: int, marker: str) -> None:
    made = [phase("a", 0.5, 0.5, epochs), phase("b", 0.5, 0.5, epochs)]
    assert curves(made, Path("c.png"), "title") == Path("c.png")
    loss, accuracy = figures[0].axes
    for axis, name in ((loss, "loss"), (accuracy, "accuracy")):
        assert axis.get_title(loc="left") == f"{name}: validation, and training (dotted)"
        assert axis.get_xlabel() == "epoch"
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]
        assert [line.get_marker() for line in axis.lines] == [marker] * 4
        assert [line.get_linestyle() for line in axis.lines] == [":", "-"] * 2
        assert axis.lines[0].get_xdata().tolist() == [*range(1, epochs + 1)]
    assert loss.lines[0].get_ydata().tolist() == [1 / (i + 1) for i in range(epochs)]
    assert loss.lines[1].get_ydata().tolist() == [0.5] * epochs
    assert np.isnan(accuracy.lines[1].get_ydata()).all()  # which no epoch of these has


RUN = SimpleNamespace(metrics={"loss": 0.1, "accuracy": 0.5, "f1": 0.5})


def fitted(metrics: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a phase hands on: `fit` and `evaluate` stand in."""
    seen: list[Any] = []
    monkeypatch.setattr(phases_module, "fit", lambda model, data, **how: seen.append((data, how)) or RUN)
    monkeypatch.setattr(
        phases_module, "evaluate",
        lambda *given, split: seen.append((given[1], split)) or SimpleNamespace(metrics=metrics, left_out={}),
    )  # fmt: skip
    return seen


def test_a_phase_is_measured_by_the_first_figure_that_is_no_loss(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = fitted({"loss": 0.1, "loss_part": 0.2, "accuracy": 0.75, "f1": 0.5}, monkeypatch)
    rest = as_dataset(DIGITS)
    section = {"name": "mlp", "head": "multiclass", "classes": 10, "in_channels": 1, "input_size": 8}
    given = Recipe.from_dict({"model": section, "data": DIGITS, "seed": 4})
    found = run_phase("first", given, rest, tmp_path, seed=9, progress=False)
    assert (found.name, found.metric, found.score, found.run) == ("first", "accuracy", 0.75, RUN)
    assert found.recipe == given
    assert seen == [(given.data, {"seed": 9, "out": tmp_path, "progress": False}), (rest, "all")]
    fitted({"loss": 0.1, "loss_part": 0.2}, monkeypatch)
    with pytest.raises(RecipeError, match="expected a task with a metric beside its loss, got none"):
        run_phase("second", given, rest, tmp_path, seed=9)
