"""Test-time augmentation: views of images, turned back and averaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import zoo
from zoo.inference.asking.views import answered, check_views
from zoo.interfaces import Binary, Multiclass, Multilabel, Ordinal, Regression, Segmentation
from zoo.spec.errors import OptionError

IMAGES = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def d4(x: Tensor) -> list[Tensor]:
    """The eight views by NumPy, and not by the code under test."""
    pixels = x.numpy()
    flipped = pixels[..., ::-1]
    return [
        torch.from_numpy(np.rot90(source, turns, (2, 3)).copy())
        for source in (pixels, flipped)
        for turns in range(4)
    ]


@pytest.mark.parametrize("task", [Binary(), Multiclass(), Multilabel(), Segmentation()], ids=lambda t: t.name)
def test_probabilities_are_the_mean_of_those_of_the_views(task: Any) -> None:
    outputs = torch.stack([task.example(4, 5)[0] * 3 for _ in range(3)])
    expected = torch.stack([task.probabilities(output) for output in outputs]).mean(0)
    torch.testing.assert_close(task.probabilities(task.averaged(outputs)), expected)


def test_ordered_classes_average_what_is_above_and_values_themselves() -> None:
    outputs = torch.randn(3, 5, 4)
    found = Ordinal().averaged(outputs).sigmoid()
    torch.testing.assert_close(found, outputs.sigmoid().mean(0))
    assert torch.equal(Regression().averaged(outputs), outputs.mean(0))


def test_sure_answers_stay_sure() -> None:
    sure = torch.tensor([[[60.0]], [[50.0]]])
    assert 50 < float(Binary().averaged(sure)) < 60


@pytest.mark.parametrize(("tta", "count"), [("flip", 2), ("d4", 8)])
def test_answers_to_all_views_are_averaged(tta: str, count: int) -> None:
    model = zoo.build("mlp", hidden=[8], head="multiclass", classes=4, input_size=32, seed=0).eval()
    views = [IMAGES, torch.flip(IMAGES, [3])] if tta == "flip" else d4(IMAGES)
    assert len(views) == count
    with torch.no_grad():
        expected = torch.stack([model(view).softmax(1) for view in views]).mean(0)
        torch.testing.assert_close(answered(model, IMAGES, tta).softmax(1), expected)
        assert torch.equal(answered(model, IMAGES, None), model(IMAGES))
    assert not torch.allclose(expected, model(IMAGES).softmax(1), atol=1e-4)


@pytest.mark.parametrize("tta", ["flip", "d4"])
def test_masks_are_turned_back(tta: str) -> None:
    class Brightest(torch.nn.Module):
        """Answers each pixel by its own value: of any view the same once it is turned back."""

        task, any_size = Segmentation(), True

        def infer(self, x: Tensor) -> Tensor:
            return torch.cat([x[:, :1] * 4, x[:, 1:2] * 4], dim=1)

    model: Any = Brightest()
    found = answered(model, IMAGES, tta)
    torch.testing.assert_close(found.softmax(1), (IMAGES[:, :2] * 4).softmax(1))


def test_figures_and_predictions_are_of_the_averaged_answers() -> None:
    model = zoo.build("mlp", hidden=[8], head="binary", in_channels=1, input_size=16, seed=0)
    faces = {"name": "faces", "per_class": 12}
    plain = zoo.evaluate(model, faces, split="all", progress=False)
    noted = dict(model.metrics)
    found = zoo.evaluate(model, faces, split="all", tta="flip", progress=False)
    assert found.metrics["loss"] != plain.metrics["loss"]
    assert found.on.options["tta"] == "flip"
    assert model.metrics == noted  # figures of views are not the model's own
    image = IMAGES[0, :1, :16, :16]
    one, other, both = (
        zoo.predict(model, x, tta=tta, progress=False)[0].scores
        for x, tta in ((image, None), (image.flip(2), None), (image, "flip"))
    )
    for name, score in both.items():
        assert score == pytest.approx((one[name] + other[name]) / 2, abs=1e-5)


@pytest.mark.parametrize("tta", ["flip", "d4"])
def test_a_predictor_answers_as_predict_does(tta: Any) -> None:
    model = zoo.build("mlp", hidden=[8], head="multiclass", classes=4, input_size=32, seed=0)
    expected = [said.scores for said in zoo.predict(model, IMAGES, tta=tta, progress=False)]
    predictor = zoo.Predictor(model, tta=tta, batch_size=2)
    assert [said.scores for said in predictor(IMAGES)] == expected
    assert [said.scores for said in predictor(iter(IMAGES))] == expected
    assert predictor(IMAGES[1]).scores == pytest.approx(expected[1], abs=1e-6)
    assert expected != [said.scores for said in zoo.Predictor(model)(IMAGES)]
    assert repr(predictor).endswith(f", tta={tta!r})")


def test_labels_that_views_do_not_keep_are_told() -> None:
    def measured(head: str) -> None:
        model = zoo.build("mlp", hidden=[4], head=head, classes=10, in_channels=1, input_size=8, seed=0)
        zoo.evaluate(model, "digits", split="val", tta="flip", progress=False)

    with pytest.warns(
        zoo.ZooWarning, match="evaluate: tta='flip' may change what labels mean: mirrored, '2'"
    ):
        measured("multiclass")
    measured("ordinal")  # warnings are errors here


def test_what_cannot_be_turned_back_is_refused() -> None:
    wide = zoo.build("mlp", hidden=[4], head="binary", input_size=(16, 24), seed=0)
    with pytest.raises(OptionError, match='24x16, which a quarter turn does not fit; say tta="flip"'):
        zoo.predict(wide, IMAGES[0], tta="d4")
    with pytest.raises(
        OptionError, match="predictor: tta: expected a model whose answers can be turned back"
    ):
        zoo.Predictor(wide, tta="d4")
    with pytest.raises(OptionError, match="tta: expected 'flip', 'd4', got 'five'"):
        check_views(wide, "five", "predict")
    with pytest.raises(OptionError, match="a model that makes images of nothing"):
        check_views(zoo.build("dcgan", input_size=32), "flip", "evaluate")
    with pytest.raises(OptionError, match="leave out tta or save"):
        zoo.evaluate(wide, "faces", tta="flip", save=True)


def test_tasks_of_places_are_refused() -> None:
    class Places(Regression):
        spatial = True

    model = zoo.build("mlp", hidden=[4], head="regression", input_size=16, seed=0)
    model.task = Places()
    with pytest.raises(OptionError, match="places in the image that was turned"):
        check_views(model, "flip", "predict")
