"""Names that these components had in version 0.1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from zoo_augment.plugin import AUGMENTERS

import zoo
from zoo.registry import find


@pytest.mark.parametrize("name", [component.name for component in AUGMENTERS])
def test_a_name_of_the_core_still_means_the_component(name: str) -> None:
    assert (
        find(f"core:{name}", "augmenter").qualified == find(name, "augmenter").qualified == f"augment:{name}"
    )


def test_a_run_recorded_under_the_old_name_is_resumed(tmp_path: Path) -> None:
    network = zoo.build("small_cnn", head="binary", in_channels=1, input_size=16, seed=0)
    data = {"name": "faces", "per_class": 8}
    run = zoo.fit(network, data, augment="flip", epochs=1, out=tmp_path / "run", progress=False)
    file = run.folder / "run.json"
    text = file.read_text()
    assert '"augment:flip"' in text
    assert '"datasets:faces"' in text
    file.write_text(text.replace("augment:flip", "core:flip").replace("datasets:faces", "core:faces"))
    longer = zoo.fit(resume=run.folder, epochs=2, progress=False)
    assert len(longer.history) == 2
    whole = zoo.fit(
        zoo.build("small_cnn", head="binary", in_channels=1, input_size=16, seed=0),
        data, augment="core:flip", epochs=2, out=tmp_path / "whole", progress=False,
    )  # fmt: skip
    assert all(
        (a == b).all() for a, b in zip(longer.model.parameters(), whole.model.parameters(), strict=True)
    )
    recipe = json.loads((whole.folder / "config.json").read_text())["recipe"]
    assert recipe["augment"]["name"] == "augment:flip"
