"""Masks as a column of a table and as objects beside their images."""

import csv
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch.utils.data import TensorDataset

import zoo
from zoo.cli import data as data_command
from zoo.compose.instantiate import make
from zoo.data.resolve import resolve
from zoo.data.section import WithOptions
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.errors import DataError, OptionError, ZooWarning

COUNT = 8
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (COUNT, 6, 10, 3), dtype=np.uint8)
Y = (X.mean(-1) > 128).astype(np.int64)


def taken(
    value: Any, task: str | None = "segmentation", classes: int | None = None, **options: Any
) -> Dataset:
    given = WithOptions(value, options)
    return resolve(given, lambda ref: make("dataset", ref), task=BY_NAME.get(task or ""), classes=classes)


class Samples:
    """A torch data set without a base class, which counts how often it is asked."""

    def __init__(self, items: list[Any], **told: Any) -> None:
        self.items, self.asked = items, 0
        vars(self).update(told)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        self.asked += 1
        return self.items[index]


def table(folder: Path, masks: np.ndarray[Any, Any] = Y * 255, **columns: list[Any]) -> str:
    """A CSV with a file and a mask a row."""
    rows: dict[str, list[Any]] = {"file": [], "mask": []} | columns
    for i, (image, mask) in enumerate(zip(X, masks, strict=True)):
        Image.fromarray(image).save(folder / f"{i}.png")
        Image.fromarray(mask.astype(np.uint8)).save(folder / f"m{i}.png")
        rows["file"].append(f"{i}.png")
        rows["mask"].append(f"m{i}.png")
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*rows], *zip(*rows.values(), strict=True)])
    return str(folder / "labels.csv")


FORMS = {
    "arrays": (X, Y),
    "tensors": (torch.from_numpy(X).permute(0, 3, 1, 2), torch.from_numpy(Y)),
    "masks with a channel": (torch.from_numpy(X).permute(0, 3, 1, 2), torch.from_numpy(Y)[:, None]),
    "booleans": (X, Y > 0),
    "pairs of arrays": [*zip(X, Y, strict=True)],
    "pairs of Pillow images": [
        (Image.fromarray(x), Image.fromarray(y.astype(np.uint8))) for x, y in zip(X, Y, strict=True)
    ],
    "dicts": [{"image": x, "mask": y} for x, y in zip(X, Y, strict=True)],
    "columns": {"photo": X, "mask": Y},
    "tensor dataset": TensorDataset(torch.from_numpy(X).permute(0, 3, 1, 2), torch.from_numpy(Y)),
    "dataset of dicts": Samples([{"image": x, "mask": y} for x, y in zip(X, Y, strict=True)]),
    "two sets": ((X[:5], Y[:5]), ([*X[5:]], [*Y[5:]])),
}


@pytest.mark.parametrize("form", FORMS)
def test_masks_in_memory_are_those_of_their_images(form: str) -> None:
    data = taken(FORMS[form])
    assert (data.masks, data.labels, data.numbered) == (True, ("background", "object"), True)
    assert [*data.targets] == [None] * COUNT
    for i in range(COUNT):
        np.testing.assert_array_equal(data[i].image, X[i])
        np.testing.assert_array_equal(data[i].mask, Y[i])


def test_a_column_of_files_is_read_as_folders_of_masks_are(tmp_path: Path) -> None:
    path = table(tmp_path)
    for data in (taken(path), taken(path, mask="mask"), taken(path, task=None)):
        assert data.labels == ("background", "object")
        assert data.task is not None
        assert data.task.name == "segmentation"
        np.testing.assert_array_equal(data[3].mask, Y[3])
    (tmp_path / "classes.txt").write_text("sky\n-\nroad\n")
    named = taken(table(tmp_path, Y * 2))
    assert (named.labels, named.numbered) == (("sky", "road"), False)
    np.testing.assert_array_equal(named[3].mask, Y[3])


def test_options_of_values_hold_for_tables_and_objects(tmp_path: Path) -> None:
    colors = {"sky": "#000000", "road": "#ffffff"}
    path = table(tmp_path)
    assert taken(path, colors=colors).labels == taken((X, Y * 255), colors=colors).labels == ("sky", "road")
    ignored = taken((X, Y + 1), ignore=0)
    np.testing.assert_array_equal(ignored[0].mask, Y[0])
    soft = taken([*zip(X, (Y * 100 + 80).astype(np.uint8), strict=True)], threshold=127)
    np.testing.assert_array_equal(soft[2].mask, Y[2])
    left = np.where(np.arange(10) == 0, 255, Y)
    np.testing.assert_array_equal(taken((X, left), classes=2)[0].mask, left[0])


def test_fingerprints_change_with_a_pixel_of_a_mask_and_with_what_values_mean() -> None:
    own = taken((X, Y)).fingerprint
    assert own == taken((X.copy(), torch.from_numpy(Y))).fingerprint
    other = Y.copy()
    other[4, 0, 0] ^= 1
    assert taken((X, other)).fingerprint != own
    assert taken((X, Y), colors={"sky": 0, "road": 1}).fingerprint != own
    assert taken(FORMS["tensor dataset"]).fingerprint is None


def test_a_torch_data_set_is_asked_once_for_image_and_mask() -> None:
    for items in ([*zip(X, Y, strict=True)], [{"image": x, "mask": y} for x, y in zip(X, Y, strict=True)]):
        source = Samples(items)
        data = pickle.loads(pickle.dumps(taken(source)))
        found = data
        while not isinstance(found, Samples):
            found = getattr(found, "source", None) or found.columns["image"].source
        before = found.asked
        assert data[2].mask is not None
        assert found.asked == before + 1


def test_classes_of_a_set_are_those_of_its_masks_only_where_they_are_as_many() -> None:
    items = [*zip(X, Y, strict=True)]
    assert taken(Samples(items, classes=["sky", "road"])).labels == ("sky", "road")
    with pytest.warns(ZooWarning, match=r"its 3 classes \('a', 'b', 'c'\) are not those of the masks"):
        assert taken(Samples(items, classes=["a", "b", "c"])).labels == ("background", "object")


@pytest.mark.parametrize(
    ("masks", "text"),
    [
        (Y[:, :4], "expected 10x6, as row 1, got 10x4"),
        (Y.astype(float), "expected whole numbers, got float64"),
        (Y - 1, r"expected values 0..255, got -1; 255 stands for what does not count"),
        (np.eye(2)[Y].astype(int), "got 6 x 10 x 2; of a channel for each class"),
        (Y[:4], "a mask for each image, got 8 images and 4 masks"),
        ([0, 1] * 4, "a Pillow image or a file, got 'int'"),
        (Y * 4 + 1, "expected class numbers without gaps, got 1, 5"),
    ],
)
def test_what_is_no_mask_is_refused(masks: Any, text: str) -> None:
    with pytest.raises(DataError, match=text):
        taken((X, masks))


def refusals(path: str) -> Iterator[tuple[dict[str, Any], str]]:
    yield {"target": "who"}, "expected masks alone, .* got target='who'; mask=... names the column"
    yield {"mask": "nope"}, "mask: expected a column among 'file', 'mask', 'who', got 'nope'"
    yield {"mask": "who"}, "mask of .*0.png: expected an array .* got 'int'"
    yield {"mask": "mask", "task": "binary", "target": "who"}, "gives a class to each pixel, got mask='mask'"
    yield {"ignore": 0, "task": "binary", "target": "who"}, "leave out ignore: it is of masks"
    yield {"mask": "mask", "threshold": 9, "ignore": 0}, "expected threshold or ignore"


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path, who=[0, 1] * 4)
    with pytest.warns(ZooWarning, match="images are 'file', masks 'mask'; not used: 'who'"):
        taken(path)
    for options, text in refusals(path):
        with pytest.raises((OptionError, DataError), match=text):
            taken(path, **options)
    with pytest.raises(OptionError, match="data with columns"):
        taken((X, Y), separator=",")
    with pytest.raises(OptionError, match="data with columns"):
        taken((X, [0, 1] * 4), "binary", ignore=0)


def test_an_empty_cell_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = Path(table(tmp_path))
    text = path.read_text()
    path.write_text(text.replace("m4.png", ""))
    with pytest.raises(
        DataError, match="column 'mask': expected an image or mask in each row, got none in row 5"
    ):
        taken(str(path))
    path.write_text(text.replace("m4.png", "m44.png"))
    with pytest.raises(
        DataError,
        match=r"column 'mask': expected the files of masks that it names, got 1 of 8 .*m44.png, row 5\)",
    ):
        taken(str(path))


def test_pairs_that_cannot_be_read_are_skipped_with_their_masks(tmp_path: Path) -> None:
    path = table(tmp_path)
    (tmp_path / "2.png").write_bytes(b"no image")
    with pytest.warns(ZooWarning, match="left out 1 of 8 images"):
        data = resolve(
            path, lambda ref: make("dataset", ref), task=BY_NAME["segmentation"], skip_unreadable=True
        )
    assert len(data) == COUNT - 1
    np.testing.assert_array_equal(data[2].mask, Y[3])


def test_a_table_with_masks_is_trained_and_measured_like_arrays(tmp_path: Path) -> None:
    masks = {"sky": 0, "road": 255}
    model = zoo.build("unet", encoder="small_cnn", classes=2, input_size=16, seed=0)
    run = zoo.fit(model, table(tmp_path), mask="mask", colors=masks, epochs=1, out=tmp_path / "run")
    assert run.model.labels == ("sky", "road")
    # Columns and colours are those that it was trained with; arrays say theirs
    found = zoo.evaluate(run.model, str(tmp_path / "labels.csv"))
    assert 0 <= found.metrics["iou"] <= 1
    arrays = zoo.evaluate(run.model, (X, Y))
    assert {*arrays.metrics} == {*found.metrics}
    assert zoo.predict(run.model, X[:2])[0].mask.shape == (6, 10)


def test_data_show_how_masks_of_a_table_are_read(tmp_path: Path) -> None:
    path = table(tmp_path)
    shown = CliRunner().invoke(data_command.command, [path, "--as", "masks"])
    assert shown.exit_code == 0, shown.output
    assert "2 classes of pixels" in shown.output
    assert "masks    in the column mask" in shown.output
