from collections.abc import Sequence

import numpy as np
import pytest
import torch

from zoo.data.batches import Batches
from zoo.data.masks import check_mask, cropped, prepare_mask
from zoo.images.prepare import prepare
from zoo.interfaces.dataset import Dataset, Sample
from zoo.spec.errors import DataError
from zoo.spec.inputs import InputSpec

RNG = np.random.default_rng(0)


class Coded(Dataset):
    """Images whose red value is ten times the class in the mask."""

    masks = True
    labels = tuple("abcde")

    def __init__(self, size: tuple[int, int] = (20, 30), highest: int = 4) -> None:
        self.found = [RNG.integers(0, highest + 1, size, dtype=np.uint8) for _ in range(6)]

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Sample:
        mask = self.found[index]
        return Sample(np.stack([mask * 10, mask, mask], axis=2), None, mask)

    @property
    def targets(self) -> Sequence[None]:
        return [None] * 6


def test_a_mask_is_enlarged_pixel_by_pixel_and_never_mixed() -> None:
    mask = np.array([[0, 4], [255, 1]], np.uint8)
    assert prepare_mask(mask, (4, 6)).tolist() == [[0] * 3 + [4] * 3] * 2 + [[255] * 3 + [1] * 3] * 2
    assert prepare_mask(mask, (2, 2)).dtype == torch.uint8
    small = prepare_mask(RNG.choice(np.array([0, 9, 255], np.uint8), (40, 40)), (7, 11))
    assert {*small.unique().tolist()} <= {0, 9, 255}


def test_batches_have_masks_beside_images() -> None:
    data = Coded()
    (batch,) = Batches(data, range(6), InputSpec(size=(20, 30)), batch_size=6)
    assert "target" not in batch
    assert batch["mask"].dtype == torch.int64
    np.testing.assert_array_equal(batch["mask"].numpy(), np.stack(data.found))
    (small,) = Batches(data, range(6), InputSpec(size=(10, 16)), batch_size=6)
    assert small["mask"].shape == (6, 10, 16)


@pytest.mark.parametrize("size", [(8, 8), (20, 30), (20, 5)])
def test_a_crop_of_an_image_is_that_of_its_mask(size: tuple[int, int]) -> None:
    data = Coded()
    batches = Batches(data, range(6), InputSpec(size=size), crop=True, batch_size=6, shuffle=True)
    for epoch in range(2):
        (batch,) = batches.epoch(epoch)
        red = (batch["image"][:, 0] * 255 / 10).round().long()
        assert torch.equal(red, batch["mask"])
        assert batch["mask"].shape[1:] == size


def test_a_crop_without_draws_is_the_middle() -> None:
    image = RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    mask = RNG.integers(0, 5, (9, 12), dtype=np.uint8)
    spec = InputSpec(size=(5, 4))
    crop, found, _ = cropped(image, mask, spec, None, "x")
    assert torch.equal(crop, prepare(image[2:7, 4:8], spec))
    np.testing.assert_array_equal(found, mask[2:7, 4:8])


def test_a_small_image_is_enlarged_before_it_is_cropped() -> None:
    mask = np.array([[0, 1], [2, 3]], np.uint8)
    image, found, _ = cropped(np.zeros((2, 2, 3), np.uint8), mask, InputSpec(size=(4, 2)), None, "x")
    assert image.shape == (3, 4, 2)
    assert found is not None
    assert found.tolist() == [[0, 1], [0, 1], [2, 3], [2, 3]]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((4, 5), np.uint8), "expected uint8 4 x 4, as the image, got uint8 4 x 5"),
        (np.zeros((4, 4), np.int64), "got int64 4 x 4"),
        (np.zeros((4, 4, 1), np.uint8), "got uint8 4 x 4 x 1"),
        (np.full((4, 4), 3, np.uint8), r"expected classes 0\.\.2, or 255 for what does not count, got 3"),
    ],
)
def test_a_mask_that_does_not_fit_is_named(mask: np.ndarray, words: str) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(DataError, match=f"^mask of shed.png: .*{words}$"):
        check_mask(mask, image, "shed.png", 3)
    check_mask(np.full((4, 4), 255, np.uint8), image, "shed.png", 3)


def test_a_class_that_nobody_named_stops_the_batch() -> None:
    with pytest.raises(DataError, match=r"mask of coded\[0\]: expected classes 0\.\.4.*got 9"):
        list(Batches(Coded(highest=9), range(6), InputSpec(size=(20, 30)), batch_size=6))
