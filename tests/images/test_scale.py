"""Each image is put on another scale; the step that is advised brings it back."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from zoo.images.decode import decode
from zoo.images.header import depth
from zoo.images.objects import to_image
from zoo.spec.errors import DataError


@pytest.fixture(autouse=True)
def pillow_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read by Pillow, whatever readers of other files are installed."""
    monkeypatch.setenv("ZOO_DISABLED_PLUGINS", "zoo-readers")


X = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
X[0, 0], X[0, 1] = 0, 1
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


@pytest.mark.parametrize(
    ("values", "words", "not_said"),
    [
        (
            X * 2 - 1,
            r"got -1 to 1; zoo.build\(..., value_range=\(-1, 1\)\), if it was scaled to \[-1, 1\]",
            "255",
        ),
        ((X - MEAN) / STD, r"if it was normalised by mean and std, undo that \(x \* std \+ mean\)", "255"),
        (
            X * 3 - 1,
            r"got -1 to 2; .*; else zoo.build\(..., value_range=\(-1, 2\)\) with the ends of all",
            "255",
        ),
        (X * 255, r"got 0 to 255; divide by 255, or zoo.build\(..., value_range=\(0, 255\)\)$", "white"),
        ((X * 255).round(), r"got 0 to 255; divide by 255, or .*value_range=\(0, 255\)\)$", "white"),
        (
            (X * 255).astype(np.int64),
            r"got int64 0 to 255; convert it to uint8, or .*=\(0, 255\)\)$",
            "divide",
        ),
        ((X * 16).round(), r"got 0 to 16; .*value_range=\(0, 255\)\) with the white of all images", "divide"),
        (
            (X * 65535).astype(np.uint16),
            r"got uint16 0 to 65535; .*value_range=\(0, 65535\)\) with the white of all images$",
            "4095",
        ),
        (
            (X * 4095).round(),
            r"value_range=\(0, 4095\)\) with the white of all images \(not 16383, 65535\)",
            "(0, 255)",
        ),
        (X * 1.04 - 0.02, r"got -0\.02 to 1\.02; clip it to \[0, 1\]", "255"),
        (X * 3000 - 1000, r"of this one they are zoo.build\(..., value_range=\(-1000, 2000\)\)$", "255"),
        (X * 0.003 - 0.002, r"if it was scaled to \[-1, 1\]", "255"),
        (X * 70 - 20, r"of this one they are zoo.build\(..., value_range=\(-20, 50\)\)$", "255"),
        (
            np.where(X > 0.99, np.nan, X),
            r"to nan, \d+ of 3072 no number \(nan or inf\); mend or leave out",
            "divide",
        ),
    ],
)
def test_the_advice_fits_the_values(values: np.ndarray, words: str, not_said: str | None) -> None:
    for form in (values, torch.from_numpy(values.astype(values.dtype)).permute(2, 0, 1)):
        with pytest.raises(DataError, match=words) as error:
            to_image(form)
        assert not_said is None or not_said not in str(error.value)


def tiff(bands: int, bits: int = 8) -> bytes:
    """A TIFF of planes beside each other, 4 x 4 pixels, little-endian; by the specification of TIFF 6.0."""
    plane = 16 * bits // 8
    rows = [
        (256, 3, 1, 4), (257, 3, 1, 4), (258, 3, bands, 400), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, bands, 500), (277, 3, 1, bands), (278, 3, 1, 4), (279, 4, bands, 600), (284, 3, 1, 2),
    ]  # fmt: skip
    content = bytearray(700 + bands * plane)
    struct.pack_into("<2sHI", content, 0, b"II", 42, 8)
    struct.pack_into("<H", content, 8, len(rows))
    for i, (tag, kind, count, value) in enumerate(rows):
        struct.pack_into("<HHII", content, 10 + 12 * i, tag, kind, count, value)
    struct.pack_into(f"<{bands}H", content, 400, *[bits] * bands)
    struct.pack_into(f"<{bands}I", content, 500, *[700 + plane * i for i in range(bands)])
    struct.pack_into(f"<{bands}I", content, 600, *[plane] * bands)
    return bytes(content)


def test_a_good_file_of_other_bands_says_how_many(tmp_path: Path) -> None:
    file = tmp_path / "five.tif"
    file.write_bytes(tiff(5))
    for source in (file, io.BytesIO(tiff(5))):
        with pytest.raises(DataError, match=r"expected 1, 3 or 4 bands .*, got 5 bands of 8 bits, .*; save"):
            decode(source, "image five")
    assert depth(io.BytesIO(tiff(7, 16))) is not None
    assert str(depth(io.BytesIO(tiff(7, 16)))) == "Depth(bands=7, bits=16, other=6)"
    assert depth(io.BytesIO(b"II*\0")) is None
    assert depth(tmp_path / "nowhere.tif") is None
    file.write_bytes(b"II*\0nothing")
    with pytest.raises(DataError, match="expected a readable image"):
        decode(file)
