"""Keypoints: a task of the plugin's own gets all that tasks of zoo get."""

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image
from torch.overrides import TorchFunctionMode
from zoo_example.keypoints import Keypoints, Points, VisibleSmoothL1
from zoo_example.triangles import Triangles

import zoo
from zoo.compose.instantiate import make
from zoo.data.batches import Batches
from zoo.interfaces import draws
from zoo.trainers import Score

LABELS = ["red", "green", "blue"]
DATA = {"name": "triangles", "count": 80, "size": 48}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model():
    backbone = {"name": "nin", "channels": [16, 16, 24], "dropout": 0.0}
    return zoo.build(backbone, head="soft-argmax", classes=LABELS, input_size=32, seed=0)


def dotted(x, y, size=(40, 50)):
    """A batch of one dark image with a bright dot, and where it is."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = torch.from_numpy(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4.5)).float()[None, None]
    target = Keypoints().collate([[[x, y, 1.0]]])
    return {
        "image": image.expand(8, -1, -1, -1),
        "target": target.expand(8, -1, -1),
        "index": torch.arange(8),
    }


@pytest.mark.parametrize(
    "augmenter",
    [
        {"name": "flip", "vertical": True},
        {"name": "rotate", "degrees": 60.0, "fill_mode": "constant"},
        {"name": "resized-crop", "scale": [0.7, 1.0]},
    ],
    ids=lambda reference: reference["name"],
)
def test_points_are_where_the_dot_is_after_an_augmenter(augmenter):
    out = make("augmenter", augmenter)(dotted(28.0, 17.0), draws(0, 1, range(8)))
    assert isinstance(out["target"], Points)
    moved = 0
    for image, (x, y, seen) in zip(out["image"], out["target"][:, 0].tolist(), strict=True):
        light = image[0].clamp(min=0.02) - 0.02
        rows, columns = (torch.arange(n) for n in light.shape)
        where = (light.sum(0) * columns).sum() / light.sum(), (light.sum(1) * rows).sum() / light.sum()
        assert [float(v) for v in where] == pytest.approx([x, y], abs=0.25)
        assert seen == 1
        moved += abs(x - 28) + abs(y - 17) > 1
    assert moved >= 3


def test_a_point_that_leaves_the_image_cannot_be_seen():
    points = Keypoints().collate([[[3.0, 5.0, 1.0], [30.0, 5.0, 1.0], [30.0, 5.0, 0.0]]])
    matrix = torch.eye(3, dtype=torch.float64)[None].clone()
    matrix[0, 0, 2] = 10  # the output's pixel comes from ten pixels further right
    moved = points.warped(matrix, (40, 40), (40, 40))
    assert moved.tolist() == [[[-7.0, 5.0, 0.0], [20.0, 5.0, 1.0], [20.0, 5.0, 0.0]]]


def test_a_drawn_corner_has_its_colour():
    data = Triangles(size=48, count=6)
    for i in range(6):
        middle = np.mean([corner[:2] for corner in data[i].target], axis=0)
        for channel, (x, y, _) in enumerate(data[i].target):
            inner = np.rint(0.85 * np.array([x, y]) + 0.15 * middle).astype(int)
            assert data[i].image[inner[1], inner[0]].argmax() == channel


def test_figures_are_those_worked_out_by_hand():
    target = (
        Keypoints().collate([[[0.0, 0.0, 1.0], [10.0, 0.0, 1.0], [5.0, 50.0, 0.0]]]).as_subclass(torch.Tensor)
    )
    output = torch.tensor([[0.0, 1.5, 13.0, 4.0, 0.0, 0.0]])  # off by 1.5, by 5, and by what does not count
    score = Score(Keypoints(), 6, VisibleSmoothL1())
    score.add(output, {"target": target})
    found = score.values()
    assert found["pck"] == 0.5  # two pixels are near in a box of ten
    assert found["error"] == pytest.approx(3.25)
    assert found["loss"] == pytest.approx((0 + 1.0 + 2.5 + 3.5) / 4)
    assert list(found) == ["loss", "pck", "error"]


def test_it_trains_is_measured_predicts_and_is_saved(model, tmp_path):
    augment = ["flip", {"name": "rotate", "degrees": 15.0}, "brightness"]
    run = zoo.fit(
        model, DATA, augment=augment, epochs=6, batch_size=8, lr=1e-2, out=tmp_path / "run", progress=False
    )
    assert run.model.recipe.loss == "example:visible-smooth-l1"
    assert run.history[-1]["val_error"] < 0.7 * run.history[0]["val_error"]
    again = zoo.load(run.folder)
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(again(x), run.model(x))
    assert (again.task.name, again.labels) == ("keypoints", tuple(LABELS))

    found = zoo.evaluate(again, DATA, out=tmp_path / "eval", progress=False)
    data = Triangles(count=80, size=48)
    assert sorted(file.name for file in (tmp_path / "eval").iterdir()) == ["metrics.json", "worst.png"]
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text()) == found.to_dict()
    assert set(found.metrics) == {"loss", "pck", "error"}
    assert (found.on.data["name"], found.on.split, found.on.count) == ("example:triangles", "test", 12)
    assert set(found.per_class["red"]) == {"error", "pck", "images"}
    errors = [float(item.label.removesuffix(" px")) for item in found.worst]
    assert errors == sorted(errors, reverse=True)
    assert np.mean(errors) == pytest.approx(found.metrics["error"], rel=1e-3)
    assert "red" in str(found)
    assert "WORST IMAGES" in str(found)
    worst = np.asarray(Image.open(tmp_path / "eval" / "worst.png").convert("RGB")).reshape(-1, 3)
    assert (worst == (230, 97, 1)).all(axis=1).sum() > 20  # marks of the first point

    card = (run.folder / "README.md").read_text()
    for words in (
        "pipeline_tag: keypoint-detection",
        "A keypoints model",
        '.details["points"]',
        "- pck: share of",
    ):
        assert words in card

    (said,) = zoo.predict(again, data[0].image, out=tmp_path / "marked.png", progress=False)
    with torch.no_grad():
        (read,) = Batches(data, [0], again.input_spec, batch_size=1)
        inside = again.eval()(read["image"]).view(3, 2)
    places = (inside + 0.5) * 48 / 32 - 0.5  # from the model's pixels to the image's
    assert torch.tensor(list(said.details["points"].values())) == pytest.approx(places.numpy(), abs=0.01)
    assert said.to_dict()["points"] == said.details["points"]
    assert "<img" in said._repr_html_()
    assert (np.asarray(Image.open(tmp_path / "marked.png").convert("RGB")) == (230, 97, 1)).all(axis=2).any()


def test_data_without_such_points_are_refused(model, tmp_path):
    with pytest.raises(
        zoo.ZooError, match=r"fit: labels: expected classes of the model \('red', 'green', 'blue'\), got 2"
    ):
        zoo.fit(model, {"name": "faces", "per_class": 4}, out=tmp_path / "run")
    other = zoo.build(
        "nin", head="soft-argmax", classes=["a", "b", "c"], input_size=32, channels=[8, 8, 8], seed=0
    )
    with pytest.raises(
        zoo.ZooError, match=r"evaluate: labels: expected classes of the model \('a', 'b', 'c'\), got 3"
    ):
        zoo.evaluate(other, DATA, split="all")


def test_a_torch_data_set_gives_points_too(model, tmp_path):
    data = Triangles(count=8, size=40)

    class Pairs:
        classes = tuple(LABELS)

        def __len__(self):
            return len(data)

        def __getitem__(self, index):
            return data[index].image, np.array(data[index].target)

    one, other = (zoo.evaluate(model, d, split="all", progress=False).metrics for d in (Pairs(), data))
    assert one == pytest.approx(other)


class NoDoubles(TorchFunctionMode):
    """An accelerator without double precision: only what was brought to the CPU before becomes double."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        assert func is not torch.Tensor.double or getattr(args[0], "home", False)
        found = func(*args, **(kwargs or {}))
        if func is torch.Tensor.cpu:
            found.home = True
        return found


def test_no_figure_needs_double_precision_where_the_model_is():
    output, target = Keypoints().example(3, 4)
    analysis = Keypoints().analysis(LABELS, 2)
    with NoDoubles():
        analysis.add(output, target, torch.arange(4), (8, 8))
    for metric in Keypoints().metrics(6).values():
        metric.update(output, target)
        assert [x.dtype for x in metric.values] == [torch.float32]
        assert metric.compute().isfinite()


@pytest.mark.filterwarnings("ignore:The ``compute`` method:UserWarning")  # torchmetrics', of no update
def test_a_mean_over_no_point_is_not_a_number():
    for metric in Keypoints().metrics(6).values():
        assert metric.compute().isnan()
        output, target = Keypoints().example(3, 4)
        target[..., 2] = 0
        metric.update(output, target)
        assert metric.compute().isnan()
        metric.reset()
