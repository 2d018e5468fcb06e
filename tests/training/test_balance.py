"""Classes of few images: drawn as often as the others, or weighed in the loss."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.utils.class_weight import compute_class_weight
from torch.utils.data import WeightedRandomSampler

import zoo
from zoo.data.batch_order import Order
from zoo.data.imbalance import balanced_weights
from zoo.data.section import WithOptions
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.splits import split
from zoo.interfaces.draws import draws
from zoo.interfaces.model import Model
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import DataError, OptionError, ZooWarning
from zoo.spec.hints.spoken import Spoken, speaking
from zoo.testing import killed_after
from zoo.training.setup import assemble

Make = Callable[..., Model]


def with_options(data: Any, **options: Any) -> WithOptions:
    return WithOptions(data, options)


CLASSES = [0] * 40 + [1] * 8 + [2] * 3
"""Of 51 images."""


def order(**more: Any) -> Order:
    return Order(range(100, 151), batch_size=8, seed=5, shuffle=True, classes=CLASSES, **more)


def epoch(made: Order, number: int, skip: int = 0) -> list[list[int]]:
    made.epoch, made.skip = number, skip
    return [*made]


def test_each_image_is_drawn_as_often_as_torchs_weighted_sampler_and_scikit_learn_expect() -> None:
    made, epochs = order(), 400
    seen = Counter(i for number in range(epochs) for batch in epoch(made, number) for i in batch)
    found = np.array([seen[i] for i in range(100, 151)]) / epochs
    expected = compute_class_weight("balanced", classes=np.unique(CLASSES), y=CLASSES)[CLASSES]
    np.testing.assert_allclose(found, expected, rtol=0.15)
    weights = expected / expected.sum()
    sampler = WeightedRandomSampler(weights.tolist(), 51 * 2000, generator=torch.Generator().manual_seed(0))
    drawn = np.bincount([*sampler], minlength=51) / 2000
    np.testing.assert_allclose(found, drawn, rtol=0.25)
    by_class = Counter(CLASSES[i - 100] for batch in epoch(made, 1) for i in batch)
    assert [by_class[k] for k in range(3)] == [17, 17, 17]


def test_images_of_a_class_are_drawn_as_often_as_each_other_give_or_take_one() -> None:
    counts = Counter(i for batch in epoch(order(), 3) for i in batch)
    for k in range(3):
        own = [counts[100 + i] for i, number in enumerate(CLASSES) if number == k]
        assert max(own) - min(own) <= 1


def test_an_epoch_follows_from_seed_and_number_and_can_be_entered_anywhere() -> None:
    whole = epoch(order(), 2)
    assert whole == epoch(order(), 2) != epoch(order(), 3)
    assert epoch(order(), 2, skip=4) == whole[4:]
    parts = [epoch(order(part=(rank, 2)), 2) for rank in range(2)]
    assert [sorted(a + b) for a, b in zip(*parts, strict=True)] == [sorted(batch) for batch in whole]
    assert len(order()) == len(whole) == 7


def test_an_image_that_is_drawn_again_is_augmented_otherwise() -> None:
    made = order()
    batches = epoch(made, 2)
    seen: Counter[int] = Counter()
    for step, batch in enumerate(batches):
        expected = []
        for i in batch:
            expected.append(seen[i])
            seen[i] += 1
        assert made.repeats(step) == expected
        part = order(part=(1, 2))
        part.epoch = 2
        assert part.repeats(step) == expected[1::2]
    numbers = [float(torch.rand(1, generator=g)) for g in draws(0, 1, [7, 7, 7], [0, 1, 2])]
    assert len({*numbers}) == 3
    assert numbers[0] == float(torch.rand(1, generator=draws(0, 1, [7])[0]))
    plain = Order(range(5), batch_size=2, shuffle=True)
    assert (plain.repeats(0), plain.repeats(2)) == ([0, 0], [0])


def test_balanced_weights_are_scikit_learns() -> None:
    expected = compute_class_weight("balanced", classes=np.unique(CLASSES), y=CLASSES)
    np.testing.assert_allclose(balanced_weights([40, 8, 3]), expected)
    assert balanced_weights([4, 0, 4]) == [1.0, 1.0, 1.0]


def rare(count: int = 48, every: int = 6) -> TorchData:
    """One image of so many is of the second class."""
    rng = np.random.default_rng(0)

    class Named(list[Any]):
        classes = ("no", "yes")

    return TorchData(
        Named((rng.random((16, 16, 1), dtype=np.float32), int(i % every == 0)) for i in range(count))
    )


def setup(model: Model, data: Any, **given: Any) -> Any:
    parts: dict[str, Any] = {
        "augment": None,
        "loss": None,
        "trainer": None,
        "seed": 0,
        "skip_unreadable": False,
    }
    return assemble(model, data=data, **{**parts, **given}, options={"epochs": 1})


def test_weights_of_a_loss_follow_from_the_images_trained_on(make_model: Make) -> None:
    data = rare()
    model = make_model(head="multiclass", classes=["no", "yes"])
    made = setup(model, data, loss={"name": "cross-entropy", "class_weights": "balanced"})
    y = [data.targets[i] for i in made.splits.train]
    expected = compute_class_weight("balanced", classes=np.unique(y), y=y)
    np.testing.assert_allclose(made.loss.weights.numpy(), expected, rtol=1e-6)
    # What was meant stands in the recipe, so that an evaluation measures the same loss
    np.testing.assert_allclose(made.recipe.loss["class_weights"], expected)
    made = setup(make_model(), data, loss={"name": "bce", "positive_weight": "balanced"})
    assert float(made.loss.weight) == pytest.approx(y.count(0) / y.count(1))


def test_weights_of_pixels_follow_from_the_masks_trained_on() -> None:
    data = {"name": "shapes", "size": 16, "count": 20}
    model = zoo.build(
        "unet", encoder={"name": "unet_encoder", "widths": [4, 8]}, classes=4, input_size=16, seed=0
    )
    made = setup(model, data, loss={"name": "pixel-cross-entropy", "class_weights": "balanced"})
    source = as_dataset(data)
    y = np.concatenate([source[i].mask.ravel() for i in split(source, 0).train])
    expected = compute_class_weight("balanced", classes=np.unique(y), y=y)
    np.testing.assert_allclose(made.loss.weights.numpy(), expected, rtol=1e-6)


def test_balanced_drawing_and_weights_are_refused_where_there_are_no_classes(make_model: Make) -> None:
    rng = np.random.default_rng(0)
    values = TorchData([(rng.random((16, 16, 1), dtype=np.float32), float(i)) for i in range(24)])
    with pytest.raises(DataError, match="data: sampler: expected one class for each image, got values"):
        setup(make_model(head="regression"), with_options(values, sampler="balanced"))
    with pytest.raises(DataError, match="sampler: expected one class for each image, got masks"):
        model = zoo.build(
            "unet", encoder={"name": "unet_encoder", "widths": [4, 8]}, classes=4, input_size=16, seed=0
        )
        setup(model, {"name": "shapes", "size": 16, "count": 20, "sampler": "balanced"})
    three = make_model(head="multiclass", classes=3)
    some = TorchData([(rng.random((16, 16, 1), dtype=np.float32), i % 3) for i in range(24)])
    with pytest.raises(OptionError, match="sampler"):
        setup(three, with_options(some, sampler="weighted"))


def test_an_evaluation_has_no_images_to_count(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match=r"class_weights: expected numbers, got 'balanced'; fit fills them in"
    ):
        zoo.evaluate(
            make_model(head="multiclass", classes=["no", "yes"]), rare(), split="all",
            loss={"name": "cross-entropy", "class_weights": "balanced"},
        )  # fmt: skip


def test_who_draws_alike_is_not_warned_and_others_are_told_how(make_model: Make) -> None:
    lone = rare(60, every=12)
    each = "draw them alike, a rare image otherwise each time"
    with pytest.warns(ZooWarning, match=rf"{each} \(sampler='balanced', augment='rare'\)$"):
        setup(make_model(), lone)
    with pytest.warns(ZooWarning, match=r"and draw them alike \(sampler='balanced'\)$"):
        setup(make_model(), lone, augment="noise")
    assert setup(make_model(), with_options(lone, sampler="balanced")).drawn_classes is not None
    with (
        speaking(Spoken(way="shell", rest="shell")),
        pytest.warns(ZooWarning, match=r"\(--set data.sampler=balanced --augment rare\)$"),
    ):
        setup(make_model(), lone)


def test_rare_classes_are_augmented_more_by_the_images_trained_on(make_model: Make) -> None:
    made = setup(make_model(), with_options(rare(), sampler="balanced"), augment=["noise", "rare"])
    counts = Counter(made.dataset.targets[i] for i in made.splits.train)
    share = 1 - counts[1] / counts[0]
    assert made.told == f"rare classes augmented more, by photo: 'yes' {share:.0%}, 'no' 0% of the images"
    assert made.drawn_classes is not None
    assert made.recipe.augment[1]["augmenter"]["name"] == "augment:photo"
    with pytest.warns(match="unbalanced classes: 'yes' 8, 'no' 40"):
        assert setup(make_model(), rare(), augment="noise").told == ""


def test_the_summary_of_a_run_says_what_was_done_by_class(tmp_path: Path) -> None:
    model = zoo.build("mlp", hidden=[4], head="binary", in_channels=1, input_size=8, seed=0)
    how: dict[str, Any] = {"augment": {"name": "rare", "augmenter": "noise"}, "sampler": "balanced"}
    run = zoo.fit(model, rare(), **how, epochs=1, out=tmp_path / "run", progress=False)
    assert run.by_class.startswith("rare classes augmented more, by noise: 'yes' ")
    assert run.by_class in repr(run)
    assert zoo.fit(resume=run.folder, data=rare(), epochs=2, progress=False).by_class == run.by_class


def test_they_are_refused_where_no_class_is_rare_or_there_are_none(make_model: Make) -> None:
    rng = np.random.default_rng(0)
    values = TorchData([(rng.random((16, 16, 1), dtype=np.float32), float(i)) for i in range(24)])
    with pytest.raises(DataError, match="fit: augment: expected one class for each image, got values"):
        setup(make_model(head="regression"), values, augment="rare")
    with pytest.raises(
        OptionError, match="rare: expected classes of different sizes, got 2 of 16 images each"
    ):
        setup(make_model(), rare(every=2), augment="rare")


def test_rare_classes_that_count_twice_are_told(make_model: Make) -> None:
    loss = {"name": "bce", "positive_weight": "balanced"}
    with pytest.warns(ZooWarning, match="count twice, by sampler and by positive_weight"):
        setup(make_model(), with_options(rare(), sampler="balanced"), loss=loss)


def folder(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for label, count in (("a", 20), ("b", 5)):
        (root / label).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 200, (16, 16), dtype=np.uint8) + 50 * (label == "b")
            Image.fromarray(pixels).save(root / label / f"{i}.png")
    return root


@pytest.mark.filterwarnings("ignore:frozen blocks .* have random:zoo.ZooWarning")
@pytest.mark.parametrize("freeze", ["none", "block1"])
def test_a_resumed_run_that_draws_alike_ends_as_an_unbroken_one(
    make_model: Make, tmp_path: Path, freeze: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.training.feature_cache.cache_folder", lambda: tmp_path / "cache")
    data = {"path": str(folder(tmp_path / "data")), "sampler": "balanced"}
    given: dict[str, Any] = {"epochs": 2, "batch_size": 4, "checkpoint_every": 0, "progress": False}
    given |= {"augment": "noise"} if freeze == "none" else {}
    whole = zoo.fit(make_model(freeze=freeze), data, out=tmp_path / "whole", **given)
    with killed_after(5):
        zoo.fit(make_model(freeze=freeze), data["path"], sampler="balanced", out=tmp_path / "cut", **given)
    resumed = zoo.fit(resume=tmp_path / "cut", progress=False)
    a, b = whole.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert whole.model.recipe.data == {"path": "file:data", "sampler": "balanced"}
    plain = zoo.fit(make_model(freeze=freeze), data["path"], out=tmp_path / "plain", **given)
    assert not all(torch.equal(a[name], tensor) for name, tensor in plain.model.state_dict().items())
