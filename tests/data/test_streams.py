"""Sets without a length: trained on by steps, refused where something cannot be had, shared by workers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Features
from datasets import Dataset as Set
from datasets import Image as ImageFeature
from PIL import Image
from torch.utils.data import IterableDataset, get_worker_info

import zoo
from zoo.data.streams.batches import StreamBatches
from zoo.data.streams.forms import Streamed, stream_in
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import DataError, OptionError, ZooWarning
from zoo.spec.inputs import InputSpec

KINDS = ("dark", "light")
SPEC = InputSpec(channels=1, size=(4, 4), mean=(0,), std=(1,))


def image(i: int) -> np.ndarray[Any, Any]:
    """One of 12 images, the odd ones light."""
    return np.full((4, 4), 10 * i + (120 if i % 2 else 0), np.uint8)


class Stream(IterableDataset[Any]):
    """Twelve samples, each turn; its parts are for a worker each, unless that was forgotten."""

    def __init__(self, make: Callable[[int], Any], *, apart: bool = True, count: int = 12) -> None:
        self.make, self.apart, self.count = make, apart, count
        self.turns: list[int] = []

    def set_epoch(self, turn: int) -> None:
        self.turns.append(turn)

    def __iter__(self) -> Iterator[Any]:
        info = get_worker_info() if self.apart else None
        start, step = (info.id, info.num_workers) if info else (0, 1)
        return (self.make(i) for i in range(start, self.count, step))


def pairs(i: int) -> Any:
    return image(i), i % 2


VAL = [(image(i) ^ 1, KINDS[i % 2]) for i in range(4)]


def batches(
    make: Callable[[int], Any], task: str = "multiclass", columns: Any = None, **more: Any
) -> StreamBatches:
    stream = more.pop("stream", None) or Stream(make)
    data = Streamed(as_dataset(VAL), stream, columns or {}, more.pop("steps", 3))
    return StreamBatches(data, SPEC, labels=KINDS, task=BY_NAME[task], batch_size=4, seed=0, **more)


def levels(batch: Any) -> list[int]:
    return [round(float(x) * 255) for x in batch["image"][:, 0, 0, 0]]


def png(i: int) -> dict[str, Any]:
    return {"__key__": f"k{i}", "png": Image.fromarray(image(i)), "cls": b"%d" % (i % 2)}


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (pairs, {}),
        (lambda i: (torch.from_numpy(image(i))[None], KINDS[i % 2]), {}),
        (lambda i: {"image": image(i), "label": KINDS[i % 2], "other": 3}, {}),
        (png, {"target": "cls"}),
    ],
)
def test_samples_are_read_as_those_of_a_set(make: Callable[[int], Any], columns: dict[str, Any]) -> None:
    found = [*batches(make, columns=columns).epoch(1)]
    assert [levels(batch) for batch in found] == [
        [int(image(i)[0, 0]) for i in range(a, a + 4)] for a in (0, 4, 8)
    ]
    assert [batch["target"].tolist() for batch in found] == [[0, 1, 0, 1]] * 3


def test_an_epoch_goes_on_where_the_last_one_ended_and_the_stream_begins_anew() -> None:
    stream = Stream(pairs)
    source = batches(pairs, stream=stream, steps=2)
    seen = [levels(batch) for number in (1, 2, 3) for batch in source.epoch(number)]
    assert seen[3] == seen[0]
    assert len({tuple(batch) for batch in seen[:3]}) == 3
    assert stream.turns == [0, 1]
    # Draws follow from the number of an image, which no other has
    assert len([*source.epoch(4, skip=1)]) == 1


def test_values_and_several_labels_are_targets_too() -> None:
    values = next(batches(lambda i: (image(i), i / 2), "regression").epoch())["target"]
    assert values.flatten().tolist() == [0, 0.5, 1, 1.5]
    rows = next(batches(lambda i: (image(i), ["light"] if i % 2 else []), "multilabel").epoch())["target"]
    assert rows.tolist() == [[0, 0], [0, 1], [0, 0], [0, 1]]


def test_streams_of_hugging_face_name_their_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    features = Features({"image": ImageFeature(), "label": ClassLabel(names=["light", "dark"])})
    rows = {
        "image": [Image.fromarray(image(i)) for i in range(12)],
        "label": [(i + 1) % 2 for i in range(12)],
    }
    stream = Set.from_dict(rows, features=features).to_iterable_dataset()
    # By name: light is the second class of the model, and decoded by zoo
    monkeypatch.setattr(ImageFeature, "decode_example", None)
    batch = next(batches(pairs, stream=stream).epoch())
    assert batch["target"].tolist() == [0, 1, 0, 1]
    assert levels(batch) == [int(image(i)[0, 0]) for i in range(4)]


def test_workers_share_a_stream_that_is_split_and_refuse_one_that_is_not() -> None:
    seen = [level for batch in batches(pairs, workers=2, steps=2).epoch() for level in levels(batch)]
    assert len({*seen}) == 8
    same = batches(pairs, stream=Stream(pairs, apart=False), workers=2)
    with pytest.raises(
        DataError, match=r"workers=2: the stream: expected other images for each worker, got the same"
    ):
        [*same.epoch()]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda i: (image(i), 7), r"target of Stream\[0\]: expected a class from 0 to 1, or its name, got 7"),
        (lambda i: (image(i), "lihgt"), r"Stream\[0\].*got 'lihgt'; did you mean light"),
        (lambda i: (image(i), None), r"Stream\[0\]: expected a target in each sample, got none"),
        (
            lambda i: (image(i), 0, 1),
            r"Stream\[0\]: expected a pair \(image, target\) or a dict, got tuple of 3",
        ),
        (
            lambda i: {"a": image(i), "b": 1, "c": 2},
            r"data Stream: target: expected the column of what is to be",
        ),
        (lambda i: 1 // (1 - i), r"data Stream: expected the next sample, got ZeroDivisionError|pair"),
    ],
)
def test_a_sample_that_does_not_fit_is_told(make: Callable[[int], Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        [*batches(make).epoch()]


def test_a_stream_without_samples_is_told() -> None:
    with pytest.raises(DataError, match="data Stream: expected samples, got none"):
        [*batches(pairs, stream=Stream(pairs, count=0)).epoch()]


# -- a run ---------------------------------------------------------------------------------------------


def model() -> Any:
    return zoo.build({"name": "mlp", "hidden": [8]}, head="binary", in_channels=1, input_size=4, seed=0)


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (
            lambda s: (s, VAL),
            {},
            "data Stream: expected a length, got a stream; say how many.*steps_per_epoch=1000",
        ),
        (
            lambda s: s,
            {"steps_per_epoch": 2},
            "a validation set beside a stream, got none; give .stream, validation",
        ),
        (
            lambda s: (s, s),
            {"steps_per_epoch": 2},
            "expected a set with a length, got the stream Stream for val",
        ),
        (lambda s: (VAL, s), {"steps_per_epoch": 2}, "stream|samples"),
        (lambda s: {"train": VAL, "val": s}, {}, "a stream to train on alone, got the stream of 'val'"),
        (
            lambda s: (s, VAL),
            {"steps_per_epoch": 2, "sampler": "balanced"},
            "sampler: expected no such option",
        ),
        (lambda s: (s, VAL), {"steps_per_epoch": 2, "group": "p"}, "group: expected no such option"),
        (lambda s: (s, VAL), {"steps_per_epoch": 2, "fold": "1/2"}, "fold: expected no such option"),
        (
            lambda s: (s, VAL),
            {"steps_per_epoch": 2, "cache": "pixels"},
            "cache='pixels'.*other images in each epoch",
        ),
        (lambda s: (s, VAL), {"steps_per_epoch": 0}, "steps_per_epoch"),
        (
            lambda s: VAL,
            {"steps_per_epoch": 2},
            "expected a set without a length, got 4 samples; leave it out",
        ),
        (
            lambda s: (s, VAL),
            {"steps_per_epoch": 2, "loss": {"name": "bce", "positive_weight": "balanced"}},
            "images that can be counted before a run, got a stream; say the weights as numbers",
        ),
    ],
)
def test_what_cannot_be_had_of_a_stream_is_refused(
    tmp_path: Path, data: Callable[[Any], Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises((DataError, OptionError), match=words):
        zoo.fit(model(), data(Stream(pairs)), epochs=1, out=tmp_path / "run", progress=False, **options)


def test_folds_and_several_processes_need_a_length(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = (Stream(pairs), VAL)
    with pytest.raises(DataError, match="folds: expected images that can be divided, got a stream"):
        zoo.fit(model(), data, steps_per_epoch=2, folds=2, out=tmp_path / "folds", progress=False)
    found = stream_in(as_dataset(data))
    assert found is not None
    from zoo.runtime import data_checks

    monkeypatch.setattr(data_checks, "processes", lambda: (0, 2))
    found.steps = 2
    with pytest.raises(
        OptionError, match="expected data with a length, got a stream for 2 of them; give shards"
    ):
        data_checks.check_stream(found)


def test_a_run_trains_on_a_stream_and_begins_it_anew_where_it_is_resumed(tmp_path: Path) -> None:
    test = [(image(i) ^ 2, KINDS[i % 2]) for i in range(4, 10)]
    data = {"train": Stream(pairs), "val": VAL, "test": test}
    run = zoo.fit(
        model(),
        data,
        steps_per_epoch=3,
        batch_size=4,
        epochs=4,
        lr=0.05,
        out=tmp_path / "run",
        progress=False,
    )
    assert run.images == {"train": 12, "val": 4, "test": 6}
    assert run.model.labels == KINDS
    assert zoo.evaluate(run.model, data, progress=False).metrics["accuracy"] > 0.8
    with pytest.warns(ZooWarning, match="the stream begins anew"):
        longer = zoo.fit(data=data, resume=tmp_path / "run", epochs=5, progress=False)
    assert len(longer.history) == 5


def test_what_cannot_be_had_of_a_stream_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"name": "small_cnn", "channels": [4, 4]}
    with pytest.warns(ZooWarning) as told:
        frozen = zoo.build(plain, head="binary", in_channels=1, input_size=8, seed=0, freeze="block1")
        zoo.fit(frozen, (Stream(pairs), VAL), steps_per_epoch=1, epochs=2, out=tmp_path / "run")
    assert capsys.readouterr().err.count("a stream, 1 batch an epoch: nothing is cached, and a resumed") == 1
    words = "computed anew each epoch: a stream gives other images in each epoch"
    assert sum(words in str(one.message) for one in told) == 1
