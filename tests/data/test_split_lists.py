"""Lists of names that say the splits of a folder: as VOC has them, and beside class folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.sources.class_folders import ClassFolders, FoundFolders
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.mask_folders import MaskFolders
from zoo.spec.data_options import MaskOptions
from zoo.spec.errors import ZooWarning

Make = Callable[..., Path]


def lists(folder: Path, **names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in names.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Six images, four of them with masks, and the lists of the two tasks."""
    for i in range(6):
        for place in (f"JPEGImages/2007_{i}.jpg", *([f"SegmentationClass/2007_{i}.png"] if i < 4 else [])):
            file = tmp_path / "voc" / place
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.eye(6, dtype=np.uint8) * (1 if "Seg" in place else 200 + i)).save(file)
    names = [f"2007_{i}" for i in range(6)]
    lists(tmp_path / "voc/ImageSets/Main", train=names[3:], val=names[:3], cat_train=["2007_3 -1"])
    lists(tmp_path / "voc/ImageSets/Segmentation", train=names[:3], val=names[3:4], trainval=names[:4])
    return tmp_path / "voc"


def test_the_lists_of_the_images_that_have_masks_are_taken(voc: Path) -> None:
    with pytest.warns(ZooWarning) as told:
        data = MaskFolders(voc, options=MaskOptions(skip_unpaired=True))
    said = f"data {voc}: splits are those of train.txt, val.txt in ImageSets/Segmentation"
    assert said in [str(warning.message) for warning in told]
    found = {file.stem: data.split_of(i) for i, file in enumerate(data.files)}
    assert found == {"2007_0": "train", "2007_1": "train", "2007_2": "train", "2007_3": "val"}


def test_all_images_have_the_lists_that_name_them_all(voc: Path) -> None:
    (voc / "SegmentationClass").rename(voc.parent / "masks")
    with pytest.warns(ZooWarning, match="in ImageSets/Main"):
        data = ImageFolder(voc)
    assert [data.split_of(i) for i in range(6)] == ["val"] * 3 + ["train"] * 3


@pytest.mark.parametrize(
    "lines",
    [
        lambda file: file.as_posix(),
        lambda file: f"./{file.as_posix()} 1",
        lambda file: str(file.with_suffix("")).replace("/", "\\"),
        lambda file: f"/data/of others/photos/{file.as_posix()} 3",
        lambda file: f"photos/{file.parent}/../{file.as_posix()}",
    ],
)
def test_lines_are_written_in_several_ways(make: Make, lines: Callable[[Path], str]) -> None:
    root = make({"cats": 2, "dogs": 2})
    files = [Path(kind, f"{i}.png") for kind in ("cats", "dogs") for i in range(2)]
    lists(root, training=[lines(f) for f in files[::2]], test_set=[lines(f) for f in files[1::2]])
    with pytest.warns(ZooWarning, match=r"splits are those of .*training.txt in it"):
        data = ClassFolders(root)
    assert [data.split_of(i) for i in range(4)] == ["train", "test"] * 2
    assert FoundFolders(root).layout.splits == ["train", "test"] * 2


@pytest.mark.parametrize(
    ("train", "val", "why"),
    [
        (["cats/0", "dogs/0"], ["cats/1"], "they name 3 of 4 images"),
        (["cats/0", "dogs/0", "dogs/1"], ["cats/1", "dogs/1"], "1 image is in two splits"),
        (["cats/0", "dogs/0", "dogs/1"], ["cats/1", "cats/7"], "1 of 5 names are of no image .*cats/7"),
        (["a", "b"], ["cats/0"], "2 of 3 names are of no image"),
    ],
)
def test_lists_that_do_not_fit_are_said_and_not_taken(
    make: Make, train: list[str], val: list[str], why: str
) -> None:
    root = make({"cats": 2, "dogs": 2})
    lists(root, train=train, val=val)
    with pytest.warns(ZooWarning, match=f"drawn anew, not taken from train.txt, val.txt in it: {why}"):
        data = ClassFolders(root)
    assert {data.split_of(i) for i in range(4)} == {None}


@pytest.mark.parametrize("names", [{"train": ["cats/0"]}, {"classes": ["cats"], "val": ["cats/0"]}])
def test_a_list_alone_and_lists_of_other_things_are_no_matter(
    make: Make, names: dict[str, list[str]], recwarn: pytest.WarningsRecorder
) -> None:
    root = make({"cats": 2, "dogs": 2})
    lists(root, **names)
    assert {ClassFolders(root).split_of(i) for i in range(4)} == {None}
    assert not [*recwarn]


def test_split_folders_go_before_lists(make: Make, recwarn: pytest.WarningsRecorder) -> None:
    root = make({"train/cats": 1, "train/dogs": 1, "val/cats": 1, "val/dogs": 1})
    lists(root, train=["val/cats/0", "val/dogs/0"], val=["train/cats/0", "train/dogs/0"])
    data = ClassFolders(root)
    assert [data.split_of(i) for i in range(4)] == ["train", "train", "val", "val"]
    assert not [*recwarn]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_as_windows_writes_them(make: Make, encoding: str) -> None:
    root = make({"cats": 2, "dogs": 2})
    for name, lines in {"train": ["cats/0", "dogs/0"], "val": ["cats/1", "dogs/1"]}.items():
        (root / f"{name}.txt").write_bytes("\r\n".join(lines).encode(encoding))
    with pytest.warns(ZooWarning, match="splits are those of"):
        assert {ClassFolders(root).split_of(i) for i in range(4)} == {"train", "val"}


def test_two_lists_of_one_split_are_one_and_folders_that_differ_are_none(make: Make) -> None:
    root = make({"cats": 2, "dogs": 2})
    lists(root, train=["cats/0"], training=["dogs/0"], val=["cats/1", "dogs/1"])
    with pytest.warns(ZooWarning, match="splits are those of train.txt, training.txt, val.txt in it"):
        ClassFolders(root)
    lists(root / "cats", train=["cats/1", "dogs/1"], val=["cats/0", "dogs/0"])
    with pytest.warns(ZooWarning, match="others say otherwise"):
        assert ClassFolders(root).split_of(0) is None


def test_a_name_behind_another_folder_is_not_taken_for_an_image_of_that_name(make: Make) -> None:
    root = make({"cats": 2, "dogs": 1})
    lists(root, train=["masks/1.png", "cats/0"], val=["dogs/0"])
    with pytest.warns(ZooWarning, match="1 of 3 names are of no image .*masks/1.png"):
        ClassFolders(root)
