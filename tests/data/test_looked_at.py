"""What a report says word by word, and each finding on data that are made for it."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.data import reading
from zoo.data.imbalance import class_counts
from zoo.data.inspection.findings import Finding
from zoo.data.inspection.report import report
from zoo.data.inspection.reported import Report
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.splits import split
from zoo.images.near_duplicates import look_alikes, thumbnail
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks.choice import BY_NAME

Make = Callable[..., Path]
RNG = np.random.default_rng(1)


def told(**facts: Any) -> Report:
    """A report of nothing but the facts."""
    nothing: dict[str, Any] = {
        "source": "s", "images": 3, "readable": 3, "classes": {}, "pixels": {}, "splits": {}, "task": None,
        "height": None, "width": None, "aspect": None, "formats": {}, "kinds": {}, "turned": 0,
        "findings": (),
    }  # fmt: skip
    return Report(**{**nothing, **facts})


def named(count: int) -> tuple[str, ...]:
    return tuple(f"{i}.png" for i in range(count))


# -- words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ({}, "s: 3 images, no classes, no targets"),
        ({"readable": 2, "task": "binary"}, "s: 3 images, 2 of them readable, no classes, task binary"),
        ({"classes": {"a": 1, "b": 2}}, "s: 3 images, 2 classes, no targets"),
        ({"pixels": {"a": (1, 0.5), "b": (2, 0.5)}}, "s: 3 images, 2 classes of pixels, no targets"),
        (
            {"pixels": {"a": (1, 0.5), "not counted": (2, 0.5)}},
            "s: 3 images, 1 class of pixels, no targets",
        ),
    ],
)
def test_a_report_begins_with_what_there_is(facts: dict[str, Any], first: str) -> None:
    found = told(**facts)
    assert repr(found).splitlines()[0] == first
    assert first in found._repr_html_()


def test_a_report_is_told_part_by_part() -> None:
    found = told(
        classes={"cat": 1, "dog": 3}, splits={"train": {"cat": 1}, "test": {"cat": 0, "dog": 3}},
        height=(5, 6.5, 8), width=(5, 6, 8), aspect=(0.5, 1, 1.333), formats={"PNG": 2, "GIF": 1},
        kinds={"gray": 3}, turned=2,
        findings=(Finding(True, "stop", named(6)), Finding(False, "look", named(5)), Finding(False, "so")),
    )  # fmt: skip
    assert repr(found).split("\n\n") == [
        "s: 3 images, 2 classes, no targets",
        "CLASS  IMAGES  SHARE  TRAIN  TEST\n"
        "cat         1  25.0%      1     0\n"
        "dog         3  75.0%            3",
        "PIXELS          LEAST  MEDIAN  MOST\n"
        "height              5    6.50     8\n"
        "width               5       6     8\n"
        "width / height   0.50       1  1.33",
        "formats  PNG 2, GIF 1\nkinds    gray 3\nturned   2 upright by their EXIF tag",
        "stops a training\n- stop\n    0.png\n    1.png\n    2.png\n    3.png\n    4.png\n"
        "    and 1 more (--json lists all)",
        "worth a look\n- look\n    0.png\n    1.png\n    2.png\n    3.png\n    4.png\n- so",
    ]  # fmt: skip
    assert not found.ok
    page = found._repr_html_()
    for words in ("cat", "width / height", "formats  PNG 2, GIF 1", "and 1 more", "worth a look"):
        assert words in page
    assert "nothing stops a training" not in page


def test_where_nothing_stops_a_training_it_is_said() -> None:
    found = told(findings=(Finding(False, "look"),))
    assert repr(found).endswith("- look\n\nnothing stops a training")
    assert "nothing stops a training" in found._repr_html_()
    assert repr(told()).split("\n\n") == ["s: 3 images, no classes, no targets", "nothing stops a training"]


@pytest.mark.parametrize(
    ("counts", "below"),
    [
        ([5] * 30, None),
        ([5] * 30 + [2], "and 1 more class of 2 images"),
        ([5] * 30 + [2, 2], "and 2 more classes of 2 images"),
        ([5] * 30 + [2, 4, 3], "and 3 more classes of 2 to 4 images"),
    ],
)
def test_thirty_classes_are_shown_and_the_others_told_by_their_images(
    counts: list[int], below: str | None
) -> None:
    table = repr(told(classes={f"c{i}": n for i, n in enumerate(counts)})).split("\n\n")[1].splitlines()
    assert (len(table), table[-1].startswith("and")) == (31 + bool(below), bool(below))
    assert below in (None, table[-1])


def test_pixels_and_splits_of_data_without_classes_are_told() -> None:
    pixels = {f"c{i}": (i, i / 1000) for i in range(31)}
    text = repr(told(pixels=pixels, splits={"train": {"": 3}, "val": {"": 1}})).split("\n\n")[1]
    lines = text.splitlines()
    assert lines[:3] == ["CLASS  IMAGES  PIXELS", "c0          0    0.0%", "c1          1    0.1%"]
    assert lines[-3:] == ["c29        29    2.9%", "and 1 more classes", "train 3  val 1"]


# -- reading -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (4, 4), (64, 8)])
def test_as_many_threads_as_cores_read_but_eight_at_most(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, threads: int
) -> None:
    asked: list[int] = []
    real = reading.ThreadPoolExecutor
    monkeypatch.setattr(reading, "ThreadPoolExecutor", lambda count: asked.append(count) or real(count))
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert reading.in_threads(lambda x: 2 * x, [3, 1, 2], "doubling") == [6, 2, 4]
    assert asked == [threads]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_shown_on_a_terminal_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for screen, said in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", screen)
        assert reading.in_threads(str, [1, 2], "reading images") == ["1", "2"]
        assert ("reading images" in screen.getvalue()) == said


# -- classes -------------------------------------------------------------------------------------------


class Told(Dataset):
    """Data by their targets; every image is one pixel."""

    def __init__(self, targets: Sequence[Any], labels: Sequence[str] = ("x", "y")) -> None:
        self._targets, self.labels = targets, tuple(labels)

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((1, 1, 1), index, np.uint8), self._targets[index])

    @property
    def targets(self) -> Sequence[Any]:
        return self._targets


@pytest.mark.parametrize(
    ("targets", "labels", "expected"),
    [
        ([0, 1, 1], "xy", {"x": 1, "y": 2}),
        ([1, 1], "xy", {"x": 0, "y": 2}),
        ([0, 1], "", {}),
        ([[1, 0], (1, 1)], "xy", {"x": 2, "y": 1}),
        ([[1, 0], [1, 1, 1]], "xy", {}),
        (["ab", "cd"], "xy", {}),
        ([[1, [0]], [1, 0]], "xy", {}),
        ([[[0], 1], [1, 0]], "xy", {}),
        ([0.5, 1.5], "xy", {}),
        ([0, 0.5], "xy", {}),
        ([[0.5, 1.5], [2.0, 3.0]], "xy", {}),
    ],
)
def test_images_are_counted_by_class_or_by_label(
    targets: list[Any], labels: str, expected: dict[str, int]
) -> None:
    assert class_counts(Told(targets, labels)) == expected


# -- findings ------------------------------------------------------------------------------------------


def texts(root: Path) -> dict[str, tuple[str, ...]]:
    return {finding.text: finding.names for finding in report(root).findings}


def drawn(file: Path, *, brighter: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.add.outer(np.arange(16) * 3, np.arange(18) * 9)
    Image.fromarray((ramp + brighter).astype(np.uint8)).save(file)


def test_look_alikes_are_told_where_they_may_part(make: Make) -> None:
    root = make({"a": 4, "b": 4})
    drawn(root / "a" / "one.png")
    drawn(root / "a" / "two.png", brighter=2)
    shutil.copy(root / "a" / "two.png", root / "a" / "copy.png")
    assert texts(root) == {
        "1 image more than once; all copies go to the same split": ("a/copy.png = a/two.png",),
        "1 group of images look alike, and may end up in different splits; the option "
        "near_duplicates='together' keeps them in one": ("a/copy.png = a/one.png",),
    }


@pytest.mark.parametrize("other", ["train", "test"])
def test_look_alikes_in_the_users_splits_are_told_where_they_lie_apart(make: Make, other: str) -> None:
    root = make({f"{s}/{c}": 4 for s in ("train", "test") for c in "ab"})
    drawn(root / "train" / "a" / "one.png")
    drawn(root / other / "a" / "two.png", brighter=2)
    found = texts(root)
    if other == "train":
        assert found == {}
        return
    assert found == {
        "1 group of images look alike, in more than one split: figures may be too good": (
            "test/a/two.png = train/a/one.png",
        )
    }


def test_copies_and_classes_are_told_in_one_or_in_many(make: Make) -> None:
    root = make({"a": 2, "b": 1, "c": 12})
    for i in (0, 1):
        shutil.copy(root / "c" / f"{i}.png", root / "c" / f"copy{i}.png")
        shutil.copy(root / "c" / f"{i + 4}.png", root / "b" / f"other{i}.png")
    found = texts(root)
    assert found["2 images more than once; all copies go to the same split"] == (
        "c/0.png = c/copy0.png", "c/1.png = c/copy1.png",
    )  # fmt: skip
    assert found["2 images with two labels; at least one of them is wrong"] == (
        "b/other0.png = c/4.png", "b/other1.png = c/5.png",
    )  # fmt: skip
    assert found["1 class of fewer than 3 images, not enough for val and test"] == ("a: 2",)
    shutil.rmtree(root / "b")
    (root / "b").mkdir()
    shutil.copy(root / "c" / "7.png", root / "b" / "x.png")
    assert "2 classes of fewer than 3 images, not enough for val and test" in texts(root)


def test_small_classes_are_no_matter_where_the_user_made_the_splits(make: Make) -> None:
    root = make({f"{s}/{c}": 1 for s in ("train", "val", "test") for c in "ab"})
    (root / "notes.txt").write_text("x")
    (root / "train" / "x.md").write_text("x")
    shutil.copy(root / "train/a/0.png", root / "odd.png")
    (root / "odd.png").write_bytes((root / "odd.png").read_bytes() + b"\0")
    assert texts(root) == {
        "1 file outside the class folders, and not used": ("odd.png",),
        "2 files called like no image, and not used": ("notes.txt", "train/x.md"),
    }


def test_classes_in_no_mask_are_told_and_pixels_are_counted(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for i, values in enumerate(([[0, 0, 2, 255]], [[0, 0, 0, 0]])):
        pixels = RNG.integers(0, 256, (1, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{i}.png")
        Image.fromarray(np.array(values, np.uint8)).save(tmp_path / "masks" / f"{i}.png")
    (tmp_path / "classes.txt").write_text("ground\nsky\nsea\nice\n")
    data = MaskFolders(tmp_path)
    found = report(data, "masks")
    assert found.pixels == {
        "ground": (2, 0.75), "sky": (0, 0), "sea": (1, 0.125), "ice": (0, 0), "not counted": (1, 0.125),
    }  # fmt: skip
    assert (found.aspect, found.height, found.width) == ((4, 4, 4), (1, 1, 1), (4, 4, 4))
    assert {f.text: f.names for f in found.findings if "mask" in f.text} == {
        "2 classes in no mask": ("sky", "ice")
    }
    (tmp_path / "classes.txt").write_text("ground\nsky\nsea\n")
    assert [f.text for f in report(MaskFolders(tmp_path)).findings if "mask" in f.text] == [
        "1 class in no mask"
    ]


class Pixels(Told):
    """Images that are given."""

    def __init__(self, *images: np.ndarray) -> None:
        super().__init__([0, 1] * (len(images) // 2))
        self.images = images

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.images[index], self._targets[index])


def test_images_that_are_no_files_are_called_by_their_channels() -> None:
    shapes = [(2, 4, 1), (2, 4, 2), (2, 4, 3), (2, 4, 4), (2, 4, 5), (3, 4, 3)]
    images = [RNG.integers(0, 256, shape, dtype=np.uint8) for shape in shapes[:5]]
    found = report(Pixels(*images, RNG.random(shapes[5], dtype=np.float32)))
    assert found.source == "pixels"
    assert found.kinds == {
        "gray": 1, "gray with alpha": 1, "colour": 1, "colour with alpha": 1, "5 channels": 1,
        "float colour": 1,
    }  # fmt: skip
    assert (found.height, found.width, found.aspect) == ((2, 2, 3), (4, 4, 4), (1.333, 2, 2))
    assert (found.formats, found.turned, found.splits, found.task) == ({}, 0, {}, None)
    assert found.classes == {"x": 3, "y": 3}


def test_the_middle_of_two_sizes_lies_between_them() -> None:
    found = report(Pixels(*(RNG.integers(0, 256, (h, 4, 1), dtype=np.uint8) for h in (2, 3))))
    assert found.height == (2, 2.5, 3)


def test_a_task_is_named() -> None:
    data = Pixels(*(RNG.integers(0, 256, (2, 2, 1), dtype=np.uint8) for _ in range(2)))
    data.task = BY_NAME["regression"]
    assert report(data).task == "regression"


# -- thumbnails ----------------------------------------------------------------------------------------


def test_a_thumbnail_is_gray_without_alpha_whatever_the_channels() -> None:
    gray = np.repeat(np.arange(0, 216, 3, np.uint8).reshape(8, 9)[..., None], 3, axis=2)
    alpha = np.full((8, 9, 1), 7, np.uint8)
    for image in (
        gray, gray[..., :1], np.concatenate([gray, alpha], axis=2),
        np.concatenate([gray[..., :1], alpha], axis=2), gray.astype(np.float32) / 255,
    ):  # fmt: skip
        np.testing.assert_array_equal(thumbnail(image), gray[..., 0])
    red = np.zeros((8, 9, 3), np.uint8)
    red[..., 0] = 200
    assert {*thumbnail(red).ravel().tolist()} == {60}  # 0.299 * 200
    large = np.kron(gray, np.ones((4, 5, 1), np.uint8))
    np.testing.assert_array_equal(thumbnail(large), gray[..., 0])


def flipped(base: np.ndarray, bits: int) -> np.ndarray:
    """The ramp with so many places no brighter than the one to their left, and otherwise nearly the same."""
    changed = base.copy()
    for k in range(bits):
        changed[k, 4] = changed[k, 3]
    return changed


@pytest.mark.parametrize(("bits", "alike"), [(0, True), (3, True), (4, False)])
def test_alike_are_those_that_differ_in_three_places_at_most(bits: int, alike: bool) -> None:
    base = np.arange(0, 216, 3, np.uint8).reshape(8, 9)
    assert look_alikes([base, flipped(base, bits)]) == ([[0, 1]] if alike else [])


@pytest.mark.parametrize(("brighter", "alike"), [(4, True), (5, False)])
def test_alike_are_those_that_differ_by_four_gray_values_at_most(brighter: int, alike: bool) -> None:
    base = np.arange(0, 216, 3, np.uint8).reshape(8, 9)
    assert look_alikes([base, base + np.uint8(brighter)]) == ([[0, 1]] if alike else [])


@pytest.mark.parametrize(("contrast", "alike"), [(8, False), (9, True)])
def test_flat_images_are_like_no_other(contrast: int, alike: bool) -> None:
    flat = np.full((8, 9), 100, np.uint8)
    flat[0, 0] += contrast
    assert look_alikes([flat, flat]) == ([[0, 1]] if alike else [])
    assert look_alikes([]) == []


def test_a_chain_of_look_alikes_is_one_group() -> None:
    base = np.arange(0, 216, 3, np.uint8).reshape(8, 9)
    other = base[:, ::-1].copy()
    steps = [base + np.uint8(4 * k) for k in range(4)]
    assert look_alikes([steps[3], other, steps[0], steps[2], steps[1], other]) == [[0, 2, 3, 4], [1, 5]]


def test_tensors_are_reported_as_the_images_that_they_are() -> None:
    class Pairs:
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            return torch.full((1, 2, 2), index / 4), index % 2

    found = report(TorchData(Pairs()))
    assert found.kinds == {"float gray": 4}


def test_samples_without_known_targets_are_read_once_before_training() -> None:
    """Targets and digests, by which splits are drawn, come from one look at each."""

    class Counting:
        def __init__(self) -> None:
            self.reads = [0] * 40

        def __len__(self) -> int:
            return len(self.reads)

        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            self.reads[index] += 1
            return np.full((4, 4, 3), index, np.uint8), index % 2

    source = Counting()
    data = TorchData(source)
    found = split(data)
    assert source.reads == [1] * 40
    assert len({data.key(i) for i in range(40)}) == len(found.train + found.val + found.test) == 40
