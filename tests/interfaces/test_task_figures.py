"""The figures of each task on answers that are worked out by hand, and the tables they are shown in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo.interfaces import Task
from zoo.interfaces.tasks.analysis import Findings
from zoo.interfaces.tasks.card_words import CardWords
from zoo.interfaces.tasks.choice import BY_NAME, for_classes, for_logits, for_masks
from zoo.interfaces.tasks.confusion import class_table
from zoo.interfaces.tasks.data_checks import check_labels, classes_hint
from zoo.interfaces.tasks.descriptions import Mistake, Overlay, error_table, worst_table
from zoo.interfaces.tasks.target_counts import TargetCounts
from zoo.spec.errors import DataError
from zoo.spec.hints.spoken import Spoken, speaking


def figures(name: str, outputs: int, output: Tensor, target: Tensor) -> dict[str, float]:
    task = BY_NAME[name]
    metrics = task.metrics(outputs)
    metrics.update(task.scored(output), target)
    return {key: float(value) for key, value in metrics.compute().items()}


def one_hot(*classes: int, count: int) -> Tensor:
    return 4 * torch.nn.functional.one_hot(torch.tensor(classes), count).float()


@pytest.mark.parametrize(
    ("name", "outputs", "output", "target", "expected"),
    [
        # Said: no, yes, yes, no; of two pairs of no and yes three are in order out of four.
        ("binary", 1, torch.tensor([[-2.0], [1.0], [2.0], [-1.0]]), torch.tensor([0, 0, 1, 1]),
         {"accuracy": 0.5, "f1": 0.5, "auroc": 0.75}),
        # Three of four; recalls 2/3, 1; F1 0.8, 2/3.
        ("multiclass", 2, one_hot(0, 0, 1, 1, count=2), torch.tensor([0, 0, 0, 1]),
         {"accuracy": 0.75, "balanced_accuracy": 5 / 6, "f1": (0.8 + 2 / 3) / 2}),
        # Of two labels one is always right, of the other one in two.
        ("multilabel", 2, torch.tensor([[2.0, 2.0], [-2.0, 2.0]]), torch.tensor([[1, 1], [0, 0]]),
         {"accuracy": 0.75, "f1": (1 + 2 / 3) / 2}),
        # Squared distances 1 and 0 of what by chance is 0.5, 0.5.
        ("ordinal", 2, torch.tensor([[-9.0, -9.0], [9.0, -9.0], [9.0, 9.0], [9.0, -9.0]]),
         torch.tensor([0, 1, 2, 2]), {"accuracy": 0.75, "quadratic_kappa": 0.8}),
        ("regression", 2, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 2.0], [1.0, 8.0]]),
         {"mae": 1.5, "rmse": math.sqrt(5)}),
        # Pixels: IoU 1/2 and 2/3; Dice 2/3 and 4/5; the last one does not count.
        ("segmentation", 2, one_hot(0, 1, 1, 1, 0, count=2).T.reshape(1, 2, 1, 5),
         torch.tensor([[[0, 0, 1, 1, 255]]]), {"iou": (1 / 2 + 2 / 3) / 2, "dice": (2 / 3 + 4 / 5) / 2,
                                               "accuracy": 0.75}),
        # 20 dB and 40 dB; what is brighter than white is white.
        ("reconstruction", 3, torch.stack([torch.full((3, 2, 2), 0.6), torch.full((3, 2, 2), 1.7)]),
         torch.stack([torch.full((3, 2, 2), 0.5), torch.full((3, 2, 2), 0.99)]),
         {"psnr": 30.0, "mae": 0.055}),
        ("generation", 3, torch.rand(1, 3, 2, 2), torch.rand(1, 3, 2, 2), {}),
    ],
)  # fmt: skip
def test_figures_are_those_of_the_formulas(
    name: str, outputs: int, output: Tensor, target: Tensor, expected: dict[str, float]
) -> None:
    assert figures(name, outputs, output, target) == pytest.approx(expected, abs=1e-4)


def test_the_first_figure_of_masks_is_their_overlap() -> None:
    assert [*BY_NAME["segmentation"].metrics(2)] == ["iou", "accuracy", "dice"]


def test_vectors_are_measured_in_pairs() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    found = figures("embedding", 2, vectors, torch.tensor([0, 0, 1, 1]))
    assert (found["auc"], found["eer"]) == (1, 0)
    assert 0.2 < found["threshold"] < 1


@pytest.mark.parametrize(
    ("name", "outputs", "shapes"),
    [
        ("binary", 1, ((5, 1), (5,))),
        ("multiclass", 3, ((5, 3), (5,))),
        ("ordinal", 2, ((5, 2), (5,))),
        ("multilabel", 3, ((5, 3), (5, 3))),
        ("regression", 3, ((5, 3), (5, 3))),
        ("embedding", 3, ((5, 3), (5,))),
        ("segmentation", 3, ((5, 3, 8, 8), (5, 8, 8))),
        ("generation", 3, ((5, 3, 32, 32), (5, 3, 32, 32))),
    ],
)
def test_an_example_fits_the_tasks_own_figures(name: str, outputs: int, shapes: Any) -> None:
    task = BY_NAME[name]
    output, target = task.example(3, 5)
    assert (tuple(output.shape), tuple(target.shape)) == shapes
    metrics = task.metrics(outputs)
    metrics.update(task.scored(output), target)
    if name in ("multiclass", "ordinal", "embedding"):
        assert target.tolist() == [0, 1, 2, 0, 1]
    if name in ("multilabel", "segmentation"):
        _, many = task.example(3, 64)
        assert many.unique().tolist() == ([0, 1] if name == "multilabel" else [0, 1, 2])


def seen(form: str, targets: Any, classes: int = 2) -> TargetCounts:
    found = TargetCounts(classes, form)
    found.add(torch.tensor(targets))
    return found


@pytest.mark.parametrize(
    ("name", "targets", "expected"),
    [
        ("binary", [0, 0], {"auroc": "no image is of class 1", "f1": "no image is of class 1"}),
        ("binary", [1, 1], {"auroc": "no image is of class 0", "f1": None}),
        ("binary", [0, 1], {"auroc": None, "f1": None}),
        ("multiclass", [0, 0], {}),
        ("ordinal", [1, 1], {"quadratic_kappa": "all images are of one class"}),
        ("ordinal", [0, 1], {"quadratic_kappa": None}),
        ("multilabel", [[1, 0]], {"f1": "no image has label 1"}),
        ("multilabel", [[1, 1]], {"f1": None}),
        ("regression", [[1.0]], {}),
    ],
)
def test_what_the_data_leave_undefined_is_said_by_figure(
    name: str, targets: Any, expected: dict[str, str | None]
) -> None:
    assert BY_NAME[name].missing(seen(BY_NAME[name].form, targets)) == expected


def test_each_pixel_has_probabilities_that_add_up_to_one() -> None:
    output = torch.log(torch.tensor([1.0, 3.0])).view(1, 2, 1, 1).repeat(1, 1, 2, 3)
    found = BY_NAME["segmentation"].probabilities(output)
    assert found is not None
    assert torch.allclose(found, torch.tensor([0.25, 0.75]).view(1, 2, 1, 1).expand(1, 2, 2, 3))


def test_where_no_class_was_seen_there_is_no_second_one() -> None:
    assert TargetCounts(2).lacks_second_class() == "all images are of one class"
    assert (TargetCounts(2).absent(), TargetCounts(2).lacks_variation(), TargetCounts(2).lacks_others()) == (
        [],
        None,
        None,
    )


def test_targets_are_made_what_the_losses_take() -> None:
    y = torch.tensor([1, 0], dtype=torch.int32)
    for name, dtype, shape in [
        ("binary", torch.float32, (2, 1)),
        ("multiclass", torch.int64, (2,)),
        ("multilabel", torch.float32, (2,)),
        ("embedding", torch.int64, (2,)),
        ("segmentation", torch.int64, (2,)),
        ("regression", torch.float32, (2, 1)),
        ("generation", torch.int32, (2,)),
    ]:
        target = BY_NAME[name].target(y, 1)
        assert (target.dtype, tuple(target.shape)) == (dtype, shape)
        assert target.flatten().tolist() == [1, 0]
    pairs = BY_NAME["regression"].target(torch.tensor([1, 2, 3, 4]), 2)
    assert pairs.tolist() == [[1, 2], [3, 4]]


def test_a_task_that_says_nothing_has_no_probabilities_errors_or_marks() -> None:
    task, x = Task(), torch.ones(1, 2)
    assert task.probabilities(x) is None
    assert (task.errors(x, x), task.overlay(x), [*task.remarks([1])]) == (None, None, [])
    assert task.scored(x) is x
    assert task.target(x, 2) is x
    assert task.for_outputs(3) is task
    assert (task.outputs(4), task.classes(4), task.higher_is_better) == (4, 4, True)
    assert task.examples({"image": x}) == {"image": x}
    (found,) = task.read(torch.tensor([[0.123456, 7.0]]), ["x", "y"])
    assert (found.label, found.score) == ("0.1235, 7", None)
    assert found.scores == pytest.approx({"x": 0.123456, "y": 7})
    assert task.placed(found, torch.eye(3), (1, 1), (2, 2)) is found
    assert [task.parse(v) for v in (np.float32(0.5), np.array([1, 2]), "a")] == [0.5, [1, 2], "a"]
    card = CardWords()
    assert (card.pipeline, card.noun, dict(card.figures)) == (None, "model", {})
    assert (task.needs, task.named, task.spatial, task.generates, task.compares) == (
        "target", True, False, False, False,
    )  # fmt: skip


def test_several_targets_make_a_batch_of_their_kind() -> None:
    task = Task()
    assert task.collate([1, 2]).tolist() == [1, 2]
    assert task.collate([(0, 1), (1, 1)]).dtype == torch.float32
    assert task.collate([1, True]).dtype == torch.float32


def test_a_task_is_chosen_by_the_number_of_classes() -> None:
    assert [for_classes(n).name for n in (1, 2, 3)] == ["multiclass", "binary", "multiclass"]
    assert (for_logits().name, for_masks().name) == ("multiclass", "segmentation")


# -- data and model ------------------------------------------------------------------------------------


class Named:
    """Data, as far as their labels go."""

    def __init__(self, *labels: str) -> None:
        self.labels = labels


@pytest.mark.parametrize(
    ("count", "labels", "words"),
    [
        (6, "abcdef", r"got 6 \('a', 'b', 'c', 'd', 'e', 'f'\); say zoo.build\(..., classes=6\)"),
        (7, "abcdefg", r"got 7 \('a', 'b', 'c', 'd', 'e', 'f'( and|,| \.\.\.).*classes=7"),
    ],
)
def test_of_many_classes_the_first_six_are_said(count: int, labels: str, words: str) -> None:
    with pytest.raises(
        DataError, match=f"fit: number of classes: expected 3, as the model has, {words}"
    ) as e:
        check_labels(Named(*labels), count, 3, [], "fit")  # type: ignore[arg-type]
    assert ("'g'" in str(e.value)) is False
    with (
        speaking(Spoken(way="shell", model="recipe")),
        pytest.raises(DataError, match=f"say --classes {count}, or leave it out"),
    ):
        check_labels(Named(*labels), count, 3, [], "fit")  # type: ignore[arg-type]


def test_classes_are_said_as_the_model_was() -> None:
    said = [
        (Spoken(model="module"), "give one with 2 outputs"),
        (
            Spoken(way="shell"),
            "a saved model keeps its classes: --model FOLDER --head NAME takes its backbone",
        ),
        (Spoken(), "say zoo.build(..., classes=['a', 'b'])"),
    ]
    for words, text in said:
        with speaking(words):
            assert classes_hint(BY_NAME["multiclass"], ["a", "b"]).startswith(text)
    assert classes_hint(BY_NAME["multiclass"], [*"abcdefghi"]).endswith("classes=9)")
    assert classes_hint(BY_NAME["binary"], [*"abc"]) == 'head="multiclass" tells more of them apart'


def test_labels_of_many_classes_in_another_order_are_told_by_their_first_six() -> None:
    with pytest.raises(DataError, match=r"fit: labels: expected 'g', 'f', .*, got 'a', 'b'") as error:
        check_labels(Named(*"abcdefg"), 7, 7, [*"gfedcba"], "fit")  # type: ignore[arg-type]
    expected, got = str(error.value).split(", got ")
    assert "'b'" in expected
    assert "'a'" not in expected
    assert "'f'" in got
    assert "'g'" not in got
    check_labels(Named(), 7, 7, [*"gfedcba"], "fit")  # type: ignore[arg-type]
    check_labels(Named(*"ab"), 2, 2, [], "fit")  # type: ignore[arg-type]


# -- tables --------------------------------------------------------------------------------------------


def mistakes(count: int) -> list[Mistake]:
    return [Mistake(i, f"{i}.png", "cat", None if i else 0.5, "dog") for i in range(count)]


def test_the_first_five_mistakes_are_shown() -> None:
    table = worst_table(mistakes(6), "IOU")
    assert [*table.header] == ["WORST MISTAKES", "ANSWER", "IOU", "TRUTH"]
    assert [row[0] for row in table.rows] == [f"{i}.png" for i in range(5)]
    assert [row[2] for row in table.rows] == ["50.0%", "", "", "", ""]
    assert [*table.right] == [2]
    table = error_table(mistakes(6), "ERROR")
    assert [*table.header] == ["WORST IMAGES", "ERROR"]
    assert [[*row] for row in table.rows] == [[f"{i}.png", "cat"] for i in range(5)]
    assert [*table.right] == [1]
    assert mistakes(1)[0].to_dict() == {"name": "0.png", "label": "cat", "score": 0.5, "truth": "dog"}


@pytest.mark.parametrize(("count", "shown"), [(20, 20), (21, 5)])
def test_up_to_twenty_classes_are_all_shown(count: int, shown: int) -> None:
    table = class_table({f"c{i}": {"iou": 1 - i / 100, "pixels": 1000} for i in range(count)})
    assert len(table.rows) == shown
    assert [*table.header] == ["CLASS", "IOU", "PIXELS"]
    assert [*table.right] == [1, 2]
    first = ["c0", "1.000", "1,000"] if shown == 20 else ["c20", "0.800", "1,000"]
    assert [*table.rows[0]] == first


def test_rates_of_false_accepts_are_a_table_of_right_aligned_numbers() -> None:
    analysis = BY_NAME["embedding"].analysis([], 3)
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    analysis.add(vectors.repeat(20, 1), torch.tensor([0, 0, 1, 1]).repeat(20), torch.arange(80), (4, 4))
    found = analysis.findings(str, {})
    (table,) = found.tables
    assert [*table.header] == ["FALSE ACCEPTS", "THRESHOLD", "TRUE ACCEPTS"]  # type: ignore[union-attr]
    assert [*table.right] == [0, 1, 2]  # type: ignore[union-attr]
    for row, rate in zip(table.rows, found.more["rates"], strict=True):  # type: ignore[union-attr]
        assert row[0] == f"{100 * rate['false_accepts']:.1f}%"
        assert row[1] == f"{rate['threshold']:.3f}"
        assert row[2] == f"{100 * rate['true_accepts']:.1f}%"
    curve, histogram = found.drawings["roc"]  # type: ignore[misc]
    assert curve.diagonal
    assert [mark.hollow for mark in curve.marks] == [False, True]
    assert histogram.line == found.metrics["threshold"]
    empty = Findings()
    assert (empty.confusion, empty.worst, empty.tables, dict(empty.metrics)) == (None, (), (), {})


def test_marks_without_a_size_are_in_pixels_of_the_image_that_the_model_was_given() -> None:
    class Marked(Task):
        units = "px"

        def errors(self, output: Tensor, target: Tensor) -> Tensor:
            return (output - target).abs().flatten(1).amax(dim=1)

        def overlay(self, output: Tensor, target: Tensor | None = None) -> Overlay:
            if target is not None:
                return Overlay(points=target, lines=((0, 1),), size=(9, 9))
            return Overlay(mask=torch.ones(2, 2))

    analysis = Marked().analysis(["a"], 2)
    analysis.add(torch.tensor([[1.0], [0.0], [2.0]]), torch.zeros(3, 1), torch.arange(3), (4, 6))
    analysis.add(torch.tensor([[3.0]]), torch.zeros(1, 1), torch.tensor([7]), (4, 6))
    found = analysis.findings(lambda i: f"{i}.png", {})
    assert [(m.index, m.label) for m in found.worst] == [(7, "3 px"), (2, "2 px")]
    answer, right = found.worst[0].answer, found.worst[0].right
    assert answer is not None
    assert right is not None
    assert (answer.size, right.size, right.lines) == ((4, 6), (9, 9), ((0, 1),))
    assert right.points is not None
    assert right.points.tolist() == [0]
    assert answer.mask is not None
    (table,) = found.tables
    assert [[*row] for row in table.rows] == [["7.png", "3 px"], ["2.png", "2 px"]]  # type: ignore[union-attr]


def test_of_many_restored_images_twelve_are_drawn() -> None:
    analysis = BY_NAME["reconstruction"].analysis([], 20)
    target = torch.zeros(14, 3, 2, 2)
    output = target + torch.arange(14).view(-1, 1, 1, 1) / 20
    analysis.add(output, target, torch.arange(14), (2, 2))
    found = analysis.findings(str, {})
    assert [m.index for m in found.worst] == [*range(13, -1, -1)]
    grid = found.drawings["worst"]
    assert [len(column) for column in grid.columns.values()] == [12, 12]  # type: ignore[union-attr]
    assert grid.columns["restored"][:, 0, 0, 0].tolist() == pytest.approx(  # type: ignore[union-attr]
        [i / 20 for i in range(13, 1, -1)]
    )
