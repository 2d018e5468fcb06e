import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Write = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> Write:
    """Writes images `images/0.png` ... as bright as `light` says, and `labels.csv` with further columns."""

    def write(light: Sequence[float], columns: Mapping[str, Sequence[Any]], column: str = "file") -> Path:
        (tmp_path / "images").mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        for i, level in enumerate(light):
            pixels = rng.normal(255 * level, 8, (12, 12, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / f"{i}.png")
        with (tmp_path / "labels.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([column, *columns])
            for i in range(len(light)):
                writer.writerow([f"images/{i}.png", *(cells[i] for cells in columns.values())])
        return tmp_path / "labels.csv"

    return write
