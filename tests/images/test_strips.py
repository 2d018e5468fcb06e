"""Large images in strips: the same numbers to the last bit, and never several copies of the whole."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from zoo.images import prepare as preparing
from zoo.images import strips
from zoo.images.decode import from_pil
from zoo.images.prepare import prepare
from zoo.images.strips import pixels_of
from zoo.spec.errors import DataError
from zoo.spec.inputs import InputSpec

RNG = np.random.default_rng(0)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes all images large from when it is called, with strips of so many pixels."""

    def begin(pixels: int) -> None:
        monkeypatch.setattr(strips, "LARGE", 0)
        monkeypatch.setattr(strips, "_STRIP", pixels)

    return begin


def spec(channels: int, size: tuple[int, int], interpolation: str) -> InputSpec:
    ends = {"mean": (0.0,) * channels, "std": (1.0,) * channels}
    return InputSpec(channels=channels, size=size, interpolation=interpolation, **ends)  # type: ignore[arg-type]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("own", [1, 2, 3, 4])
def test_strips_give_the_numbers_of_the_whole(large: Any, interpolation: str, own: int) -> None:
    cases = []
    for i, (height, width) in enumerate([(311, 207), (207, 311), (97, 90), (90, 97), (3, 400), (400, 1)]):
        image = RNG.integers(0, 256, (height, width, own), dtype=np.uint8)
        image = image if i % 2 else (image / np.float32(255)).astype(np.float32)
        sizes = [(height, width), (height, 31), (33, width), (40, 24), (120, 130)]
        wanted = [spec(channels, size, interpolation) for channels in (1, 3, 4) for size in sizes]
        cases += [(image, one, prepare(image, one)) for one in wanted]
    large(1000)
    for image, one, expected in cases:
        found = prepare(image, one)
        assert torch.equal(found, expected), (image.shape, one.size)
        assert found.is_contiguous()


@pytest.mark.parametrize("size", [(50, 50), (30, 20)])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_no_more_than_a_strip_is_made_to_floats(
    large: Any, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], interpolation: str
) -> None:
    seen, numbers = [], preparing._numbers

    def spy(x: Tensor, *more: Any) -> Tensor:
        seen.append(x[0].numel())
        return numbers(x, *more)

    monkeypatch.setattr(preparing, "_numbers", spy)
    large(100)
    prepare(np.zeros((50, 50, 4), np.uint8), spec(3, size, interpolation))
    # Of nearest pixels those alone that are taken
    assert max(seen) <= (600 if interpolation == "nearest" and size != (50, 50) else 100)
    assert sum(seen) in (2500, 600)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I", "F", "I;16", "CMYK", "1", "P"])
def test_pixels_are_taken_in_strips_and_are_the_same(large: Any, mode: str) -> None:
    gray = Image.fromarray(RNG.integers(0, 256, (37, 23), dtype=np.uint8))
    if mode == "F":
        image = Image.fromarray(RNG.random((37, 23), dtype=np.float32))
    elif mode == "I;16":
        image = Image.fromarray(RNG.integers(0, 65536, (37, 23), dtype=np.uint16))
    else:
        image = gray.convert(mode)
    assert image.mode == mode
    expected = from_pil(image)
    large(50)
    found = from_pil(image)
    assert found.dtype == expected.dtype
    assert found.flags.writeable
    assert np.array_equal(found, expected)


def test_pixels_of_a_large_image_are_copied_once(large: Any) -> None:
    image = Image.new("RGBA", (1000, 1000), (1, 2, 3, 4))
    large(10_000)
    tracemalloc.start()
    try:
        found = pixels_of(image)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found == (1, 2, 3, 4)).all()
    assert most < 1.2 * found.nbytes


def test_an_image_that_is_not_turned_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.new("L", (3, 2))
    monkeypatch.setattr(Image.Image, "copy", lambda self: pytest.fail("copied"))
    assert from_pil(image).shape == (2, 3, 1)


def test_a_tall_image_whose_rows_would_fill_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "_MOST_WIDENED", 3 * 32 * 100)
    assert prepare(np.zeros((100, 2, 3), np.uint8), spec(3, (32, 32), "bilinear")).shape == (3, 32, 32)
    # Where it is not widened, its own pixels are the ceiling
    assert prepare(np.zeros((101, 32, 3), np.uint8), spec(3, (32, 32), "bilinear")).shape == (3, 32, 32)
    words = "cat: expected at most 100 rows where 2 columns become 32, got 101; cut it into pieces"
    with pytest.raises(DataError, match=words):
        prepare(np.zeros((101, 2, 3), np.uint8), spec(3, (32, 32), "bilinear"), "cat")
