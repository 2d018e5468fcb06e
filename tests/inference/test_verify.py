"""Verification: two images, the threshold and where it comes from, and classes that were never trained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from zoo_datasets.glyphs import LETTERS

import zoo
from zoo.interfaces.model import Model
from zoo.spec.errors import DataError, OptionError, TrainingError

DIGITS = {"name": "digits", "per_class": 12}
UNSEEN = list("AEGKQRbdet")
SEEN = [letter for letter in LETTERS if letter not in UNSEEN]


@pytest.fixture
def model() -> Model:
    head = {"name": "embedding", "dim": 6}
    return zoo.build("mlp", hidden=[16], head=head, in_channels=1, input_size=8, seed=0)


def test_the_similarity_is_the_cosine_of_the_embeddings(model: Model, tmp_path: Path) -> None:
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = model.eval()(images).double()
    found = zoo.verify(model, images[0], images[1], threshold=0.25)
    assert found.similarity == pytest.approx(float(one @ other / one.norm() / other.norm()), abs=1e-6)
    assert (found.same, found.threshold, found.source) == (found.similarity >= 0.25, 0.25, "given")
    assert zoo.verify(model, images[0], images[0], threshold=1.0).similarity == pytest.approx(1)
    other_way = zoo.verify(model, images[1], images[0], threshold=-1)
    assert other_way.same
    assert other_way.similarity == pytest.approx(found.similarity)
    Image.fromarray((images[0, 0].numpy() * 255).astype(np.uint8)).save(tmp_path / "a.png")
    assert zoo.verify(model, tmp_path / "a.png", images[0], threshold=0.9).similarity > 0.999


def test_the_threshold_is_that_of_the_val_split_and_travels_with_the_model(
    model: Model, tmp_path: Path
) -> None:
    image = torch.rand(1, 8, 8)
    with pytest.raises(OptionError, match=r"expected a threshold, got none .* split='val'\) chooses one"):
        zoo.verify(model, image, image)
    run = zoo.fit(model, DIGITS, epochs=1, out=tmp_path / "run")
    threshold = run.metrics["threshold"]
    loaded = zoo.load(tmp_path / "run")
    found = zoo.verify(loaded, image, image)
    assert (found.threshold, found.source) == (threshold, "val split")
    assert str(found) == f"same: similarity 1.000, at least {threshold:.3f} (val split)"
    test = zoo.evaluate(loaded, DIGITS, split="test")
    assert test.metrics["threshold"] == threshold
    chosen = zoo.evaluate(loaded, {"name": "digits", "per_class": 30}, split="val").metrics["threshold"]
    assert zoo.verify(loaded, image, image).threshold == chosen != threshold
    assert f"| threshold | {chosen:.4g} |" in (zoo.save(loaded, tmp_path / "again") / "README.md").read_text()


@pytest.mark.drawn
def test_an_evaluation_has_the_figures_of_all_pairs_at_that_threshold(model: Model, tmp_path: Path) -> None:
    model.metrics = {"val": {"threshold": 0.9}}
    found = zoo.evaluate(model, DIGITS, split="test", out=tmp_path / "out")
    dataset = zoo.runtime.data_arguments.as_dataset(DIGITS)
    indices = zoo.data.splits.split(dataset, 0).test
    images = torch.stack([torch.from_numpy(dataset[i].image[..., 0] / 255.0) for i in indices]).float()
    with torch.no_grad():
        rows = model(images[:, None]).double()
    likeness = (rows @ rows.T)[torch.triu_indices(len(rows), len(rows), 1).unbind()]
    targets = torch.tensor([dataset.targets[i] for i in indices])
    alike = (targets[:, None] == targets)[torch.triu_indices(len(rows), len(rows), 1).unbind()]
    right = ((likeness >= 0.9)[alike].double().mean() + (likeness < 0.9)[~alike].double().mean()) / 2
    assert found.metrics["accuracy"] == pytest.approx(float(right), abs=1e-6)
    assert model.metrics["test"] == {k: found.metrics[k] for k in ("auc", "eer", "threshold", "accuracy")}
    with Image.open(tmp_path / "out/roc.png") as image:
        assert image.width > 900
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"metrics.json", "roc.png"}


def test_a_split_without_pairs_of_both_kinds_has_no_figures_and_does_not_stop_anything(
    model: Model, tmp_path: Path
) -> None:
    one_class = {"name": "digits", "per_class": 12, "classes": ["3"]}
    found = zoo.evaluate(model, one_class, split="all", out=tmp_path / "out")
    assert {"auc", "eer", "threshold", "accuracy", "rates"}.isdisjoint(found.to_dict())
    assert found.left_out == dict.fromkeys(("auc", "eer", "threshold"), "all images are of one class")
    few = {"name": "digits", "per_class": 5}  # one of each class in val
    with (
        pytest.warns(zoo.ZooWarning, match="no two images of one class, so no threshold is chosen"),
        pytest.warns(zoo.ZooWarning, match="val_auc, val_eer, val_threshold: no two images are of one class"),
    ):
        run = zoo.fit(model, few, epochs=1, out=tmp_path / "run")
    assert set(run.metrics) == {"loss"}


@pytest.mark.parametrize(
    ("images", "threshold", "error", "words"),
    [
        (([torch.rand(1, 8, 8)] * 2, torch.rand(1, 8, 8)), 0.5, DataError, "one image and another, got 2"),
        ((torch.rand(1, 8, 8), "nowhere.png"), 0.5, DataError, "image nowhere.png: expected a file"),
        ((torch.rand(1, 8, 8), 7), 0.5, DataError, "verify: expected a file, folder"),
        ((torch.rand(1, 8, 8),) * 2, 1.5, OptionError, r"threshold: expected a cosine in \[-1, 1\], got 1.5"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    model: Model, images: tuple[object, object], threshold: float, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        zoo.verify(model, *images, threshold=threshold)
    assert "\n" not in str(caught.value)


def test_an_image_that_cannot_be_read_is_not_told_to_be_skipped(model: Model, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"expected a readable image, got .*; mend it, or give another$"):
        zoo.verify(model, tmp_path / "bad.png", tmp_path / "bad.png", threshold=0.5)


def test_a_classifier_does_not_verify_and_data_need_classes(model: Model) -> None:
    other = zoo.build("mlp", hidden=[8], head="binary", in_channels=1, input_size=8, seed=0)
    with pytest.raises(TrainingError, match="expected a model whose output is an embedding, got task binary"):
        zoo.verify(other, torch.rand(1, 8, 8), torch.rand(1, 8, 8), threshold=0.5)
    with pytest.raises(DataError, match="evaluate: data: expected a class for each image, got images alone"):
        zoo.evaluate(model, {"name": "photos", "size": 32, "per_photo": 2}, split="all")


def test_predictions_are_vectors_whatever_the_classes_were_called(model: Model) -> None:
    model.labels = ("a", "b")
    (found,) = zoo.predict(model, torch.rand(1, 8, 8))
    assert (found.label, found.score, list(found.scores)) == ("vector of 6", None, list("012345"))
    assert np.linalg.norm(list(found.scores.values())) == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_letters_that_were_never_trained_are_told_apart(tmp_path: Path) -> None:
    head = {"name": "embedding", "dim": 32}
    net = zoo.build("tiny_resnet", head=head, in_channels=1, input_size=32, seed=0)
    unseen = {"name": "glyphs", "per_class": 44, "classes": UNSEEN}
    before = zoo.evaluate(net, unseen, split="all").metrics["auc"]
    assert before < 0.65
    seen = {"name": "glyphs", "per_class": 44, "classes": SEEN}
    loss = {"name": "arcface", "margin": 0.3, "scale": 16.0}
    zoo.fit(net, seen, loss=loss, epochs=5, out=tmp_path / "run")
    found = zoo.evaluate(net, unseen, split="all")
    assert found.metrics["threshold"] == net.metrics["val"]["threshold"]
    assert found.metrics["auc"] > 0.8
    assert found.metrics["accuracy"] > 0.7


def test_a_similarity_of_just_the_threshold_is_the_same(model: Model) -> None:
    one, other = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = zoo.verify(model, one, other, threshold=0.0)
    assert zoo.verify(model, one, other, threshold=found.similarity).same
    assert not zoo.verify(model, one, other, threshold=found.similarity + 1e-9).same


def test_model_and_data_that_changed_places_are_told(model: Model) -> None:
    with pytest.raises(TrainingError, match="the model first"):
        zoo.evaluate("photos", model)
