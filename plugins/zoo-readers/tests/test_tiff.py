"""TIFF files of many bands and depths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from zoo_readers.tiff import read

from zoo.errors import DataError
from zoo.interfaces import decode


@pytest.mark.parametrize(
    ("shape", "more", "axes"),
    [
        ((6, 8), {}, None),
        ((6, 8, 5), {"photometric": "minisblack", "planarconfig": "contig"}, None),
        ((5, 6, 8), {"photometric": "minisblack", "planarconfig": "separate"}, (1, 2, 0)),
        ((3, 6, 8), {"photometric": "minisblack"}, (1, 2, 0)),
    ],
)
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


def test_a_stack_is_no_image(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "0.tif", np.zeros((4, 6, 8), np.uint16), imagej=True, metadata={"axes": "ZYX"}
    )
    with pytest.raises(DataError, match="height, width and bands, got Z 4 x Y 6 x X 8"):
        read(tmp_path / "0.tif", "x")
    (tmp_path / "1.tif").write_bytes(b"no")
    with pytest.raises(DataError, match="a TIFF image"):
        read(tmp_path / "1.tif", "x")
