"""What is said of data, and how many images a batch has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo.data import reading
from zoo.data.batch_order import Order
from zoo.data.report import report
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.draws import draws, mix
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


class One(Dataset):
    """One image."""

    targets = (0,)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.arange(48, dtype=np.uint8).reshape(4, 6, 2), 0)


def test_the_key_of_an_image_stays_since_splits_follow_from_it() -> None:
    pixels = np.arange(48, dtype=np.uint8).tobytes()
    assert One().key(0) == hashlib.blake2b(pixels, digest_size=16, person=b"(4, 6, 2)").hexdigest()


def test_seeds_fill_their_range_and_every_sample_has_its_own() -> None:
    seeds = [mix("x", i) for i in range(64)]
    assert max(seeds).bit_length() == 63
    assert len({generator.initial_seed() for generator in draws(0, 1, range(9))}) == 9
    assert draws(0, 1, [5])[0].initial_seed() == mix("sample", 0, 1, 5)
