"""What is said of data, and how many images a batch has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from zoo.data import reading
from zoo.data.batch_order import Order
from zoo.data.inspection.report import _pixels, report
from zoo.data.inspection.reported import NOT_COUNTED
from zoo.spec.errors import DataError, ZooWarning

Make = Callable[..., Path]


@pytest.mark.parametrize(
    ("count", "size", "least", "sizes"),
    [(7, 3, 1, [3, 3, 1]), (7, 3, 2, [3, 4]), (6, 3, 2, [3, 3]), (1, 3, 2, [1]),
     (2, 1, 2, [1, 1]), (3, 3, 2, [3])],
)  # fmt: skip
def test_a_batch_has_the_images_that_are_announced(
    count: int, size: int, least: int, sizes: list[int]
) -> None:
    order = Order(range(count), batch_size=size, least=least)
    assert [order.images(step) for step in range(len(order))] == sizes
    assert [len(batch) for batch in order] == sizes
    order.skip = 1
    assert [len(batch) for batch in order] == sizes[1:]
    shares = [[len(b) for b in Order(range(8), batch_size=4, part=(rank, 2))] for rank in (0, 1)]
    assert shares == [[2, 2], [2, 2]]


def test_what_cannot_be_read_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(file: Path, where: str) -> None:
        if file.name == "a":
            raise DataError("broken")
        if file.name == "b":
            raise DataError("image", got="nothing in it")

    monkeypatch.setattr(reading, "read", read)
    with pytest.warns(ZooWarning, match=r"left out 2 of 3 images.*a \(broken\), .*b \(nothing in it\)"):
        assert reading.readable([tmp_path / name for name in "abc"]) == [2]


def test_a_report_in_a_notebook_has_every_finding_under_its_heading(make: Make) -> None:
    folder = make({"a": 4, "b": 6})
    fine = report(folder)
    assert "class" in fine._repr_html_().lower()
    (folder / "a" / "0.png").write_bytes(b"")
    found = report(folder)
    assert found.findings
    page = found._repr_html_()
    for finding in found.findings:
        assert finding.text.split(":")[0].replace("<", "&lt;") in page
    assert len(page) > len(fine._repr_html_())
    assert f"{found.images} images" in page
    assert repr(found).startswith(f"{found.source}: {found.images} images")


def test_a_class_of_pixels_is_counted_in_images_and_in_pixels() -> None:
    def seen(**counts: int) -> Any:
        pixels = np.zeros(256, int)
        for name, count in counts.items():
            pixels[int(name[1:])] = count
        return SimpleNamespace(pixels=pixels)

    data: Any = SimpleNamespace(labels=("a", "b"))
    found = _pixels(data, [seen(c0=3, c1=1), seen(c0=3, c255=1)])
    assert found == {"a": (2, 0.75), "b": (1, 0.125), NOT_COUNTED: (1, 0.125)}
    assert _pixels(data, [seen(c0=4)]) == {"a": (1, 1.0), "b": (0, 0.0)}
    assert _pixels(data, []) == {}
