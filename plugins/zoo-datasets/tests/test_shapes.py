"""The drawn shapes: masks that are true, images that follow from their number."""

import time

import numpy as np
import pytest
from scipy import ndimage
from zoo_datasets import shapes
from zoo_datasets.shapes import Shapes

from zoo.data.splits import split


def test_an_image_follows_from_its_number_and_size() -> None:
    one, more = Shapes(size=32, count=5), Shapes(size=32, count=500)
    for i in (0, 4):
        np.testing.assert_array_equal(one[i].image, more[i].image)
        np.testing.assert_array_equal(one[i].mask, more[i].mask)
    assert one.key(3) == more.key(3) != one.key(2)
    assert len({more.fingerprint, one.fingerprint, Shapes(size=48, count=5).fingerprint}) == 3
    assert len({more.key(i) for i in range(500)}) == 500
    with pytest.raises(IndexError):
        one[5]


def test_every_class_is_there_and_most_is_background() -> None:
    data = Shapes(size=64, count=200)
    shares = np.mean([np.bincount(data[i].mask.ravel(), minlength=4) for i in range(200)], axis=0) / 64**2
    assert shares[0] > 0.6
    assert shares[1:].min() > 0.04


def test_shapes_cover_the_right_share_of_the_circle_around_them() -> None:
    """All of it, 2 / pi, and 3 sqrt(3) / (4 pi): the median of those that touch no border or other class."""
    size, found = 128, {1: [], 2: [], 3: []}
    data = Shapes(size=size, count=100)
    for i in range(len(data)):
        mask = data[i].mask
        regions, count = ndimage.label(mask > 0)
        for region in range(1, count + 1):
            rows, columns = np.nonzero(regions == region)
            classes = set(mask[rows, columns].tolist())
            inside = min(rows.min(), columns.min()) > 0 and max(rows.max(), columns.max()) < size - 1
            widest = max(np.ptp(rows), np.ptp(columns)) + 1
            if len(classes) == 1 and inside and 0.17 * size < widest < 0.55 * size:
                points = np.stack([rows, columns]) - np.array([[rows.mean()], [columns.mean()]])
                farthest = np.sqrt((points**2).sum(0)).max() + 0.35  # from a pixel's middle to its rim
                found[classes.pop()].append(len(rows) / (np.pi * farthest**2))
    for label, share in ((1, 1.0), (2, 2 / np.pi), (3, 3 * 3**0.5 / (4 * np.pi))):
        assert np.median(found[label]) == pytest.approx(share, rel=0.05), label


def test_edges_are_smooth_and_lie_where_the_mask_has_them() -> None:
    """Brightness jumps at the mask's edges much more than elsewhere."""
    data = Shapes(size=64, count=40)
    at_edges, elsewhere = [], []
    for i in range(40):
        image, mask = data[i].image.astype(float), data[i].mask
        jumps = np.abs(np.diff(image, axis=1)).max(axis=2)
        edges = mask[:, 1:] != mask[:, :-1]
        near = ndimage.binary_dilation(edges, iterations=2)
        at_edges.append(jumps[edges].mean())
        elsewhere.append(jumps[~near].mean())
    assert np.mean(at_edges) > 3 * np.mean(elsewhere)


def test_drawing_is_quick_and_splitting_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Shapes(size=64, count=2000)
    started = time.process_time()
    for i in range(50):
        data[i]
    assert (time.process_time() - started) / 50 < 0.02
    monkeypatch.setattr(Shapes, "__getitem__", lambda self, index: 1 / 0)
    splits = split(data)
    assert (len(splits.train), len(splits.val), len(splits.test)) == (1400, 300, 300)


def test_a_triangle_has_three_equal_sides() -> None:
    angles = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    for radius in (0.4, 0.6, 0.8, 0.95):
        inside = shapes._triangle(radius * np.sin(angles), radius * np.cos(angles))
        assert np.abs(inside.astype(int) - np.roll(inside, 200)).sum() <= 6
        assert inside.all() == (radius < 0.5)
        assert inside.any()
