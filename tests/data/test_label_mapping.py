"""Labels of data and of a model are matched by name."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Subset

from zoo.data.label_mapping import Relabelled, by_name, in_order
from zoo.data.sources.mask_folders import MaskFolders
from zoo.data.sources.torch_dataset import TorchData
from zoo.data.view import source_of
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Multiclass, Multilabel, Ordinal, Regression, Segmentation, Task
from zoo.spec.errors import DataError, ZooWarning
from zoo.spec.hints.spoken import Spoken, speaking

NAMES = ("ant", "bee", "cow", "dog", "eel")


class Set(Dataset):
    """Targets, and masks of one row each where there are some."""

    def __init__(self, labels: tuple[str, ...], targets: list[Any], masks: Any = None) -> None:
        self.labels, self._targets, self._masks = labels, targets, masks
        self.task, self.masks = Multiclass(), masks is not None

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> Sample:
        mask = None if self._masks is None else np.array([self._masks[index]], np.uint8)
        return Sample(np.zeros((1, 4, 3), np.uint8), self._targets[index], mask)

    @property
    def targets(self) -> list[Any]:
        return self._targets


class Torch:
    """A set as torchvision has them."""

    def __init__(self, targets: list[int], **more: Any) -> None:
        self.targets = targets
        self.__dict__.update(more)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 2), index, np.uint8), self.targets[index]


def test_whatever_is_permuted_or_left_out_each_image_keeps_its_name() -> None:
    for seed in range(200):
        draw = random.Random(seed)
        model, own = draw.sample(NAMES, 5), tuple(draw.sample(NAMES, draw.randint(1, 5)))
        data = Set(own, [draw.randrange(len(own)) for _ in range(9)])
        found = by_name(data, model, Multiclass(), "evaluate")
        assert [found.labels[i] for i in found.targets] == [own[i] for i in data.targets]
        assert [found[i].target for i in range(9)] == found.targets
        assert found.labels == (own if own == tuple(model) else tuple(model))


def test_masks_are_mapped_pixel_by_pixel_and_255_stays() -> None:
    data = Set(("cow", "ant"), [None], [[0, 1, 255, 0]])
    found = by_name(data, ("ant", "bee", "cow"), Segmentation(), "fit")
    assert found[0].mask.tolist() == [[2, 0, 255, 2]]
    assert source_of(found) is data
    bad = by_name(Set(("cow", "ant"), [None], [[0, 2, 0, 0]]), ("ant", "bee", "cow"), Segmentation(), "fit")
    with pytest.raises(DataError, match=r"expected classes 0\.\.1"):  # 2 is a class of the model alone
        bad[0]


@pytest.mark.parametrize("task", [Multilabel(), Regression()])
def test_rows_follow_their_labels(task: Task) -> None:
    found = by_name(Set(("a", "b", "c"), [[1, 2, 3]]), ("c", "a", "b"), task, "fit")
    assert found.targets == [[3, 1, 2]]
    with pytest.raises(DataError, match="expected a value for each of 'c', 'a', 'b', got none for 'c'"):
        by_name(Set(("a", "b"), [[1, 0]]), ("c", "a", "b"), task, "fit")


def test_targets_of_which_only_their_task_knows_are_not_guessed() -> None:
    with pytest.raises(DataError, match="labels in the order of the model"):
        by_name(Set(("a", "b"), [[[0, 1], [2, 3]]]), ("b", "a"), Task(), "fit").targets  # noqa: B018


def test_a_class_that_the_model_does_not_know_is_refused_where_an_image_is_of_it() -> None:
    words = (
        r"expected classes of the model \('ant', 'bee'\), got 1 that it .* \('Bee'\); did you mean 'bee'\?"
    )
    with pytest.raises(DataError, match=words) as caught:
        by_name(Set(("ant", "Bee"), [0, 1]), ("ant", "bee"), Multiclass(), "evaluate")
    assert "rename" not in str(caught.value)
    found = by_name(Set(("x", "bee", "ant"), [2, 1]), ("ant", "bee"), Multiclass(), "evaluate")
    assert found.targets == [0, 1]


def test_a_name_that_says_two_classes_is_no_name() -> None:
    with pytest.raises(DataError, match="expected a name for each class, got 'crane' for two"):
        by_name(Set(("crane", "ant"), [0, 1]), ("crane", "ant", "crane"), Multiclass(), "evaluate")


def test_data_without_names_have_those_of_the_model() -> None:
    data = TorchData(Torch([0, 1, 1]))
    assert data.numbered
    found = by_name(data, ("ant", "bee", "cow"), Multiclass(), "evaluate")
    assert (found.labels, found.targets) == (("ant", "bee", "cow"), [0, 1, 1])
    masks = by_name(
        Set(("sky", "tree"), [None], [[0, 1, 1, 1]]), ("background", "object"), Segmentation(), "fit"
    )
    assert masks[0].mask.tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize(
    ("own", "order"),
    [
        (("0", "1", "10", "2"), ("0", "1", "2", "10")),
        (("-1", "-2", "0"), ("-2", "-1", "0")),
        (("grade 1", "grade 10", "grade 2"), ("grade 1", "grade 2", "grade 10")),
        (("none", "mild"), ("none", "mild")),  # somebody has put them so
    ],
)
def test_numbers_are_in_the_order_of_their_values(own: tuple[str, ...], order: tuple[str, ...]) -> None:
    data = Set(own, [*range(len(own))])
    found = in_order(data, Ordinal())
    assert found.labels == order
    assert [found.labels[i] for i in found.targets] == [*own]
    assert in_order(data, Multiclass()) is data


def test_an_order_is_said_in_a_shell_as_one_types_it() -> None:
    with speaking(Spoken(way="shell")), pytest.warns(ZooWarning, match="said by --classes mild,none,severe"):
        in_order(Set(("mild", "none", "severe"), [0, 1, 2]), Ordinal())


def test_an_order_that_nobody_said_is_shown() -> None:
    with pytest.warns(
        ZooWarning, match=r"taken as 'mild' < 'none' < 'severe'; another one is said by classes"
    ):
        assert in_order(Set(("mild", "none", "severe"), [0, 1, 2]), Ordinal()).labels[0] == "mild"


def test_a_part_of_a_torch_set_has_its_names_and_reads_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Torch([0, 1, 2, 2], classes=["ant", "bee", "cow"], group_of=lambda i: f"g{i}")
    monkeypatch.setattr(Torch, "__getitem__", None)
    data = TorchData(Subset(Subset(whole, [3, 2, 0]), [0, 2]))
    assert (data.labels, data.targets, data.numbered) == (("ant", "bee", "cow"), [2, 0], False)
    assert [data.group_of(i) for i in range(2)] == ["g3", "g0"]
    both = TorchData(ConcatDataset([Subset(whole, [3]), whole]))
    assert (both.labels, both.targets) == (("ant", "bee", "cow"), [2, 0, 1, 2, 2])
    assert [both.group_of(i) for i in range(3)] == ["g3", "g0", "g1"]


def test_parts_that_number_their_classes_otherwise_are_refused() -> None:
    parts = [Torch([0, 1], classes=["ant", "bee"]), Torch([0, 1], classes=["bee", "ant"])]
    with pytest.raises(
        DataError, match=r"expected the classes of the first part \('ant', 'bee'\), got 'bee'"
    ):
        TorchData(ConcatDataset(parts))


def test_names_are_read_off_a_table_of_numbers_but_not_off_transformed_targets() -> None:
    assert TorchData(Torch([0, 1], class_to_idx={"bee": 1, "ant": 0})).labels == ("ant", "bee")

    class Turned(Torch):
        def __getitem__(self, index: int) -> Any:
            image, target = super().__getitem__(index)
            return image, self.target_transform(target)

    data = TorchData(Turned([0, 1, 1], classes=["ant", "bee"], target_transform=lambda t: 1 - t))
    assert (data.targets, data.numbered) == ([1, 0, 0], True)


def pairs(root: Path, *masks: Any) -> Path:
    for i, values in enumerate(masks):
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((1, len(values), 3), i, np.uint8)).save(root / "images" / f"{i}.png")
        Image.fromarray(np.array([values], np.uint8)).save(root / "masks" / f"{i}.png")
    return root


def test_masks_without_names_are_numbered_as_the_model_is(tmp_path: Path) -> None:
    root = pairs(tmp_path, [0, 2, 2, 255])
    data = MaskFolders(root, classes=4)  # 1 and 3 are in no mask
    assert (data.labels, data.numbered, data.present) == (("0", "1", "2", "3"), True, {0, 2})
    found = by_name(data, NAMES[:4], Segmentation(), "evaluate")
    assert (found.labels, found[0].mask.tolist()) == (NAMES[:4], [[0, 2, 2, 255]])


def test_255_is_what_the_number_of_classes_says(tmp_path: Path) -> None:
    root = pairs(tmp_path, [0, 255, 0])
    assert MaskFolders(root)[0].mask.tolist() == [[0, 1, 0]]
    assert MaskFolders(root, classes=2)[0].mask.tolist() == [[0, 1, 0]]
    three = MaskFolders(root, classes=3)
    assert (three[0].mask.tolist(), three.present) == ([[0, 255, 0]], {0})
    assert MaskFolders(root, classes=256).present == {0, 255}


def test_a_number_without_a_name_does_not_count(tmp_path: Path) -> None:
    root = pairs(tmp_path, [0, 1, 2, 255])
    (root / "classes.txt").write_text("-\nroad\ncar\n")
    data = MaskFolders(root)
    assert (data.labels, data.present) == (("road", "car"), {0, 1})
    assert data[0].mask.tolist() == [[255, 0, 1, 255]]


def test_a_task_may_leave_another_index_out() -> None:
    class Hundred(Segmentation):
        ignored = 100

    assert Hundred().target(torch.tensor([[0, 100]]), 3).tolist() == [[0, 255]]
    analysis = Hundred().analysis(["a", "b"], 3)
    output = torch.tensor([[[[5.0, 0.0]], [[0.0, 5.0]]]])
    analysis.add(output, torch.tensor([[[0, 100]]]), torch.tensor([0]), (1, 2))
    assert analysis.findings(str, {}).per_class["b"]["pixels"] == 0


def test_what_is_asked_of_the_data_is_answered_by_them() -> None:
    data = Set(("b", "a"), [0])
    data.fingerprint = "seven"
    found = Relabelled(data, ("a", "b"), [1, 0], Multiclass())
    assert (found.fingerprint, found.name(0), found.key(0)) == ("seven", data.name(0), data.key(0))
    assert (found.split_of(0), found.group_of(0), len(found), found.task) == (None, None, 1, data.task)
