"""Folders as people have them: splits beside others, links, a folder more, unreadable files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data.inspection.report import report
from zoo.data.sources.class_folders import ClassFolders, FoundFolders
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.sources.walk import walk
from zoo.data.splits import split as split_of
from zoo.spec.errors import DataError, ZooWarning

Make = Callable[..., Path]
SPLITS = {f"{split}/{label}": 2 for split in ("train", "val", "test") for label in ("cats", "dogs")}


def image(file: Path, value: int = 0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 6), value, np.uint8)).save(file)
    return file


def link(file: Path, target: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)


def pairs(folder: Path, count: int, first: int = 0) -> None:
    for i in range(first, first + count):
        image(folder / "images" / f"{i}.png", 9 * i)
        image(folder / "masks" / f"{i}.png", i % 2)


@pytest.mark.parametrize("beside", ["extra/unlabelled", "extra", "annotations/old/more"])
def test_a_folder_beside_the_splits_is_left_aside_and_said(make: Make, beside: str) -> None:
    root = make({**SPLITS, beside: 3})
    words = rf"12 images are used, 3 files passed over: 3 beside the split folders \({beside}/0\.png"
    with pytest.warns(ZooWarning, match=words):
        data = ClassFolders(root)
    assert data.labels == ("cats", "dogs")
    assert {data.split_of(i) for i in range(12)} == {"train", "val", "test"}


def test_a_folder_without_images_beside_the_splits_is_no_matter(make: Make) -> None:
    root = make({**SPLITS})
    (root / "annotations").mkdir()
    (root / "annotations" / "all.json").write_text("{}")
    assert ClassFolders(root).labels == ("cats", "dogs")


def test_who_counts_the_folders_otherwise_is_told_which_are_no_classes(make: Make, tmp_path: Path) -> None:
    root = make({**SPLITS, "extra": 1})
    model = zoo.build("mlp", head="multiclass", classes=4, input_size=8, seed=0)
    words = (
        r"got 2 \('cats', 'dogs'\).*folders test, train, val are splits, and what lies beside them \(extra\)"
    )
    with pytest.warns(ZooWarning), pytest.raises(DataError, match=words):
        zoo.fit(model, root, out=tmp_path / "run")


def test_a_class_may_be_called_like_a_split(make: Make) -> None:
    assert ClassFolders(make({"train": 2, "plane": 2, "car": 2})).labels == ("car", "plane", "train")


@pytest.mark.parametrize(
    "counts", [{"train": 2, "test": 2, "extra": 1}, {"train/cats": 2, "train/dogs": 2, "extra": 1}]
)
def test_what_may_be_splits_or_classes_is_refused(make: Make, counts: dict[str, int]) -> None:
    with pytest.raises(
        DataError, match=r"expected split folders .*, got .*train/ beside extra/; move extra/"
    ) as caught:
        ClassFolders(make(counts))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("around", "counts"),
    [
        ("data", SPLITS),
        ("a/b", {"cats": 2, "dogs": 2}),
        ("data", {"train/train/cats": 1, "train/train/dogs": 1}),
    ],
)
def test_a_folder_around_all_is_read_through_and_said(
    make: Make, around: str, counts: dict[str, int]
) -> None:
    root = make({f"{around}/{folder}": count for folder, count in counts.items()})
    with pytest.warns(
        ZooWarning, match=rf"its only folder, .*{around}, is read in its place, .*'cats', 'dogs'"
    ):
        data = ClassFolders(root)
    assert data.labels == ("cats", "dogs")
    assert {data.split_of(i) for i in range(len(data))} == {
        folder.split("/")[0] if "/" in folder else None for folder in counts
    }


def test_one_class_is_one_class_however_deep(make: Make) -> None:
    with pytest.raises(DataError, match="expected at least 2 classes, got one, 'photos'"):
        ClassFolders(make({"photos": 3}).parent)


def test_loose_files_and_files_that_cannot_be_read_are_counted(make: Make) -> None:
    root = make({"cats": 4, "dogs": 4})
    for i in range(5):
        (root / "cats" / f"{i}.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (root / "dogs" / "photo").write_bytes(b"x")
    (root / "dogs" / "notes.txt").write_text("x")
    image(root / "loose.png")
    words = (
        r"8 images are used, 7 files passed over: 1 outside the class folders \(loose\.png\); "
        r"5 \.HEIC, 1 without a suffix, called like no image that can be read"
    )
    with pytest.warns(ZooWarning, match=words):
        ClassFolders(root)
    (root / "dogs" / "photo").unlink()
    (root / "loose.png").unlink()
    for file in root.glob("cats/*.HEIC"):
        file.unlink()
    ClassFolders(root)  # a note beside images is no news


def test_a_class_of_files_that_cannot_be_read_says_what_they_are(make: Make) -> None:
    root = make({"cats": 2, "dogs": 2, "birds": 0})
    (root / "birds" / "1.HEIC").write_bytes(b"x")
    with pytest.raises(DataError, match=r"birds: expected images, got none that can be read \(1 \.HEIC\)"):
        ClassFolders(root)


def test_links_are_followed_in_every_layout(make: Make, tmp_path: Path) -> None:
    big = make({"cats/a": 2, "dogs": 2})
    for kind in ("cats", "dogs"):
        link(tmp_path / "cls" / kind, big / kind)
        link(tmp_path / "deep" / kind / "one", big / kind)
    link(tmp_path / "flat" / "shots", big)
    link(tmp_path / "file" / "cats" / "1.png", big / "cats" / "a" / "0.png")
    link(tmp_path / "file" / "dogs" / "1.png", big / "dogs" / "0.png")
    assert [len(ClassFolders(tmp_path / name)) for name in ("cls", "deep", "file")] == [4, 4, 2]
    assert len(ImageFolder(tmp_path / "flat")) == 4
    pairs(tmp_path / "store", 4)
    for name in ("images", "masks"):
        link(tmp_path / "seg" / name, tmp_path / "store" / name)
    assert len(MaskFolders(tmp_path / "seg")) == 4
    link(tmp_path / "all", big)
    assert len(ClassFolders(tmp_path / "all")) == 4


def test_loops_and_links_to_nothing_are_passed_over_and_said(make: Make) -> None:
    root = make({"cats": 2, "dogs": 2})
    link(root / "cats" / "up", root)
    link(root / "dogs" / "7.png", root / "gone.png")
    link(root / "dogs" / "mine", root / "cats")  # a folder of another class: its images are of both
    words = r"passed over: 1 link that leads nowhere \(dogs/7\.png\); 2 links to .* already \(cats/up, .*\)"
    with pytest.warns(ZooWarning, match=words):
        data = ClassFolders(root)
    assert len(data) == 6
    with pytest.warns(ZooWarning, match="already"):
        assert len(ImageFolder(root)) == 4
    assert len(walk(root).again) == 2


def test_two_links_to_one_folder_are_read_once(make: Make) -> None:
    root = make({"cats/new": 2, "dogs": 2})
    link(root / "cats" / "newest", root / "cats" / "new")
    with pytest.warns(ZooWarning, match=r"already \(cats/newest\)"):
        assert len(ClassFolders(root)) == 4


def test_a_loose_pair_does_not_drop_the_splits(tmp_path: Path) -> None:
    pairs(tmp_path / "train", 4)
    pairs(tmp_path / "test", 2, 10)
    pairs(tmp_path, 1, 20)
    image(tmp_path / "cover.png")
    words = (
        r"6 images are used, 2 files .*: 1 beside the split folders .*; 1 neither in images/ nor in masks/"
    )
    with pytest.warns(ZooWarning, match=words):
        data = MaskFolders(tmp_path)
    assert [data.split_of(i) for i in range(6)] == ["test"] * 2 + ["train"] * 4


@pytest.mark.parametrize("layout", ["{split}/{kind}", "{kind}/{split}", "archive/data/{split}/{kind}"])
def test_splits_of_masks_lie_above_or_below(tmp_path: Path, layout: str) -> None:
    for i, split in enumerate(("train", "val", "test")):
        for kind in ("images", "masks"):
            folder = tmp_path / layout.format(split=split, kind=kind)
            for k in range(2):
                image(folder / f"{10 * i + k}.png", k if kind == "masks" else 20 * i + k)
    (tmp_path / layout.partition("{")[0] / "classes.txt").write_text("sky\ntree\n")
    data = MaskFolders(tmp_path)
    assert sorted(str(data.split_of(i)) for i in range(6)) == ["test"] * 2 + ["train"] * 2 + ["val"] * 2
    assert data.labels == ("sky", "tree")


def test_one_folder_called_test_beside_others_is_no_split_and_said(tmp_path: Path) -> None:
    image(tmp_path / "test" / "0.png")
    image(tmp_path / "more" / "1.png")
    with pytest.warns(
        ZooWarning, match=r"folder 'test' is read like what lies beside it \(more/1\.png first\)"
    ):
        data = ImageFolder(tmp_path)
    assert [data.split_of(i) for i in range(2)] == [None, None]


def test_masks_whose_images_cannot_be_read_say_so(tmp_path: Path) -> None:
    pairs(tmp_path, 2)
    image(tmp_path / "masks" / "9.png")
    (tmp_path / "images" / "9.HEIC").write_bytes(b"x")
    with pytest.raises(
        DataError, match=r"expected an image for each mask, got 1 without: 9\.png.*1 \.HEIC, called like no"
    ):
        MaskFolders(tmp_path)


def test_predictions_of_a_folder_say_what_they_pass_over(make: Make) -> None:
    root = make({"a": 2})
    (root / "a" / "3.HEIC").write_bytes(b"x")
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    with pytest.warns(ZooWarning, match=r"2 images are used, 1 file passed over: 1 \.HEIC"):
        assert len(zoo.predict(model, root, progress=False)) == 2


def test_the_report_tells_of_all_that_is_not_used(make: Make) -> None:
    root = make({f"data/{folder}": count for folder, count in {**SPLITS, "extra": 1}.items()})
    link(root / "data" / "train" / "cats" / "x.png", root / "gone")
    link(root / "data" / "train" / "cats" / "up", root)
    found = report(root)
    texts = {finding.text: finding.names for finding in found.findings}
    assert texts["1 file beside the split folders, and not used"] == ("data/extra/0.png",)
    assert texts["1 file behind a link to nothing"] == ("data/train/cats/x.png",)
    assert texts["its only folder, data, is read in the place of the whole"] == ()
    assert FoundFolders(root).labels == ("cats", "dogs")


def test_one_class_is_enough_where_a_model_knows_the_others(make: Make) -> None:
    root = make({"cats": 2})
    with pytest.raises(DataError, match="expected at least 2 classes, got one, 'cats'"):
        ClassFolders(root)
    assert ClassFolders(root, part=True).labels == ("cats",)
    (root / "dogs").mkdir()
    with pytest.raises(DataError, match="dogs: expected images, got none"):
        ClassFolders(root, part=True)


def classes_below(root: Path, folders: dict[str, int]) -> Path:
    for k, (folder, count) in enumerate(folders.items()):
        for i in range(count):
            image(root / folder / f"{i}.png", 40 * k + i)
    return root


@pytest.mark.parametrize(
    "names",
    [("Training", "Testing"), ("train_set", "test_set"), ("train_images", "dev"), ("seg_train", "seg_test")],
)
def test_other_names_of_splits_are_splits(tmp_path: Path, names: tuple[str, str]) -> None:
    root = classes_below(tmp_path, {f"{split}/{label}": 4 for split in names for label in ("cats", "dogs")})
    data = ClassFolders(root)
    assert data.labels == ("cats", "dogs")
    other = "val" if names[1] == "dev" else "test"
    assert [data.split_of(i) for i in range(16)].count("train") == 8
    assert {data.split_of(i) for i in range(16)} == {"train", other}
    assert ImageFolder(root).split_of(0) == (None if names[0] == "seg_train" else other)


def test_names_like_those_of_splits_are_classes_where_they_hold_images(tmp_path: Path) -> None:
    data = ClassFolders(classes_below(tmp_path, {"train_station": 3, "test_tube": 3, "training": 3}))
    assert data.labels == ("test_tube", "train_station", "training")
    assert {data.split_of(i) for i in range(9)} == {None}


def test_splits_inside_of_the_classes_are_splits(tmp_path: Path) -> None:
    parts = {f"{label}/{split}": 3 for label in ("cats", "dogs") for split in ("train", "val", "test")}
    data = ClassFolders(classes_below(tmp_path, parts))
    assert data.labels == ("cats", "dogs")
    assert all(data.split_of(i) == data.files[i].parent.name for i in range(18))
    image(tmp_path / "dogs" / "loose.png", 250)
    text = r"got cats/test/, .*, and 1 image beside them \(dogs/loose.png\); put these into split folders too"
    with pytest.raises(DataError, match=text):
        ClassFolders(tmp_path)


def test_one_folder_of_a_splits_name_inside_of_a_class_says_nothing(tmp_path: Path) -> None:
    data = ClassFolders(classes_below(tmp_path, {"vehicles/train": 3, "vehicles/bus": 3, "animals": 3}))
    assert {data.split_of(i) for i in range(9)} == {None}


def test_with_train_alone_validation_images_are_cut_from_it(tmp_path: Path) -> None:
    classes_below(tmp_path, {"train/cats": 10, "train/dogs": 10, "test": 4})
    with pytest.warns(ZooWarning, match="4 outside the class folders"):
        found = split_of(ClassFolders(tmp_path))
    assert (len(found.train), len(found.val), len(found.test)) == (16, 4, 0)
    with pytest.raises(DataError, match="the data have no test split"):
        found.of("test")


def test_thumbnails_of_a_network_drive_are_passed_over_and_counted(tmp_path: Path) -> None:
    classes_below(tmp_path, {"cats": 3, "cats/@eaDir/0.png": 2, "dogs": 3, "@eaDir": 1, "#recycle/old": 2})
    with pytest.warns(ZooWarning, match="5 files passed over: 5 in folders of a network drive's own"):
        data = ClassFolders(tmp_path)
    assert (data.labels, len(data)) == (("cats", "dogs"), 6)
    assert any("5 files in folders of a network drive" in found.text for found in report(tmp_path).findings)


def test_names_that_are_no_utf_8_are_trained_on_saved_and_drawn(tmp_path: Path) -> None:
    root = classes_below(tmp_path / "d\udce9", {"cats": 6, "th\udce9": 6})
    (root / "cats" / "0.png").rename(root / "cats" / "caf\udce9.png")
    data = ClassFolders(root)
    assert data.labels == ("cats", "thé")
    assert len(data.fingerprint) == 32
    model = zoo.build("mlp", head="binary", in_channels=1, input_size=8, seed=0)
    run = zoo.fit(model, root, epochs=1, out=tmp_path / "r", progress=False)
    assert zoo.load(tmp_path / "r").labels == run.model.labels == ("cats", "thé")
    assert len(zoo.predict(model, root)) == 12
    model.labels = ("cats", "th\udce9")
    zoo.save(model, tmp_path / "m")
    assert zoo.load(tmp_path / "m").labels == model.labels
    assert "th\ufffd" in (tmp_path / "m" / "README.md").read_text(encoding="utf-8")


def test_arrays_among_other_images_are_left_out_and_said(make: Make) -> None:
    root = make({"a": 2, "b": 2})
    np.save(root / "a" / "features.npy", np.zeros((4, 4), np.uint8))
    with pytest.warns(ZooWarning, match=r"1 file passed over: 1 \.npy beside images of other kinds \(a/feat"):
        data = ClassFolders(root)
    assert [file.suffix for file in data.files] == [".png"] * 4
    assert len(data.targets) == 4
    for i, file in enumerate(data.files):
        np.save(root / "ab"[data.targets[i]] / f"{i}.npy", np.zeros((4, 4), np.uint8))
        file.unlink()
    assert len(ClassFolders(root)) == 5  # where there is nothing else, they are the images


@pytest.mark.parametrize("model", [{"name": "mlp", "head": "binary"}, {"name": "autoencoder"}])
def test_images_and_masks_are_no_classes(tmp_path: Path, model: dict[str, str]) -> None:
    pairs(tmp_path, 4)
    with pytest.raises(DataError, match=r"expected class folders, got images in images/ and masks in masks/"):
        zoo.fit({"model": {**model, "input_size": 8}}, tmp_path, epochs=1)


def test_a_link_to_itself_is_a_broken_one(tmp_path: Path) -> None:
    from zoo.data.sources.walk import walk

    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    assert walk(tmp_path).broken == [tmp_path / "a.png"]
