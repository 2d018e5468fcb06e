"""What stands on each figure: lines, texts, ticks and colours, read off the figure instead of its pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from zoo.interfaces import Sample
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.descriptions import (
    Confusion,
    Curve,
    Drawing,
    Examples,
    Histogram,
    ImageGrid,
    Mark,
    Mistake,
    Overlay,
    Overlays,
    Scatter,
)
from zoo.reports.evaluation import draw
from zoo.reports.files import figure_bytes, folder_path, image_format, is_image
from zoo.reports.image_grids import (
    COLOURS,
    PALETTE,
    draw_variants,
    images,
    marked,
    overlay,
    tiled,
    variants_grid,
    write_image,
    write_mask,
)
from zoo.reports.plots import curves, fitted, overview, sheet, short
from zoo.reports.style import BLUE, GRAY, GREEN, ORANGE, RED, new_figure
from zoo.spec.errors import SaveError


class Grey(Dataset):
    """Images of 8 x 8 pixels, each as bright as its number."""

    targets = (0, 1)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((8, 8, 3), index, np.uint8), 0)


Shown = Callable[..., Figure]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shown:
    """The figure that a description is drawn as; nothing is rendered."""
    figures: list[Figure] = []

    def savefig(self: Figure, file: Any, **_: Any) -> None:
        figures.append(self)
        Path(file).write_bytes(b"")

    monkeypatch.setattr(Figure, "savefig", savefig)

    def show(made: Drawing | Callable[[Path], Path], title: str = "model") -> Figure:
        path = tmp_path / "a.png"
        assert (made(path) if callable(made) else draw(made, path, Grey(), title)) == path
        return figures[-1]

    return show


def texts(axis: Axes) -> list[str]:
    return [text.get_text() for text in axis.texts]


def ticks(labels: Sequence[Any]) -> list[str]:
    return [label.get_text() for label in labels]


def frame(axis: Axes) -> list[bool]:
    return [axis.spines[side].get_visible() for side in ("top", "right", "left", "bottom")]


def line(axis: Axes, i: int) -> tuple[list[float], list[float], str]:
    found = axis.lines[i]
    return [*map(float, found.get_xdata())], [*map(float, found.get_ydata())], to_hex(found.get_color())


def heading(figure: Figure) -> str:
    return figure.get_suptitle()


# -- evaluations ---------------------------------------------------------------------------------------


def test_a_confusion_matrix_shows_counts_shares_and_names(shown: Shown) -> None:
    figure = shown(Confusion(["cat", "dog", "x" * 30], [[6, 4, 0], [11, 9, 0], [0, 0, 0]]))
    (axis,) = figure.axes
    assert heading(figure) == "model"
    assert np.asarray(axis.images[0].get_array()).tolist() == [[0.6, 0.4, 0], [0.55, 0.45, 0], [0, 0, 0]]
    assert [(t.get_text(), t.get_position(), to_hex(t.get_color())) for t in axis.texts] == [
        ("6", (0, 0), "#ffffff"), ("4", (1, 0), RED), ("11", (0, 1), "#ffffff"), ("9", (1, 1), "#000000"),
    ]  # fmt: skip
    names = ["cat", "dog", "xxxxxxxxxxx...xxxxxxxxxx"]
    assert ticks(axis.get_xticklabels()) == ticks(axis.get_yticklabels()) == names
    assert [*axis.get_xticks(minor=True)] == [*axis.get_yticks(minor=True)] == [0.5, 1.5]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("answer", "truth")
    assert {to_hex(spine.get_edgecolor()) for spine in axis.spines.values()} == {"#b9bec6"}
    assert axis.xaxis.get_tick_params()["length"] == axis.yaxis.get_tick_params()["length"] == 0
    assert axis.xaxis.get_minor_ticks()[0].gridline.get_visible()


@pytest.mark.parametrize(("count", "told"), [(100, 100), (101, 0)])
def test_up_to_a_hundred_classes_have_their_numbers_in_the_cells(shown: Shown, count: int, told: int) -> None:
    figure = shown(Confusion([str(i) for i in range(count)], np.eye(count, dtype=int).tolist()), "")
    assert len(figure.axes[0].texts) == told
    assert heading(figure) == ""
    assert figure.get_figwidth() == pytest.approx(0.26 * count + 0.8 + 0.0115 * 5.5 * len(str(count - 1)))


def test_values_are_plotted_against_the_truth_with_their_mean_error(shown: Shown) -> None:
    truths = torch.tensor([[0.0, 5.0], [10.0, 5.0]])
    answers = torch.tensor([[1.0, 5.0], [8.0, 5.0]])
    figure = shown(Scatter(truths, answers, ["size", "age"]))
    assert [figure.get_figwidth(), figure.get_figheight()] == pytest.approx([7.2, 3.7])
    first, second = figure.axes
    assert first.get_title(loc="left") == "size:  mean absolute error 1.5"
    assert second.get_title(loc="left") == "age:  mean absolute error 0"
    assert (first.get_xlabel(), first.get_ylabel(), frame(first)) == (
        "true", "predicted", [False, False, True, True],
    )  # fmt: skip
    assert np.asarray(first.collections[0].get_offsets()).tolist() == [[0, 1], [10, 8]]
    assert line(first, 0)[:2] == ([0, 10], [0, 10])
    assert [*first.get_xlim(), *first.get_ylim()] == pytest.approx([-0.4, 10.4] * 2)
    assert [*second.get_xlim(), *second.get_ylim()] == [4, 6] * 2
    alone = shown(Scatter(truths[:, :1], answers[:, :1], ["size"]))
    assert alone.axes[0].get_title(loc="left") == "mean absolute error 1.5"


def test_a_title_stands_in_bold_at_the_left_edge(shown: Shown) -> None:
    for drawing, size in (
        (Scatter(torch.rand(2, 1), torch.rand(2, 1), ["a"]), 11), (Confusion(["a"], [[1]]), 10),
    ):  # fmt: skip
        (title,) = shown(drawing).texts
        assert (title.get_text(), title.get_position()[0], title.get_ha()) == ("model", 0.01, "left")
        assert (title.get_fontsize(), title.get_fontweight()) == (size, "bold")
        assert shown(drawing, "").texts == []


@pytest.mark.parametrize(
    ("values", "shape"), [(1, (1, 1)), (3, (3, 1)), (4, (3, 2)), (6, (3, 2)), (7, (3, 2))]
)
def test_six_values_have_a_plot(shown: Shown, values: int, shape: tuple[int, int]) -> None:
    figure = shown(Scatter(torch.rand(3, values), torch.rand(3, values), [*"abcdefg"[:values]]))
    assert [figure.get_figwidth(), figure.get_figheight()] == pytest.approx([3.6 * shape[0], 3.7 * shape[1]])
    assert sum(axis.axison for axis in figure.axes) == min(values, 6)


def test_a_curve_has_its_chance_and_its_marks(shown: Shown) -> None:
    marks = (Mark(0.25, 0.75, "one"), Mark(0.5, 0.5, "two", hollow=True))
    x, y = torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 0.75, 1.0])
    panels = (Curve(x, y, "left", "ex", "why", marks, True), Curve(x, y, "right", "a", "b"))
    figure = shown(panels)
    assert [figure.get_figwidth(), figure.get_figheight()] == pytest.approx([9.4, 4])
    left, right = figure.axes
    assert (left.get_title(loc="left"), left.get_xlabel(), left.get_ylabel()) == ("left", "ex", "why")
    assert line(left, 0)[:2] == ([0, 1], [0, 1])
    assert left.lines[0].get_linestyle() == ":"
    assert line(left, 1) == ([0, 0.5, 1], [0, 0.75, 1], BLUE)
    assert line(left, 2) == ([0.25], [0.75], ORANGE)
    assert line(left, 3) == ([0.5], [0.5], GREEN)
    assert [left.lines[i].get_fillstyle() for i in (2, 3)] == ["full", "none"]
    assert [left.lines[i].get_marker() for i in (2, 3)] == ["o", "s"]
    assert [(t.get_text(), t.get_position()[1], to_hex(t.get_color())) for t in left.texts] == [
        ("one", pytest.approx(0.14), ORANGE), ("two", pytest.approx(0.06), GREEN),
    ]  # fmt: skip
    assert [*left.get_xlim(), *left.get_ylim()] == pytest.approx([-0.02, 1.02] * 2)
    assert (len(right.lines), right.texts[:], frame(right)) == (1, [], [False, False, True, True])


def test_a_histogram_shows_shares_of_each_group_in_the_same_bins(shown: Shown) -> None:
    groups = {"different": torch.tensor([0.0, 0.0, 0.5, 1.0]), "same": torch.tensor([1.0])}
    (axis,) = shown(Histogram(groups, "t", "x", "y", 0.25)).axes
    heights = [[bar.get_height() for bar in container] for container in axis.containers]  # type: ignore[attr-defined]
    assert [(len(h), h[0], h[20], h[39]) for h in heights] == [(40, 0.5, 0.25, 0.25), (40, 0, 0, 1)]
    assert axis.containers[0][0].get_width() == pytest.approx(1 / 40)  # type: ignore[index]
    legend = axis.get_legend()
    assert legend is not None
    assert ticks(legend.get_texts()) == ["different (4)", "same (1)"]
    assert [to_hex(c[0].get_facecolor()) for c in axis.containers] == [GRAY, BLUE]  # type: ignore[index]
    assert line(axis, 0) == ([0.25, 0.25], [0, 1], GREEN)
    assert texts(axis) == [" 0.25"]
    (flat,) = shown(Histogram({"all": torch.ones(2)}, "t", "x", "y")).axes
    assert (len(flat.lines), texts(flat)) == (0, [])
    assert sum(bar.get_height() for bar in flat.containers[0]) == 1  # type: ignore[attr-defined]


def mistakes(count: int, *, score: float | None = 0.5, marks: Overlay | None = None) -> tuple[Mistake, ...]:
    return tuple(
        Mistake(i, f"{i}.png", "cat", score, "dog", marks, marks and Overlay(torch.zeros(8, 8)))
        for i in range(count)
    )


def test_examples_are_the_images_of_their_numbers_with_what_is_said_of_them(shown: Shown) -> None:
    figure = shown(Examples(mistakes(7), "worst"))
    assert heading(figure) == "worst: model"
    assert [axis.get_title() for axis in figure.axes][:7] == ["cat  50%\nis: dog"] * 7
    assert [texts(axis) for axis in figure.axes[:7]] == [[f"{i}.png"] for i in range(7)]
    assert [int(np.asarray(axis.images[0].get_array()).max()) for axis in figure.axes[:7]] == [*range(7)]
    assert [len(axis.images) for axis in figure.axes[7:]] == [0] * 5
    assert not any(axis.axison for axis in figure.axes)


def test_a_grid_of_images_has_the_title_of_its_description_first(shown: Shown) -> None:
    figure = shown(ImageGrid({"one": torch.rand(2, 3, 4, 4), "two": torch.rand(2, 3, 4, 4)}, title="worst"))
    assert sorted(text.get_text() for text in figure.texts) == ["one", "two", "worst: model"]
    assert not figure.axes[0].axison


@pytest.mark.parametrize(
    ("count", "grid"), [(1, (1, 3)), (2, (1, 6)), (3, (2, 6)), (12, (6, 6)), (13, (6, 6))]
)
def test_masks_are_drawn_as_image_truth_and_answer_with_a_legend(
    shown: Shown, count: int, grid: tuple[int, int]
) -> None:
    marks = Overlay(torch.ones(8, 8, dtype=torch.int64))
    labels = ["ground", *(f"c{i}" for i in range(1, 30))]
    figure = shown(Overlays(mistakes(count, marks=marks), labels, "lowest IoU", score="IoU"))
    assert heading(figure) == "lowest IoU: model"
    lines, columns = grid
    assert len(figure.axes) == lines * columns
    assert [figure.get_figwidth(), figure.get_figheight()] == pytest.approx(
        [1.6 * columns + 0.1, 1.85 * lines + 0.8]
    )
    assert not any(axis.axison for axis in figure.axes)
    there = min(count, 12)
    for i in range(there):
        image, truth, answer = figure.axes[3 * i : 3 * i + 3]
        assert [axis.get_title() for axis in (image, truth, answer)] == [
            f"{i}.png", "truth", "answer, IoU 0.50",
        ]  # fmt: skip
        pixels = [np.asarray(axis.images[0].get_array())[4, 4].tolist() for axis in (image, truth, answer)]
        assert pixels[:2] == [[i] * 3] * 2
        assert pixels[2] == np.rint(0.4 * i + 0.6 * COLOURS[1]).astype(int).tolist()
    assert not any(axis.images for axis in figure.axes[3 * there :])
    (legend,) = figure.legends
    words = ticks(legend.get_texts())
    assert words == labels[1 : 1 + len(words)]
    assert len(words) > 10
    assert [to_hex(patch.get_facecolor()) for patch in legend.get_patches()][:2] == [
        to_hex(COLOURS[i] / 255) for i in (1, 2)
    ]


def test_marks_without_masks_have_no_legend_and_say_their_label(shown: Shown) -> None:
    points = Overlay(points=torch.tensor([[4.0, 4.0]]))
    for score, word in ((None, "IoU"), (0.5, "")):
        found = (Mistake(0, "0.png", "3 px", score, "", points, points),)
        figure = shown(Overlays(found, ["a", "b"], score=word), "")
        assert (figure.legends, heading(figure)) == ([], "")
        assert figure.axes[2].get_title() == "answer, 3 px"


# -- runs and data -------------------------------------------------------------------------------------

ROWS = [
    {"epoch": i, "loss": 1 / i, "val_loss": 2 / i, "loss_part": 0.0, "val_loss_part": 0.0, "f1": 0.5,
     "val_f1": 0.25 * i, "acc": 0.1, "val_acc": 0.1, "rate": 0.5}
    for i in (1, 2, 3)
]  # fmt: skip


def test_a_run_shows_its_loss_and_its_first_metric_and_where_it_was_best(shown: Shown) -> None:
    figure = shown(lambda path: curves(ROWS, ROWS[1], path, "a run"))
    assert [figure.get_figwidth(), figure.get_figheight(), heading(figure)] == [
        10,
        pytest.approx(3.6),
        "a run",
    ]
    loss, metric = figure.axes
    assert loss.get_title(loc="left") == "loss  (1.000 at the best epoch, 2)"
    assert metric.get_title(loc="left") == "f1  (0.500 at the best epoch, 2)"
    assert line(loss, 0) == ([1, 2, 3], [1, 0.5, pytest.approx(1 / 3)], GRAY)
    assert line(loss, 1) == ([1, 2, 3], [2, 1, pytest.approx(2 / 3)], BLUE)
    assert line(loss, 2)[0] == [2, 2]
    assert line(loss, 3) == ([2], [1], BLUE)
    assert (loss.get_xlabel(), frame(loss)) == ("epoch", [False, False, True, True])
    legend = metric.get_legend()
    assert legend is not None
    assert ticks(legend.get_texts()) == ["training", "validation"]
    assert loss.yaxis.get_major_ticks()[0].gridline.get_visible()
    assert {tick % 1 for tick in loss.get_xticks()} == {0}
    assert [found.get_marker() for found in loss.lines[:2]] == ["None", "None"]


def test_a_run_of_few_epochs_has_dots_and_one_without_a_best_none_marked(shown: Shown) -> None:
    figure = shown(lambda path: curves(ROWS[:2], None, path))
    assert [len(axis.lines) for axis in figure.axes] == [2, 2]
    assert figure.axes[0].lines[0].get_marker() == "."
    assert figure.axes[0].get_title(loc="left") == "loss"
    lone = [{"epoch": 1, "loss": 0.5}]
    (axis,) = shown(lambda path: curves(lone, lone[0], path)).axes
    assert (axis.get_title(loc="left"), len(axis.lines)) == ("loss", 3)
    assert np.isnan(line(axis, 1)[1]).all()


def test_charts_draw_the_values_that_are_asked_for_where_there_are_any(shown: Shown) -> None:
    charts = {"rates": ("rate", "val_f1", "none"), "loss": ("loss",)}
    figure = shown(lambda path: curves(ROWS, ROWS[2], path, "a run", charts))
    rates, loss = figure.axes
    assert (figure.get_figwidth(), heading(figure)) == (10, "a run")
    assert [found.get_label() for found in rates.lines[:2]] == ["rate", "val f1"]
    assert [line(rates, i)[2] for i in (0, 1)] == [BLUE, ORANGE]
    assert line(rates, 2)[0] == [3, 3]
    assert (rates.get_title(loc="left"), len(loss.lines)) == ("rates", 2)
    assert [len(a.lines) for a in shown(lambda path: curves(ROWS, None, path, "", charts)).axes] == [2, 1]


def test_answers_are_green_where_right_red_where_wrong_and_black_where_nobody_knows(shown: Shown) -> None:
    cells = [np.zeros((4, 4, 1), np.uint8), np.ones((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)]

    def made(**more: Any) -> Figure:
        return shown(lambda path: sheet(cells, ["cat", "c" * 19, "dog"], [0.5, None, 1.0], path, **more))

    axes = made().axes
    assert [axis.get_title() for axis in axes] == ["cat  50%", "cccccccc...ccccccc", "dog  100%"]
    assert {to_hex(axis.title.get_color()) for axis in axes} == {"#000000"}
    assert [np.asarray(axis.images[0].get_array()).shape for axis in axes] == [(4, 4), (4, 4, 3), (4, 4, 3)]
    assert [axis.images[0].get_clim() for axis in axes[:2]] == [(0, 255), (0, 1)]
    assert axes[0].images[0].get_cmap().name == "gray"
    assert [axis.get_box_aspect() for axis in axes] == [1, 1, 1]
    figure = made(truths=["cat", "x", "y"], names=["a", "b" * 40, "c"], title="sheet")
    assert [axis.get_title() for axis in figure.axes] == [
        "cat  50%", "cccccccc...ccccccc\nis: x", "dog  100%\nis: y",
    ]  # fmt: skip
    assert [to_hex(axis.title.get_color()) for axis in figure.axes] == [GREEN, RED, RED]
    assert [texts(axis) for axis in figure.axes] == [["a"], ["b" * 16 + "..." + "b" * 15], ["c"]]
    assert heading(figure) == "sheet"


def test_an_overview_has_each_class_beside_its_row(shown: Shown) -> None:
    rows = {"a": [np.zeros((4, 4, 3), np.uint8)] * 2, "longer": [np.full((4, 4, 3), 9, np.uint8)]}
    figure = shown(lambda path: overview(rows, path, "title"))
    (axis,) = figure.axes
    left = 14 + 7 * 6
    assert figure.get_figwidth() * 100 == pytest.approx(left + 2 * 76 + 8)
    assert figure.get_figheight() * 100 == pytest.approx(2 * 76 + 30 + 8)
    assert ticks(axis.get_yticklabels()) == ["a", "longer"]
    assert [*axis.get_yticks()] == [36, 112]
    assert ([*axis.get_xticks()], frame(axis)) == ([], [False] * 4)
    assert axis.yaxis.get_tick_params()["length"] == 0
    assert [text.get_text() for text in figure.texts] == ["title"]
    canvas = np.asarray(axis.images[0].get_array())
    assert canvas.shape == (152, 152, 3)
    assert [canvas[y, x, 0] for y, x in ((0, 0), (71, 71), (72, 0), (0, 76), (76, 0), (76, 76))] == [
        0, 0, 255, 0, 9, 255,
    ]  # fmt: skip
    empty = shown(lambda path: overview({}, path))
    assert empty.get_figwidth() * 100 == pytest.approx(14 + 76 + 8)
    assert np.asarray(empty.axes[0].images[0].get_array()).shape == (76, 76, 3)
    none = shown(lambda path: overview({"a": []}, path))
    assert np.asarray(none.axes[0].images[0].get_array()).shape == (76, 76, 3)


@pytest.mark.parametrize(
    ("shape", "size"), [((10, 20, 3), (20, 40)), ((200, 50, 1), (40, 10)), ((1, 100, 4), (1, 40))]
)
def test_an_image_is_fitted_by_its_longer_side(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    for image in (np.full(shape, 51, np.uint8), np.full(shape, 0.2, np.float32)):
        found = fitted(image, 40)
        assert (found.shape, found.dtype, {*found.ravel().tolist()}) == ((*size, 3), np.uint8, {51})


def test_small_images_keep_their_pixels_and_large_ones_are_smoothed() -> None:
    board = np.kron(np.array([[0, 255], [255, 0]], np.uint8), np.ones((1, 1), np.uint8))[..., None]
    assert {*fitted(board, 40).ravel().tolist()} == {0, 255}
    fine = np.tile(board[..., 0], (40, 40))[..., None]
    assert 100 < fitted(fine, 8).mean() < 155
    assert len(np.unique(fitted(fine, 7))) > 0
    assert np.abs(fitted(fine, 8)[2:-2, 2:-2].astype(int) - 127).max() < 40


@pytest.mark.parametrize(
    ("most", "cut"), [(10, "abcdefghij"), (9, "abc...hij"), (8, "abc...ij"), (5, "a...j")]
)
def test_a_long_text_is_cut_in_the_middle(most: int, cut: str) -> None:
    assert short("abcdefghij", most) == cut


# -- images --------------------------------------------------------------------------------------------


def test_tiles_stand_in_rows_with_gaps_and_a_border() -> None:
    cells = [np.full((2, 3, 3), i, np.uint8) for i in range(3)]
    sheet = tiled(cells, 2, gap=1, border=2)
    assert sheet.shape == (2 * 3 - 1 + 4, 2 * 4 - 1 + 4, 3)
    expected = np.full((9, 11), 255)
    expected[2:4, 2:5], expected[2:4, 6:9], expected[5:7, 2:5] = 0, 1, 2
    assert np.array_equal(sheet[..., 0], expected)
    assert tiled(cells, 3).shape == (2, 3 * 6 - 3, 3)
    small = tiled([np.zeros((2, 2, 3), np.uint8), np.zeros((1, 4, 3), np.uint8)], 1, gap=0)
    assert small[..., 0].tolist() == [[0, 0, 255, 255]] * 2 + [[0] * 4] + [[255] * 4]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (5, 3), (11, 4)])
def test_variants_are_laid_out_wider_than_high_with_the_original_in_a_frame(count: int, columns: int) -> None:
    """`columns` by hand: the root of one and a half times all images, which are square."""
    original, variants = torch.zeros(1, 96, 96), torch.full((count, 1, 96, 96), 0.4)
    sheet = np.asarray(variants_grid(original, variants))
    all_columns = round((1.5 * (count + 1)) ** 0.5)
    rows = -(-(count + 1) // all_columns)
    assert sheet.shape == (rows * 100 + 4, all_columns * 100 + 4, 3)
    frame = [int(BLUE[i : i + 2], 16) for i in (1, 3, 5)]
    assert sheet[0, 0].tolist() == sheet[103, 103].tolist() == sheet[50, 103].tolist() == frame
    assert (sheet[4:100, 4:100] == 0).all()
    plain = np.asarray(variants_grid(None, variants))
    assert plain.shape[1] == columns * 100 + 4
    assert (plain[0] == 255).all()
    assert (plain[4:100, 4:100] == 102).all()


@pytest.mark.parametrize(("size", "zoom"), [((48, 96), 1), ((48, 95), 2), ((20, 32), 3), ((200, 10), 1)])
def test_small_variants_are_enlarged_by_whole_numbers(size: tuple[int, int], zoom: int) -> None:
    sheet = variants_grid(None, torch.zeros(1, 3, *size))
    assert sheet.size == (size[1] * zoom + 8, size[0] * zoom + 8)


def test_a_file_of_variants_is_their_grid_or_says_why_not(tmp_path: Path) -> None:
    original, variants = torch.zeros(3, 96, 96), torch.ones(2, 3, 96, 96)
    path = draw_variants(original, variants, tmp_path / "a.png")
    assert np.array_equal(np.asarray(Image.open(path)), np.asarray(variants_grid(original, variants)))
    with pytest.raises(SaveError, match=r"cannot write .*none/a\.png: got No such file"):
        draw_variants(original, variants, tmp_path / "none" / "a.png")


@pytest.mark.parametrize(
    ("channels", "name", "mode"),
    [(1, "a.png", "L"), (2, "a.png", "LA"), (3, "a.png", "RGB"), (4, "a.png", "RGBA"), (1, "a.JPG", "L"),
     (3, "a.webp", "RGB"), (4, "a.jpg", None), (2, "a.webp", None), (5, "a.png", None)],
)  # fmt: skip
def test_an_image_is_written_with_the_channels_that_its_format_knows(
    tmp_path: Path, channels: int, name: str, mode: str | None
) -> None:
    image = torch.full((channels, 4, 6), 0.4)
    image[0, 0, 0] = 7
    if mode is None:
        with pytest.raises(SaveError, match=f"channels, got {channels}") as error:
            write_image(image, tmp_path / name)
        assert ("say .png" in str(error.value)) == (not name.endswith("png"))
        return
    with Image.open(write_image(image, tmp_path / name)) as written:
        facts = (written.mode, written.size, written.format)
        pixels = np.asarray(written).reshape(4, 6, channels)
    assert facts == (mode, (6, 4), image_format(Path(name)).upper())
    if name == "a.png":
        assert (pixels[0, 0, 0], pixels[1, 1, channels - 1]) == (255, 102)


def test_a_mask_is_written_as_numbers_with_colours(tmp_path: Path) -> None:
    written = Image.open(write_mask(torch.tensor([[0, 1, 255]]), tmp_path / "a.png"))
    assert np.asarray(written).tolist() == [[0, 1, 255]]
    colours = np.asarray(written.convert("RGB"))[0].tolist()
    assert colours == [[0, 0, 0], [*PALETTE[1]], [128, 128, 128]]
    assert (len(COLOURS), [*COLOURS[9]], [*COLOURS[10]]) == (256, [*PALETTE[9]], [*PALETTE[1]])


def test_an_overlay_keeps_the_light_of_the_image_under_the_colours() -> None:
    image = np.zeros((1, 2, 4), np.uint8)
    image[..., 0] = 100  # red, of which gray is 0.299
    mixed = overlay(image, torch.tensor([[0, 1]]), share=0.5)
    assert mixed[0, 0].tolist() == [100, 0, 0]
    assert mixed[0, 1].tolist() == np.rint(0.5 * 29.9 + 0.5 * COLOURS[1]).astype(int).tolist()
    gray = overlay(np.full((2, 2, 2), 0.4, np.float32), torch.tensor([[0]]))
    assert gray.tolist() == [[[102] * 3] * 2] * 2


@pytest.mark.parametrize(("size", "zoom"), [((80, 160), 1), ((80, 159), 2), ((10, 10), 16)])
def test_an_image_under_points_is_enlarged_to_be_seen(size: tuple[int, int], zoom: int) -> None:
    image = np.zeros((*size, 3), np.uint8)
    drawn = marked(image, Overlay(points=torch.tensor([[5.0, 5.0]])))
    assert drawn.shape == (size[0] * zoom, size[1] * zoom, 3)
    middle = int(5.5 * zoom)
    assert drawn[middle, middle].tolist() == COLOURS[1].tolist()
    assert np.array_equal(marked(image, Overlay()), image)


def test_a_grid_enlarges_small_images_and_shows_one_or_two_channels_as_gray(shown: Shown) -> None:
    batch = torch.zeros(4, 2, 16, 32)
    batch[:, 0], batch[:, 1] = 0.4, 1.0
    figure = shown(lambda path: images(ImageGrid({"": batch}), path))
    whole = np.asarray(figure.axes[0].images[0].get_array())
    assert whole.shape == (2 * 32 + 3, 2 * 64 + 3, 3)
    assert {*whole[:32, :64].ravel().tolist()} == {102}
    assert (figure.texts, figure.get_figwidth() * 100) == ([], pytest.approx(131))
    four = shown(lambda path: images(ImageGrid({"": torch.zeros(3, 4, 64, 65)}), path))
    assert np.asarray(four.axes[0].images[0].get_array()).shape == (131, 133, 3)


# -- files ---------------------------------------------------------------------------------------------


def test_a_folder_is_made_unless_it_is_called_like_an_image(tmp_path: Path) -> None:
    assert folder_path(tmp_path / "a" / "b").is_dir()
    assert folder_path(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    with pytest.raises(SaveError, match=r"expected a folder's name, got an image's; say .*sheet$"):
        folder_path(tmp_path / "sheet.PNG")
    (tmp_path / "odd.png").mkdir()
    assert folder_path(tmp_path / "odd.png").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="expected a writable place"):
        folder_path(tmp_path / "file" / "x")
    assert [is_image(name) for name in ("a.png", "a.JPEG", "a.webp", "a.gif", "png")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_a_figure_is_a_png_of_its_size() -> None:
    assert figure_bytes(new_figure(1, 0.5))[:8] == b"\x89PNG\r\n\x1a\n"
    assert new_figure(1, 0.5).get_dpi() == 120


def test_names_that_no_font_can_draw_are_drawn_with_a_question_mark(tmp_path):
    from matplotlib.figure import Figure

    from zoo.reports.files import write_figure

    figure = Figure()
    axes = figure.subplots()
    axes.set_title("r\udce9")
    axes.set_xticks([0, 1], ["a", "th\udce9"])
    write_figure(figure, tmp_path / "a.png")
    assert axes.get_title() == "r?"
