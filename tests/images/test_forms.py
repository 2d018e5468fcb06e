"""Every form that an image may have: modes of files, arrays, tensors, channels and depths."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.images.decode import decode, from_pil, read
from zoo.images.objects import to_image
from zoo.images.prepare import prepare, resize, to_channels
from zoo.images.readers import from_array
from zoo.spec.errors import DataError, ZooWarning
from zoo.spec.inputs import InputSpec


def spec(channels: int, size: tuple[int, int] = (2, 2), **more: Any) -> InputSpec:
    return InputSpec(channels=channels, size=size, mean=(0.0,) * channels, std=(1.0,) * channels, **more)


def filled(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1).expand(-1, 2, 2)


@pytest.mark.parametrize(
    ("given", "channels", "expected"),
    [
        ((0.5,), 3, (0.5, 0.5, 0.5)),
        ((0.5,), 4, (0.5, 0.5, 0.5, 1)),
        ((0.5, 0.25), 1, (0.875,)),
        ((0.5, 0.25), 3, (0.875,) * 3),
        ((0.5, 0.25), 4, (0.5, 0.5, 0.5, 0.25)),
        ((1, 0.5, 0.25), 1, (0.299 + 0.587 / 2 + 0.114 / 4,)),
        ((1, 0.5, 0.25), 4, (1, 0.5, 0.25, 1)),
        ((0.5, 0.5, 0.5, 0.5), 3, (0.75,) * 3),
        ((0.5, 0.5, 0.5, 0.5), 1, (0.75,)),
        ((0.5, 0.5), 2, (0.5, 0.5)),
        ((0.5,) * 5, 5, (0.5,) * 5),
    ],
)
def test_channels_become_others(given: tuple[float, ...], channels: int, expected: tuple[float, ...]) -> None:
    found = to_channels(filled(*given), channels)
    assert found.shape == (channels, 2, 2)
    assert found[:, 1, 1].tolist() == pytest.approx(list(expected))


@pytest.mark.parametrize(("own", "wanted"), [(5, 3), (3, 2), (1, 2), (3, 5)])
def test_other_channels_are_refused_with_the_way_out(own: int, wanted: int) -> None:
    words = f"cat: expected {wanted} channels, got {own}; build the model with in_channels={own}"
    with pytest.raises(DataError, match=words):
        to_channels(filled(*[0.5] * own), wanted, "cat")


@pytest.mark.parametrize(
    ("mode", "value", "clear", "expected"),
    [
        ("L", 7, None, [7]), ("L", 7, 7, [7, 0]), ("L", 7, 8, [7, 255]), ("1", 1, None, [255]),
        ("RGB", (1, 2, 3), None, [1, 2, 3]), ("RGB", (1, 2, 3), (1, 2, 3), [1, 2, 3, 0]),
        ("LA", (7, 9), None, [7, 9]), ("RGBA", (1, 2, 3, 4), None, [1, 2, 3, 4]),
        ("CMYK", (0, 0, 0, 0), None, [255, 255, 255]), ("HSV", (0, 0, 9), None, [9, 9, 9]),
    ],
)  # fmt: skip
def test_a_pillow_image_of_every_mode_has_bytes_by_channel(
    mode: str, value: Any, clear: Any, expected: list[int]
) -> None:
    image = Image.new(mode, (3, 2), value)
    if clear is not None:
        image.info["transparency"] = clear
    found = from_pil(image)
    assert (found.shape, found.dtype) == ((2, 3, len(expected)), np.uint8)
    assert found[1, 2].tolist() == expected
    assert found.flags.writeable


@pytest.mark.parametrize("premultiplied", [("La", "LA", (50, 100)), ("RGBa", "RGBA", (10, 20, 30, 100))])
def test_alpha_that_is_multiplied_in_is_taken_out(premultiplied: tuple[str, str, tuple[int, ...]]) -> None:
    mode, plain, value = premultiplied
    straight = Image.new(plain, (2, 2), value)
    found = from_pil(straight.convert(mode))
    assert found.shape == (2, 2, len(value))
    assert np.abs(found[0, 0].astype(int) - value).max() <= 2


def test_deep_gray_keeps_its_depth_and_its_transparent_value() -> None:
    values = np.array([[0, 1], [32768, 65535]], np.uint16)
    image = Image.fromarray(values)
    found = from_pil(image)
    assert (found.dtype, found.shape) == (np.float32, (2, 2, 1))
    assert np.allclose(found[..., 0], values / 65535)
    image.info["transparency"] = 1
    assert from_pil(image)[..., 1].tolist() == [[1, 0], [1, 1]]
    for wrong in (-1, 65536):
        with pytest.raises(DataError, match=r"cat: expected values in 0\.\.65535, got"):
            from_pil(Image.fromarray(np.array([[0, wrong]], np.int32)), "cat")
    assert from_pil(Image.fromarray(np.array([[0, 65535]], np.int32)))[..., 0].tolist() == [[0, 1]]
    assert from_pil(Image.fromarray(np.array([[0.25]], np.float32))).tolist() == [[[0.25]]]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(3), "expected H x W or H x W x C, got 3"),
        (np.zeros((1, 2, 3, 4)), "got 1 x 2 x 3 x 4"),
        (np.zeros((2, 0)), "got 2 x 0"),
        (
            np.zeros((2, 2), np.int64),
            r"expected uint8, or floats in \[0, 1\], got int64 0 to 0; convert it to uint8 where 255",
        ),
        (np.full((2, 2), -0.01), r"expected values in \[0, 1\], got -0.01 to -0.01; .*=\(-1, 1\)"),
        (np.full((2, 2), 1.5), "got 1.5 to 1.5"),
        (np.full((2, 2), np.nan), "got nan to nan"),
    ],
)
def test_arrays_that_are_none_are_refused_with_their_name(array: Any, words: str) -> None:
    with pytest.raises(DataError, match=f"cat: .*{words}|cat: {words}"):
        from_array(array, "cat")


def test_arrays_and_tensors_are_taken_as_they_are() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert from_array(pixels) is pixels
    assert from_array(np.array([[True, False]])).tolist() == [[[255], [0]]]
    edge = from_array(np.array([[0.0, 1.0]]))
    assert (edge.dtype, edge.tolist()) == (np.float32, [[[0], [1]]])
    assert to_image(torch.from_numpy(pixels).permute(2, 0, 1)).tolist() == pixels.tolist()
    assert to_image(torch.ones(1, 2, 2, dtype=torch.bfloat16)).dtype == np.float32
    with pytest.raises(DataError, match="cat: expected a tensor C x H x W, got 2 x 2"):
        to_image(torch.zeros(2, 2), "cat")
    with pytest.raises(DataError, match="cat: expected a Pillow image, an array or a tensor, got list"):
        to_image([[1]], "cat")


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    exif = Image.Exif()
    for orientation, turned in ((0, False), (1, False), (3, True), (6, True)):
        exif[0x0112] = orientation
        Image.new("RGB", (4, 2)).save(tmp_path / "a.jpg", exif=exif)
        image, facts = read(tmp_path / "a.jpg", "a")
        assert (facts.format, facts.mode, facts.turned, facts.frames) == ("JPEG", "RGB", turned, 1)
        assert image.shape == ((4, 2, 3) if orientation == 6 else (2, 4, 3))
    frames = [Image.new("L", (2, 2), value) for value in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    image, facts = read(tmp_path / "a.gif", "a")
    assert (facts.frames, int(image.max())) == (2, 10)
    with pytest.warns(ZooWarning, match=r"image .*a\.gif has several frames; the first is taken"):
        decode(tmp_path / "a.gif")
    with pytest.raises(DataError, match=r"image .*none\.png: expected a file, got nothing there"):
        decode(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "got an empty file"), (b"text", "got a file of another kind")]
)
def test_an_open_file_that_is_no_image_is_told_as_one_on_the_disk(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    for source in (tmp_path / "a.png", io.BytesIO(content)):
        with pytest.raises(DataError, match=f"cat: expected a readable image, {words}; mend or remove it"):
            decode(source, "cat")


@pytest.mark.parametrize(("side", "fine"), [(14, True), (15, False)])
def test_twice_the_limit_of_pixels_is_taken_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, fine: bool
) -> None:
    Image.new("L", (side, side)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 98)
    if fine:
        with pytest.warns(Image.DecompressionBombWarning):
            assert decode(tmp_path / "a.png").shape == (14, 14, 1)
        return
    with pytest.raises(DataError, match="expected at most 196 pixels, got 225; make it smaller"):
        decode(tmp_path / "a.png")


def test_what_a_model_gets_is_resized_within_the_range_and_never_a_view() -> None:
    board = np.kron(np.indices((4, 4)).sum(0) % 2, np.ones((2, 2)))[..., None].astype(np.float32)
    for interpolation in ("nearest", "bilinear", "bicubic"):
        found = prepare(board, spec(1, (5, 7), interpolation=interpolation))
        assert found.shape == (1, 5, 7)
        assert 0 <= float(found.min()) < float(found.max()) <= 1
    assert {*prepare(board, spec(1, (5, 7), interpolation="nearest")).unique().tolist()} == {0, 1}
    pixels = np.full((2, 2, 1), 51, np.uint8)
    pixels.flags.writeable = False
    assert prepare(pixels[::-1], spec(1)).unique().tolist() == pytest.approx([0.2])
    x = torch.rand(1, 2, 2)
    assert resize(x, spec(1)) is x
    assert resize(x, spec(1, (2, 3))).shape == (1, 2, 3)


def test_values_hidden_by_a_mask_are_refused() -> None:
    pixels = np.full((4, 5, 3), 100, np.uint8)
    assert (from_array(np.ma.masked_greater(pixels, 200)) == pixels).all()
    text = r"cat: expected a value for each pixel, got 60 of 60 hidden by a mask; say .*filled"
    with pytest.raises(DataError, match=text):
        to_image(np.ma.masked_greater(pixels, 90), "cat")
