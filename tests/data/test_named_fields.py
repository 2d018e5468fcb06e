"""Samples with further images and targets by name."""

import csv
import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import zoo
from zoo import InputSpec
from zoo.data.batches import Batches
from zoo.interfaces import Batch, Multiclass, Regression, Segmentation
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.fields import settled_fields
from zoo.runtime.data_arguments import as_dataset, declared_fields
from zoo.spec.errors import DataError, OptionError, TrainingError, ZooWarning
from zoo.trainers import GradientTrainer, Score
from zoo.training.pixel_reuse import _obstacle

COUNT = 12
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (COUNT, 6, 8), dtype=np.uint8)
RIGHT = RNG.integers(0, 256, (COUNT, 4, 4), dtype=np.uint8)
GRAMS = RNG.uniform(0, 1, COUNT).round(3).tolist()
SPEC = InputSpec(channels=1, size=(6, 8), mean=(0.5,), std=(0.5,), decode="exact")
SMALL = InputSpec(channels=3, size=(2, 2), decode="exact")
FIELDS: dict[str, InputSpec | Any] = {"right": SMALL, "grams": Regression(), "side": Multiclass()}


def rows(**more: list[Any]) -> list[dict[str, Any]]:
    columns = {"image": [*X], "right": [*RIGHT], "label": [*range(3)] * 4, "grams": GRAMS, "side": [0, 1] * 6}
    columns |= more
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def taken(data: Any, fields: Any = None, **how: Any) -> Dataset:
    return as_dataset(data, task=Multiclass(), fields=FIELDS if fields is None else fields, **how)


class Samples:
    """A torch data set of dicts."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def table(folder: Path) -> str:
    names = []
    for i in range(COUNT):
        Image.fromarray(X[i]).save(folder / f"{i}.png")
        Image.fromarray(RIGHT[i]).save(folder / f"r{i}.png")
        names.append((f"{i}.png", f"r{i}.png", i % 3, GRAMS[i], i % 2))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "right", "label", "grams", "side"), *names])
    return str(folder / "labels.csv")


@pytest.mark.parametrize("form", ["dicts", "torch", "table", "columns", "parts"])
def test_fields_are_collated_by_name_and_images_prepared_by_their_spec(form: str, tmp_path: Path) -> None:
    dicts = rows()
    columns = {name: [row[name] for row in dicts] for name in dicts[0]}
    forms = {"dicts": dicts, "torch": Samples(dicts), "columns": columns, "parts": (dicts[:7], dicts[7:])}
    data = taken(table(tmp_path) if form == "table" else forms[form])
    (batch,) = Batches(pickle.loads(pickle.dumps(data)), range(COUNT), SPEC, batch_size=COUNT)
    torch.testing.assert_close(batch["image"], torch.from_numpy(X)[:, None] / 255)
    # Gray for three channels, and the mean of 2 x 2 pixels, which antialiased bilinear weighs otherwise
    assert batch["right"].shape == (COUNT, 3, 2, 2)
    right = torch.from_numpy(RIGHT)[:, None].float() / 255
    whole = torch.nn.functional.interpolate(right, size=(2, 2), mode="bilinear", antialias=True)
    torch.testing.assert_close(batch["right"], whole.expand(-1, 3, -1, -1), atol=1e-3, rtol=0)
    torch.testing.assert_close(batch["grams"].flatten(), torch.tensor(GRAMS))
    assert batch["side"].tolist() == [0, 1] * 6
    assert batch["side"].dtype == torch.int64
    assert batch["target"].tolist() == [0, 1, 2] * 4


def test_views_keep_the_fields_of_their_samples() -> None:
    from zoo.data.label_mapping import by_name
    from zoo.data.view import Subset

    data = taken(rows(label=["a", "b", "c"] * 4))
    mapped = by_name(data, ("c", "b", "a"), Multiclass(), "fit")
    assert mapped.fields == FIELDS
    sample = Subset(mapped, [4])[0]
    assert (sample.target, sample.fields["grams"], sample.fields["side"]) == (1, GRAMS[4], 0)
    np.testing.assert_array_equal(sample.fields["right"][..., 0], RIGHT[4])


def test_the_fingerprint_changes_with_a_field() -> None:
    own = taken(rows()).fingerprint
    assert taken(rows()).fingerprint == own
    other = RIGHT.copy()
    other[3, 0, 0] ^= 1
    assert taken(rows(right=[*other])).fingerprint != own
    assert taken(rows(side=[1] * COUNT)).fingerprint != own


def test_columns_that_nothing_takes_are_said_and_missing_fields_refused(tmp_path: Path) -> None:
    with pytest.warns(ZooWarning, match="images are 'image', targets 'label'; not used: 'room'"):
        taken(rows(room=["kitchen"] * COUNT))
    with pytest.raises(DataError, match=r"expected a column among .* got 'rights'; did you mean"):
        taken(rows(), {"rights": SMALL})
    with pytest.raises(DataError, match=r"with the field 'right', got 'ClassFolders'; give dicts"):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            Image.fromarray(X[0]).save(tmp_path / name / "0.png")
        taken(str(tmp_path), {"right": SMALL})
    with pytest.raises(DataError, match="with the fields 'right', 'grams'"):
        taken(Pairs(), {"right": SMALL, "grams": Regression()})


class Pairs(Samples):
    """A torch data set of pairs."""

    def __init__(self) -> None:
        super().__init__([(x, i % 2) for i, x in enumerate(X)])


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"grams": [*GRAMS[:-1], None]}, "column 'grams': expected numbers, .* got None in row 12"),
        ({"side": ["left"] * COUNT}, "got 'left' in row 1; number the classes from 0 on"),
        ({"grams": [float("nan")] * COUNT}, "column 'grams': expected numbers"),
    ],
)
def test_what_a_field_cannot_take_is_refused(columns: dict[str, list[Any]], text: str) -> None:
    with pytest.raises(DataError, match=text):
        taken(rows(**columns))


def test_files_of_a_field_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = table(tmp_path)
    (tmp_path / "r5.png").unlink()
    with pytest.raises(DataError, match=r"'right': .*1 of 12 missing \(.*r5.png, row 6\)"):
        taken(path)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"mask": "image"}, "a name of its own"),
        ({"right image": "image"}, "a name of its own"),
        ({"right": "label"}, "'image', an InputSpec or a task for each field, got 'label' for 'right'"),
        ({"right": Segmentation()}, "tasks whose targets are numbers, got segmentation for 'right'"),
    ],
)
def test_declarations_that_cannot_be_had_are_refused(fields: Any, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        settled_fields(fields, {}, SPEC)
    with pytest.raises(OptionError, match=text):
        settled_fields({}, fields, SPEC)


def test_model_and_trainer_may_declare_a_field_alike_alone() -> None:
    assert settled_fields({"right": "image"}, {"right": SPEC}, SPEC) == {"right": SPEC}
    with pytest.raises(OptionError, match="'right' as the model declares it"):
        settled_fields({"right": SMALL}, {"right": "image"}, SPEC)


class TwoViews(GradientTrainer):
    """Learns from two views of a thing, weighed by a second target."""

    fields: ClassVar[Any] = {"right": "image", "grams": Regression()}

    def losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        views = [self.network(batch["image"]), self.network(batch["right"])]
        each = [nn.functional.cross_entropy(view, batch["target"], reduction="none") for view in views]
        return sum(views) / 2, {"kind": (sum(each) * batch["grams"].flatten()).mean()}

    def evaluate(self, batches: Any) -> dict[str, float]:
        score = Score(self.task, self.model.outputs, self.loss)
        with self.inference():
            for batch in batches:
                score.add(*self.execution.gather(self.model(batch["image"]), batch))
        return score.values()


def views() -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "side"} for row in rows()]


def classifier() -> Any:
    return zoo.build("small_cnn", head="multiclass", in_channels=1, input_size=8, classes=3, seed=0)


@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
def test_a_trainer_gets_the_fields_that_it_names_and_trains_one_part() -> None:
    model = classifier()
    model.freeze("all")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    run = zoo.fit(model, views(), trainer=TwoViews(epochs=1, micro_batch_size=3), progress=False)
    moved = {n.split(".")[0] for n, v in model.state_dict().items() if not torch.equal(v, before[n])}
    assert moved == {"head"}
    assert run.cache == ""
    assert declared_fields(model, TwoViews(epochs=1), {})["right"] == model.input_spec


def test_augmentation_that_would_change_one_image_of_two_is_refused() -> None:
    with pytest.raises(TrainingError, match="it changes the first alone, got 'right'; leave it out"):
        zoo.fit(classifier(), views(), trainer=TwoViews(epochs=1), augment="flip", progress=False)


def test_a_trainer_with_fields_needs_a_model_with_an_input_spec() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    with pytest.raises(TrainingError, match=r"fields of TwoViews: expected a model of zoo\.interfaces"):
        zoo.fit(net, views(), trainer=TwoViews(epochs=1), loss=nn.CrossEntropyLoss(), progress=False)


def test_pixels_of_samples_with_fields_are_not_kept(tmp_path: Path) -> None:
    why = _obstacle(classifier(), taken(table(tmp_path)), 2, asked=False)
    assert why == "further fields, which are read with their images"
