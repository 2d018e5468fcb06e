"""A run that mirrors images of signs says so before it begins."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.interfaces.augmenter import Augmenter, Chain
from zoo.interfaces.model import Model
from zoo.runtime.arguments import as_augmenter
from zoo.runtime.augment_checks import warn_misread
from zoo.spec.hints.spoken import Spoken, speaking
from zoo.training.setup import assemble

Make = Callable[..., Model]
SIGNS = ["2", "5"]


def told(augment: Any, labels: list[str] = SIGNS, way: Any = "python", **more: Any) -> list[str]:
    augmenter, value = as_augmenter(augment)
    assert augmenter is not None
    with warnings.catch_warnings(record=True) as found, speaking(Spoken(way=way, rest=way)):
        warnings.simplefilter("always")
        warn_misread(augmenter, labels, value, **more)
    return [str(item.message) for item in found]


MEANS = "may change what labels mean: mirrored, '2', '5' are other signs or none; if so,"


def test_the_one_at_fault_is_named_with_the_way_out() -> None:
    assert told("photo") == [f"augment photo {MEANS} say augment={{'name': 'photo', 'flip': False}}"]
    assert told(["rotate", "flip", "noise"]) == [f"augment flip {MEANS} leave it out"]
    assert told("photo", way="shell") == [f"augment photo {MEANS} say --set augment.flip=false"]
    assert told("photo", way="shell", prefix="") == [f"augment photo {MEANS} say --set flip=false"]
    table = 'augment = {name = "photo", flip = false}'
    assert told(["noise", "photo"], way="shell") == [f"augment photo {MEANS} say {table}"]


def test_so_is_one_inside_of_another() -> None:
    inside = {"name": "photo", "flip": False}
    assert told("rare") == [f"augment rare {MEANS} say augment={ {'name': 'rare', 'augmenter': inside} }"]
    said = """--set 'augment.augmenter={name = "photo", flip = false}'"""
    assert told("rare", way="shell") == [f"augment rare {MEANS} say {said}"]


def test_so_is_an_object_and_what_turns_too_far_with_others() -> None:
    object_ = Chain([as_augmenter("noise")[0], as_augmenter("photo")[0]])  # type: ignore[list-item]
    assert told(object_) == [f"augment Photo {MEANS} leave it out"]
    far = [{"name": "rotate", "degrees": 90}, {"name": "rotate", "degrees": 60}]
    (message,) = told(far, ["6", "9"])
    assert message.startswith("augment rotate, rotate may change what labels mean: turned, '6' is '9'")


@pytest.mark.parametrize(
    "augment",
    [
        {"name": "photo", "flip": False},
        ["rotate", {"name": "flip", "p": 0}],
        {"name": "flip", "horizontal": False},
        "document", "randaugment", "mixup", "crop",
        "image-data-generator",
        Augmenter(),
    ],
)  # fmt: skip
def test_what_leaves_images_upright_says_nothing(augment: Any) -> None:
    assert told(augment, ["B", "8"] if isinstance(augment, dict) and "horizontal" in augment else SIGNS) == []


@pytest.mark.parametrize(
    ("augment", "labels"),
    [
        ({"name": "image-data-generator", "horizontal_flip": True}, SIGNS),
        ({"name": "image-data-generator", "vertical_flip": True}, ["b", "q"]),
        ({"name": "image-data-generator", "rotation_range": 180}, ["6", "9"]),
        ({"name": "rotate", "degrees": [150, 200]}, ["6", "9"]),
        ({"name": "flip", "horizontal": False, "vertical": True}, ["4", "8"]),
        ("trivialaugment", ["6", "9"]),
    ],
)
def test_each_way_of_turning_is_declared(augment: Any, labels: list[str]) -> None:
    assert len(told(augment, labels)) == 1


class Data(list[Any]):
    classes: list[str]


@pytest.mark.parametrize(
    ("head", "classes", "count"),
    [("multiclass", ["2", "5", "7"], 1), ("multiclass", None, 0), ("ordinal", ["2", "5", "7"], 0)],
    ids=["signs", "numbers of classes", "levels"],
)
def test_a_run_says_it_before_it_begins(
    head: str, classes: list[str] | None, count: int, make_model: Make, recwarn: pytest.WarningsRecorder
) -> None:
    data = Data((np.full((8, 8, 1), i / 30, np.float32), i % 3) for i in range(30))
    if classes is not None:
        data.classes = classes
    parts: dict[str, Any] = {"loss": None, "trainer": None, "seed": None, "skip_unreadable": False}
    model = make_model(head=head, classes=classes or 3, in_channels=1, input_size=8)
    assemble(model, data=data, augment="photo", options={"epochs": 1}, **parts)
    assert len([item for item in recwarn if "may change what labels mean" in str(item.message)]) == count
