"""`materials`: patches of photographs, from parts that lie apart."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict

import numpy as np
import pytest
import skimage.data
from zoo_datasets.materials import MOST, SURFACES, Materials, parts

from zoo.data.splits import NAMES, split
from zoo.spec.errors import DataError, OptionError

_PLACE = re.compile(r"(?P<file>[\w.]+)\[(?P<top>\d+):(?P<bottom>\d+), (?P<left>\d+):(?P<right>\d+)\]")


def place(data: Materials, index: int) -> tuple[str, int, int, int, int]:
    match = _PLACE.fullmatch(data.name(index))
    assert match is not None
    return match["file"], *(int(match[side]) for side in ("top", "bottom", "left", "right"))


@pytest.mark.parametrize("size", [32, 48, 64])
def test_parts_of_a_photograph_lie_at_least_one_patch_apart(size: int) -> None:
    data = Materials(size=size)
    spans: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for i in range(len(data)):
        _, top, bottom, left, right = place(data, i)
        label = data.labels[data.targets[i]]
        # Two cameras saw the motorcycle: what one sees, the other sees in the same row, in another column.
        spans[label][data.split_of(i)].append((top, bottom) if label == "motorcycle" else (left, right))
    assert set(spans) == set(SURFACES)
    for label, found in spans.items():
        assert set(found) == set(NAMES), label
        for before, after in (("train", "val"), ("val", "test")):
            gap = min(low for low, _ in found[after]) - max(high for _, high in found[before])
            assert gap >= size, f"{label}: {before} and {after} are {gap} pixels apart"


def test_patches_are_those_of_the_photograph_in_gray() -> None:
    data = Materials(classes=["brick", "coffee"])
    brick, coffee = skimage.data.brick(), skimage.data.coffee().astype(float)
    for i in (0, len(data) - 1):
        file, top, bottom, left, right = place(data, i)
        seen = data[i].image[..., 0]
        assert seen.dtype == np.uint8
        if file == "brick.png":
            assert np.array_equal(seen, brick[top:bottom, left:right])
        else:
            luma = coffee[top:bottom, left:right] @ [0.299, 0.587, 0.114]
            np.testing.assert_allclose(seen, luma, atol=1)


def test_patches_of_a_part_do_not_overlap_and_show_something() -> None:
    data = Materials()
    seen = np.zeros((len(SURFACES) + 1, 1500, 1500), dtype=bool)
    files = sorted({place(data, i)[0] for i in range(len(data))})
    for i in range(len(data)):
        file, top, bottom, left, right = place(data, i)
        area = seen[files.index(file), top:bottom, left:right]
        assert not area.any()
        area[:] = True
        assert data[i].image.std() >= 8
    assert max(Counter((t, data.split_of(i)) for i, t in enumerate(data.targets)).values()) == MOST


def test_a_group_is_a_part_and_stays_in_one_split() -> None:
    data = Materials()
    splits = {}
    for i in range(len(data)):
        assert splits.setdefault(data.group_of(i), data.split_of(i)) == data.split_of(i)
    assert len(splits) == 3 * len(SURFACES)
    found = split(data)
    assert all(data.split_of(i) == name for name in NAMES for i in getattr(found, name))


def test_another_draw_changes_training_patches_alone() -> None:
    first, second = Materials(per_class=5), Materials(per_class=5, draw=1)

    def names(data: Materials, part: str) -> list[str]:
        return [data.name(i) for i in range(len(data)) if data.split_of(i) == part]

    assert names(first, "train") != names(second, "train")
    assert len(names(first, "train")) == 5 * len(SURFACES)
    for part in ("val", "test"):
        assert names(first, part) == names(second, part) == names(Materials(), part)
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == Materials(per_class=5).fingerprint


def test_chosen_classes_keep_their_patches_in_the_order_named() -> None:
    data, whole = Materials(classes=["grass", "brick"], per_class=3), Materials(per_class=3)
    assert data.labels == ("grass", "brick")
    grass = {whole.name(i) for i in range(len(whole)) if whole.labels[whole.targets[i]] == "grass"}
    assert {data.name(i) for i in range(len(data)) if data.targets[i] == 0} == grass
    with pytest.raises(OptionError, match=r"expected some of astronaut, brick, .* got 'wood'"):
        Materials(classes=["wood", "brick"])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="dataset materials: expected the package of skimage"):
        Materials()


@pytest.mark.parametrize("length", range(5 * 32, 400, 7))
def test_parts_fit_into_any_length(length: int) -> None:
    found = parts(length, 32)
    assert all(found[name] for name in NAMES)
    assert found["val"][0] - found["train"][-1] >= 64
    assert found["test"][0] - found["val"][-1] >= 64
    assert found["test"][-1] + 32 == length
