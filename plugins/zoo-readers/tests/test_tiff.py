"""TIFF files of many bands and depths."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from zoo_readers.tiff import read

import zoo
from zoo.errors import DataError
from zoo.images.ranges import scaled_by
from zoo.interfaces import decode
from zoo.spec.inputs import Reading

SHAPES: Any = [
    ((6, 8), {}, None),
    ((6, 8, 5), {"photometric": "minisblack", "planarconfig": "contig"}, None),
    ((5, 6, 8), {"photometric": "minisblack", "planarconfig": "separate"}, (1, 2, 0)),
    ((6, 8, 3), {"photometric": "rgb", "planarconfig": "contig"}, None),
]


@pytest.mark.parametrize(("shape", "more", "axes"), SHAPES)
@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint16, np.int32, np.float16, np.float32, np.float64])
def test_files_of_all_numbers_are_scaled_by_the_range_of_a_model(
    tmp_path: Path, shape: Any, more: Any, axes: Any, kind: Any
) -> None:
    values = np.random.default_rng(0).integers(0 if kind == np.uint16 else -120, 120, shape).astype(kind)
    tifffile.imwrite(tmp_path / "0.tif", values, **more)
    read_back = tifffile.imread(tmp_path / "0.tif").astype(float)
    right = np.interp(read_back if axes is None else read_back.transpose(axes), [-100, 100], [0, 1])
    with scaled_by((-100.0, 100.0)):
        for source in (tmp_path / "0.tif", io.BytesIO((tmp_path / "0.tif").read_bytes())):
            np.testing.assert_allclose(decode(source).squeeze(), right, atol=1e-6)


@pytest.mark.parametrize(("shape", "more", "axes"), SHAPES)
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_bands_stand_last_in_the_depth_of_the_file(
    tmp_path: Path, shape: Any, more: Any, axes: Any, kind: Any
) -> None:
    values = np.random.default_rng(0).integers(0, 65536, shape).astype(kind)
    values = values if kind == np.uint16 else values / 65535
    tifffile.imwrite(tmp_path / "0.tif", values, **more)
    found = read(tmp_path / "0.tif", "x")
    assert found.dtype == kind
    np.testing.assert_array_equal(found, values if axes is None else values.transpose(axes))


def test_a_tiff_of_five_bands_is_an_image(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (6, 8, 5), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "0.tif", values, photometric="minisblack", planarconfig="contig")
    np.testing.assert_allclose(decode(tmp_path / "0.tif"), values / 65535, atol=1e-6)


def test_bands_on_another_scale_are_told_by_the_reader(tmp_path: Path) -> None:
    values = np.linspace(0, 6000, 240, dtype=np.float32).reshape(5, 6, 8)
    tifffile.imwrite(tmp_path / "0.tif", values, photometric="minisblack", planarconfig="separate")
    with pytest.raises(zoo.ZooError, match=r"got 0 to 6000; zoo.build\(..., value_range="):
        decode(tmp_path / "0.tif")


@pytest.mark.parametrize("bands", [1, 5])
def test_of_several_pages_the_first_is_taken_with_a_word(tmp_path: Path, bands: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (4, 6, 8, bands), dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "0.tif") as file:
        for page in values:
            file.write(page.squeeze(), photometric="minisblack", planarconfig="contig" if bands > 1 else None)
    words = r'several pages; the first is taken; zoo.build\(..., in_channels=4, pages="bands"\)'
    with pytest.warns(zoo.ZooWarning, match=words):
        np.testing.assert_allclose(decode(tmp_path / "0.tif"), values[0] / 65535, atol=1e-6)


def test_what_is_no_tiff_and_what_needs_another_package_are_told(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "2.tif", compression="tiff_lzw")
    # Bytes are Pillow's, and need no package
    assert decode(tmp_path / "2.tif").max() == 0
    tifffile.imwrite(tmp_path / "3.tif", np.zeros((2, 4, 4, 4), np.uint16), volumetric=True, tile=(2, 16, 16))
    with pytest.raises(DataError, match="expected height, width and bands, got Z 2 x Y 4"):
        read(tmp_path / "3.tif", "x")
    (tmp_path / "1.tif").write_bytes(b"no")
    with pytest.raises(DataError, match="a TIFF image"):
        read(tmp_path / "1.tif", "x")


def test_pages_of_numbers_that_pillow_has_not_are_bands(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((4, 6, 8))
    tifffile.imwrite(tmp_path / "0.tif", values, photometric="minisblack")
    with scaled_by(Reading((0, 1), "bands")):
        np.testing.assert_allclose(decode(tmp_path / "0.tif"), np.moveaxis(values, 0, -1), atol=1e-6)


UPRIGHT: Any = {
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""Arrays as they stand upright, by the tag."""


@pytest.mark.parametrize(
    ("shape", "kind"), [((6, 8), "f8"), ((6, 8), "i1"), ((6, 8, 3), "u2"), ((6, 8, 5), "u1")]
)
def test_files_stand_upright_as_their_tag_says(tmp_path: Path, shape: Any, kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 100, shape).astype(kind)
    for tag, turn in UPRIGHT.items():
        more = {
            "photometric": "rgb" if shape[2:] == (3,) else "minisblack",
            "extratags": [(274, 3, 1, tag, False)],
        }
        tifffile.imwrite(tmp_path / "0.tif", values, **more, planarconfig="contig" if shape[2:] else None)
        with scaled_by((0.0, 100.0)):
            np.testing.assert_allclose(decode(tmp_path / "0.tif").squeeze(), turn(values) / 100, atol=1e-6)


@pytest.mark.parametrize("kind", ["u1", "f8"])
def test_each_page_stands_as_its_tag_says(tmp_path: Path, kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 100, (6, 8)).astype(kind)
    with tifffile.TiffWriter(tmp_path / "0.tif") as file:
        file.write(values, photometric="minisblack")
        file.write(np.rot90(values).copy(), photometric="minisblack", extratags=[(274, 3, 1, 6, False)])
    with scaled_by(Reading((0, 100), "bands")):
        image = decode(tmp_path / "0.tif")
    np.testing.assert_allclose(image, np.stack([values, values], -1) / 100, atol=1e-6)


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_where_0_is_white_all_readers_turn_numbers_round(tmp_path: Path, kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 256, (6, 8)).astype(kind)
    tifffile.imwrite(tmp_path / "0.tif", values, photometric="miniswhite")
    right = float(np.iinfo(kind).max) - values
    np.testing.assert_array_equal(read(tmp_path / "0.tif", "x"), right)
    with scaled_by((0.0, right.max())):
        np.testing.assert_allclose(decode(tmp_path / "0.tif")[..., 0], right / right.max(), atol=1e-6)
    tifffile.imwrite(tmp_path / "1.tif", values.astype("i2"), photometric="miniswhite")
    with pytest.raises(DataError, match="got int16 whose lowest is white"):
        read(tmp_path / "1.tif", "x")


@pytest.mark.parametrize(
    ("second", "said"), [(np.zeros((6, 8), "i1"), "6 x 8 int8"), (np.zeros((3, 4), "u1"), "3 x 4 uint8")]
)
def test_pages_with_a_sign_and_thumbnails_are_no_bands(tmp_path: Path, second: Any, said: str) -> None:
    with tifffile.TiffWriter(tmp_path / "0.tif") as file:
        file.write(np.ones((6, 8), np.uint8), photometric="minisblack")
        file.write(second, photometric="minisblack", subfiletype=1)
    with (
        scaled_by(Reading(pages="bands")),
        pytest.raises(DataError, match=f"as the first, got page 2 of {said}"),
    ):
        decode(tmp_path / "0.tif")


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_deep_inks_become_the_rgb_that_pillow_makes_of_bytes(tmp_path: Path, planes: str) -> None:
    inks = np.random.default_rng(0).integers(0, 256, (6, 8, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "8.tif", inks, photometric="separated")
    deep = inks.astype(np.uint16) * 257
    stored = deep if planes == "contig" else deep.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "16.tif", stored, photometric="separated", planarconfig=planes)
    right = np.asarray(Image.open(tmp_path / "8.tif").convert("RGB")) / 255
    np.testing.assert_allclose(decode(tmp_path / "16.tif"), right, atol=1 / 255)


COLOURS: Any = {
    "CIELAB of 16 bits": ((6, 8, 3), np.uint16, {"photometric": "cielab"}),
    "YCBCR of 16 bits": ((6, 8, 3), np.uint16, {"photometric": "ycbcr"}),
    "PALETTE of 16 bits": (
        (6, 8), np.uint16, {"photometric": "palette", "colormap": np.zeros((3, 65536), np.uint16)}
    ),
    "6 x 8 x 4 float32": ((6, 8, 4), np.float32, {"photometric": "separated"}),
    "6 x 8 x 4 uint16 of other inks": (
        (6, 8, 4), np.uint16, {"photometric": "separated", "extratags": [(332, "H", 1, 2, True)]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("said", COLOURS)
def test_colours_that_are_no_rgb_are_never_taken_for_it(tmp_path: Path, said: str) -> None:
    shape, kind, more = COLOURS[said]
    tifffile.imwrite(tmp_path / "0.tif", np.ones(shape, kind), **more)
    with pytest.raises(DataError, match=f"got {said}; save it as RGB"):
        read(tmp_path / "0.tif", "x")


def test_an_image_of_lab_in_16_bits_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "0.tif", np.ones((6, 8, 3), np.uint16), photometric="cielab")
    with pytest.raises(zoo.ZooError, match="expected gray, RGB or CMYK"):
        decode(tmp_path / "0.tif")
