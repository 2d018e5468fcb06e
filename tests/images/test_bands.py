"""Bands and depth of files: what is read of them, and what is said of the rest."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from zoo.images.decode import decode
from zoo.images.header import Depth, depth
from zoo.spec.errors import DataError


@pytest.fixture(autouse=True)
def pillow_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read by Pillow, whatever readers of other files are installed."""
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "zoo-readers")


COLOURS = (200, 100, 50, 7, 90, 30)
RGB, GRAY, CMYK = 2, 1, 5
LEFT_OUT = "{} of {} bands {} neither colour nor alpha and left out"
CUT = "16 bits of each colour are cut to 8"


def flat(bands: int) -> np.ndarray:
    return np.tile(np.array(COLOURS[:bands], np.uint8), (4, 4, 1))


def tiff(file: Path, bands: int, kind: int, extra: list[int] | None, bits: int = 8) -> Path:
    """A TIFF with just the tags that are said; writers fill in what they think is missing."""
    pixels = flat(bands) if bits == 8 else flat(bands).astype("<u2") * 257
    data = pixels.tobytes()
    tags: list[tuple[int, str, list[int]]] = [
        (256, "H", [4]), (257, "H", [4]), (258, "H", [bits] * bands), (259, "H", [1]), (262, "H", [kind]),
        (273, "I", [0]), (277, "H", [bands]), (278, "H", [4]), (279, "I", [len(data)]), (284, "H", [1]),
    ]  # fmt: skip
    if extra is not None:
        tags.append((338, "H", extra))
    begin = 8 + 2 + 12 * len(tags) + 4
    long = {tag: struct.pack(f"<{len(v)}{t}", *v) for tag, t, v in tags if struct.calcsize(t) * len(v) > 4}
    tags[5] = (273, "I", [begin + sum(map(len, long.values()))])
    rows, place = b"", begin
    for tag, t, values in tags:
        kinds = {"H": 3, "I": 4}
        if tag in long:
            rows += struct.pack("<HHII", tag, kinds[t], len(values), place)
            place += len(long[tag])
        else:
            rows += struct.pack("<HHI", tag, kinds[t], len(values))
            rows += struct.pack(f"<{len(values)}{t}", *values).ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    file.write_bytes(head + rows + struct.pack("<I", 0) + b"".join(long.values()) + data)
    return file


def read(file: Path) -> tuple[list[Any], list[str]]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        image = decode(file)
    return image[0, 0].tolist(), [str(item.message).split(": ", 1)[1] for item in seen]


@pytest.mark.parametrize(
    ("file", "pixel", "words"),
    [
        ((4, RGB, [0], 8), [200, 100, 50], LEFT_OUT.format(1, 4, "is")),
        ((4, RGB, [1], 8), None, ""),
        ((4, RGB, [2], 8), [200, 100, 50, 7], ""),
        ((4, RGB, None, 8), [200, 100, 50, 7], "nothing says that band 4 is alpha, for which it is taken"),
        ((5, RGB, [2, 0], 8), [200, 100, 50, 7], LEFT_OUT.format(1, 5, "is")),
        ((5, RGB, [0, 0], 8), [200, 100, 50], LEFT_OUT.format(2, 5, "are")),
        ((6, RGB, [0, 0, 0], 8), [200, 100, 50], LEFT_OUT.format(3, 6, "are")),
        ((2, GRAY, [2], 8), [200, 100], ""),
        ((2, GRAY, [0], 8), [200], LEFT_OUT.format(1, 2, "is")),
        ((4, RGB, [0], 16), [200, 100, 50], LEFT_OUT.format(1, 4, "is") + "; " + CUT),
        ((4, RGB, [2], 16), [200, 100, 50, 7], CUT),
        ((4, CMYK, None, 8), [54, 151, 199], ""),
        ((5, CMYK, [0], 8), [54, 151, 199], LEFT_OUT.format(1, 5, "is")),
    ],
)
def test_no_band_of_a_tiff_is_left_out_or_taken_for_alpha_in_silence(
    tmp_path: Path, file: tuple[int, int, list[int] | None, int], pixel: Any, words: str
) -> None:
    found, said = read(tiff(tmp_path / "a.tif", *file))
    assert said == [words] * bool(words)
    if pixel is not None:  # else premultiplied, whose colours are rounded
        assert found == pytest.approx(pixel, abs=2)


@pytest.mark.parametrize(
    ("bands", "kind", "extra", "got"),
    [
        (2, GRAY, None, "2 bands of 8 bits, 1 of them neither colour nor alpha"),
        (4, GRAY, [0, 0, 0], "4 bands of 8 bits, 3 of them neither colour nor alpha"),
        (5, RGB, None, "5 bands of 8 bits, 2 of them neither colour nor alpha"),
    ],
)
def test_bands_that_cannot_be_read_are_counted(
    tmp_path: Path, bands: int, kind: int, extra: list[int] | None, got: str
) -> None:
    with pytest.raises(DataError) as caught:
        decode(tiff(tmp_path / "a.tif", bands, kind, extra))
    assert caught.value.got == got
    assert "save each image as .npy, H x W x bands" in str(caught.value)


def test_bands_that_are_stored_one_after_the_other_are_said_to_be(tmp_path: Path) -> None:
    planes = np.moveaxis(flat(4), 2, 0)
    options: Any = {"photometric": "rgb", "planarconfig": "separate", "extrasamples": ["unspecified"]}
    tifffile.imwrite(tmp_path / "a.tif", planes, **options)
    with pytest.raises(DataError, match=r"got 4 bands of 8 bits, 1 of them .*, each stored on its own; save"):
        decode(tmp_path / "a.tif")


def test_ink_becomes_colour_and_gray_keeps_its_alpha(tmp_path: Path) -> None:
    Image.fromarray(flat(3)).convert("CMYK").save(tmp_path / "ink.jpg", quality=100, subsampling=0)
    found, said = read(tmp_path / "ink.jpg")
    assert (found, said) == (pytest.approx([200, 100, 50], abs=3), [])
    for name in ("la.png", "la.tif"):
        Image.fromarray(flat(2), "LA").save(tmp_path / name)
        assert read(tmp_path / name) == ([200, 100], [])


def test_sixteen_bits_with_alpha_are_cut_and_gray_is_not(tmp_path: Path) -> None:
    deep = flat(4).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "rgba.png"), deep[..., [2, 1, 0, 3]])
    assert read(tmp_path / "rgba.png") == ([200, 100, 50, 7], [CUT])
    Image.fromarray(deep[..., 0]).save(tmp_path / "gray.png")
    assert read(tmp_path / "gray.png") == ([pytest.approx(200 / 255)], [])


@pytest.mark.parametrize(("magic", "bands"), [(b"P6", 3), (b"P5", 1)])
def test_a_deep_ppm_says_what_is_cut(tmp_path: Path, magic: bytes, bands: int) -> None:
    values = np.full((2, 2, bands), 51400 + 100, ">u2").tobytes()
    (tmp_path / "a.ppm").write_bytes(magic + b" # made by hand\n2 2\n65535\n" + values)
    assert depth(tmp_path / "a.ppm") == Depth(bands, 16)
    found, said = read(tmp_path / "a.ppm")
    assert said == [CUT] * (bands == 3)
    assert found == ([200] * 3 if bands == 3 else [pytest.approx(51500 / 65535)])
    (tmp_path / "b.ppm").write_bytes(magic + b" 2 2 255\n" + bytes(4 * bands))
    assert depth(tmp_path / "b.ppm") == Depth(bands, 8)
    (tmp_path / "c.ppm").write_bytes(magic + b" 2")
    assert depth(tmp_path / "c.ppm") is None


def test_bytes_below_zero_do_not_become_bright(tmp_path: Path) -> None:
    values = np.array([[-50, 20], [0, 127]], np.int8)
    tifffile.imwrite(tmp_path / "a.tif", values)
    with pytest.raises(DataError, match=r"expected values in 0\.\.255, got -50\.\.127"):
        decode(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", np.abs(values))
    assert decode(tmp_path / "b.tif")[..., 0].tolist() == [[50, 20], [0, 127]]
