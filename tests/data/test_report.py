"""The report: every fault of a folder at once, each named."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data as skimage_data
from zoo_datasets.embedded import Digits
from zoo_datasets.photos import Photos

from zoo.data.imbalance import class_counts, unbalanced, warn_unbalanced
from zoo.data.inspection.report import Report, report
from zoo.data.sources.class_folders import ClassFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.images.near_duplicates import look_alikes, thumbnail
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Multilabel
from zoo.spec.errors import DataError, ZooWarning

Make = Callable[..., Path]


def texts(found: Report, stops: bool) -> list[str]:
    return [finding.text for finding in found.findings if finding.stops is stops]


def names(found: Report, words: str) -> tuple[str, ...]:
    (finding,) = (f for f in found.findings if words in f.text)
    return finding.names


def test_a_good_folder_has_figures_and_no_findings(make: Make) -> None:
    found = report(make({"a": 4, "b": 6}))
    assert (found.images, found.readable, found.classes, found.task) == (10, 10, {"a": 4, "b": 6}, "binary")
    assert (found.height, found.width, found.aspect) == ((6, 6, 6), (6, 6, 6), (1, 1, 1))
    assert (found.formats, found.kinds) == ({"PNG": 10}, {"colour": 10})
    assert found.findings == ()
    assert found.ok


def test_every_fault_is_reported_at_once(make: Make) -> None:
    root = make({"a": 5, "b": 5, "c": 0})
    (root / "a" / "1.png").write_bytes((root / "a" / "1.png").read_bytes()[:60])
    (root / "b" / "empty.png").write_bytes(b"")
    shutil.copy(root / "a" / "2.png", root / "b" / "9.png")
    shutil.copy(root / "a" / "3.png", root / "a" / "9.png")
    shutil.copy(root / "b" / "0.png", root / "loose.png")
    (root / "a" / "notes.txt").write_text("x")
    found = report(root)
    assert not found.ok
    assert (found.images, found.readable) == (13, 11)
    assert found.classes == {"a": 6, "b": 7, "c": 0}
    assert any("c: expected images, got none" in text for text in texts(found, stops=True))
    unreadable = names(found, "cannot be read")
    assert [name.partition(":")[0] for name in unreadable] == ["a/1.png", "b/empty.png"]
    assert "an empty file" in unreadable[1]
    assert names(found, "two labels") == ("a/2.png = b/9.png",)
    assert names(found, "more than once") == ("a/3.png = a/9.png",)
    assert names(found, "outside the class folders") == ("loose.png",)
    assert names(found, "like no image") == ("a/notes.txt",)


def test_what_stops_the_report_stops_a_training_and_the_other_way_round(make: Make) -> None:
    root = make({"a": 3, "b": 3})
    assert report(root).ok
    few = make({"x/a": 1, "x/b": 1}) / "x"
    assert texts(report(few), stops=True) == [
        "the val split: expected at least one image, got none; add images"
    ]
    (root / "x").rename(root.parent / "x")
    shutil.rmtree(root / "b")
    (text,) = texts(report(root), stops=True)
    with pytest.raises(DataError) as caught:
        ClassFolders(root)
    assert text == str(caught.value)


def test_an_image_in_two_splits_of_the_user_stops(make: Make) -> None:
    root = make({f"{s}/{c}": 3 for s in ("train", "test") for c in "ab"})
    shutil.copy(root / "train" / "a" / "0.png", root / "test" / "a" / "9.png")
    found = report(root)
    assert found.splits == {"train": {"a": 3, "b": 3}, "test": {"a": 4, "b": 3}}
    assert texts(found, stops=True) == ["1 image in more than one split; keep one copy of each"]
    assert names(found, "more than one split") == ("test/a/9.png = train/a/0.png",)


@pytest.mark.parametrize(
    ("shape", "turned"), [((4, 8, 9), 4), ((8, 9, 4), 0), ((1, 9, 4), 0), ((9, 9, 9), 0)]
)
def test_arrays_whose_first_axis_is_the_channels_are_named(
    tmp_path: Path, shape: tuple[int, ...], turned: int
) -> None:
    for i, label in enumerate("aabb"):
        (tmp_path / label).mkdir(exist_ok=True)
        values = np.random.default_rng(i).random(shape, np.float32)
        np.save(tmp_path / label / f"{i}.npy", values)
    found = [len(one.names) for one in report(tmp_path).findings if "not C x H x W" in one.text]
    assert found == [turned] * bool(turned)


def test_kinds_of_files_are_counted(make: Make) -> None:
    root = make({"a": 2, "b": 2})
    image = Image.fromarray(skimage_data.chelsea()[:40, :60])
    image.convert("CMYK").save(root / "a" / "cmyk.jpg")
    image.convert("P").save(root / "a" / "palette.gif")
    image.convert("LA").save(root / "a" / "alpha.png")
    Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60)).save(root / "b" / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.rotate(90).save(root / "b" / "turned.jpg", exif=exif)
    frames = [image.convert("P"), image.rotate(20).convert("P")]
    frames[0].save(root / "b" / "moving.gif", save_all=True, append_images=frames[1:])
    found = report(root)
    assert found.formats == {"PNG": 6, "JPEG": 2, "GIF": 2}
    assert {"CMYK", "palette", "gray with alpha", "16-bit gray", "colour"} == set(found.kinds)
    assert found.turned == 1
    assert found.height == (6, 40, 60)
    assert names(found, "several frames") == ("b/moving.gif",)


@pytest.mark.parametrize(("change", "alike"), [("smaller", True), ("brighter", True), ("mirrored", False)])
def test_resized_and_re_encoded_images_look_alike(tmp_path: Path, change: str, alike: bool) -> None:
    image = Image.fromarray(skimage_data.astronaut())
    changed = {
        "smaller": lambda: image.resize((200, 200)),
        "brighter": lambda: image.point(lambda v: min(v + 3, 255)),
        "mirrored": lambda: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    }[change]()
    changed.save(tmp_path / "a.jpg", quality=60)
    images = [skimage_data.astronaut(), np.asarray(Image.open(tmp_path / "a.jpg")), skimage_data.coffee()]
    assert look_alikes([thumbnail(p) for p in images]) == ([[0, 1]] if alike else [])


def test_look_alikes_are_those_of_comparing_every_pair() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (40, 8, 9)).astype(np.uint8)
    noisy = np.clip(base.astype(int) + rng.integers(-3, 4, base.shape), 0, 255).astype(np.uint8)
    small = [*base, *noisy]
    bits = [(t[:, 1:] > t[:, :-1]).ravel() for t in small]
    expected = {
        (i, j)
        for i in range(80)
        for j in range(i + 1, 80)
        if (bits[i] != bits[j]).sum() <= 3 and np.abs(small[i].astype(int) - small[j]).mean() <= 4
    }
    assert {tuple(group) for group in look_alikes(small)} == expected
    assert len(expected) > 20


def test_the_embedded_sets_have_nothing_that_stops() -> None:
    digits = report(Digits(per_class=20), "digits")
    assert (digits.source, digits.ok, digits.formats) == ("digits", True, {})
    photos = report(Photos(per_photo=2, size=32))
    assert (photos.classes, photos.task, photos.findings) == ({}, None, ())
    assert set(photos.splits) == {"train", "val", "test"}


def test_a_strangers_data_set_that_raises_is_reported() -> None:
    class Broken:
        targets = (0, 1, 0, 1)

        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            if index == 2:
                raise ZeroDivisionError("two")
            return np.full((4, 4), index, np.uint8), self.targets[index]

    found = report(TorchData(Broken()))
    assert names(found, "cannot be read") == ("Broken[2]: ZeroDivisionError: two",)


def test_a_report_is_plain_data(make: Make) -> None:
    found = report(make({"a": 1, "b": 20}))
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["ok"] is found.ok
    assert plain["findings"][-1]["names"] == ["a: 1"]


class Labelled(Dataset):
    task = Multilabel()
    labels = ("rare", "common")

    def __init__(self, rows: Sequence[list[int]]) -> None:
        self._targets = rows

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((2, 2, 1), index, np.uint8), self._targets[index])

    @property
    def targets(self) -> Sequence[list[int]]:
        return self._targets


def test_a_label_that_no_image_has_is_named() -> None:
    assert names(report(Labelled([[0, 1]] * 4)), "1 class without an image") == ("rare",)


def test_less_than_a_quarter_is_unbalanced() -> None:
    assert unbalanced({"a": 10, "b": 40}) is None
    assert "(sampler='balanced'" in (unbalanced({"a": 6, "b": 40}) or "")
    assert unbalanced({}) is None
    with pytest.warns(ZooWarning, match="'rare' 1, 'common' 11, less than a quarter.*: look at each label$"):
        warn_unbalanced(Labelled([[1, 0]] + [[0, 1]] * 11))
    assert unbalanced({"a": 10, "b": 0}) is None  # which is told apart
    warn_unbalanced(Photos(size=32, per_photo=1))
    assert class_counts(Digits(per_class=3)) == {str(i): 3 for i in range(10)}
