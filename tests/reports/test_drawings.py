"""Sizes and contents of what is drawn, to the pixel where there is no room for taste."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from PIL import Image

from zoo.interfaces import Sample
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks.base import Overlay
from zoo.interfaces.tasks.confusion import Confusion
from zoo.interfaces.tasks.descriptions import (
    Curve,
    Examples,
    Histogram,
    ImageGrid,
    Mark,
    Mistake,
    Overlays,
    Scatter,
)  # fmt: skip
from zoo.reports.evaluation import draw
from zoo.reports.files import image_path
from zoo.reports.image_grids import COLOURS, draw_variants, images, marked, overlay, write_image, write_mask
from zoo.reports.plots import curves, overview, sheet
from zoo.spec.errors import SaveError


class Grey(Dataset):
    """Grey images of 8 x 8 pixels."""

    targets = (0, 1)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((8, 8, 3), 100, np.uint8), 0)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_drawn_images_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They can be drawn again after a power cut, and forcing each to the disk takes as long as drawing it."""
    monkeypatch.setattr(os, "fsync", lambda handle: pytest.fail("waited for the disk"))
    gray = torch.rand(2, 1, 8, 8)
    images(ImageGrid({"": gray}), tmp_path / "a.png")
    write_image(gray[0], tmp_path / "b.png")
    write_mask(torch.zeros(4, 4), tmp_path / "c.png")
    draw_variants(gray[0], gray, tmp_path / "d.png")
    assert len([*tmp_path.iterdir()]) == 4


def test_a_grid_of_images_shows_every_pixel_and_has_room_for_its_titles(tmp_path: Path) -> None:
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(3, 3, 128, 100)
    grid = pixels(images(ImageGrid({"": red}), tmp_path / "a.png"))
    assert grid.shape[:2] in {(128 * 2 + gap, 100 * 2 + gap) for gap in range(1, 9)}
    assert (grid[5, 5].tolist(), grid[-5, -5].tolist()) == ([255, 0, 0], [255, 255, 255])
    plain = pixels(images(ImageGrid({"one": red, "two": red}), tmp_path / "b.png"))
    named = pixels(images(ImageGrid({"one": red, "two": red}, title="x"), tmp_path / "c.png"))
    assert plain.shape[0] - 22 in {128 * 3 + 2 * gap for gap in range(1, 9)}
    assert named.shape[0] == plain.shape[0] + 24
    assert named.shape[1] == plain.shape[1]
    wide = pixels(images(ImageGrid({"one": red, "two": red}, title="x" * 50), tmp_path / "d.png"))
    assert wide.shape[1] == 400
    assert wide[100, 5].tolist() == [255, 0, 0]
    assert (plain[:20] < 128).any()  # the titles stand above
    single = pixels(images(ImageGrid({"one": red[:, :1]}), tmp_path / "e.png"))
    assert single[30, 5].tolist() == [255, 255, 255]


def test_small_images_are_enlarged_by_whole_numbers(tmp_path: Path) -> None:
    tiny = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).view(1, 1, 2, 2)
    grid = pixels(images(ImageGrid({"": tiny}), tmp_path / "a.png"))
    side = grid.shape[0]
    assert grid.shape[:2] == (side, side)
    assert side % 2 == 0
    assert set(grid[: side // 2, : side // 2].flatten()) == {0}
    assert set(grid[: side // 2, side // 2 :].flatten()) == {255}


def test_classes_colour_an_image_and_the_background_leaves_it_as_it_is() -> None:
    image = np.full((4, 4, 3), 100, np.uint8)
    mask = torch.zeros(4, 4, dtype=torch.int64)
    mask[0] = 1
    mixed = overlay(image, mask)
    assert (mixed[1:] == 100).all()
    assert np.allclose(mixed[0, 0], 0.4 * 100 + 0.6 * COLOURS[1], atol=1)
    assert np.array_equal(overlay(image, mask, share=1)[0, 0], COLOURS[1])
    assert overlay(image[..., :1] / np.float32(255), mask).shape == (4, 4, 3)
    assert np.array_equal(COLOURS[1], COLOURS[10])
    assert not np.array_equal(COLOURS[0], COLOURS[10])
    assert np.array_equal(marked(image, Overlay(mask)), mixed)


def mistakes(count: int) -> tuple[Mistake, ...]:
    marks = Overlay(torch.ones(8, 8, dtype=torch.int64))
    return tuple(Mistake(i, f"{i}.png", "cat", 0.5, "dog", marks, marks) for i in range(count))


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (13, 6)])
def test_masks_stand_two_images_a_line_and_twelve_at_most(tmp_path: Path, count: int, lines: int) -> None:
    drawing = Overlays(mistakes(count), ["a", "b"], "lowest IoU", score="IoU")
    drawn = pixels(draw(drawing, tmp_path / "a.png", Grey(), "model"))
    assert np.allclose(
        drawn.shape[:2], (120 * (1.85 * lines + 0.8), 120 * (4.8 * min(2, count) + 0.1)), atol=1
    )


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (6, 6, 1), (7, 6, 2)])
def test_a_sheet_has_six_images_a_row_and_a_line_for_each_thing_said(
    tmp_path: Path, count: int, columns: int, rows: int
) -> None:
    image, labels = np.zeros((4, 4, 3), np.uint8), ["cat"] * count
    drawn = pixels(sheet([image] * count, labels, [0.5] * count, tmp_path / "a.png"))
    assert np.allclose(drawn.shape[:2], (120 * ((1.75 + 0.16) * rows + 0.4), 120 * 1.7 * columns), atol=1)
    named = sheet([image] * count, labels, [None] * count, tmp_path / "b.png", truths=labels, names=labels)
    assert abs(pixels(named).shape[0] - 120 * ((1.75 + 0.48) * rows + 0.4)) < 1


def test_a_confusion_matrix_is_as_wide_as_its_cells_or_its_title(tmp_path: Path) -> None:
    drawing = Confusion(["a", "b"], [[3, 1], [0, 4]])
    short = pixels(draw(drawing, tmp_path / "a.png", Grey(), ""))
    side, margin = 0.9 * 2, 0.5 + 0.0115 * 11
    assert abs(short.shape[1] - 120 * (side + margin + 0.3)) < 2
    assert abs(short.shape[0] - 120 * (side + margin + 0.6)) < 2
    long = pixels(draw(drawing, tmp_path / "b.png", Grey(), "x" * 40))
    assert long.shape[0] == short.shape[0]
    assert 120 * 3 < long.shape[1] < 120 * 6
    red = ((short[..., 0] - short[..., 2]) > 80).sum()
    assert red > 5  # what is confused


@pytest.mark.parametrize(
    "drawing",
    [
        Curve(torch.tensor([0.0, 1]), torch.tensor([0.0, 1]), "t", "x", "y", (Mark(0.5, 0.5, "here"),), True),
        Histogram({"same": torch.rand(9), "different": torch.rand(9)}, "t", "x", "y", 0.5),
        Scatter(torch.rand(9, 2), torch.rand(9, 2), ["a", "b"]),
        Examples(mistakes(3), "worst"),
    ],
    ids=["curve", "histogram", "scatter", "examples"],
)
def test_every_description_can_be_drawn(tmp_path: Path, drawing: object) -> None:
    drawn = pixels(draw(drawing, tmp_path / "a.png", Grey(), "model"))
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 5
    assert drawn.shape[0] > 100


def test_the_line_of_a_histogram_stands_where_its_value_is(tmp_path: Path) -> None:
    def column(line: float) -> float:
        drawing = Histogram({"all": torch.linspace(0, 1, 99)}, "", "x", "y", line)
        drawn = pixels(draw(drawing, tmp_path / "a.png", Grey(), ""))
        without = Histogram({"all": torch.linspace(0, 1, 99)}, "", "x", "y", None)
        other = pixels(draw(without, tmp_path / "b.png", Grey(), ""))
        changed = (drawn != other).any(axis=2)
        assert (changed.sum(axis=0) > 3).sum() > 8  # the line, and its value beside it
        return float(changed.sum(axis=0).argmax()) / drawn.shape[1]

    assert column(0.1) < column(0.5) < column(0.9)


@pytest.mark.parametrize(
    ("name", "words"), [("", "got a folder"), ("a.txt", r"got 'a\.txt'"), ("file/a.png", "a writable place")]
)
def test_what_cannot_be_drawn_into_is_refused_before_work_is_spent(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match=words):
        image_path(tmp_path / name)
    assert image_path(tmp_path / "new" / "a.png").parent.is_dir()
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(SaveError, match="got a folder"):
        image_path(tmp_path / "folder.png")


def test_an_overview_has_a_row_for_each_class_and_images_in_the_middle_of_their_cells(
    tmp_path: Path,
) -> None:
    tall, wide = np.zeros((40, 20, 3), np.uint8), np.zeros((20, 40, 3), np.uint8)
    drawn = pixels(overview({"a": [tall, wide], "b": [wide]}, tmp_path / "a.png"))
    titled = pixels(overview({"a": [tall, wide], "b": [wide]}, tmp_path / "b.png", "title"))
    assert titled.shape[0] == drawn.shape[0] + 22
    black = (drawn[:, 21:] == 0).all(axis=2)
    step = (drawn.shape[0] - 16) // 2
    assert drawn.shape[1] == 21 + 2 * step + 8
    for row, column, shape in ((0, 0, (40, 20)), (0, 1, (20, 40)), (1, 0, (20, 40))):
        cell = black[8 + row * step :, column * step :][:step, :step]
        ys, xs = np.nonzero(cell)
        high, broad = ys.max() - ys.min() + 1, xs.max() - xs.min() + 1
        assert abs(high / broad - shape[0] / shape[1]) < 0.1
        gap = step - max(high, broad)
        assert abs((ys.min() + ys.max()) - (step - gap - 1)) <= 2
        assert abs((xs.min() + xs.max()) - (step - gap - 1)) <= 2
    assert not black[8 + step :, step:].any()


def test_points_and_lines_lie_on_their_pixels_however_small_the_image_is() -> None:
    image = np.zeros((8, 16, 3), np.uint8)
    points = torch.tensor([[0.0, 0.0], [15.0, 7.0], [float("nan"), 0.0]])
    drawn = marked(image, Overlay(points=points, lines=((0, 1), (0, 2))))
    zoom = drawn.shape[0] // 8
    assert drawn.shape == (8 * zoom, 16 * zoom, 3)
    assert zoom > 1
    for x, y, colour in ((0.5, 0.5, COLOURS[1]), (15.5, 7.5, COLOURS[2])):
        assert drawn[int(y * zoom), int(x * zoom)].tolist() == colour.tolist()
    assert drawn[4 * zoom, 8 * zoom].tolist() == [255, 255, 255]  # the line
    assert drawn[0, -1].tolist() == [0, 0, 0]
    half = marked(image, Overlay(points=points / 2, size=(4, 8)))
    assert (half != drawn).mean() < 0.1
    large = np.zeros((2000, 10, 3), np.uint8)
    assert marked(large, Overlay(points=points[:1])).shape == large.shape


def test_long_names_of_classes_stand_upright_and_axes_say_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned, titles = [], []
    ticks, title = Axes.set_xticks, Axes.set_title

    def set_xticks(self: Axes, *given: object, **more: object) -> object:
        turned.append(more.get("rotation"))
        return ticks(self, *given, **more)

    def set_title(self: Axes, text: str, **more: object) -> object:
        titles.append(text)
        return title(self, text, **more)

    monkeypatch.setattr(Axes, "set_xticks", set_xticks)
    monkeypatch.setattr(Axes, "set_title", set_title)
    draw(Confusion(["a", "b"], [[1, 0], [0, 1]]), tmp_path / "a.png", Grey(), "")
    draw(Confusion(["a" * 24, "b"], [[1, 0], [0, 1]]), tmp_path / "b.png", Grey(), "")
    assert [rotation for rotation in turned if rotation is not None] == [0, 90]
    rows = [{"epoch": i, "loss": 0.5, "val_loss": 0.5, "f1": 0.5, "val_f1": 0.5} for i in (1, 2)]
    titles.clear()
    curves(rows, rows[0], tmp_path / "c.png", "a run")
    assert {"loss", "f1"} <= set(titles)
