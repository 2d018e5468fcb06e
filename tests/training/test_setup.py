"""What a run is made of, found out before any work is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.augmenter import Augmenter
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, TrainingError, ZooWarning
from zoo.spec.recipe import Recipe
from zoo.training.setup import Setup, assemble

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 8}


def setup(model: Any, data: Any = FACES, **given: Any) -> Setup:
    options = given.pop("options", {"epochs": 1})
    parts = {"augment": None, "loss": None, "trainer": None, "seed": None, "skip_unreadable": False}
    return assemble(model, data=data, **{**parts, **given}, options=options)


class Named(list[Any]):
    """Items of which torchvision's data sets know the classes."""

    def __init__(self, items: Any, classes: tuple[str, ...]) -> None:
        super().__init__(items)
        self.classes = classes


def pixels(seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).random((16, 16, 1), dtype=np.float32)


def unbalanced() -> TorchData:
    """One image of ten and more is of the second class."""
    return TorchData(Named(((pixels(i), int(i % 12 == 0)) for i in range(60)), ("no", "yes")))


class Own(Loss):
    """Notes what it is prepared for."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, int | None]] = []

    def prepare(self, outputs: int, classes: int | None) -> None:
        self.told.append((outputs, classes))
        self.weight = nn.Parameter(torch.rand(3))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return output.mean()


def test_the_seed_given_counts_before_that_of_the_model(make_model: Make) -> None:
    assert setup(make_model(seed=7)).seed == 7
    assert setup(make_model(seed=7), seed=3).seed == 3
    assert setup(make_model(seed=7), seed=0).seed == 0


def test_a_seed_decides_the_splits_and_the_weights_of_a_loss(make_model: Make) -> None:
    one, two, other = (setup(make_model(), loss=Own(), seed=seed) for seed in (1, 1, 2))
    weights = [next(part.loss.parameters()) for part in (one, two, other)]  # type: ignore[union-attr]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert one.splits == two.splits != other.splits


def test_a_recipe_has_its_own_seed_or_zero(make_model: Make) -> None:
    plain = {"model": {"name": "mlp", "head": "binary"}, "data": FACES}
    assert setup(Recipe.from_dict(plain), data=None).seed == 0
    assert setup(Recipe.from_dict({**plain, "seed": 5}), data=None).seed == 5
    assert setup(Recipe.from_dict({**plain, "seed": 5}), data=None, seed=6).seed == 6
    built = setup(Recipe.from_dict({**plain, "seed": 5}), data=None).model
    again = setup(Recipe.from_dict({**plain, "seed": 5}), data=None).model
    assert all(torch.equal(v, again.state_dict()[n]) for n, v in built.state_dict().items())


def test_a_recipe_without_data_asks_for_them() -> None:
    recipe = Recipe.from_dict({"model": {"name": "mlp", "head": "binary"}})
    with pytest.raises(DataError, match="fit: expected data, got none; give a folder of class folders"):
        setup(recipe, data=None)
    assert setup(recipe).model.labels == ("no face", "face")


def test_classes_of_a_recipe_stay_as_it_names_them() -> None:
    named = {"name": "mlp", "head": "binary", "classes": ["no face", "face"]}
    assert setup(Recipe.from_dict({"model": named}), data=FACES).recipe.model.classes == ("no face", "face")


def test_parts_with_a_name_are_recorded_and_others_are_listed_as_objects(make_model: Make) -> None:
    by_name = setup(make_model(), augment="noise")
    assert by_name.objects == ()
    assert by_name.recipe.augment is not None
    assert by_name.recipe.data_hash == by_name.splits.hash
    own = setup(make_model(), unbalanced(), loss=Own())
    assert own.objects == ("data", "loss")
    assert own.data is None
    module = nn.Sequential(nn.Flatten(), nn.Linear(625, 2))
    plain = setup(module, loss=nn.CrossEntropyLoss())
    assert plain.objects == ("model", "loss")


def test_what_is_left_out_is_taken_from_the_recipe_and_what_is_given_is_not(make_model: Make) -> None:
    model = make_model()
    trained = setup(model, augment="noise")
    model.recipe = trained.recipe
    again = setup(model, data=None)
    assert again.recipe.data == trained.recipe.data
    assert again.recipe.augment == trained.recipe.augment
    other = setup(model, data={"name": "faces", "per_class": 9}, augment="blur")
    assert len(other.dataset) == 18
    assert other.recipe.augment != trained.recipe.augment


def test_unbalanced_classes_are_said_where_nobody_chose_a_loss(make_model: Make) -> None:
    with pytest.warns(ZooWarning, match="unbalanced classes: 'yes' 5, 'no' 55"):
        setup(make_model(), unbalanced())
    setup(make_model(), unbalanced(), loss="bce")  # warnings are errors here


def test_a_loss_hears_of_outputs_and_classes(make_model: Make) -> None:
    loss = Own()
    setup(make_model(), loss=loss)
    assert loss.told == [(1, 2)]
    numbers = Own()
    regression = make_model(head="regression")
    setup(regression, TorchData([(pixels(i), i / 20) for i in range(20)]), loss=numbers)
    assert numbers.told == [(1, None)]
    # Without names it is the largest number that says how many there are.
    unnamed = Own()
    module = nn.Sequential(nn.Flatten(), nn.Linear(256, 3))
    setup(module, TorchData([(pixels(i), i % 3) for i in range(30)]), loss=unnamed)
    assert [classes for _, classes in unnamed.told] == [3]


def test_a_torch_module_without_a_loss_is_asked_for_one() -> None:
    with pytest.raises(TrainingError, match=r"fit of a torch module: expected loss=, got none"):
        setup(nn.Sequential(nn.Flatten(), nn.Linear(256, 2)))


def test_a_folder_is_recorded_whole_beside_the_model_and_by_its_name_in_the_recipe(
    make_model: Make, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    found = setup(make_model(in_channels=3), f"./{photos.name}")
    assert found.data == f"file:{photos.resolve()}"
    assert found.recipe.data == "file:photos"
    assert setup(make_model(in_channels=3), photos).data == f"file:{photos.resolve()}"
    with_options = {"name": "faces", "per_class": 8}
    assert (
        setup(make_model(), with_options).data == setup(make_model(), with_options).recipe.to_dict()["data"]
    )


class Shaking(Augmenter):
    """Moves pixels alone."""

    resamples = True

    def forward(self, batch: Any, draws: Any) -> Any:
        return batch


def test_augmenters_that_leave_places_where_they_were_are_named(
    make_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model()
    monkeypatch.setattr(type(model.task), "spatial", True)
    with pytest.raises(TrainingError, match=r"fit: augment: .* of task binary .*, got Shaking; leave it out"):
        setup(model, augment=["noise", Shaking(), "flip"])
    assert setup(model, augment=["noise", "flip"]).augment is not None
    assert setup(model).augment is None


def test_targets_that_are_no_places_may_stay_where_they_are(make_model: Make) -> None:
    assert setup(make_model(), augment=Shaking()).objects == ("augment",)
