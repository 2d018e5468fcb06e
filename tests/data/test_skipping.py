"""Files that cannot be read: named, or left out on request."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.data.resolve import resolve
from zoo.data.sources.class_folders import ClassFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.splits import split
from zoo.images.decode import decode
from zoo.spec.errors import DataError, OptionError, UnknownComponentError, ZooWarning
from zoo.spec.reference import ComponentRef

Make = Callable[..., Path]


def named(ref: ComponentRef) -> None:
    raise UnknownComponentError(f"no dataset is called '{ref}'")


@pytest.fixture
def damaged(make: Make) -> Path:
    root = make({"a": 6, "b": 6})
    whole = (root / "a" / "1.png").read_bytes()
    (root / "a" / "1.png").write_bytes(whole[: len(whole) // 2])
    (root / "b" / "2.png").write_bytes(b"")
    (root / "b" / "3.jpg").write_text("no image")
    return root


def test_each_kind_of_damage_has_its_own_words_and_the_way_out(damaged: Path) -> None:
    for name, words in (
        ("a/1.png", "truncated"),
        ("b/2.png", "got an empty file"),
        ("b/3.jpg", "another kind"),
    ):
        with pytest.raises(DataError, match=rf"{name}: .*{words}.*skip_unreadable=True"):
            decode(damaged / name)


def test_an_image_that_is_too_large_is_said_with_the_limit(
    damaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (50, 50)).save(damaged / "a" / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(
        DataError, match=r"huge\.png: expected at most 2,000 pixels, got 2,500; make it smaller"
    ):
        decode(damaged / "a" / "huge.png")


def test_without_the_option_nothing_is_left_out(damaged: Path) -> None:
    data = ClassFolders(damaged)
    assert len(data) == 13
    with pytest.raises(DataError, match="truncated"):
        data[1]


def test_unreadable_files_are_left_out_and_named_once(damaged: Path) -> None:
    with pytest.warns(
        ZooWarning, match=r"left out 3 of 13 images .*a/1\.png .*b/2\.png .*b/3\.jpg"
    ) as caught:
        data = ClassFolders(damaged, skip_unreadable=True)
    assert len(caught) == 1
    assert len(data) == 10
    assert data.targets == [0] * 5 + [1] * 5
    assert all(data[i].target == data.targets[i] for i in range(10))
    assert split(data).train


def test_good_folders_stay_as_they_are(make: Make) -> None:
    root = make({"train/a": 2, "train/b": 2, "test/a": 1, "test/b": 1})
    one, two = ClassFolders(root), ClassFolders(root, skip_unreadable=True)
    assert one.files == two.files
    assert one.fingerprint == two.fingerprint
    assert [one.split_of(i) for i in range(6)] == [two.split_of(i) for i in range(6)]


def test_a_class_that_becomes_empty_is_an_error(make: Make) -> None:
    root = make({"a": 2, "b": 1})
    (root / "b" / "0.png").write_text("")
    with (
        pytest.warns(ZooWarning, match="left out 1 of 3"),
        pytest.raises(DataError, match="class 'b': expected images that can be read, got none"),
    ):
        ClassFolders(root, skip_unreadable=True)


def test_only_folders_have_files_to_skip(damaged: Path) -> None:
    with pytest.warns(ZooWarning, match="left out"):
        assert len(resolve(damaged, named, skip_unreadable=True)) == 10
    pair = TorchData([(Image.new("L", (2, 2)), 0), (Image.new("L", (2, 2)), 1)])
    with pytest.raises(OptionError, match="skip_unreadable: expected a folder"):
        resolve("digits", lambda ref: pair, skip_unreadable=True)


def test_a_row_without_its_file_is_left_out_of_a_run_that_keeps_pixels(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (20, 8, 8), dtype=np.uint8)
    for i, image in enumerate(images[1:], 1):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    table = tmp_path / "t.csv"
    table.write_text("file,y\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(20)))
    model = zoo.build("mlp", head="binary", classes=["a", "b"], input_size=8, in_channels=1, seed=0)
    with pytest.warns(zoo.ZooWarning, match=r"left out 1 of 20 images.*0\.png"):
        run = zoo.fit(model, table, epochs=1, skip_unreadable=True, cache="pixels", progress=False)
    assert sum(run.images.values()) == 19
