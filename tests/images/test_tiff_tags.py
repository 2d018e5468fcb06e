"""Tags of a TIFF that change its pixels: how it stands, and whether 0 is white."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.depths import _dark
from zoo.images.decode import read
from zoo.images.facts import upright_size
from zoo.images.objects import to_image
from zoo.images.opening import open_image
from zoo.images.ranges import scaled_by
from zoo.spec.errors import DataError

UPRIGHT = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}
"""Arrays as they stand upright, by the tag."""


def drawn(kind: str) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (6, 8))
    return (values if kind == "uint8" else values * 257).astype(kind)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("tag", UPRIGHT)
def test_plain_gray_stands_upright_from_a_path(tmp_path: Path, kind: str, tag: int) -> None:
    values, file = drawn(kind), tmp_path / "0.tif"
    Image.fromarray(values).save(file, tiffinfo={274: tag})
    right = UPRIGHT[tag](values) / np.iinfo(kind).max
    scale = 255 if kind == "uint8" else 1
    for source in (file, io.BytesIO(file.read_bytes())):
        image, facts = read(source, "image")
        np.testing.assert_allclose(image[..., 0] / scale, right, atol=1e-6)
        assert facts.size == right.shape
    np.testing.assert_allclose(to_image(Image.open(file))[..., 0] / scale, right, atol=1e-6)
    with open_image(file) as opened:
        assert upright_size(opened) == right.shape


def test_where_0_is_white_16_bits_are_turned_round(tmp_path: Path) -> None:
    values, file = drawn("uint16"), tmp_path / "0.tif"
    Image.fromarray(values).save(file, tiffinfo={262: 0})
    np.testing.assert_allclose(read(file, "image")[0][..., 0], 1 - values / 65535, atol=1e-6)
    with scaled_by((0.0, 65535.0)):
        np.testing.assert_allclose(read(file, "image")[0][..., 0], 1 - values / 65535, atol=1e-6)


def test_numbers_with_a_sign_have_no_black_where_their_lowest_is_white(tmp_path: Path) -> None:
    Image.fromarray(drawn("uint8") / np.float32(255)).save(tmp_path / "0.tif", tiffinfo={262: 0})
    with pytest.raises(DataError, match=r"got float32 whose lowest is white \(MinIsWhite\); save it as"):
        read(tmp_path / "0.tif", "image")


def test_12_bits_are_no_scale_of_images_below_0(tmp_path: Path) -> None:
    low = np.array([[-1000, 999]], np.int32)
    for i, values in enumerate((low.clip(0), low)):
        Image.fromarray(values.astype(np.int32)).save(tmp_path / f"{i}.tif")
    assert _dark([tmp_path / "0.tif"])
    assert not _dark([tmp_path / "0.tif", tmp_path / "1.tif"])
