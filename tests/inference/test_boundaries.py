"""How much is shown, written and drawn: both sides of each limit."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor

import zoo
from zoo.data.batches import Batches
from zoo.inference import generated_images, predict
from zoo.inference import latents as latents_module
from zoo.inference import sample as sample_module
from zoo.inference.augment import as_tensor
from zoo.inference.evaluation import Evaluation, Measured
from zoo.inference.generated_images import Images
from zoo.inference.given_images import Given, given
from zoo.inference.latents import Latents
from zoo.inference.predict import PredictionFolder
from zoo.inference.predictions import Predicted, Predictions, describe, number
from zoo.inference.sample_quality import FeatureExtractor, compare, measure_samples
from zoo.inference.verify import Verified
from zoo.interfaces.model import Model
from zoo.interfaces.tasks.descriptions import Overlay
from zoo.runtime.data_arguments import as_dataset
from zoo.runtime.team.team import Team
from zoo.spec.errors import DataError, OptionError, SaveError, TrainingError

Make = Callable[..., Model]
RGB = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)


def said(source: str = "a.png", **more: Any) -> Predicted:
    return Predicted(**{"source": source, "label": "yes", "score": 0.7, "scores": {"yes": 0.7}, **more})


# -- images given --------------------------------------------------------------------------------------


def test_images_without_a_name_are_numbered_among_all() -> None:
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, format="PNG")
    file.seek(0)
    found = given([RGB, Image.fromarray(RGB), file, torch.rand(2, 3, 4, 5)])
    assert [found.name(i) for i in range(len(found))] == [f"image {i}" for i in range(5)]
    assert list(found.targets) == [None] * 5
    assert found[2].target is None
    assert np.array_equal(found[2].image, RGB)
    assert found[4].image.shape == (4, 5, 3)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_four_axes_are_a_batch_and_three_an_image(kind: Any) -> None:
    three = np.zeros((6, 7, 3), np.uint8) if kind is np.asarray else np.zeros((3, 6, 7), np.uint8)
    assert len(given(kind(three))) == 1
    assert len(given(kind(np.stack([three] * 4)))) == 4


def test_nothing_at_all_is_no_image() -> None:
    for nothing in ([], [[], ()]):
        with pytest.raises(DataError, match="asked: expected at least one image"):
            given(nothing, where="asked")
    with pytest.raises(DataError, match=r"asked: expected a file, folder.*got 'int'"):
        given([3], where="asked")


def test_unreadable_files_are_left_out_and_what_is_no_file_stays_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    Image.fromarray(RGB).save(tmp_path / "good.png")
    source = [RGB, tmp_path / "bad.png", tmp_path / "good.png", RGB]
    with pytest.warns(zoo.ZooWarning, match=r"bad\.png"):
        found = given(source, skip_unreadable=True)
    names = [found.name(i) for i in range(len(found))]
    assert names == ["image 0", str(tmp_path / "good.png"), "image 3"]
    assert len(given(source)) == 4
    with pytest.warns(zoo.ZooWarning), pytest.raises(DataError, match="expected an image that can be read"):
        given([tmp_path / "bad.png"], skip_unreadable=True)


def test_twenty_images_that_are_no_files_have_a_thumbnail(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    found = given([np.zeros((200, 100, 3), np.uint8)] * 22)
    assert [found.small(i) is None for i in (0, 19, 20, 21)] == [False, False, True, True]
    assert found.small(0).shape == (96, 48, 3)  # type: ignore[union-attr]
    assert given(tmp_path / "a.png").small(0) is None


def test_a_text_file_is_no_image_and_a_pipe_is_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a file opened in binary mode, got text"):
        given(io.StringIO("text"))
    Image.fromarray(RGB).save(tmp_path / "a.png")

    class Pipe(io.RawIOBase):
        name = "pipe"
        pieces = iter([(tmp_path / "a.png").read_bytes()])

        def read(self, count: int = -1) -> bytes:
            return next(self.pieces, b"")

    found = given(Pipe())
    assert found.name(0) == "pipe"
    assert np.array_equal(found[0].image, RGB)


# -- the folder of predictions ---------------------------------------------------------------------------


def task(answers: str) -> Any:
    return SimpleNamespace(answers=answers)


def folder_of(images: Given, out: Path | None, answers: Any) -> PredictionFolder:
    sources = [images.name(i) for i in range(len(images))]
    return PredictionFolder(out, answers, several=len(images) > 1, sources=sources)


def test_masks_and_images_go_into_a_folder_under_names_of_their_own(tmp_path: Path) -> None:
    images = Given([("one/cat.jpg", RGB), ("two/cat.jpg", RGB), ("dog.png", RGB), ("cow.png", RGB)])
    folder = folder_of(images, tmp_path / "out", task("mask"))
    mask = torch.tensor([[0, 1], [2, 0]])
    folder.take(images.items[0], said("one/cat.jpg", mask=mask))
    folder.take(images.items[1], said("two/cat.jpg", mask=mask + 1))
    folder.take(images.items[2], said("dog.png"))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["cat-1.png", "cat.png"]
    with Image.open(tmp_path / "out" / "cat-1.png") as written:
        assert np.asarray(written).tolist() == [[1, 2], [3, 1]]
    folder.take(images.items[3], said("cow.png", image=torch.zeros(3, 4, 5)))
    with Image.open(tmp_path / "out" / "cow.png") as written:
        assert written.size == (5, 4)
    folder.draw([said(mask=mask)])  # there is no file to draw into


def test_one_answer_that_is_an_image_goes_into_one_file(tmp_path: Path) -> None:
    one = folder_of(given(RGB), tmp_path / "a.png", task("image"))
    one.take(("image 0", RGB), said(image=torch.ones(3, 4, 5)))
    one.draw([said(image=torch.ones(3, 4, 5))])
    with Image.open(tmp_path / "a.png") as written:
        assert written.size == (5, 4)
    with pytest.raises(
        SaveError, match=r"expected a folder, got one file for several images; leave out the \.png"
    ):
        folder_of(given([RGB, RGB]), tmp_path / "b.png", task("image"))
    assert folder_of(given([RGB, RGB]), tmp_path / "c", task("image")).folder == tmp_path / "c"
    folder_of(given([RGB, RGB]), tmp_path / "b.png", task("mask"))


def test_without_a_place_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    images = given(RGB)
    folder = folder_of(images, None, task("mask"))
    folder.take(images.items[0], said(mask=torch.zeros(2, 2)))
    folder.draw([said()])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("count", "title"), [(60, ""), (61, "60 of 61 images")])
def test_the_first_sixty_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, title: str
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(predict, "sheet", lambda *given, **more: drawn.append((given, more)))
    found = Predictions(said(f"{i}.png", score=i / 100) for i in range(count))
    found[1] = said("1.png", score=0.01, overlay=Overlay(mask=torch.ones(12, 10, dtype=torch.int64)))
    images = given([RGB] * count)
    folder = folder_of(images, tmp_path / "all.png", task("words"))
    for item, answer in zip(images.items, found, strict=True):
        folder.take(item, answer)
    folder.draw(found)
    (((shown, labels, scores, file), more),) = drawn
    assert (len(shown), labels, file) == (60, ["yes"] * 60, tmp_path / "all.png")
    assert scores == [i / 100 for i in range(60)]
    assert more == {"names": [f"{i}.png" for i in range(60)], "title": title}
    assert np.array_equal(shown[0], RGB)
    assert not np.array_equal(shown[1], RGB)


# -- predictions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "more"), [(5, ""), (6, ", and 1 more")])
def test_five_classes_are_said_of_an_image(count: int, more: str) -> None:
    scores = {f"c{i}": (count - i) / 100 for i in range(count)}
    words = ", ".join(f"c{i} {count - i}.0%" for i in range(5))
    assert repr(said(label="c0", scores=scores)) == f"a.png: {words}{more}"
    page = said(label="c0", scores=scores)._repr_html_()
    assert page.count("<tr") == 6
    assert f'<td style="text-align:right">{count}.0%</td>' in page
    assert ("and 1 more classes" in page) is bool(more)


def test_an_answer_that_is_not_the_best_class_is_said_before_the_classes() -> None:
    both = said(label="a, b", score=None, scores={"a": 0.9, "b": 0.6}, mask=torch.zeros(1, 1))
    assert repr(both) == "a.png: a, b (a 90.0%, b 60.0%)"
    assert repr(said(scores={})) == "a.png: yes 70.0%"
    assert repr(said(label="", score=None, scores={"x": 2.5})) == "a.png:  (x 2.5)"


def test_bars_are_of_shares_and_not_of_values() -> None:
    assert "class" in said()._repr_html_()
    value = said(score=None, scores={"age": 41.25})._repr_html_()
    assert "<progress" not in value
    assert ">value<" in value
    assert "41.25" in value
    assert said(score=None, scores={}, mask=torch.zeros(1, 1)).shares
    assert said().shares
    assert not said(score=None).shares


@pytest.mark.parametrize(("count", "more"), [(20, 0), (21, 1)])
def test_twenty_predictions_are_listed(count: int, more: int) -> None:
    found = Predictions(said(f"{i}.png") for i in range(count))
    assert len(repr(found).splitlines()) == 1 + 20 + more
    assert ("and 1 more images" in repr(found)) is bool(more)
    assert found._repr_html_().count("<tr") == 21
    assert found._repr_html_().count('<td style="text-align:right">70.0%</td>') == 20
    assert isinstance(found[1:3], Predictions)
    assert isinstance(found[0], Predicted)


def test_classes_of_no_share_are_left_out_of_a_table_and_values_of_nought_are_not() -> None:
    mask = said(label="sky", score=None, scores={"sky": 1.0, "sea": 0.0}, mask=torch.zeros(1, 1))
    assert describe([mask], 3).splitlines()[1:] == ["a.png  sky"]
    values = said(label="", score=None, scores={"x": 0.0, "y": -1.0})
    assert [line.split() for line in describe([values], 2).splitlines()[1:]] == [
        ["a.png"], ["x", "0"], ["y", "-1"],
    ]  # fmt: skip
    assert describe([values], 1).splitlines()[1:] == ["a.png"]


def test_numbers_are_shares_or_values_or_nothing() -> None:
    assert [number(0.0, True), number(0.0, False), number(None, False)] == ["0.0%", "0", ""]


def test_an_image_that_is_gone_is_not_shown_and_one_in_memory_is(tmp_path: Path) -> None:
    assert "<img" not in said(str(tmp_path / "gone.png"))._repr_html_()
    assert "<img" not in said(str(tmp_path))._repr_html_()
    assert "<img" in said(thumbnail=RGB)._repr_html_()
    assert "<img" in said(image=torch.rand(3, 4, 5))._repr_html_()
    (tmp_path / "bad.png").write_bytes(b"no image")
    assert "<img" not in said(str(tmp_path / "bad.png"))._repr_html_()
    Image.fromarray(RGB).save(tmp_path / "a.png")
    assert "<img" in said(str(tmp_path / "a.png"))._repr_html_()


def test_a_prediction_as_plain_data_has_what_its_task_says_and_no_image() -> None:
    found = said(mask=torch.zeros(1, 1), details={"points": [1]}).to_dict()
    assert found == {
        "source": "a.png", "label": "yes", "score": 0.7, "scores": {"yes": 0.7}, "points": [1],
    }  # fmt: skip


# -- images that are made --------------------------------------------------------------------------------


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor | None, Tensor]]:
    """What is handed to the grid."""
    seen: list[tuple[Tensor | None, Tensor]] = []

    def spy(first: Tensor | None, images: Tensor) -> Image.Image:
        seen.append((first, images))
        return Image.new("L", (1, 1))

    monkeypatch.setattr(generated_images, "variants_grid", spy)
    return seen


@pytest.mark.parametrize(
    ("size", "shown"),
    [((240, 100), (240, 100)), ((100, 240), (100, 240)), ((480, 100), (240, 50)), ((100, 480), (50, 240)),
     ((720, 1), (240, 1)), ((1, 720), (1, 240)), ((5, 8), (5, 8)), ((200, 100), (200, 100))],
)  # fmt: skip
def test_a_large_image_is_cut_down_to_240_pixels(grid: Any, size: Any, shown: Any) -> None:
    Images.of(torch.rand(2, 1, *size), original=torch.rand(1, *size))._repr_png_()
    ((first, images),) = grid
    assert images.shape == (2, 1, *shown)
    assert first.shape == (1, *shown)


@pytest.mark.parametrize(("count", "shown"), [(60, 60), (61, 60)])
def test_sixty_images_are_shown(grid: Any, count: int, shown: int) -> None:
    Images.of(torch.rand(count, 3, 4, 4))._repr_png_()
    ((first, images),) = grid
    assert (first, len(images)) == (None, shown)


def test_a_copy_is_called_like_its_model_and_is_kept_once() -> None:
    import copy

    made = Images.of(torch.rand(2, 1, 4, 4), "variants", torch.rand(1, 4, 4))
    one, other = copy.deepcopy([made, made])
    assert one is other
    assert repr(one) == "2 variants of 1 x 4 x 4"
    assert torch.equal(one.original, made.original)


@pytest.mark.parametrize(
    ("size", "limit", "new"),
    [((4, 8), 4, (2, 4)), ((8, 4), 4, (4, 2)), ((4, 8), 8, (4, 8)), ((4, 8), 9, (4, 8)), ((4, 8), 1, (1, 1)),
     ((2, 100), 10, (1, 10)), ((4, 8), None, (4, 8))],
)  # fmt: skip
def test_the_longer_side_is_reduced_and_never_enlarged(size: Any, limit: int | None, new: Any) -> None:
    assert as_tensor(np.zeros((*size, 3), np.uint8), limit).shape == (3, *new)


def test_variants_differ_by_seed_and_number_and_leave_the_image_alone() -> None:
    image = torch.rand(3, 8, 8)
    found = zoo.augment(image, "noise")
    assert len(found) == 8
    assert torch.equal(found, zoo.augment(image, "noise", seed=0))
    assert torch.equal(found[:3], zoo.augment(image, "noise", count=3))
    assert not torch.equal(found, zoo.augment(image, "noise", seed=1))
    assert not torch.equal(found[0], found[1])
    plain = zoo.augment(image, [], count=2)
    assert torch.equal(plain[0], plain[1])
    plain[0].zero_()
    assert plain[1].sum() > 0
    for name in ("count", "size"):
        zoo.augment(image, "flip", **{name: 1})
        with pytest.raises(OptionError, match=f"{name}: expected at least 1, got 0"):
            zoo.augment(image, "flip", **{name: 0})


# -- samples -------------------------------------------------------------------------------------------


def generator() -> Model:
    return zoo.build("dcgan_generator", in_channels=1, input_size=8, width=4, latent=6, seed=0)


def test_sixteen_images_are_made_where_nobody_says_how_many() -> None:
    assert zoo.sample(generator(), seed=0).shape == (16, 1, 8, 8)
    assert zoo.sample(generator(), 1, seed=0).shape == (1, 1, 8, 8)


def test_without_a_seed_the_callers_generator_decides() -> None:
    torch.manual_seed(5)
    one = zoo.sample(generator(), 2)
    other = zoo.sample(generator(), 2)
    torch.manual_seed(5)
    assert torch.equal(zoo.sample(generator(), 2), one)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("count", "names"), [(2, ["1.png", "2.png"]), (10, ["01.png", "10.png"])])
def test_files_are_numbered_from_one_with_as_many_digits_as_the_last(
    tmp_path: Path, count: int, names: list[str]
) -> None:
    zoo.sample(generator(), count, seed=0, out=tmp_path / "made")
    found = sorted(p.name for p in (tmp_path / "made").iterdir())
    assert (len(found), [found[0], found[-1]]) == (count, names)


def test_a_sheet_has_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sample_module, "images", lambda sheet, path: seen.append((sheet, path)))
    made = zoo.sample(generator(), 3, seed=0, out=tmp_path / "all.png")
    ((sheet, path),) = seen
    assert torch.equal(sheet.columns[""], made)
    assert path == tmp_path / "all.png"
    zoo.sample(generator(), 1, seed=0)
    assert len(seen) == 1


# -- latents -------------------------------------------------------------------------------------------


def points(count: int = 6, numbers: int = 2, classes: int = 2, **more: Any) -> Latents:
    vectors = torch.arange(float(count * numbers)).view(count, numbers)
    given: dict[str, Any] = {
        "vectors": vectors, "plane": vectors[:, :2], "axes": ("across", "up"),
        "classes": tuple(i % classes for i in range(count)) if classes else (),
        "labels": tuple(f"class {i}" for i in range(classes)), "names": ("",) * count,
    }  # fmt: skip
    return Latents(**{**given, **more})


def test_latents_say_how_many_they_are() -> None:
    assert repr(points(numbers=1)) == "6 latents of 1 number, 2 classes"
    assert repr(points(numbers=2, classes=0)) == "6 latents of 2 numbers"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be written."""
    seen: list[Any] = []
    monkeypatch.setattr(latents_module, "write_figure", lambda figure, path: seen.append(figure) or path)
    return seen


def test_a_plot_says_what_its_axes_are_and_names_each_class(figures: list[Any], tmp_path: Path) -> None:
    latents_module.scatter(points(), tmp_path / "a.png", "the title")
    (axis,) = figures[0].axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("across", "up")
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["class 0", "class 1"]
    first, second = (c.get_offsets().tolist() for c in axis.collections)
    assert first == [[0, 1], [4, 5], [8, 9]]
    assert second == [[2, 3], [6, 7], [10, 11]]


def test_classes_without_names_are_called_by_their_numbers(figures: list[Any], tmp_path: Path) -> None:
    latents_module.scatter(points(classes=3, labels=()), tmp_path / "a.png")
    legend = figures[0].axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2"]
    latents_module.scatter(points(classes=0), tmp_path / "a.png")
    (axis,) = figures[1].axes
    assert axis.get_legend() is None
    assert len(axis.collections[0].get_offsets()) == 6


@pytest.mark.parametrize(("classes", "columns"), [(20, 1), (21, 2), (40, 2), (41, 3)])
def test_a_legend_has_twenty_lines(figures: list[Any], tmp_path: Path, classes: int, columns: int) -> None:
    latents_module.scatter(points(count=classes, classes=classes), tmp_path / "a.png")
    assert figures[0].axes[0].get_legend()._ncols == columns


@pytest.mark.parametrize(("count", "size"), [(1, 24), (500, 24), (1000, 12), (2000, 6), (4000, 6)])
def test_many_points_are_small(figures: list[Any], tmp_path: Path, count: int, size: float) -> None:
    latents_module.scatter(points(count=count, classes=0), tmp_path / "a.png")
    assert figures[0].axes[0].collections[0].get_sizes().tolist() == [size]


# -- evaluations ---------------------------------------------------------------------------------------


def evaluation(**more: Any) -> Evaluation:
    on = Measured(data={"name": "d"}, split="val", count=3, hash="h", options={"seed": 1})
    return Evaluation(**{"on": on, "metrics": {"loss": 0.25}, **more})


def test_an_evaluation_as_plain_data_leaves_out_what_its_task_has_not() -> None:
    on = {"data": {"name": "d"}, "count": 3, "hash": "h", "split": "val", "options": {"seed": 1}, "looks": 1}
    plain = {"split": "val", "images": 3, "loss": 0.25, "worst": [], "on": on}
    assert evaluation().to_dict() == plain
    full = evaluation(
        labels=("a",), confusion=((3,),), per_class={"a": {"f1": 1.0}}, left_out={"auc": "no"}, more={"x": 1}
    )
    assert full.to_dict() == {
        **plain, "labels": ["a"], "confusion": [[3]], "per_class": {"a": {"f1": 1.0}},
        "left_out": {"auc": "no"}, "x": 1,
    }  # fmt: skip
    assert list(json.loads(json.dumps(full.to_dict()))) == list(full.to_dict())


def test_figures_are_listed_below_each_other_with_what_is_left_out() -> None:
    found = evaluation(left_out={"accuracy": "no"})
    assert repr(found).splitlines() == ["val split, 3 images", "loss      0.2500", "accuracy  left out: no"]
    assert evaluation(more={"samples": 7}).headline == "val split, 3 images, 7 generated"
    assert repr(evaluation(metrics={})) == "val split, 3 images"
    with pytest.raises(TypeError, match=r"say \.metrics\['loss'\]"):
        found["loss"]


# -- judged images -------------------------------------------------------------------------------------


def judge(**options: Any) -> Model:
    return zoo.build(
        {"name": "tiny_resnet", "channels": [4, 6], "units": 1}, in_channels=1, input_size=16, seed=0,
        **{"head": "multiclass", "classes": ["a", "b", "c"], **options},
    ).eval()  # fmt: skip


@pytest.mark.parametrize(("count", "warned"), [(6, True), (7, False)])
@pytest.mark.parametrize("few", ["real", "made"])
def test_as_many_images_as_features_are_too_few(
    recwarn: pytest.WarningsRecorder, count: int, warned: bool, few: str
) -> None:
    """The last block has six channels."""
    real, made = (count, 9) if few == "real" else (9, count)
    with torch.no_grad():
        compare(FeatureExtractor(judge()), [torch.rand(real, 1, 16, 16)], torch.rand(made, 1, 16, 16))
    assert [str(w.message).startswith(f"{count} images are few") for w in recwarn] == [True] * warned


def test_a_judge_without_classes_gives_no_shares() -> None:
    numbers = judge(head="regression", classes=None)
    with torch.no_grad():
        found = compare(FeatureExtractor(numbers), [torch.rand(9, 1, 16, 16)], torch.rand(9, 1, 16, 16))
    assert set(found) == {"frechet", "precision", "recall"}


def test_shares_are_counted_by_the_likeliest_class() -> None:
    shares = FeatureExtractor(judge()).shares(torch.eye(3)[[0, 0, 1, 0]])
    assert shares == {"a": 0.75, "b": 0.25, "c": 0.0}


@pytest.mark.parametrize(("size", "same"), [((16, 16), True), ((16, 8), False), ((8, 16), False)])
def test_images_of_the_judges_size_are_taken_as_they_are(
    monkeypatch: pytest.MonkeyPatch, size: Any, same: bool
) -> None:
    seen: list[Tensor] = []
    model = judge()
    features = type(model).features
    monkeypatch.setattr(type(model), "features", lambda self, x: seen.append(x) or features(self, x))
    images = 3 * torch.rand(2, 1, *size)  # what is resized is cut to [0, 1] again
    with torch.no_grad():
        FeatureExtractor(model).extract([images])
    assert seen[0].shape == (2, 1, 16, 16)
    assert torch.equal(seen[0], images) if same else seen[0].max() <= 1


@pytest.mark.parametrize(("count", "drawn"), [(9, 9), (101, 100)])
def test_a_hundred_generated_images_are_drawn_at_most(count: int, drawn: int) -> None:
    data = as_dataset({"name": "digits", "per_class": 1})
    model = zoo.build("dcgan_generator", in_channels=1, input_size=16, width=4, latent=6, seed=0)
    real = Batches(data, range(9), model.input_spec, batch_size=4)
    figures, found = measure_samples(
        model, judge(), real, count=count, seed=3, team=Team("evaluate"), device=torch.device("cpu"),
        progress=False,
    )  # fmt: skip
    assert set(figures) == {"frechet", "precision", "recall"}
    assert found.more["samples"] == count
    assert sum(found.more["classes"].values()) == pytest.approx(1)
    (images,) = found.drawings["samples"].columns.values()
    assert torch.equal(images, zoo.sample(model, count, seed=3)[:drawn])
    (table,) = found.tables
    assert len(table.rows) == 3


# -- two images ----------------------------------------------------------------------------------------


def embedding(**metrics: Any) -> Model:
    head = {"name": "embedding", "dim": 4}
    model = zoo.build("mlp", hidden=[8], head=head, in_channels=1, input_size=8, seed=0)
    model.metrics = metrics
    return model


def test_two_images_are_said_to_be_the_same_or_not() -> None:
    assert repr(Verified(0.1234, False, 0.5, "val split")) == (
        "different: similarity 0.123, below 0.500 (val split)"
    )


@pytest.mark.parametrize("threshold", [-1.001, 1.001, float("nan")])
def test_a_threshold_is_a_cosine(threshold: float) -> None:
    image = torch.rand(1, 8, 8)
    with pytest.raises(OptionError, match=r"threshold: expected a cosine in \[-1, 1\]"):
        zoo.verify(embedding(), image, image, threshold=threshold)
    for end in (-1, 1, 0):
        assert zoo.verify(embedding(), image, image, threshold=end).threshold == end


def test_a_threshold_given_counts_before_the_one_that_was_chosen() -> None:
    image = torch.rand(1, 8, 8)
    model = embedding(val={"threshold": 0.25}, test={"threshold": 0.75})
    assert zoo.verify(model, image, image, threshold=0.5).source == "given"
    chosen = zoo.verify(model, image, image)
    assert (chosen.threshold, chosen.source) == (0.25, "val split")
    with pytest.raises(OptionError, match="expected a threshold, got none in the model's metrics"):
        zoo.verify(embedding(test={"threshold": 0.75}), image, image)


def test_one_image_is_compared_with_one() -> None:
    image = torch.rand(1, 8, 8)
    for pair in ((image, [image] * 2), ([image] * 2, image)):
        with pytest.raises(DataError, match="expected one image and another, got 2 images for one"):
            zoo.verify(embedding(), *pair, threshold=0.5)
    with pytest.raises(TrainingError, match="expected a model whose output is an embedding, got a feature"):
        zoo.verify(zoo.build("mlp", in_channels=1, input_size=8, seed=0), image, image, threshold=0.5)


def shown(item: Predicted) -> np.ndarray[Any, Any]:
    """The image on a page."""
    (content,) = re.findall(r"data:image/png;base64,([^\"]+)", item._repr_html_())
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_a_thumbnail_is_shown_before_its_file_which_may_have_changed(tmp_path: Path) -> None:
    Image.fromarray(255 - RGB).save(tmp_path / "a.png")
    from_file, kept = said(str(tmp_path / "a.png")), said(str(tmp_path / "a.png"), thumbnail=RGB)
    assert np.array_equal(shown(from_file)[::8, ::8], 255 - RGB)
    assert np.array_equal(shown(kept)[::8, ::8], RGB)


@pytest.mark.parametrize("path", ["", " ", "file:"])
def test_an_empty_path_is_not_the_working_folder(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(RGB).save("a.png")
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=8, seed=0)
    for ask in (
        lambda: zoo.predict(model, path),
        lambda: zoo.predict(model, ["a.png", path]),
        lambda: zoo.save(model, path),
        lambda: zoo.load(path),
    ):
        with pytest.raises(zoo.ZooError, match=r"expected a file or folder, got '.*say '\.'"):
            ask()
    assert len(zoo.predict(model, ".")) == 1


def closed_image(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image


def test_objects_that_cannot_be_read_are_refused_with_what_helps(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(RGB).save(file)
    at_end = io.BytesIO()
    Image.fromarray(RGB).save(at_end, "png")
    closed = file.open("rb")
    closed.close()
    with file.open() as text:
        for given_object, words in (
            (text, "got text; open"),
            (closed, "got a closed one; open it again"),
            (at_end, r"read or written to its end; file\.seek\(0\) before"),
            (closed_image(file), "if it was closed, open it again"),
            (Image.new("RGB", (0, 5)), "expected at least one pixel, got 0 x 5"),
            (torch.rand(3, 9, 9).to_sparse(), r"got sparse_coo; x\.to_dense"),
            (torch.rand(3, 9, 9, device="meta"), "without values, on meta"),
        ):
            with pytest.raises(DataError, match=words):
                given(given_object)


def test_axes_in_another_order_are_no_matter_of_the_model() -> None:
    model = zoo.build("mlp", head="binary", in_channels=3, input_size=16, seed=0)
    pixels = np.zeros((20, 20, 3), np.uint8)
    for x in (torch.tensor(pixels), pixels.transpose(2, 0, 1), np.zeros((5, 20, 20), np.uint8)):
        with pytest.raises(DataError, match="got 20; mind the order of the axes: tensors are C x H x W"):
            zoo.predict(model, x)
    with pytest.raises(zoo.ZooError, match=r"x\.permute\(0, 3, 1, 2\) where the channels are last"):
        model(torch.rand(1, 16, 16, 3))
    words = "convert it to 3 channels, or train a model with in_channels=5"
    for ask in (zoo.Predictor(model), partial(zoo.predict, model)):
        with pytest.raises(DataError, match=words):
            ask(torch.rand(5, 20, 20))
    with pytest.raises(DataError, match=words):
        [*zoo.Predictor(model)(iter([torch.rand(5, 20, 20)]))]


@pytest.mark.parametrize("kind", [dict, pd.DataFrame])
def test_a_table_in_memory_is_answered_with_its_column_of_images(kind: type) -> None:
    table = kind({"patient": ["p1"], "scan": ["a.png"]})
    with pytest.raises(DataError, match=r"zoo\.predict\(model, \[\*table\['scan'\]\]\)"):
        [*given(table)]
