"""Sides, orders and crops of data worked out by hand, and what a source says of its samples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.data.batch_order import Order
from zoo.data.batches import Batches
from zoo.data.collating import PLACE, SIZE
from zoo.data.masks import check_mask, cropped
from zoo.data.resolve import folder_of, resolve
from zoo.data.sources.class_folders import FoundFolders, ImageFiles
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.layout import scan
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.sources.walk import walk
from zoo.data.splits import Splits, split
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.draws import generator
from zoo.interfaces.tasks import Multiclass, Regression
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.errors import DataError, OptionError, ZooWarning
from zoo.spec.inputs import InputSpec
from zoo.spec.reference import ComponentRef

Make = Callable[..., Path]


class Named(Dataset):
    """Data by their keys, targets, groups and given splits; images are one pixel."""

    task = Multiclass()

    def __init__(
        self,
        targets: Sequence[int],
        *,
        classes: int = 2,
        groups: Sequence[str | None] = (),
        given: Sequence[str | None] = (),
    ) -> None:
        self._targets, self.groups, self.given = targets, groups, given
        self.labels = tuple(f"c{i}" for i in range(classes))

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((1, 1, 1), index, np.uint8), self._targets[index])

    @property
    def targets(self) -> Sequence[int]:
        return self._targets

    def key(self, index: int) -> str:
        return f"k{index}"

    def group_of(self, index: int) -> str | None:
        return self.groups[index] if self.groups else None

    def split_of(self, index: int) -> str | None:
        return self.given[index] if self.given else None


# -- splits --------------------------------------------------------------------------------------------


def ranked(keys: Sequence[str], seed: int) -> list[str]:
    return sorted(keys, key=lambda key: hashlib.blake2b(f"{seed}:{key}".encode()).digest())


@pytest.mark.parametrize("seed", [0, 7])
def test_by_their_hashes_the_first_are_the_test_and_the_next_val(seed: int) -> None:
    """Of twenty images of one class three each: a split that was made once is made so for ever."""
    found = split(Named([i % 2 for i in range(40)]), seed)
    for label in (0, 1):
        order = [int(key[1:]) for key in ranked([f"k{i}" for i in range(label, 40, 2)], seed)]
        assert {i for i in found.test if i % 2 == label} == {*order[:3]}
        assert {i for i in found.val if i % 2 == label} == {*order[3:6]}
        assert {i for i in found.train if i % 2 == label} == {*order[6:]}
    digest = hashlib.blake2b(digest_size=16)
    for name in ("train", "val", "test"):
        digest.update(f"{name}:{','.join(sorted(f'k{i}' for i in found.of(name)))}\n".encode())
    assert (found.seed, found.hash) == (seed, digest.hexdigest())
    assert (split(Named([0, 1] * 20)) == found) == (seed == 0)


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (4, (2, 1, 1)), (11, (7, 2, 2))]
)
def test_a_class_of_few_images_is_trained_on_then_tested_then_validated(
    count: int, sizes: tuple[int, int, int]
) -> None:
    data = Named([0] * 20 + [1] * count)
    found = split(data, 3)
    rare = [sum(i >= 20 for i in side) for side in (found.train, found.val, found.test)]
    assert tuple(rare) == sizes


def test_a_share_of_nothing_is_nothing() -> None:
    found = split(Named([0, 1] * 20), 0, fractions=(0.5, 0.5, 0.0))
    assert (len(found.train), len(found.val), found.test) == (20, 20, ())
    found = split(Named([0, 1] * 20), 0, fractions=(1.0, 0.0, 0.0), training=False)
    assert (len(found.train), found.val, found.test) == (40, (), ())
    assert found.of("all") == tuple(range(40))
    with pytest.raises(DataError, match="the data have no val split: expected train, got val"):
        found.of("val")
    nothing = Splits((), (), (), 0, "")
    assert nothing.of("all") == ()


def test_a_group_goes_where_it_brings_a_side_nearer_to_its_share() -> None:
    """Of twenty, three are wanted for the test: five fill it, six would be twice as many."""
    for size, tested in ((5, 5), (6, 0)):
        keys = ["k0", *(f"k{i}" for i in range(size, 20))]  # a group has the key of its first
        seed = next(seed for seed in range(100) if ranked(keys, seed)[0] == "k0")
        data = Named([0] * 20, groups=["g"] * size + [None] * (20 - size))
        data.labels = ()
        assert sum(i < size for i in split(data, seed).test) == tested


def test_of_groups_that_are_all_too_large_the_smallest_is_for_the_test() -> None:
    sizes = [9, 8, 7, 10]
    groups = [f"g{i}" for i, size in enumerate(sizes) for _ in range(size)]
    data = Named([0] * len(groups), groups=groups)
    data.labels = ()
    found = split(data, 0, fractions=(0.9, 0.05, 0.05))
    sides = [{groups[i] for i in side} for side in (found.train, found.val, found.test)]
    assert sides == [{"g0", "g3"}, {"g1"}, {"g2"}]


def test_groups_that_share_samples_are_one() -> None:
    data = Named([0, 1] * 20, groups=["a", "b", "a", "b", *[None] * 36])
    data.key = lambda index: "same" if index in (0, 1) else f"k{index}"  # type: ignore[method-assign]
    with pytest.warns(UserWarning, match=r"the same image has two labels: named\[0\] and named\[1\]"):
        found = split(data, 0)
    assert sum({0, 1, 2, 3} <= {*side} for side in (found.train, found.val, found.test)) == 1


def test_what_the_user_left_without_a_split_is_trained_on() -> None:
    given = ["train", None, "train", "val", "val", "test"]
    found = split(Named([0, 1, 1, 0, 1, 1], given=given))
    assert (found.train, found.val, found.test) == ((0, 1, 2), (3, 4), (5,))
    only = split(Named([0, 1, 0, 1], given=["train"] * 2 + ["val"] * 2))
    assert (only.train, only.val, only.test) == ((0, 1), (2, 3), ())


def test_val_is_cut_from_the_users_train_by_its_share_of_both() -> None:
    data = Named([0] * 100 + [1] * 100, given=["train"] * 90 + ["test"] * 10 + ["train"] * 90 + ["test"] * 10)
    found = split(data, 0, fractions=(0.6, 0.2, 0.2))
    assert (len(found.train), len(found.val)) == (136, 44)  # of 90 a quarter each, 22.5, to the even
    assert found.test == (*range(90, 100), *range(190, 200))


def test_a_training_needs_images_to_train_on_and_cuts_those_to_validate_with_from_them() -> None:
    data = Named([0, 1, 0, 1], given=["val", "val", "test", "test"])
    with pytest.raises(DataError, match="the train split: expected at least one image, got none; add a fold"):
        split(data)
    assert split(data, training=False).of("all") == (0, 1, 2, 3)
    found = split(Named([0, 1] * 10, given=["train"] * 20))
    assert (len(found.train) + len(found.val), len(found.test)) == (20, 0)
    assert found.val


def test_a_class_without_a_training_image_is_named_and_values_have_no_classes() -> None:
    data = Named([0, 0, 1, 0], given=["train", "train", "val", "val"])
    with pytest.raises(DataError, match="class 'c1': expected at least one training image, got none"):
        split(data)
    data.task = Regression()  # type: ignore[assignment]
    data._targets = [0.5, 1.5, 2.5, 3.5]  # type: ignore[list-item]
    assert split(data).train == (0, 1)
    with pytest.raises(DataError, match="expected at least 2 classes, got one, '7'"):
        split(Named([7] * 20))


# -- orders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "options", "expected"),
    [
        (5, {"batch_size": 2}, [2, 2, 1]),
        (4, {"batch_size": 2}, [2, 2]),
        (5, {"batch_size": 2, "least": 2}, [2, 3]),
        (6, {"batch_size": 4, "least": 2}, [4, 2]),
        (7, {"batch_size": 4, "least": 4}, [7]),
        (3, {"batch_size": 4, "least": 4}, [3]),
        (3, {"batch_size": 1, "least": 2}, [1, 1, 1]),
        (5, {"batch_size": 4, "part": (0, 2)}, [5]),
        (6, {"batch_size": 4, "part": (0, 2)}, [4, 2]),
    ],
)
def test_a_last_batch_that_is_too_short_is_joined(
    count: int, options: dict[str, Any], expected: list[int]
) -> None:
    order = Order(range(count), **options)
    assert [order.images(step) for step in range(len(order))] == expected
    parts = [[*Order(range(count), **{**options, "part": (i, order.parts)})] for i in range(order.parts)]
    for step, size in enumerate(expected):
        batch = sorted(i for part in parts for i in part[step])
        assert batch == [*range(sum(expected[:step]), sum(expected[:step]) + size)]
    order.skip = 1
    assert [*order] == [*Order(range(count), **options)][1:]


def test_a_shuffled_order_is_that_of_its_seed_and_epoch() -> None:
    order = Order([5, 6, 7, 8], batch_size=4, seed=3, shuffle=True)
    order.epoch = 2
    places = torch.randperm(4, generator=generator("order", 3, 2)).tolist()
    assert [*order] == [[[5, 6, 7, 8][i] for i in places]]
    assert (Order([1], batch_size=1).epoch, Order([1], batch_size=1).skip) == (0, 0)
    assert [*Order([3, 1, 2], batch_size=3)] == [[3, 1, 2]]


@pytest.mark.parametrize(
    ("count", "batch", "parts", "got"),
    [(2, 8, 3, "2 images"), (8, 2, 3, "2 a batch"), (2, 2, 3, "2 images"), (3, 2, 3, "2 a batch")],
)
def test_every_process_needs_an_image_of_each_batch(count: int, batch: int, parts: int, got: str) -> None:
    words = f"batches for {parts} processes: expected {parts} images or more, got {got}; use fewer"
    with pytest.raises(DataError, match=words):
        Order(range(count), batch_size=batch, part=(0, parts))
    assert len(Order(range(parts), batch_size=parts, part=(0, parts))) == 1


# -- crops and sizes -----------------------------------------------------------------------------------


class Gradient(Named):
    """One image of 9 x 12 pixels whose values are their places, and perhaps a mask."""

    def __init__(self, *, mask: bool = False) -> None:
        super().__init__([0], classes=2)
        self.with_mask = mask
        self.values = np.arange(108, dtype=np.uint8).reshape(9, 12)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self.values[..., None], 0, self.values % 2 if self.with_mask else None)


SPEC = InputSpec(channels=1, size=(5, 4), mean=(0.0,), std=(1.0,))


def first_pixel(batches: Batches, epoch: int) -> int:
    (batch,) = batches.epoch(epoch)
    return round(float(batch["image"][0, 0, 0, 0]) * 255)


def test_crops_lie_where_their_draw_says_in_training_and_in_the_middle_else() -> None:
    still = Batches(Gradient(), [0], SPEC, crop=True, batch_size=1, seed=3)
    assert {first_pixel(still, epoch) for epoch in range(5)} == {2 * 12 + 4}
    moving = Batches(Gradient(), [0], SPEC, crop=True, batch_size=1, seed=3, shuffle=True)
    for epoch in range(5):
        draw = generator("place", 3, epoch, 0)
        top, left = (int(torch.randint(free + 1, (), generator=draw)) for free in (4, 8))
        assert first_pixel(moving, epoch) == top * 12 + left
    assert [len(still), len(moving)] == [1, 1]


def test_images_of_their_own_size_are_neither_cut_nor_resized() -> None:
    own = Batches(Gradient(mask=True), [0], SPEC, crop=True, own_size=True, batch_size=7, places=True)
    (batch,) = own
    assert (batch["image"].shape, batch["mask"].shape) == ((1, 1, 9, 12), (1, 9, 12))
    assert (batch["target"].tolist(), batch["index"].tolist()) == ([0], [0])
    assert torch.equal(batch[PLACE][0], torch.eye(3, dtype=torch.float64))
    assert batch[SIZE].tolist() == [[9, 12]]
    (plain,) = Batches(Gradient(), [0], SPEC, batch_size=7)
    assert {*plain} == {"image", "target", "index"}
    assert plain["image"].shape == (1, 1, 5, 4)


@pytest.mark.parametrize(
    ("own", "wanted", "scaled"),
    [((4, 4), (8, 4), (8, 8)), ((4, 4), (4, 8), (8, 8)), ((3, 7), (5, 5), (5, 12)), ((9, 9), (9, 9), (9, 9))],
)
def test_an_image_is_enlarged_until_both_sides_fit(
    own: tuple[int, int], wanted: tuple[int, int], scaled: tuple[int, int]
) -> None:
    image = np.zeros((*own, 1), np.uint8)
    spec = InputSpec(channels=1, size=wanted, mean=(0.0,), std=(1.0,))
    part, mask, matrix = cropped(image, None, spec, None, "x")
    assert (part.shape, mask) == ((1, *wanted), None)
    assert matrix.diag().tolist() == pytest.approx([own[1] / scaled[1], own[0] / scaled[0], 1])


def test_a_mask_of_an_unknown_number_of_classes_may_hold_any() -> None:
    image = np.zeros((2, 2, 1), np.uint8)
    check_mask(np.full((2, 2), 254, np.uint8), image, "x")
    check_mask(np.full((2, 2), 2, np.uint8), image, "x", 3)


class Ragged(Named):
    """Values of several lengths."""

    task = Regression()  # type: ignore[assignment]


def test_targets_that_make_no_batch_are_one_line() -> None:
    data = Ragged([[1.0], [1.0, 2.0]])  # type: ignore[list-item]
    with pytest.raises(DataError, match="targets: expected numbers, or rows of one length, got"):
        [*Batches(data, range(2), SPEC, batch_size=2)]


# -- sources -------------------------------------------------------------------------------------------


def test_a_torch_data_set_of_whole_numbers_has_classes_by_number_or_by_name() -> None:
    class Source:
        def __init__(self, targets: Sequence[Any], told: Sequence[Any] | None = None) -> None:
            self.given = targets
            if told is not None:
                self.targets = told

        def __len__(self) -> int:
            return len(self.given)

        def __getitem__(self, index: int) -> list[Any]:
            return [np.zeros((2, 2), np.uint8), self.given[index]]

    data = TorchData(Source([0, 2]))
    assert (data.labels, data.task.name, data.targets) == (("0", "1", "2"), "multiclass", [0, 2])  # type: ignore[union-attr]
    assert TorchData(Source([0.5])).labels == ()
    assert TorchData(Source([0, 1])).task.name == "binary"  # type: ignore[union-attr]
    assert TorchData(Source([0, 1]), BY_NAME["regression"]).task is BY_NAME["regression"]
    assert TorchData(Source([0, 1], told=np.array([1, 1]))).targets == [1, 1]
    assert TorchData(Source([0, 1], told=[1, 1, 1])).targets == [0, 1]
    assert (data.name(1), data.group_of(1)) == ("Source[1]", None)
    named = Source([0, 1])
    named.classes = ["no", "yes", "maybe"]  # type: ignore[attr-defined]
    named.group_of = lambda index: [None, 7][index]  # type: ignore[attr-defined]
    assert TorchData(named).labels == ("no", "yes", "maybe")
    assert [TorchData(named).group_of(i) for i in (0, 1)] == [None, "7"]
    named.group_of = "no function"  # type: ignore[attr-defined]
    assert TorchData(named).group_of(1) is None


def test_files_are_called_by_their_paths_and_known_by_their_bytes(make: Make) -> None:
    root = make({"a": 2})
    files = walk(root).images
    data = ImageFiles(files)
    assert (len(data), data.name(1), [*data.targets]) == (2, str(files[1]), [None, None])
    assert data.key(0) == hashlib.blake2b(files[0].read_bytes(), digest_size=16).hexdigest()
    assert data[0].target is None
    gone = ImageFiles([root / "none.png"])
    with pytest.raises(DataError, match=r"image .*none\.png: expected a readable file"):
        gone.key(0)


def test_folders_as_they_are_count_classes_that_only_a_test_has(make: Make) -> None:
    data = FoundFolders(make({"train/a": 1, "train/b": 1, "test/c": 2}))
    assert data.labels == ("a", "b", "c")
    assert [data.labels[i] for i in data.targets] == ["c", "c", "a", "b"]
    assert [data.split_of(i) for i in range(4)] == ["test", "test", "train", "train"]
    assert data.name(0) == "test/c/0.png"
    assert data.task is not None
    assert data.task.name == "multiclass"
    with pytest.raises(DataError, match="expected a folder, got nothing there"):
        FoundFolders(Path("nowhere"))


def test_one_class_alone_has_no_task(make: Make) -> None:
    data = FoundFolders(make({"a": 1}))
    assert (data.task, data.labels) == (None, ("a",))


def test_a_layout_tells_loose_images_and_other_files_by_path(make: Make) -> None:
    root = make({"a": 1, "b/deep": 1, "": 1, ".hidden": 1, "__pycache__": 1})
    (root / "a" / "notes.md").write_text("x")
    (root / "a" / ".secret.png").write_text("x")
    (root / "a" / "__init__.png").write_bytes((root / "a" / "0.png").read_bytes())
    (root / "upper.PNG").write_text("x")
    found = scan(str(root))
    inside = [file.relative_to(root).as_posix() for file in found.files]
    assert inside == ["a/0.png", "a/__init__.png", "b/deep/0.png"]
    assert (found.classes, found.splits, found.labels) == (["a", "a", "b"], [None] * 3, ("a", "b"))
    assert [file.name for file in found.loose] == ["0.png", "upper.PNG"]
    assert [file.name for file in found.others] == ["notes.md"]
    assert found.problems == []


def test_folders_of_splits_and_of_others_together_are_classes(make: Make) -> None:
    assert scan(make({"train": 1, "other": 1})).labels == ("other", "train")


def test_a_folder_that_is_not_there_is_told_with_what_is(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make({"cats": 1, "dogs": 1})
    (root / ".hidden").mkdir()
    said = [str(scan(root / name).problems[0]) for name in ("cast/deep", "zebra")]
    assert said[0].endswith(f"got nothing there; did you mean {root}/cats?")
    assert said[1].endswith(f"the folders in {root} are cats, dogs")
    assert str(scan(root / "cats" / "x").problems[0]).endswith(f"; {root}/cats holds no folder")
    monkeypatch.chdir(root)
    assert str(scan("cast").problems[0]).endswith("did you mean ./cats?")


def test_a_missing_class_is_told_with_those_that_train_has(make: Make) -> None:
    classes = {f"train/c{i}": 1 for i in range(7)}
    found = scan(make({**classes, "val/x": 1, "val/y": 1}))
    assert [str(problem).partition(": val split: ")[2] for problem in found.problems] == [
        "expected the classes of train (c0, c1, c2, c3, c4, c5 and 1 more), got 'x'; "
        "add a folder train/x, or take val/x out"
    ]


def test_splits_are_folders_and_an_image_beside_them_is_passed_over(tmp_path: Path) -> None:
    for place in ("train/0.png", "test/deep/1.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(tmp_path / place)
    assert [ImageFolder(tmp_path).split_of(i) for i in (0, 1)] == ["test", "train"]
    Image.new("RGB", (2, 2)).save(tmp_path / "train.png")
    with pytest.warns(ZooWarning, match=r"2 images are used, 1 file passed over: 1 beside the split folders"):
        assert [ImageFolder(tmp_path).split_of(i) for i in (0, 1)] == ["test", "train"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="expected a folder, got a file"):
        ImageFolder(tmp_path / "file")


@pytest.mark.parametrize(
    ("values", "names", "labels"),
    [
        ([1], "", ("background", "object")),
        ([0, 1], "", ("background", "object")),
        ([0, 1, 2], "", ("0", "1", "2")),
        ([1, 2], "", ("0", "1", "2")),
        ([0, 255], "a b", ("a", "b")),
        ([255], "", ("background", "object")),
        ([0, 1, 255], "", ("background", "object")),
        ([0], "a b c", ("a", "b", "c")),
    ],
)
def test_classes_of_masks_are_named_by_the_file_or_by_number(
    tmp_path: Path, values: list[int], names: str, labels: tuple[str, ...]
) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (len(values), 1)).save(tmp_path / "images" / "0.png")
    Image.fromarray(np.array([values], np.uint8)).save(tmp_path / "masks" / "0.png")
    if names:
        (tmp_path / "classes.txt").write_text("\n".join(names.split()))
    data = MaskFolders(tmp_path)
    assert data.labels == labels
    white = {*values} <= {0, 255} and len(labels) == 2
    assert data.mask(0).tolist() == [[v // 255 if white else v for v in values]]
    assert data.task is not None
    assert data.task.name == "segmentation"


# -- forms ---------------------------------------------------------------------------------------------


def unasked(ref: ComponentRef) -> Any:
    raise AssertionError


@pytest.mark.parametrize(
    ("data", "folder"),
    [(Path("x"), Path("x")), ("./x", Path("x")), ("~/x", Path("~/x").expanduser()), ("file:x", Path("x")),
     ({"name": "digits"}, None), (None, None), (7, None)],
)  # fmt: skip
def test_a_folder_is_a_path_however_it_is_said(data: Any, folder: Path | None) -> None:
    assert folder_of(data) == folder


def test_data_are_resolved_by_their_form(make: Make, tmp_path: Path) -> None:
    own = Named([0, 1])
    assert resolve(own, unasked) is own
    assert resolve("digits", lambda ref: own) is own
    with pytest.raises(DataError, match="data digits: expected a zoo Dataset, got str"):
        resolve("digits", lambda ref: "text")
    with pytest.raises(
        DataError, match="got hf://me/cats, a model; a data set is called hf://datasets/me/cats"
    ):
        resolve("hf://me/cats", unasked)
    with pytest.raises(DataError, match="a data set is called hf://datasets/owner/nobody"):
        resolve("hf://datasets/nobody", unasked)
    for wrong in (7, None):
        with pytest.raises(DataError, match=f"samples with len.. and .., got '{type(wrong).__name__}'"):
            resolve(wrong, unasked)
    with pytest.raises(
        OptionError, match="expected a folder of images or a table of files, got 'Named'; leave it out"
    ):
        resolve(own, unasked, skip_unreadable=True)
    assert folder_of(own) is None
    root = make({"a": 1, "b": 1})
    kinds = {
        name: type(resolve(root, unasked, task=BY_NAME[name])).__name__
        for name in ("multiclass", "reconstruction")
    }
    assert kinds == {"multiclass": "ClassFolders", "reconstruction": "ClassFolders"}
    assert type(resolve(root / "a", unasked, task=BY_NAME["reconstruction"])).__name__ == "ImageFolder"
    table: Mapping[str, Any] = {"name": "digits"}
    assert resolve(table, lambda ref: own) is own
