"""Targets that are places move with the pixels: held against where a drawn dot is found afterwards."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from torch import Tensor

import zoo
from zoo.compose.instantiate import make
from zoo.data.batches import Batches
from zoo.data.collating import PLACE, SIZE
from zoo.data.imbalance import class_counts
from zoo.data.splits import split
from zoo.interfaces.augmenter import Augmenter, Batch, Chain, Geometric
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.draws import draws
from zoo.interfaces.geometry.places import Size, SpatialTensor, plain_tensors, resizing, warp_points
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.spec.errors import DataError, OptionError, ShapeError, TrainingError
from zoo.spec.inputs import InputSpec

BLACK = {"fill_mode": "constant"}
GEOMETRIC: list[Any] = [
    {"name": "flip", "horizontal": True, "vertical": True, "p": 0.7},
    {"name": "rotate", "degrees": 40.0, **BLACK},
    {"name": "shift", "x": 0.2, "y": 0.1, **BLACK},
    {"name": "shear", "x": 20.0, "y": 10.0, **BLACK},
    {"name": "zoom", "scale": [0.7, 1.4], **BLACK},
    {"name": "crop", "padding": 4, **BLACK},
    {"name": "resized-crop", "scale": [0.6, 1.0]},
    {"name": "image-data-generator", "rotation_range": 30, "zoom_range": 0.2, "horizontal_flip": True,
     "width_shift_range": 0.1, "fill_mode": "constant"},
]  # fmt: skip


class Spots(SpatialTensor):
    """N x K x 2 places."""

    def warped(self, matrices: Tensor, size: Size, to: Size) -> Self:
        return warp_points(self, matrices, size, to).as_subclass(type(self))


class Spotting(Task):
    """A stranger's task, whose targets are places."""

    name = "spotting"
    spatial = True
    units = "px"

    def outputs(self, classes: int | None) -> int:
        return 2

    def parse(self, value: Any) -> Any:
        return [[value["x"], value["y"]]]

    def stratum(self, target: Any) -> str:
        return "left" if target[0][0] < 20 else "right"

    def collate(self, targets: Sequence[Any]) -> Tensor:
        return torch.tensor(list(targets), dtype=torch.float32).as_subclass(Spots)

    def target(self, y: Tensor, outputs: int) -> Tensor:
        return y.reshape(-1, 2)

    def scored(self, output: Tensor) -> Tensor:
        return output

    def errors(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target[:, 0]).norm(dim=1)


def dot(size: Size, x: float, y: float, spread: float = 1.5) -> np.ndarray:
    """H x W x 1 bytes, dark but for a smooth dot."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    light = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    return np.rint(light * 255).astype(np.uint8)[..., None]


def found(image: Tensor) -> Tensor:
    """Where the light of C x H x W lies, (x, y)."""
    light = image[0].double()
    light = torch.where(light > 0.05, light, 0.0)
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in light.shape)
    return torch.stack([(light.sum(0) * columns).sum(), (light.sum(1) * rows).sum()]) / light.sum()


def batch(count: int = 8, size: Size = (40, 52)) -> Batch:
    """Images with one dot each, and where it is."""
    rng = np.random.default_rng(0)
    places = np.stack([rng.uniform(19, 33, count), rng.uniform(14, 26, count)], axis=1)
    images = np.stack([dot(size, *place) for place in places])
    image = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    target = Spotting().collate([[place.tolist()] for place in places])
    return {"image": image, "target": target, "index": torch.arange(count)}


def held(out: Batch, at_least: int) -> None:
    """The places that are told are those where the dots are."""
    height, width = out["image"].shape[2:]
    seen = 0
    for image, target in zip(out["image"], plain_tensors(out)["target"], strict=True):
        x, y = target[0].tolist()
        if 6 < x < width - 7 and 6 < y < height - 7:
            torch.testing.assert_close(found(image), target[0].double(), rtol=0, atol=0.25)
            seen += 1
    assert seen >= at_least


@pytest.mark.parametrize("reference", GEOMETRIC, ids=lambda r: str(r["name"]))
def test_places_are_where_the_dots_are_after_every_geometric_augmenter(reference: Any) -> None:
    before = batch()
    given = before["target"].clone()
    after = make("augmenter", reference)(before, draws(0, 1, range(8)))
    assert isinstance(after["target"], Spots)
    assert not torch.allclose(plain_tensors(after)["target"], plain_tensors(before)["target"])
    assert torch.equal(before["target"], given)
    held(after, 4)


def test_neighbours_that_are_fused_move_places_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    warped = Spots.warped
    monkeypatch.setattr(Spots, "warped", lambda self, *a: calls.append(1) or warped(self, *a))
    chain = Chain([make("augmenter", reference) for reference in GEOMETRIC[:3]])
    held(chain(batch(), draws(0, 1, range(8))), 4)
    assert calls == [1]


def test_augmenters_of_colours_leave_places_alone() -> None:
    before = batch()
    for name in ("brightness", "noise", "invert", "blur"):
        after = make("augmenter", name)(before, draws(0, 1, range(8)))
        assert torch.equal(after["target"], before["target"])


class Dots(Dataset):
    """Images of several sizes with one dot each."""

    task: Task | None = Spotting()

    def __init__(self) -> None:
        self.sizes = [(40, 60), (64, 48), (33, 57), (50, 50)]
        self.places = [(30.0, 21.5), (20.0, 30.0), (25.0, 15.0), (24.5, 24.5)]

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Sample:
        x, y = self.places[index]
        return Sample(dot(self.sizes[index], x, y, 3.0), self.targets[index])

    @property
    def targets(self) -> list[list[list[float]]]:
        return [[[x, y]] for x, y in self.places]


SPEC = InputSpec(channels=1, size=(32, 44), mean=(0.0,), std=(1.0,))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("crop", [False, True])
def test_places_are_where_the_dots_are_after_reading(crop: bool, workers: int) -> None:
    shuffle = {"shuffle": True, "seed": 3} if crop else {}
    (read,) = Batches(Dots(), range(4), SPEC, crop=crop, workers=workers, batch_size=4, **shuffle)
    assert isinstance(read["target"], Spots)
    held(read, 3 if not crop else 1)


@pytest.mark.parametrize("crop", [False, True])
def test_a_batch_says_where_its_images_come_from(crop: bool) -> None:
    data = Dots()
    (read,) = Batches(data, range(4), SPEC, crop=crop, batch_size=4, places=True)
    target = plain_tensors(read)["target"]
    for i, (place, matrix, size) in enumerate(zip(data.places, read[PLACE], read[SIZE], strict=True)):
        assert tuple(size.tolist()) == data.sizes[i]
        back = warp_points(target[i][None], torch.linalg.inv(matrix)[None], (32, 44), data.sizes[i])
        torch.testing.assert_close(back[0, 0], torch.tensor(place), rtol=0, atol=1e-4)


def test_an_image_in_its_own_size_keeps_its_places() -> None:
    data = Dots()
    for i, read in enumerate(Batches(data, range(4), SPEC, own_size=True, batch_size=1)):
        assert plain_tensors(read)["target"].tolist() == data.targets[i : i + 1]


def test_targets_of_several_lengths_are_one_line() -> None:
    data = Dots()
    data.__class__ = type("Ragged", (Dots,), {"targets": property(lambda self: [[[1, 2]], [[1, 2], [3, 4]]])})
    with pytest.raises(DataError, match="targets: expected numbers, or rows of one length"):
        [*Batches(data, range(2), SPEC, batch_size=2)]


def test_a_resize_and_a_window_are_one_matrix() -> None:
    """A pixel of the window, followed by hand through cut and resize to its place in the source."""
    matrix = resizing((10, 20), (20, 30), ((4, 7), (8, 6)))
    column, row = 2, 5
    x, y = (column + 7 + 0.5) * 20 / 30 - 0.5, (row + 4 + 0.5) * 10 / 20 - 0.5
    told = warp_points(torch.tensor([[[x, y]]], dtype=torch.float64), matrix[None], (10, 20), (8, 6))
    torch.testing.assert_close(told[0, 0], torch.tensor([column, row], dtype=torch.float64))


def test_a_spatial_tensor_stays_one_where_it_is_cut_copied_or_sent() -> None:
    spots = batch()["target"]
    for other in (spots[:2], spots.to("cpu"), copy.deepcopy(spots), pickle.loads(pickle.dumps(spots))):
        assert isinstance(other, Spots)
    assert type(plain_tensors({"target": spots})["target"]) is Tensor


class Elastic(Augmenter):
    """Moves pixels as no matrix does, and places not at all."""

    resamples = True

    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        return batch


class Many(Dots):
    """Enough of them to be split."""

    def __len__(self) -> int:
        return 24

    def __init__(self) -> None:
        super().__init__()
        self.sizes, self.places = self.sizes * 6, [(20.0 + i / 2, 14.0 + i / 2) for i in range(24)]


FIT: dict[str, Any] = {"loss": torch.nn.SmoothL1Loss(), "epochs": 1, "batch_size": 4, "progress": False}


@pytest.fixture
def spotter() -> Model:
    model = zoo.build("mlp", hidden=[8], head="regression", classes=2, in_channels=1, input_size=32, seed=0)
    model.task = Spotting()
    return model


@pytest.mark.parametrize("augment", [Elastic(), [make("augmenter", "flip"), Elastic()]])
def test_an_augmenter_that_leaves_places_behind_is_refused(
    spotter: Model, augment: Any, tmp_path: Path
) -> None:
    words = r"expected augmenters that move the targets of task spotting.*, got Elastic; leave it out"
    with pytest.raises(TrainingError, match=words):
        zoo.fit(spotter, Many(), augment=augment, out=tmp_path / "run", **FIT)


def test_an_augmenter_that_says_that_it_moves_places_is_taken(spotter: Model, tmp_path: Path) -> None:
    class Said(Elastic):
        moves_places = True

    run = zoo.fit(spotter, Many(), augment=Said(), out=tmp_path / "run", **FIT)
    assert len(run.history) == 1


def test_losses_and_metrics_see_plain_tensors(spotter: Model, tmp_path: Path) -> None:
    seen: list[type] = []

    class Watching(torch.nn.SmoothL1Loss):
        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            seen.append(type(target))
            return super().forward(output, target)

    zoo.fit(spotter, Many(), augment="flip", out=tmp_path / "run", **{**FIT, "loss": Watching()})
    zoo.evaluate(spotter, Many(), loss=Watching())
    assert set(seen) == {Tensor}


def test_images_without_places_are_refused(spotter: Model, tmp_path: Path) -> None:
    data = Many()
    data.__class__ = type("Bare", (Many,), {"targets": property(lambda self: [None] * 24)})
    with pytest.raises(DataError, match="fit: data: expected a target for each image, got images alone"):
        zoo.fit(spotter, data, out=tmp_path / "run", **FIT)


def test_rows_of_numbers_are_no_labels_to_be_counted() -> None:
    data = Many()
    data.labels = ("spot",)
    assert class_counts(data) == {}


def test_a_task_reads_the_raw_targets_of_a_torch_data_set(spotter: Model) -> None:
    data = Many()

    class Told:
        def __len__(self) -> int:
            return len(data)

        def __getitem__(self, index: int) -> tuple[Any, dict[str, float]]:
            x, y = data.places[index]
            return data[index].image, {"x": x, "y": y}

    one, other = (zoo.evaluate(spotter, given, split="all").metrics for given in (Told(), data))
    assert one == other


def test_splits_keep_the_shares_of_what_the_task_says() -> None:
    data = Many()
    data.places = [(10.0 if i % 3 == 0 else 30.0, 9 + i / 2) for i in range(24)]
    found = split(data, 0)
    for part in (found.train, found.val, found.test):
        left = sum(data.places[i][0] < 20 for i in part)
        assert left / len(part) == pytest.approx(1 / 3, abs=0.1)


def test_a_stranger_task_has_worst_images_by_its_errors(spotter: Model, tmp_path: Path) -> None:
    model, spec = spotter, spotter.input_spec
    evaluation = zoo.evaluate(model, Many(), split="all", out=tmp_path / "eval")
    (read,) = Batches(Many(), range(24), spec, batch_size=24)
    with torch.no_grad():
        off = (model.eval()(read["image"]) - plain_tensors(read)["target"][:, 0]).norm(dim=1)
    order = off.argsort(descending=True).tolist()
    assert [item.index for item in evaluation.worst] == order
    assert evaluation.worst[0].label == f"{float(off.max()):.4g} px"
    assert "WORST IMAGES     ERROR" in str(evaluation)
    assert not (tmp_path / "eval" / "worst.png").exists()  # it has no marks to draw


def test_geometric_augmenters_of_a_stranger_move_places_by_themselves() -> None:
    class Mirror(Geometric):
        def __init__(self) -> None:
            super().__init__(fill=None)

        def matrices(self, size: Size, draws: list[torch.Generator]) -> Tensor:
            return torch.diag(torch.tensor([-1.0, 1, 1], dtype=torch.float64)).repeat(len(draws), 1, 1)

    held(Mirror()(batch(), draws(0, 1, range(8))), 8)


@pytest.mark.filterwarnings("ignore:frozen blocks:zoo.ZooWarning")
def test_features_of_frozen_blocks_are_not_cached_beside_places(tmp_path: Path) -> None:
    model = zoo.build(
        "small_cnn", head="regression", classes=2, in_channels=1, input_size=32, freeze="block1"
    )
    model.task = Spotting()
    with pytest.raises(OptionError, match="targets of task spotting are read with their images"):
        zoo.fit(model, Many(), cache=True, out=tmp_path / "run", **FIT)


@pytest.mark.parametrize("number", [0.0, float("nan")])
def test_a_matrix_without_an_inverse_is_one_line(number: float) -> None:
    matrices = torch.eye(3).repeat(3, 1, 1)
    matrices[1, 0, 0] = number
    words = "warp of points: expected matrices with an inverse, got a singular one for image 1; no factor"
    with pytest.raises(ShapeError, match=words):
        warp_points(torch.zeros(3, 2, 2), matrices, (4, 4))
