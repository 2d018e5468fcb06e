"""Each task on answers small enough to work out by hand: what is read, counted, found and refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from zoo.interfaces import Dataset, Sample, Task
from zoo.interfaces.tasks.analysis import Analysis
from zoo.interfaces.tasks.choice import BY_NAME, for_samples
from zoo.interfaces.tasks.descriptions import Overlay
from zoo.interfaces.tasks.images import decibels
from zoo.interfaces.tasks.logits import in_order
from zoo.interfaces.tasks.masks import confusions, image_ious
from zoo.interfaces.tasks.prediction import names_for
from zoo.interfaces.tasks.target_counts import TargetCounts, whole_numbers
from zoo.spec.errors import DataError, OptionError, ShapeError, ZooError


def logit(*p: float) -> Tensor:
    return torch.tensor(p).logit()


class Data(Dataset):
    """Targets, without images."""

    def __init__(self, *targets: Any, labels: Sequence[str] = (), masks: bool = False) -> None:
        self._targets, self.labels, self.masks = targets, tuple(labels), masks

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> Sample:
        raise NotImplementedError

    @property
    def targets(self) -> Sequence[Any]:
        return self._targets


def found(task: Task, output: Tensor, target: Tensor, labels: str = "abc", most: int = 9) -> Any:
    """What an analysis finds that sees the images one by one, the last first."""
    analysis = task.analysis([*labels], most)
    for i in reversed(range(len(output))):
        analysis.add(output[i : i + 1], target[i : i + 1], torch.tensor([i]), (4, 4))
    return analysis.findings(lambda i: f"image {i}", {})


# -- reading -------------------------------------------------------------------------------------------


def test_one_logit_speaks_for_the_second_of_two_classes():
    task = BY_NAME["binary"]
    low, high = task.read(logit(0.25, 0.75).view(-1, 1), ["cat", "dog"])
    assert (low.label, high.label) == ("cat", "dog")
    assert (low.score, high.score) == pytest.approx((0.75, 0.75))
    assert high.scores == pytest.approx({"cat": 0.25, "dog": 0.75})
    assert task.scored(logit(0.25).view(1, 1)).tolist() == pytest.approx([0.25])
    assert task.target(torch.tensor([0, 1]), 1).tolist() == [[0.0], [1.0]]
    assert (task.outputs(None), task.outputs(2), task.classes(1)) == (1, 1, 2)
    assert [task.for_outputs(n).name for n in (1, 2)] == ["binary", "multiclass"]
    assert sorted(task.example(7, 4)[1].tolist()) == [0, 0, 1, 1]
    with pytest.raises(OptionError, match="2 classes"):
        task.outputs(3)


def test_an_ordered_class_is_told_by_what_lies_above_it():
    task = BY_NAME["ordinal"]
    assert (task.outputs(3), task.classes(2)) == (2, 3)
    assert task.target(torch.tensor([0, 1, 2]), 2).tolist() == [[0, 0], [1, 0], [1, 1]]
    assert task.probabilities(logit(0.75, 0.25).view(1, 2))[0].tolist() == pytest.approx([0.25, 0.5, 0.25])
    # Above the second is never likelier than above the first.
    assert task.probabilities(logit(0.25, 0.75).view(1, 2))[0].tolist() == pytest.approx([0.75, 0, 0.25])
    assert task.read(logit(0.9, 0.9).view(1, 2))[0].label == "2"
    assert task.outputs(2) == 1
    assert task.metrics(2)["accuracy"].num_classes == 3
    for count in (1, None):
        with pytest.raises(OptionError, match="classes"):
            task.outputs(count)


def test_of_several_labels_those_are_said_that_are_as_likely_as_not():
    task = BY_NAME["multilabel"]
    both, none = task.read(torch.stack([torch.tensor([0.0, 2.0, -1.0]), logit(0.25, 0.125, 0.25)]), [*"abc"])
    assert (both.label, none.label) == ("a, b", "none")
    assert both.score == 0.5
    assert none.score == pytest.approx(0.75)


def test_a_mask_is_said_by_its_classes_the_largest_first():
    task = BY_NAME["segmentation"]
    mask = torch.tensor([[[2, 2], [2, 0]]])
    output = torch.nn.functional.one_hot(mask, 3).permute(0, 3, 1, 2).float()
    (said,) = task.read(output, [*"abc"])
    assert (said.label, said.scores) == ("c, a", {"a": 0.25, "b": 0.0, "c": 0.75})
    assert torch.equal(said.mask, mask[0])
    assert task.outputs(2) == 2
    with pytest.raises(OptionError, match=r"at least 2 classes.*background"):
        task.outputs(1)
    with pytest.raises(ShapeError, match="a mask"):
        task.examples({"image": mask})
    assert task.examples({"mask": mask})["target"] is mask
    assert task.metrics(300)["iou"].ignore_index is None
    assert task.metrics(255)["iou"].ignore_index == 255


def test_images_are_cut_off_at_black_and_white_and_said_by_their_size():
    for name in ("reconstruction", "generation"):
        task = BY_NAME[name]
        output = torch.full((1, 3, 2, 4), 1.5)
        output[:, :, 0] = -0.5
        (said,) = task.read(output)
        assert said.label == "4x2 pixels"
        assert said.image.unique().tolist() == [0, 1]
        assert task.scored(output).unique().tolist() == [0, 1]
        assert [x.shape for x in task.example(2, 3)] == [(3, 3, 32, 32)] * 2


def test_values_are_said_in_four_figures_and_vectors_by_their_length():
    (said,) = BY_NAME["regression"].read(torch.tensor([[1.23456, -2.0]]), ["x", "y"])
    assert (said.label, said.score) == ("1.235, -2", None)
    assert said.scores["y"] == -2
    assert BY_NAME["regression"].outputs(None) == 1
    assert BY_NAME["regression"].target(torch.tensor([1, 2]), 1).shape == (2, 1)
    assert not BY_NAME["regression"].higher_is_better
    (vector,) = BY_NAME["embedding"].read(torch.zeros(1, 3), ["x"])
    assert (vector.label, vector.score, [*vector.scores]) == ("vector of 3", None, ["0", "1", "2"])
    assert names_for([], 2) == ["0", "1"]
    with pytest.raises(ShapeError, match="2 names, got 1"):
        names_for(["a"], 2)


def test_the_task_of_data_follows_from_its_targets():
    names = [for_samples(t, (), "data")[0].name for t in ([0, 1], [0, 2], [1.0], [0, 0])]
    assert names == ["binary", "multiclass", "regression", "multiclass"]
    assert for_samples([0, 1], ["a", "b", "c"], "data")[0].name == "multiclass"
    assert for_samples([0, 0], ["a", "b"], "data")[0].name == "binary"
    task = Task()
    assert [task.stratum(t) for t in (3, 0.5, (0, 1))] == [3, None, None]
    assert [task.collate(t).dtype for t in ([0, 1], [True, False], [0.5, 1])] == [
        torch.int64, torch.float32, torch.float32,
    ]  # fmt: skip
    assert task.parse(torch.tensor(2.5)) == 2.5
    assert task.parse((1, 2)) == (1, 2)
    task.name = "own"
    with pytest.raises(OptionError, match="task own needs classes"):
        task.outputs(None)


# -- what is there in the data -------------------------------------------------------------------------


def seen(form: str, *targets: Any, classes: int = 3, ignored: int | None = None) -> TargetCounts:
    result = TargetCounts(classes, form, ignored)
    for target in targets:
        result.add(torch.tensor(target))
    return result


def test_classes_are_counted_over_batches_as_the_form_of_the_targets_says():
    classes = seen("multiclass", [0, 2], [2, 4])
    assert (classes.count, classes.total, classes.classes.tolist()) == (4, 4, [1, 0, 2, 0, 1])
    labels = seen("multilabel", [[0.5, 0, 1], [0, 0.25, 1]])
    assert (labels.count, labels.total, labels.classes.tolist()) == (2, 2, [1, 0, 2])
    masks = seen("masks", [[[0, 255], [1, 0]]], classes=2, ignored=255)
    assert (masks.count, masks.total, masks.classes.tolist()) == (1, 3, [2, 1])
    assert seen("masks", [[[-1, 0]]], classes=2).classes.tolist() == [1, 0]
    values = seen("values", [[1.0, 5.0], [2.0, 5.0]], [[0.0, 5.0]])
    assert (values.low.tolist(), values.high.tolist(), values.classes) == ([0, 5], [2, 5], None)
    assert seen("values", [[1, 2]]).low.tolist() == [1, 2]
    assert seen("own", [[[0.5]]]).low is None
    assert seen("values", []).count == 0
    again = TargetCounts(3)
    again.load_state_dict(classes.state_dict())
    assert again.classes.tolist() == classes.classes.tolist()
    assert (again.count, again.total, again.low) == (4, 4, None)


@pytest.mark.parametrize(
    ("data", "positive", "others", "alone"),
    [
        (seen("binary", [0, 0], classes=2), "no image is of class 1", None, True),
        (seen("binary", [1, 1], classes=2), None, "all images are of class 1", True),
        (seen("binary", [0, 1], classes=2), None, None, False),
        (seen("multiclass", [0, 2]), "no image is of class 1", None, False),
        (seen("multiclass", [2, 2]), "no image is of class 0", "all images are of class 2", True),
        (seen("multilabel", [[1, 0, 1], [1, 1, 0]]), None, "all images have label 0", False),
        (seen("multilabel", [[1, 0], [0, 0]]), "no image has label 1", None, True),
        (seen("masks", [[[0, 0]]], classes=2), "no pixel is of class 1", "all pixels are of class 0", True),
    ],
)  # fmt: skip
def test_why_a_figure_is_not_defined_is_said_in_words(data, positive, others, alone):
    assert (data.lacks_positive(), data.lacks_others()) == (positive, others)
    things = "pixels" if data.form == "masks" else "images"
    assert data.lacks_second_class() == (f"all {things} are of one class" if alone else None)


@pytest.mark.parametrize(
    ("targets", "reason", "of_labels"),
    [
        ([0, 0], "no image is of class 1", "no image has label 1"),
        ([1, 1], "no image is of class 0", "all images have label 0"),
        ([0, 1], None, "all images have label 0"),
    ],
)
def test_ranking_needs_images_in_a_class_and_out_of_it(targets, reason, of_labels):
    assert seen("binary", targets, classes=2).lacks_contrast() == reason
    assert seen("multilabel", [[1, value] for value in targets]).lacks_contrast() == of_labels


def test_values_that_are_all_the_same_are_named():
    assert seen("values", [[1.0], [1.0]]).lacks_variation() == "all images have one value"
    assert seen("values", [[1.0, 5.0], [2.0, 5.0]]).lacks_variation() == "all images have one value 1"
    assert seen("values", [[1.0], [2.0]]).lacks_variation() is None
    assert seen("multiclass", [0]).lacks_variation() is None


def test_indicators_become_whole_numbers_only_where_they_are():
    assert whole_numbers(torch.tensor([[0.0, 1.0]]), "multilabel").dtype == torch.int64
    assert whole_numbers(torch.tensor([[0.5, 1.0]]), "multilabel").dtype == torch.float32
    assert whole_numbers(torch.tensor([[0.0, 1.0]]), "values").dtype == torch.float32


def test_pairs_of_vectors_need_two_images_of_one_class_and_two_classes():
    missing = BY_NAME["embedding"].missing
    assert set(missing(seen("vectors", [0, 0, 1])).values()) == {None}
    assert set(missing(seen("vectors", [0, 1])).values()) == {"no two images are of one class"}
    assert set(missing(seen("vectors", [1, 1])).values()) == {"all images are of one class"}
    assert [*missing(seen("vectors", [0, 1]))] == ["auc", "eer", "threshold"]
    remarks = BY_NAME["embedding"].remarks
    assert "no two images of one class" in next(iter(remarks([0, 1, 2])))
    assert list(remarks([0, 1, 1])) == []


@pytest.mark.parametrize(
    ("task", "data", "outputs", "words"),
    [
        ("multiclass", Data(0, 1, None), 3, "a class for each image"),
        ("multiclass", Data(0, 0.5, 2), 3, "expected class indices, got 0.5"),
        ("multiclass", Data(0, -1, 2), 3, "expected class indices, got -1"),
        ("multiclass", Data(0, 3), 3, "expected 3, as the model has, got indices up to 3; .*classes=4"),
        ("multiclass", Data(0, 1), 3, "indices up to 1"),
        ("multiclass", Data(0, 1, labels="xy"), 3, r"got 2 \('x', 'y'\)"),
        ("multiclass", Data(0, 1, labels="acb"), 3, "labels: expected 'a', 'b', 'c', got 'a', 'c', 'b'"),
        ("binary", Data(0, 2), 1, "expected 2, as the model has"),
        ("ordinal", Data(0, 1), 2, "expected 3, as the model has"),
        ("multilabel", Data((0, 1), 3), 2, "rows of 2 zeros and ones, or the names of the labels .*, got 3"),
        ("multilabel", Data((0, 1), (0, 1, 1)), 2, r"got \(0, 1, 1\); say zoo.build\(..., classes=3\)"),
        ("binary", Data(0, 2), 1, 'got indices up to 2; head="multiclass" tells more'),
        (
            "regression",
            Data((0.5, 1), (1, 2)),
            1,
            r"1 value an image, got 2; say .*classes=2\)",
        ),
        ("multilabel", Data((0, 1), None), 2, "a class for each image"),
        ("regression", Data(0.5, None), 1, "1 value an image, got none"),
        ("regression", Data(0.5, (1, 2)), 1, "1 value an image, got 1, 2"),
        ("segmentation", Data(None), 3, "a mask for each image"),
        ("segmentation", Data(None, labels="ab", masks=True), 3, "expected 3, as the model has"),
        ("embedding", Data(0, -2), 3, "expected class indices, got -2"),
        ("embedding", Data(0, 0.5), 3, "expected class indices, got 0.5"),
        ("embedding", Data(None, 0), 3, "a class for each image"),
    ],
)
def test_data_that_a_model_cannot_learn_from_are_refused(task, data, outputs, words):
    with pytest.raises(DataError, match=words):
        BY_NAME[task].check(data, outputs, [*"abc"][: BY_NAME[task].classes(outputs)], "fit")


@pytest.mark.parametrize(
    ("task", "data", "outputs"),
    [
        ("multiclass", Data(0, 2), 3),
        ("multiclass", Data(0, 1, labels="abc"), 3),
        ("binary", Data(0, 1), 1),
        ("ordinal", Data(0, 2), 2),
        ("multilabel", Data((0, 1), [1, 1]), 2),
        ("regression", Data(0.5, 2), 1),
        ("regression", Data((0.5, 1), [1, 2]), 2),
        ("segmentation", Data(None, labels="abc", masks=True), 3),
        ("embedding", Data(0, 7), 3),
        ("reconstruction", Data(None), 3),
    ],
)
def test_data_that_fit_are_taken(task, data, outputs):
    BY_NAME[task].check(data, outputs, [*"abc"] if outputs == 3 else [], "fit")


# -- what an error analysis finds ----------------------------------------------------------------------


def test_mistakes_with_the_least_belief_in_the_truth_come_first():
    output = torch.tensor([[2.0, 0, 0], [0, 1, 0], [0, 3, 0], [0, 0, 1]])
    result = found(BY_NAME["multiclass"], output, torch.tensor([0, 0, 0, 2]))
    assert [(m.index, m.name, m.label, m.truth) for m in result.worst] == [
        (2, "image 2", "b", "a"), (1, "image 1", "b", "a"),
    ]  # fmt: skip
    assert result.worst[0].score == pytest.approx(float(output[2].softmax(0)[1]))
    assert result.confusion == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert {*result.drawings} == {"confusion", "worst"}
    assert len(result.tables) == 3
    assert len(found(BY_NAME["multiclass"], output, torch.tensor([0, 0, 0, 2]), most=1).worst) == 1
    fine = found(BY_NAME["multiclass"], output[:1], torch.tensor([0]))
    assert ({*fine.drawings}, len(fine.tables), fine.worst) == ({"confusion"}, 2, ())


def test_images_with_a_wrong_label_are_found_the_most_surely_wrong_first():
    output = torch.stack(
        [logit(0.75, 0.25, 0.25), logit(0.25, 0.75, 0.75), logit(0.9, 0.1, 0.2), logit(0.1, 0.1, 0.1)]
    )
    target = torch.tensor([[1, 1, 0], [0, 1, 1], [0, 1, 0], [0, 0, 0]])
    result = found(BY_NAME["multilabel"], output, target)
    assert [(m.index, m.label, m.truth) for m in result.worst] == [(2, "a", "b"), (0, "a", "a, b")]
    assert [m.score for m in result.worst] == pytest.approx([0.8, 0.75])
    assert result.per_class["a"] == pytest.approx({"precision": 0.5, "recall": 1, "f1": 2 / 3, "images": 1})
    assert result.per_class["b"] == pytest.approx({"precision": 1, "recall": 1 / 3, "f1": 0.5, "images": 3})
    assert {*result.drawings} == {"worst"}
    fine = found(BY_NAME["multilabel"], output[1:2], target[1:2])
    assert (fine.worst, fine.drawings, len(fine.tables)) == ((), {}, 1)
    undecided = found(BY_NAME["multilabel"], torch.zeros(1, 2), torch.tensor([[1, 0]]), "ab")
    assert (undecided.worst, undecided.per_class["b"]["precision"]) == ((), 0)
    doubt = found(BY_NAME["multilabel"], torch.tensor([[0.0, -3.0]]), torch.tensor([[0, 1]]), "ab")
    assert [(m.label, m.score, m.truth) for m in doubt.worst] == [("a", 0.5, "b")]
    half = found(BY_NAME["multilabel"], torch.tensor([[-1.0, -3.0]]), torch.tensor([[0.25, 0.5]]), "ab")
    assert [(m.label, m.truth) for m in half.worst] == [("none", "b")]
    nothing = found(BY_NAME["multilabel"], torch.tensor([[-1.0, -3.0]]), torch.tensor([[0, 1]]), "ab")
    assert nothing.worst[0].label == "none"


def test_the_largest_error_is_counted_in_the_spread_of_its_value():
    truth = torch.tensor([[0.0, 0.0], [10.0, 0.1], [20.0, 0.2]])
    answer = truth + torch.tensor([[1.0, 0], [0, 0.1], [0, 0]])
    result = found(BY_NAME["regression"], answer, truth, "xy")
    assert [(m.index, m.label, m.score, m.truth) for m in result.worst] == [
        (1, "10, 0.2", None, "10, 0.1"), (0, "1, 0", None, "0, 0"), (2, "20, 0.2", None, "20, 0.2"),
    ]  # fmt: skip
    assert torch.equal(result.drawings["scatter"].truths, truth.flip(0))
    assert len(found(BY_NAME["regression"], answer, truth, "xy", most=1).worst) == 1


def test_masks_are_counted_by_pixels_without_those_that_do_not_count():
    truth = torch.tensor([[[0, 1, 1, 255]], [[0, 0, 1, 1]], [[1, 1, 1, 1]]])
    answer = torch.tensor([[[0, 0, 1, 1]], [[0, 0, 1, 1]], [[0, 0, 0, 0]]])
    tables = confusions(truth, answer, 2)
    assert tables.tolist() == [[[1, 0], [1, 1]], [[2, 0], [0, 2]], [[0, 0], [4, 0]]]
    assert image_ious(tables).tolist() == [0.5, 1, 0]
    assert image_ious(torch.zeros(1, 2, 2, dtype=torch.int64)).tolist() == [1]
    output = torch.nn.functional.one_hot(answer, 2).permute(0, 3, 1, 2).float()
    result = found(BY_NAME["segmentation"], output, truth, "ab")
    assert [(m.index, m.label, m.score, m.truth) for m in result.worst] == [
        (2, "a", 0, "b"),
        (0, "a, b", 0.5, "a, b"),
    ]
    assert result.per_class["a"] == pytest.approx(
        {"iou": 3 / 8, "dice": 6 / 11, "precision": 3 / 8, "recall": 1, "pixels": 3}
    )
    assert result.per_class["b"] == pytest.approx(
        {"iou": 3 / 8, "dice": 6 / 11, "precision": 1, "recall": 3 / 8, "pixels": 8}
    )
    none = found(BY_NAME["segmentation"], output[1:2], truth[1:2], "ab")
    assert (none.worst, none.drawings, len(none.tables)) == ((), {}, 1)


def test_of_images_that_are_equally_bad_the_first_are_kept():
    truth, answer = torch.ones(4, 1, 2, dtype=torch.int64), torch.zeros(4, 1, 2, dtype=torch.int64)
    output = torch.nn.functional.one_hot(answer, 2).permute(0, 3, 1, 2).float()
    assert [m.index for m in found(BY_NAME["segmentation"], output, truth, "ab", most=2).worst] == [0, 1]
    images = torch.zeros(4, 3, 2, 2)
    assert [m.index for m in found(BY_NAME["reconstruction"], images, images + 1, most=2).worst] == [0, 1]
    assert [m.index for m in found(Far(), images, images + 1, most=2).worst] == [0, 1]


def test_images_that_are_furthest_off_are_shown_beside_the_true_ones():
    truth = torch.stack([torch.full((3, 2, 2), v) for v in (0.5, 0.5, 1.0)])
    output = truth + torch.tensor([0.1, -0.2, 0.5]).view(3, 1, 1, 1)  # the last is cut off at white
    result = found(BY_NAME["reconstruction"], output, truth)
    assert [m.index for m in result.worst] == [1, 0, 2]
    assert [m.label for m in result.worst] == ["13.98 dB", "20.00 dB", "100.00 dB"]
    grid = result.drawings["worst"]
    assert [*grid.columns] == ["original", "restored"]
    assert torch.allclose(grid.columns["restored"][0], torch.full((3, 2, 2), 0.3))
    assert (decibels(0), decibels(1), decibels(0.1)) == (100, 0, pytest.approx(10))
    analysis = BY_NAME["reconstruction"].analysis([], 9)
    for i, size in enumerate(((2, 4), (3, 1))):
        analysis.add(torch.zeros(1, 3, *size), torch.full((1, 3, *size), 0.5), torch.tensor([i]), size)
    column = analysis.findings(str, {}).drawings["worst"].columns["original"]
    assert column.shape == (2, 3, 3, 4)
    assert column[0, 0].tolist() == [[0.5] * 4, [0.5] * 4, [1] * 4]
    assert column[1, 0].tolist() == [[0.5, 1, 1, 1]] * 3


class Far(Task):
    """Says how far off it is."""

    units = "px"

    def errors(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).abs().flatten(1).amax(dim=1)


def test_a_task_of_a_plugin_that_says_its_errors_gets_the_worst_images():
    result = found(Far(), torch.tensor([[1.0], [3.0], [0.0]]), torch.zeros(3, 1))
    assert [(m.index, m.label, m.score) for m in result.worst] == [(1, "3 px", None), (0, "1 px", None)]
    assert result.drawings == {}
    nothing = found(Far(), torch.zeros(1, 1), torch.zeros(1, 1))
    assert (nothing.worst, nothing.tables) == ((), ())
    assert Analysis(Task(), [], 3).findings(str, {}).worst == ()
    silent = found(Task(), torch.ones(1, 1), torch.zeros(1, 1))
    assert silent.worst == ()


def test_pairs_are_accepted_from_a_threshold_on():
    vectors = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    result = found(BY_NAME["embedding"], vectors, torch.tensor([0, 0, 1, 1]))
    assert result.metrics["accuracy"] == 1
    analysis = BY_NAME["embedding"].analysis([], 3)
    analysis.add(vectors, torch.tensor([0, 0, 1, 1]), torch.arange(4), (4, 4))
    lax = analysis.findings(str, {"threshold": -1.0})
    assert (lax.metrics["threshold"], lax.metrics["accuracy"]) == (-1, 0.5)
    curve, histogram = lax.drawings["roc"]
    assert (curve.marks[1].x, curve.marks[1].y, curve.marks[0].y) == (1, 1, 1 - curve.marks[0].x)
    assert {k: len(v) for k, v in histogram.groups.items()} == {"different": 4, "same": 2}
    assert found(BY_NAME["embedding"], vectors[:2], torch.tensor([0, 0])).metrics == {}


# -- tables --------------------------------------------------------------------------------------------


def test_a_task_that_is_unknown_has_no_answers():
    with pytest.raises(ZooError, match="needs classes"):
        BY_NAME["multiclass"].outputs(None)


def test_one_mistake_alone_is_drawn_where_the_task_says_how():
    class Marked(Far):
        def overlay(self, output: Tensor, target: Tensor | None = None) -> Overlay:
            return Overlay(points=torch.zeros(1, 2))

    result = found(Marked(), torch.ones(1, 1), torch.zeros(1, 1))
    assert [*result.drawings] == ["worst"]
    assert result.worst[0].answer.size == (4, 4)


def test_logits_in_order_are_shares_however_large_they_are() -> None:
    found = in_order(torch.tensor([-1e6, -200.0, -1.0, 0.0, 1.0, 30.0, 40.0, 1e6], dtype=torch.float64))
    assert found.diff().gt(0).all()
    assert (float(found[0]), float(found[-1])) == pytest.approx((0, 1), abs=1e-5)
    assert float(found[3]) == 0.5
    assert float(found[4]) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1764300000 + i for i in range(24)], "take the smallest, 1764300000, off all"),
        ([2**53 + i for i in range(24)], "take the smallest, 9007199254740992, off all"),
        ([1e-30 * i for i in range(24)], "got 0 to 2.3.*e-29; give them in another unit"),
        ([1e30 * i for i in range(24)], "another unit"),
        ([[i, 1e9 + i] for i in range(24)], "targets: 'b': expected values that float32 tells apart"),
    ],
)
def test_values_that_float32_does_not_tell_apart_are_refused(values: list[Any], words: str) -> None:
    outputs = len(values[0]) if isinstance(values[0], list) else 1
    with pytest.raises(DataError, match=words):
        BY_NAME["regression"].check(Data(*values, labels="ab" if outputs > 1 else ()), outputs, (), "fit")


@pytest.mark.parametrize(
    "values", [[5e9] * 3, [0.1, 0.2], [1764300000, 1764300000 + 10**6], [1e-9, 3e-9], [-1e12, 1e12], [0.0]]
)
def test_values_that_float32_tells_apart_are_taken(values: list[float]) -> None:
    BY_NAME["regression"].check(Data(*values), 1, (), "fit")
