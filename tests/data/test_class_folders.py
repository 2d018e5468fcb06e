import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data.resolve import resolve
from zoo.data.sources.class_folders import ClassFolders
from zoo.interfaces.tasks import Binary, Multiclass
from zoo.spec.errors import AmbiguousNameError, DataError, UnknownComponentError
from zoo.spec.reference import ComponentRef

Make = Callable[..., Path]


def unknown(ref: ComponentRef) -> None:
    raise UnknownComponentError(f"no dataset is called '{ref}'", hint="did you mean birds?")


def test_folders_are_classes_in_alphabetical_order(make: Make) -> None:
    data = ClassFolders(make({"dogs": 2, "cats": 3}))
    assert data.labels == ("cats", "dogs")
    assert data.targets == [0, 0, 0, 1, 1]
    assert data[4].target == 1
    assert data[4].image.shape == (6, 6, 3)
    assert isinstance(data.task, Binary)


def test_three_classes_are_multiclass_and_deeper_folders_belong_to_theirs(make: Make) -> None:
    data = ClassFolders(make({"a": 1, "b/old": 2, "c": 1}))
    assert isinstance(data.task, Multiclass)
    assert data.targets == [0, 1, 1, 2]


def test_hidden_files_and_other_files_are_passed_over(make: Make) -> None:
    root = make({"a": 1, "b": 1, ".cache": 2, "__MACOSX": 1})
    (root / "a" / "Thumbs.db").write_text("x")
    (root / "a" / "._0.png").write_text("x")
    assert len(ClassFolders(root)) == 2


@pytest.mark.parametrize("word", ["val", "valid", "validation", "Val"])
def test_split_folders_are_seen(make: Make, word: str) -> None:
    data = ClassFolders(make({f"{s}/{c}": 1 for s in ("train", "test", word) for c in "ab"}))
    assert data.labels == ("a", "b")
    assert sorted(str(data.split_of(i)) for i in range(6)) == ["test"] * 2 + ["train"] * 2 + ["val"] * 2


def test_the_fingerprint_follows_names_and_contents(make: Make) -> None:
    root = make({"a": 2, "b": 2})
    before = ClassFolders(root).fingerprint
    assert before == ClassFolders(root).fingerprint
    (root / "a" / "0.png").rename(root / "a" / "9.png")
    renamed = ClassFolders(root).fingerprint
    shutil.copy(root / "b" / "0.png", root / "a" / "9.png")
    assert len({before, renamed, ClassFolders(root).fingerprint}) == 3


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "got nothing there"),
        ({"": 0}, "got an empty folder"),
        ({"": 3}, "got 3 images outside any class folder"),
        ({"cats": 3}, "expected at least 2 classes, got one, 'cats'"),
        ({"cats": 3, "dogs": 0}, r"dogs: expected images, got none"),
        (
            {"train/a": 1, "train/b": 1, "test/c": 1},
            "test split: expected the classes of train .a, b., got 'c'",
        ),
        ({"train/a": 1, "train/b": 1, "val/a": 1, "valid/a": 1}, "one folder for the val split"),
    ],
)
def test_folders_that_cannot_be_learnt_from_are_one_line(
    make: Make, tmp_path: Path, counts: dict[str, int], words: str
) -> None:
    make(counts)
    with pytest.raises(DataError, match=words) as caught:
        ClassFolders(tmp_path / "photos")
    assert "\n" not in str(caught.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(DataError, match="expected a folder, got a file"):
        ClassFolders(tmp_path / "x")


def test_a_bare_name_of_a_folder_is_told_apart_from_a_path(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make({"a": 1, "b": 1})
    monkeypatch.chdir(root.parent)
    with pytest.raises(AmbiguousNameError, match=r"say 'datasets:photos' or '\./photos'"):
        resolve("photos", unknown)
    root.rename(root.parent / "mine")
    assert len(resolve("mine", unknown)) == 2
    (root.parent / "mine").rename(root)
    with pytest.raises(UnknownComponentError, match="did you mean birds"):
        resolve("brids", unknown)
    assert len(resolve("./photos", unknown)) == len(resolve(root, unknown)) == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (7, "data: expected a folder"),
        ([1, 2], r"data list\[0\]: expected a pair .*, got int"),
        ("hf://me/cats", "data: expected a data set"),
    ],
)
def test_other_things_are_no_data(data: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        resolve(data, unknown)


def test_files_are_in_the_order_of_their_folders_names(make: Make) -> None:
    """Name by name: in text `-` would come before the separator, and other orders draw other splits."""
    root = make({"a/b": 1, "a/b-c": 1, "a": 1, "z/B": 1, "z": 1})
    shutil.copy(root / "a" / "b" / "0.png", root / "a" / "b.png")
    found = ClassFolders(root).files
    assert found == sorted(found, key=lambda file: file.parts)
    assert len(found) == 6
