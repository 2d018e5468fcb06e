"""Objects as data: arrays, lists, tables of columns, frames, dict samples, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import zoo
from zoo.data.resolve import resolve
from zoo.data.section import WithOptions
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.errors import DataError, OptionError, ZooWarning

Make = Callable[..., Path]


def unasked(ref: object) -> Any:
    raise AssertionError(ref)


def taken(value: Any, task: str | None = None, **options: Any) -> Dataset:
    return resolve(WithOptions(value, options), unasked, task=BY_NAME.get(task or ""))


def pixels(count: int, shape: tuple[int, ...] = (6, 8, 3), seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


class Samples:
    """A torch data set without a base class."""

    def __init__(self, *items: Any, **told: Any) -> None:
        self.items = items
        vars(self).update(told)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


# -- arrays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3), (3, 6, 8), (6, 8, 13), (13, 20, 24)])
def test_images_of_an_array_are_read_whichever_way_its_axes_stand(shape: tuple[int, ...]) -> None:
    x = pixels(4, shape)
    first = len(shape) == 3 and shape[0] < min(shape[1:])
    right = x[..., None] if len(shape) == 2 else x.transpose(0, 2, 3, 1) if first else x
    for values in (x, torch.from_numpy(x)):
        data = taken((values, [0, 1, 1, 2]), "multiclass")
        for i in range(4):
            if shape == (6, 8, 13) and isinstance(values, torch.Tensor):
                continue
            np.testing.assert_array_equal(data[i].image, right[i])
    assert data.targets == [0, 1, 1, 2]
    assert (data.labels, data.numbered) == (("0", "1", "2"), True)


def test_axes_that_tell_nothing_are_those_of_the_library() -> None:
    x = pixels(2, (4, 4, 4))
    np.testing.assert_array_equal(taken((x, [0, 1]), "binary")[0].image, x[0])
    np.testing.assert_array_equal(
        taken((torch.from_numpy(x), [0, 1]), "binary")[0].image, x[0].transpose(1, 2, 0)
    )


def test_arrays_have_a_fingerprint_that_changes_with_a_pixel_and_a_target() -> None:
    x = pixels(3)
    found = taken((x, [0, 1, 0]), "binary").fingerprint
    assert taken((x.copy(), [0, 1, 0]), "binary").fingerprint == found
    other = x.copy()
    other[2, 0, 0, 0] ^= 1
    assert taken((other, [0, 1, 0]), "binary").fingerprint != found
    assert taken((x, [0, 1, 1]), "binary").fingerprint != found


def test_an_array_without_a_target_for_each_image_is_refused() -> None:
    with pytest.raises(DataError, match="a target for each image, got 3 images and 2 targets"):
        taken((pixels(3), [0, 1]), "binary")


def test_images_alone_are_data_for_a_task_that_needs_no_more() -> None:
    x = pixels(3)
    for value in (x, [*x], TensorlessSet(x)):
        data = taken(value, "reconstruction")
        assert [*data.targets] == [None] * 3
        np.testing.assert_array_equal(data[1].image, x[1])


class TensorlessSet(Samples):
    def __init__(self, x: Any) -> None:
        super().__init__(*x)


# -- targets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "task", "right", "labels"),
    [
        (["dog", "cat", "dog"], "binary", [1, 0, 1], ("cat", "dog")),
        ([True, False, True], "binary", [1, 0, 1], ("False", "True")),
        ([1.0, 0.0, 1.0], "binary", [1, 0, 1], ("0", "1")),
        ([torch.tensor(1), torch.tensor(0), torch.tensor(1)], "binary", [1, 0, 1], ("0", "1")),
        ([np.int64(1), np.int64(0), np.int64(1)], "binary", [1, 0, 1], ("0", "1")),
        (np.eye(3, dtype=int)[[2, 0, 1]], "multiclass", [2, 0, 1], ("0", "1", "2")),
        (torch.eye(3)[[2, 0, 1]], "embedding", [2, 0, 1], ("0", "1", "2")),
        ([[1, 0], [1, 1], [0, 0]], "multilabel", [[1, 0], [1, 1], [0, 0]], ()),
        ([["a"], ["b", "a"], []], "multilabel", [[1, 0], [1, 1], [0, 0]], ("a", "b")),
        ([1, 0, 7], "regression", [1, 0, 7], ()),
        ([[1.5, 2], [0, 1], [3, 4]], "regression", [[1.5, 2], [0, 1], [3, 4]], ()),
        (["a", "b", "a"], "reconstruction", [0, 1, 0], ("a", "b")),
    ],
)
def test_targets_are_read_as_the_head_needs_them(targets: Any, task: str, right: Any, labels: Any) -> None:
    x = pixels(3)
    pairs = [*zip(x, targets, strict=True)]
    for value in ((x, targets), pairs, Samples(*pairs)):
        data = taken(value, task)
        assert [*data.targets] == right
        assert tuple(data.labels) == labels
        assert [data[i].target for i in range(3)] == right


@pytest.mark.parametrize(
    ("targets", "task"),
    [
        (["a", "b"], "binary"),
        ([[0, 1], [1, 1]], "regression"),
        ([["a"], []], "multilabel"),
        ([0.5, 1], "regression"),
    ],
)
def test_without_a_head_targets_say_what_they_are(targets: Any, task: str) -> None:
    found = taken([*zip(pixels(2), targets, strict=True)]).task
    assert found is not None
    assert found.name == task


@pytest.mark.parametrize(
    ("targets", "task", "words"),
    [
        ([0.5, 1.0], "binary", "a class in each sample, got 0.5 in sample 0; .*regression"),
        ([[1, 1], [0, 1]], "binary", "a row with a single one, got .* in sample 0; .*multilabel"),
        (["a", 1], "binary", "the name of a class in each sample, got 1 in sample 1"),
        (["a", "b"], "regression", "expected numbers, got 'a'"),
    ],
)
def test_targets_that_do_not_fit_the_head_are_told(targets: Any, task: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        taken([*zip(pixels(2), targets, strict=True)], task)


def test_names_stand_in_the_order_that_the_set_says() -> None:
    items = [*zip(pixels(2), ["low", "high"], strict=True)]
    assert taken(Samples(*items, classes=["low", "high"]), "ordinal").targets == [0, 1]
    with pytest.raises(DataError, match=r"names among its classes \('low', 'hihg'\), got 'high'"):
        taken(Samples(*items, classes=["low", "hihg"]), "ordinal")


# -- samples ---------------------------------------------------------------------------------------


def test_samples_may_be_dicts() -> None:
    x = pixels(3)
    for names in (("image", "label"), ("pixel_values", "labels"), ("img", "y")):
        data = taken(Samples(*({names[0]: x[i], names[1]: i % 2} for i in range(3))), "binary")
        assert data.targets == [0, 1, 0]
        np.testing.assert_array_equal(data[1].image, x[1])
    rows = Samples(*({"view": x[i], "age": 30 + i, "size": i} for i in range(3)))
    assert taken(rows, "regression", target="age").targets == [30, 31, 32]
    with pytest.raises(DataError, match="say target='age'"):
        taken(rows, "regression")
    with pytest.raises(DataError, match=r"Samples\[1\]: expected 'label' in each dict, got 'image'"):
        taken(Samples({"image": x[0], "label": 1}, {"image": x[1]}), "binary")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (DataLoader(TensorDataset(torch.rand(4, 3, 8, 8), torch.arange(4))), "give loader.dataset"),
        (((x, 0) for x in pixels(2)), "give .*data.*, a list of pairs"),
        (
            [(x, 0, "path") for x in pixels(2)],
            r"data list\[0\]: expected a pair .* got tuple of 3; .*keeps two",
        ),
        (Samples(*((x, 0, "path") for x in pixels(2))), r"Samples\[0\]: .* got tuple of 3; .*two"),
        ([pixels(2), [0, 1]], r"got ndarray; \(X, y\), a tuple of two arrays, is taken too"),
        ([], "expected samples, got none"),
        ({"image": 3, "label": [1]}, "a list of cells in each column, got 'int' in 'image'"),
        (object(), "expected a folder, a file, a name, or samples with"),
    ],
)
def test_what_cannot_be_taken_says_how_to_wrap_it(value: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        taken(value, "binary")


# -- tables ----------------------------------------------------------------------------------------


def test_columns_rows_and_frames_are_the_same_data() -> None:
    x = [*pixels(4)]
    labels, people = ["b", "a", "a", "b"], ["p", "p", "q", "q"]
    columns = {"image": x, "label": labels, "person": people}
    rows = [{"image": x[i], "label": labels[i], "person": people[i]} for i in range(4)]
    frame = Frame({name: Series(cells, object) for name, cells in columns.items()})
    stacked = {**columns, "image": np.stack(x)}
    for value in (columns, rows, frame, stacked):
        data = taken(value, "binary", group="person")
        assert data.targets == [1, 0, 0, 1]
        assert [data.group_of(i) for i in range(4)] == people
        np.testing.assert_array_equal(data[2].image, x[2])


class Frame:
    """What a frame of polars has."""

    def __init__(self, columns: dict[str, "Series"]) -> None:
        self._columns, self.columns = columns, [*columns]

    def get_column(self, name: str) -> "Series":
        return self._columns[name]


class Series:
    def __init__(self, cells: list[Any], dtype: Any) -> None:
        self.cells, self.dtype = cells, dtype

    def to_list(self) -> list[Any]:
        return self.cells


class Enum:
    categories = ("low", "high")


def test_an_enum_of_polars_keeps_its_order() -> None:
    frame = Frame({"image": Series([*pixels(2)], object), "grade": Series(["high", "low"], Enum())})
    data = taken(frame, "ordinal")
    assert (data.labels, data.targets) == (("low", "high"), [1, 0])


def test_columns_may_be_called_name_and_path() -> None:
    data = taken({"path": [*pixels(2)], "name": ["a", "b"]}, "binary", image="path")
    assert data.labels == ("a", "b")


def test_paths_in_rows_are_read_from_a_folder(make: Make) -> None:
    home = make({"images": 2}) / "images"
    rows = [{"file": "0.png", "kind": "a"}, {"file": "1.png", "kind": "b"}]
    data = taken(rows, "binary", folder=str(home))
    right = np.asarray(Image.open(home / "1.png"))
    np.testing.assert_array_equal(data[1].image, right)
    pairs = taken([(str(home / "1.png"), "b"), (home / "0.png", "a")], "binary")
    np.testing.assert_array_equal(pairs[0].image, right)
    assert pairs.files is not None
    assert pairs.targets == [1, 0]
    assert pairs.fingerprint


@pytest.mark.parametrize(("kept", "said"), [("b/images", "folder='b'"), ("b", "folder='FOLDER'")])
def test_a_folder_from_which_paths_lead_to_files_is_named(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, said: str
) -> None:
    home = make({"images": 1}) / "images"
    (tmp_path / "here/a").mkdir(parents=True)
    (tmp_path / "here" / kept).parent.mkdir(parents=True, exist_ok=True)
    home.rename(tmp_path / "here" / kept)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(DataError, match=rf"say from where paths are read: {said}, or leave them out: skip_"):
        taken([{"file": "images/0.png", "kind": "a"}], "binary")


def test_options_of_columns_are_refused_where_there_are_none() -> None:
    with pytest.raises(OptionError, match=r"target: expected data with columns, got .tuple.; give columns"):
        taken((pixels(2), [0, 1]), "binary", target="x")
    with pytest.raises(OptionError, match="targt"):
        taken({"image": pixels(2), "label": [0, 1]}, "binary", targt="label")


def test_what_pillow_images_lose_is_said_of_a_list_of_pairs() -> None:
    pairs = []
    for i, values in enumerate(pixels(12)):
        image = Image.fromarray(values)
        image.getexif()[0x0112] = 6
        pairs.append((image, i % 2))
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    with pytest.warns(ZooWarning, match="of the 12 images looked at: turned upright"):
        zoo.fit(model, pairs, epochs=1, progress=False)
