"""Reading at a place of a file, as every system can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.spec.disk import systems
from zoo.spec.disk.systems import read_at


@pytest.fixture(params=["as here", "as on Windows", "a bit at a time"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "as on Windows":
        monkeypatch.setattr(systems, "_preadv", None)
    if request.param == "a bit at a time":
        real: Any = systems._preadv
        monkeypatch.setattr(systems, "_preadv", lambda file, into, at: real(file, [into[0][:2]], at))


@pytest.mark.usefixtures("way")
def test_a_buffer_is_filled_from_a_place_or_the_file_is_too_short(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(10)))
    buffer = np.zeros(5, dtype=np.uint8)
    with (tmp_path / "a").open("rb", buffering=0) as file:
        assert read_at(file, buffer, 5)
        assert buffer.tolist() == [5, 6, 7, 8, 9]
        assert not read_at(file, buffer, 6)
        assert not read_at(file, buffer, 100)
        assert read_at(file, buffer, 0)
        assert buffer.tolist() == [0, 1, 2, 3, 4]
