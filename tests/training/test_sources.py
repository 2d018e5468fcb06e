"""Where a run's batches come from, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from zoo.data.batches import Batches
from zoo.interfaces.model import Model
from zoo.runtime.processes import FULL
from zoo.runtime.progress import Reporter
from zoo.spec.errors import OptionError, ZooWarning
from zoo.training import batch_sources
from zoo.training.batch_sources import sources
from zoo.training.feature_cache import CachedBatches
from zoo.training.setup import Setup, assemble

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 8}
pytestmark = pytest.mark.filterwarnings("ignore:frozen blocks .* have random:zoo.ZooWarning")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("zoo.training.feature_cache.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "features"


def setup(make_model: Make, freeze: str = "block1", **more: Any) -> Setup:
    given: dict[str, Any] = {
        "data": FACES, "augment": None, "loss": None, "trainer": None, "seed": 3, "skip_unreadable": False,
        "options": {"epochs": 1, "batch_size": 5},
    }  # fmt: skip
    return assemble(make_model(freeze=freeze), **{**given, **more})


class Noting(Reporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(False)
        self.told: list[Any] = []

    def note(self, text: str) -> None:
        self.told.append(text)

    def begin(self, epochs: int, steps: int, *, done: int = 0, title: str = "training") -> None:
        self.told.append((epochs, steps, title))

    def step(self) -> None:
        self.told.append("step")


def found(made: Setup, **more: Any) -> tuple[Any, Any, str, list[Any]]:
    reporter = Noting()
    given: dict[str, Any] = {
        "device": torch.device("cpu"), "precision": FULL, "workers": 0, "cache": None, "accelerator": None,
    }  # fmt: skip
    train, val, note = sources(made, **{**given, **more}, reporter=reporter)
    return train, val, note, reporter.told


def test_rows_are_computed_once_for_training_and_validation_images(make_model: Make, home: Path) -> None:
    made = setup(make_model)
    train, val, note, told = found(made)
    assert isinstance(train, CachedBatches)
    assert isinstance(val, CachedBatches)
    count = len(made.splits.train) + len(made.splits.val)
    size = f"{count * train.cache.row_bytes / 1e3:.1f} kB"
    (folder,) = home.iterdir()
    assert note == f"block1 of {count} images, {size}, in {folder}"
    assert count <= train.cache.batch_size
    said = f"computing block1 of {count} images once, {size} in {folder}"
    assert told == [said, (1, 1, "frozen blocks"), "step"]
    assert found(made)[3] == [f"reusing block1 of {count} images from {folder}"]


def test_validation_images_alone_are_kept_where_training_images_are_augmented(make_model: Make) -> None:
    made = setup(make_model, augment="noise")
    train, val, note, _ = found(made)
    assert isinstance(train, Batches)
    assert isinstance(val, CachedBatches)
    assert f"of {len(made.splits.val)} images" in note


@pytest.mark.parametrize("cached", [True, False])
def test_the_order_is_the_seeds_and_shuffled_in_training_alone(make_model: Make, cached: bool) -> None:
    made = setup(make_model)
    train, val, _, _ = found(made, cache=cached)
    assert isinstance(train, CachedBatches) is cached
    assert (train.order.seed, train.order.shuffle, train.order.size) == (3, True, 5)
    assert (val.order.shuffle, val.order.size) == (False, 5)
    assert train.order.indices == made.splits.train
    assert val.order.indices == made.splits.val
    for source, indices in ((train, made.splits.train), (val, made.splits.val)):
        seen = [i for batch in source.epoch(1, 0) for i in batch["index"].tolist()]
        assert sorted(seen) == list(indices)
        assert (seen == list(indices)) is (source is val)


def test_without_a_cache_nothing_is_said(make_model: Make, home: Path) -> None:
    train, val, note, told = found(setup(make_model), cache=False)
    assert (type(train), type(val), note, told) == (Batches, Batches, "", [])
    assert not home.exists()
    train, _, note, told = found(setup(make_model, freeze="none"))
    assert (type(train), note, told) == (Batches, "", [])
    with pytest.raises(OptionError, match="got none frozen at the model's beginning"):
        found(setup(make_model, freeze="none"), cache=True)


def unkept(made: Setup, why: str, **more: Any) -> None:
    with pytest.warns(ZooWarning, match=f"computed anew each epoch: .*{why}"):
        train, _, note, told = found(made, **more)
    assert (type(train), note, told) == (Batches, "", [])
    with pytest.raises(OptionError, match=f"cache=True: expected frozen blocks whose .*{why}"):
        found(made, **more, cache=True)
    assert isinstance(found(made, **more, cache=False)[0], Batches)


def test_why_rows_cannot_be_kept_is_a_warning_or_where_it_was_asked_for_an_error(make_model: Make) -> None:
    unkept(setup(make_model), "features are kept in full precision only", precision="bf16")
    half = setup(make_model)
    half.model.backbone.block1.half()
    unkept(half, "features are kept in full precision only")
    hooked = setup(make_model)
    hooked.model.backbone.block1.register_forward_pre_hook(lambda module, given: None)
    unkept(hooked, "block1 has forward hooks")
    late = setup(make_model)
    late.model.backbone.block2.register_forward_hook(lambda module, given, out: None)
    assert isinstance(found(late)[0], CachedBatches)  # it is not frozen


def test_targets_that_are_places_are_read_with_their_images(
    make_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = setup(make_model)
    monkeypatch.setattr(type(made.model.task), "spatial", True)
    unkept(made, "targets of task binary are read with their images")


def test_a_lack_of_room_is_said_and_images_are_read(
    make_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_sources, "make_room", lambda needed, folder: "no room")
    unkept(setup(make_model), "no room")


def test_processes_wait_for_the_one_that_fills_and_say_where_it_could_not(
    make_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []

    class Accelerator:
        def wait_for_everyone(self) -> None:
            waited.append("waited")

    made = setup(make_model)
    monkeypatch.setattr(batch_sources, "processes", lambda: (1, 2))
    with pytest.warns(ZooWarning, match="anew each epoch: the first process could not fill it"):
        train, _, _, told = found(made, accelerator=Accelerator())
    assert (type(train), waited, told) == (Batches, ["waited"], [])
    monkeypatch.setattr(batch_sources, "processes", lambda: (0, 2))
    assert isinstance(found(made, accelerator=Accelerator())[0], CachedBatches)
    monkeypatch.setattr(batch_sources, "processes", lambda: (1, 2))
    train, _, _, told = found(made, accelerator=Accelerator())
    assert isinstance(train, CachedBatches)
    assert told == []  # the first one tells
    assert len(waited) == 3


@pytest.mark.parametrize(("freeze", "least"), [("none", 2), ("block1", 2), ("all", 1)])
def test_batch_norm_that_learns_needs_two_images_a_batch(make_model: Make, freeze: str, least: int) -> None:
    count = len(setup(make_model).splits.train)
    made = setup(make_model, freeze=freeze, options={"epochs": 1, "batch_size": count - 1})
    train = found(made, cache=False)[0]
    assert [len(batch["index"]) for batch in train.epoch(1)] == ([count] if least == 2 else [count - 1, 1])
