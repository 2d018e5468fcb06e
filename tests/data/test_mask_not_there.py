"""A cell of masks that names no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.data.masks import read_mask
from zoo.spec.errors import DataError


def test_the_error_names_the_place_and_the_column_to_say(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"mask cat: expected a file of a mask, got nothing at .*cat; .*mask="
    ) as e:
        read_mask(tmp_path / "cat", "mask cat")
    assert "Errno" not in str(e.value)
