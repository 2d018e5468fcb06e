"""Names that these components had in version 0.1."""

from __future__ import annotations

import pytest
from zoo_datasets.plugin import DATASETS

from zoo.registry import find


@pytest.mark.parametrize("name", [component.name for component in DATASETS])
def test_a_name_of_the_core_still_means_the_component(name: str) -> None:
    assert find(f"core:{name}", "dataset").qualified == find(name, "dataset").qualified == f"datasets:{name}"
