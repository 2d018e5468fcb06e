"""Near-duplicates on one side: drawn splits, folds and groups, what is refused, and what is remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.as_trained import as_trained
from zoo.data.division import alike as alike_module
from zoo.data.inspection.report import report
from zoo.data.section import section_of
from zoo.data.splits import split
from zoo.data.view import AlikeTogether, Folded, Subset, alike_asked
from zoo.images.near_duplicates import Thumbnail
from zoo.interfaces.dataset import Dataset
from zoo.runtime.data_arguments import as_dataset, data_value
from zoo.spec.errors import OptionError

TOGETHER = {"near_duplicates": "together"}


def write(folder: Path, label: str, count: int, *, copies: int = 3, seed: int = 0) -> None:
    """Smooth images, each saved at several sizes and qualities."""
    (folder / label).mkdir(parents=True)
    rng = np.random.default_rng([len(label), seed])
    for i in range(count):
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        for copy in range(copies):
            image = small.resize((40 + 8 * copy, 40 + 8 * copy), Image.Resampling.BICUBIC)
            image.save(folder / label / f"{i}{'xyz'[copy]}.jpg", quality=95 - copy)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for label in ("cat", "horse"):
        write(tmp_path / "photos", label, 8)
    return tmp_path / "photos"


def originals(data: Dataset, indices: tuple[int, ...]) -> set[str]:
    return {str(Path(data.name(i)).with_suffix(""))[:-1] for i in indices}


def sides(data: Dataset, seed: int) -> list[set[str]]:
    found = split(data, seed)
    return [originals(data, side) for side in (found.train, found.val, found.test)]


def test_copies_that_differ_stay_on_one_side_where_it_is_asked(photos: Path) -> None:
    for seed in range(3):
        train, val, test = sides(as_dataset({"path": str(photos), **TOGETHER}), seed)
        assert not (train & val or train & test or val & test)
        assert len(train | val | test) == 16
        assert val
        assert test
    # Else they part: what the option is for
    train, _, test = sides(as_dataset(photos), 0)
    assert train & test


def test_folds_and_a_view_of_some_keep_them_together_too(photos: Path) -> None:
    data = as_dataset({"path": str(photos), **TOGETHER})
    tested = [originals(data, split(Folded(data, (number, 4)), 0).test) for number in range(1, 5)]
    assert sum(map(len, tested)) == len(set.union(*tested)) == 16
    every, kept = alike_asked(data), [5, 0, 1]
    assert every is not None
    assert alike_asked(Subset(data, kept)) == [every[i] for i in kept]


def test_they_join_groups_which_join_them(photos: Path) -> None:
    """Images are alike by threes, and a group has the x of one and the y of the next: all are one."""
    data = as_dataset(photos)
    names = [f"{Path(data.name(i)).parent.name}{Path(data.name(i)).stem}" for i in range(len(data))]
    chained = [
        str((int(name[-2]) + (name[-1] == "y")) % 8) if name.startswith("cat") and name[-1] in "xy" else None
        for name in names
    ]
    data.group_of = chained.__getitem__  # type: ignore[method-assign]
    found = split(AlikeTogether(data), 0)
    cats = [i for i, name in enumerate(names) if name.startswith("cat")]
    assert sum({*cats} <= {*side} for side in (found.train, found.val, found.test)) == 1


def test_where_all_splits_or_folds_are_the_users_it_is_refused(photos: Path) -> None:
    for name in ("train", "val"):
        for label in ("cat", "horse"):
            write(photos.parent / "apart" / name, label, 2, seed=len(name))
    data = as_dataset({"path": str(photos.parent / "apart"), **TOGETHER})
    refused = "near_duplicates: expected splits that are drawn, got splits of your own; leave it out"
    with pytest.raises(OptionError, match=refused):
        split(data)
    assert any(refused in finding.text for finding in report(data).findings if finding.stops)
    # Folds are drawn from them
    assert split(Folded(data, (1, 2))).test
    source = as_dataset(photos)
    source.fold_of = lambda index: index % 2  # type: ignore[method-assign]
    with pytest.raises(OptionError, match="got folds of your own"):
        split(Folded(AlikeTogether(source), (1, 2)))


def test_what_lies_in_the_users_test_split_and_outside_is_told(photos: Path) -> None:
    """Val is drawn from train, so that the option counts; the same originals are in the test."""
    for name in ("train", "test"):
        for label in ("cat", "horse"):
            write(photos.parent / "two" / name, label, 8, copies=1 + (name == "train"))
    for file in (photos.parent / "two" / "test").rglob("*.jpg"):
        with Image.open(file) as image:
            image.resize((90, 90)).save(file)
    with pytest.warns(UserWarning, match="16 groups of images look alike in the test split and outside"):
        train, val, _ = sides(as_dataset({"path": str(photos.parent / "two"), **TOGETHER}), 0)
    assert not train & val


def test_a_chain_of_most_images_is_told(tmp_path: Path) -> None:
    write(tmp_path / "photos", "cat", 1)
    write(tmp_path / "photos", "horse", 2, copies=1)
    data = as_dataset({"path": str(tmp_path / "photos"), **TOGETHER})
    with pytest.warns(UserWarning, match=r"3 images of 5 look alike, each like another"):
        split(data, training=False)


def test_images_are_looked_at_once_until_one_of_them_changes(
    photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    looked: list[int] = []
    compared = alike_module.look_alikes

    def counting(found: list[Thumbnail]) -> list[list[int]]:
        looked.append(len(found))
        return compared(found)

    monkeypatch.setattr(alike_module, "look_alikes", counting)
    value = {"path": str(photos), **TOGETHER}
    first = split(as_dataset(value))
    assert split(as_dataset(value)) == first
    assert looked == [48]
    (photos / "cat" / "0x.jpg").write_bytes((photos / "horse" / "1x.jpg").read_bytes())
    assert alike_asked(as_dataset(value)) != alike_asked(as_dataset(photos))
    assert looked == [48, 48]


def test_it_is_an_option_of_any_data_and_belongs_to_the_splits(photos: Path) -> None:
    value = {"path": str(photos), **TOGETHER}
    recorded = data_value(value)
    assert recorded == {"path": "file:photos", **TOGETHER}
    # The test split that was never seen is found again, of the same data alone
    assert section_of(as_trained(photos, recorded, "evaluate")).options.near_duplicates == "together"
    assert as_trained(photos / "cat", recorded, "evaluate").options.near_duplicates is None
    assert any("and stay in one split" in finding.text for finding in report(as_dataset(value)).findings)
    with pytest.raises(OptionError, match="near_duplicates"):
        section_of({"path": str(photos), "near_duplicates": "apart"})
