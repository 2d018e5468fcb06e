from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes folders of different images: `make({"cats": 3})` or `make({"train/cats": 3})`."""
    rng = np.random.default_rng(0)

    def write(counts: dict[str, int], size: int = 6) -> Path:
        root = tmp_path / "photos"
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / folder / f"{i}.png")
        return root

    return write
