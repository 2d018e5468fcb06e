"""Rules of a data set, each shown to fail on a planted breach."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.registry.lookup import find
from zoo.testing import rules_dataset as rules
from zoo.testing.case import Case

DATA = """
import numpy as np
from zoo.interfaces import Dataset, Multiclass, Sample


class Dots(Dataset):
    task = Multiclass()

    labels = ("a", "b", "c")
    targets = tuple(i % 3 for i in range(9))

    def __len__(self):
        return 9

    def __getitem__(self, index):
        return Sample(image=np.full((8, 8, 3), index, np.uint8), target=TARGET)

    def key(self, index):
        return str(index)

    @property
    def fingerprint(self):
        return "dots"
"""


@pytest.fixture
def dots(shelf: Any) -> Any:
    """Makes a case of a data set of nine samples, given what their targets are."""

    def make(target: str) -> Case:
        row = {"kind": "dataset", "name": "dots", "target": "zoo_planted.dots:Dots", "summary": "Dots."}
        package = shelf.plugin("zoo-planted", rows=[{**row, "task": "multiclass"}])
        (package / "dots.py").write_text(DATA.replace("TARGET", target))
        return Case(find("dots", "dataset"))

    return make


def test_samples_with_the_listed_targets_are_fine(dots):
    rules.rule_samples_are_images_with_targets(dots("index % 3"))


def test_one_sample_with_another_target_is_found_wherever_it_stands(dots):
    said = "sample 5: expected the target 2 that `targets` lists, got 0; bring samples and targets into one"
    with pytest.raises(AssertionError, match=said):
        rules.rule_samples_are_images_with_targets(dots("0 if index == 5 else index % 3"))
