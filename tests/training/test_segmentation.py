"""Training, measuring and predicting masks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from torch import Tensor
from zoo_datasets.shapes import Shapes

import zoo
from zoo.data.batches import Batches
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Segmentation
from zoo.interfaces.tasks.masks import confusions, image_ious
from zoo.reports.image_grids import COLOURS, overlay
from zoo.spec.errors import DataError
from zoo.testing import check_resuming
from zoo.trainers.score import Score

LABELS = ("background", "circle", "square", "triangle")
DATA = {"name": "shapes", "size": 32, "count": 40}


@pytest.fixture
def make() -> Callable[..., Model]:
    """A small U-Net, the same at each call."""

    def make(**options: Any) -> Model:
        encoder = {"name": "unet_encoder", "widths": [4, 8]}
        given = {"encoder": encoder, "classes": LABELS, "input_size": 32, "dropout": 0.1, "seed": 0}
        return zoo.build("unet", **{**given, **options})

    return make


def masks(count: int = 3) -> tuple[Tensor, Tensor]:
    """Truth with pixels that do not count, and answers."""
    generator = torch.Generator().manual_seed(0)
    truth, answer = torch.randint(0, 4, (2, count, 8, 9), generator=generator)
    truth[torch.rand(count, 8, 9, generator=generator) < 0.2] = 255
    return truth, answer


def as_logits(answer: Tensor, classes: int = 4) -> Tensor:
    return torch.nn.functional.one_hot(answer, classes).movedim(-1, 1).float()


def test_metrics_are_the_peers_over_the_pixels_that_count() -> None:
    truth, answer = masks()
    score = Score(Segmentation(), 4, None)
    score.add(as_logits(answer), {"target": truth})
    found = score.values()
    counted = truth != 255
    stats = smp.metrics.get_stats(
        answer[counted][None], truth[counted][None], mode="multiclass", num_classes=4
    )
    assert found["iou"] == pytest.approx(float(smp.metrics.iou_score(*stats, reduction="macro")))
    assert found["dice"] == pytest.approx(float(smp.metrics.f1_score(*stats, reduction="macro")))
    assert found["accuracy"] == pytest.approx(float((truth == answer)[counted].float().mean()))
    assert next(iter(Segmentation().metrics(4))) == "iou"


def test_iou_and_dice_of_half_a_square_and_of_a_class_that_is_nowhere() -> None:
    truth, answer = torch.zeros(2, 1, 8, 8, dtype=torch.long)
    truth[:, :4, :4] = 1
    answer[:, :4, :2] = 1
    score = Score(Segmentation(), 3, None)
    score.add(as_logits(answer, 3), {"target": truth})
    found = score.values()
    assert found["iou"] == pytest.approx((48 / 56 + 8 / 16) / 2)
    assert found["dice"] == pytest.approx((96 / 104 + 16 / 24) / 2)
    tables = confusions(truth, answer, 3)
    assert tables.tolist() == [[[48, 0, 0], [8, 8, 0], [0, 0, 0]]]
    assert float(image_ious(tables)[0]) == pytest.approx(found["iou"])
    assert float(image_ious(confusions(torch.full((1, 2, 2), 255), torch.zeros(1, 2, 2).long(), 3))[0]) == 1


def test_figures_by_class_and_the_worst_images(make, tmp_path: Path) -> None:
    model = make().eval()
    found = zoo.evaluate(model, DATA, split="all", batch_size=7, out=tmp_path / "eval")
    data = Shapes(size=32, count=40)
    (batch,) = Batches(data, range(40), model.input_spec, batch_size=40)
    with torch.no_grad():
        answer = model(batch["image"]).argmax(1)
    truth = batch["mask"]
    stats = smp.metrics.get_stats(
        answer.reshape(1, -1, 32), truth.reshape(1, -1, 32), mode="multiclass", num_classes=4
    )
    rows = list(found.per_class.values())
    for name, peer in (("iou", smp.metrics.iou_score), ("dice", smp.metrics.f1_score)):
        assert [row[name] for row in rows] == pytest.approx(peer(*stats)[0].tolist(), abs=1e-6)
        assert found.metrics[name] == pytest.approx(np.mean([row[name] for row in rows]), abs=1e-6)
    for name, peer in (("precision", smp.metrics.precision), ("recall", smp.metrics.recall)):
        expected = peer(*stats, zero_division=0)[0].tolist()
        assert [row[name] for row in rows] == pytest.approx(expected, abs=1e-6)
    assert [row["pixels"] for row in rows] == truth.flatten().bincount(minlength=4).tolist()
    overlaps = []
    for one, other in zip(truth, answer, strict=True):
        there = sorted({*one.unique().tolist(), *other.unique().tolist()})
        pairs = [((one == k), (other == k)) for k in there]
        overlaps.append(np.mean([float((a & b).sum() / (a | b).sum()) for a, b in pairs]))
    order = np.argsort(overlaps, kind="stable")[:24]
    assert [item.name for item in found.worst] == [f"shapes[{i}]" for i in order]
    assert [item.score for item in found.worst] == pytest.approx(sorted(overlaps)[:24], abs=1e-6)
    assert sorted(f.name for f in (tmp_path / "eval").iterdir()) == ["metrics.json", "worst.png"]
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text()) == found.to_dict()
    text = str(found)
    assert "CLASS" in text
    assert {"IOU", "DICE", "PIXELS"} <= set(text.split())


def test_masks_move_with_their_images_in_training(make, tmp_path: Path) -> None:
    run = zoo.fit(make(), DATA, augment="photo", epochs=2, batch_size=8, lr=1e-2, out=tmp_path / "run")
    assert run.model.labels == LABELS
    assert {"val_iou", "val_dice", "val_accuracy", "iou"} <= set(run.history[0])
    assert run.history[1]["loss"] < run.history[0]["loss"]


def test_a_sum_of_losses_by_name_is_logged_by_part(make, tmp_path: Path) -> None:
    loss = {"name": "perceptual", "parts": {"focal": 2.0, "dice": 0.5}}
    row = zoo.fit(make(), DATA, loss=loss, epochs=1, out=tmp_path / "run").history[0]
    assert row["loss"] == pytest.approx(row["loss_focal"] + row["loss_dice"], rel=1e-5)


def test_data_that_are_no_masks_or_of_other_classes_are_refused(make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a mask for each image, got none"):
        zoo.fit(make(), "digits", out=tmp_path / "run")
    with pytest.raises(DataError, match=r"expected 3, as the model has, got 4 \('background'"):
        zoo.fit(make(classes=3), DATA, out=tmp_path / "run")


@pytest.mark.drawn
def test_images_are_answered_in_their_own_size_and_written(make, tmp_path: Path) -> None:
    model = make().eval()
    data = Shapes(size=64, count=3)
    (tmp_path / "images").mkdir()
    for i in range(3):
        Image.fromarray(data[i].image[: 60 - 7 * i, : 50 + i]).save(tmp_path / "images" / f"{i}.png")
    found = zoo.predict(model, tmp_path / "images", out=tmp_path / "masks")
    assert [tuple(item.mask.shape) for item in found] == [(60, 50), (53, 51), (46, 52)]
    for i, item in enumerate(found):
        with Image.open(tmp_path / "masks" / f"{i}.png") as image:
            assert image.mode == "P"
            np.testing.assert_array_equal(np.asarray(image), item.mask)
        shares = item.mask.flatten().bincount(minlength=4) / item.mask.numel()
        assert [*item.scores.values()] == pytest.approx(shares.tolist())
        assert set(item.label.split(", ")) == {LABELS[k] for k in item.mask.unique()}
    zoo.predict(model, tmp_path / "images", out=tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 300
    assert "mask" not in found[0].to_dict()


def test_an_overlay_colours_classes_and_leaves_the_background() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    mask = torch.tensor([[0, 1], [2, 255]])
    drawn = overlay(image, mask, share=1.0)
    np.testing.assert_array_equal(drawn[:2, :2], image[:2, :2])
    for y, x, label in ((0, 2, 1), (2, 0, 2), (2, 2, 255)):
        assert (drawn[y : y + 2, x : x + 2] == COLOURS[label]).all()
    assert len({tuple(colour) for colour in COLOURS[:10]}) == 10
    assert tuple(COLOURS[10]) == tuple(COLOURS[1]) != tuple(COLOURS[0])
    assert overlay(np.zeros((4, 4, 1), np.float32), mask).shape == (4, 4, 3)


@pytest.mark.slow
@pytest.mark.parametrize("at", [2, 7])
def test_a_killed_run_that_goes_on_ends_as_an_unbroken_one(make, tmp_path: Path, at) -> None:
    settings = {"epochs": 2, "batch_size": 7, "augment": "photo", "schedule": "cosine", "checkpoint_every": 0}
    loss = {"name": "perceptual", "parts": {"pixel-cross-entropy": 1.0, "dice": 1.0}}
    check_resuming(
        lambda out: zoo.fit(make(), DATA, loss=loss, out=out, **settings),
        tmp_path,
        after=[at],
        resume=lambda out: zoo.fit(resume=out, workers=2),
    )
