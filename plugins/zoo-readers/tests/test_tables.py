"""Tables in Parquet, Feather and Arrow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from PIL import Image

import zoo
from zoo.errors import DataError
from zoo.interfaces import Multiclass, Regression


def pixels(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)


def png(values: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "png")
    return file.getvalue()


def table(form: str, x: Any, home: Path) -> pa.Table:
    if form == "paths":
        for i, values in enumerate(x):
            Image.fromarray(values).save(home / f"{i}.png")
        images: list[Any] = [f"{i}.png" for i in range(len(x))]
    elif form == "bytes":
        images = [png(values) for values in x]
    else:
        images = [{"bytes": png(values), "path": None} for values in x]
    return pa.table({"image": images, "kind": ["b", "a", "c", "a"], "age": [1.5, 2.0, 3.0, 4.0]})


@pytest.mark.parametrize("form", ["paths", "bytes", "structs"])
@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow"])
def test_tables_are_read_by_their_suffix(tmp_path: Path, form: str, suffix: str) -> None:
    from zoo_readers.tables import ArrowTable

    x = pixels(4)
    cells, file = table(form, x, tmp_path), tmp_path / f"labels{suffix}"
    if suffix == ".parquet":
        pyarrow.parquet.write_table(cells, file)
    elif suffix == ".feather":
        pyarrow.feather.write_feather(cells, file)
    else:
        with pa.ipc.new_stream(str(file), cells.schema) as writer:
            writer.write_table(cells)
    data = ArrowTable(path=str(file), target="kind", group="age").for_task(Multiclass())
    assert (data.labels, data.targets) == (("a", "b", "c"), [1, 0, 2, 0])
    np.testing.assert_array_equal(data[2].image, x[2])
    values = ArrowTable(path=str(file), target="age", group="kind").for_task(Regression())
    assert values.targets == [1.5, 2.0, 3.0, 4.0]


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    from zoo_readers.tables import ArrowTable

    for suffix in (".parquet", ".arrow"):
        file = tmp_path / f"labels{suffix}"
        file.write_bytes(b"nothing of the kind")
        with pytest.raises(DataError, match="expected a table of Parquet, Feather or Arrow"):
            ArrowTable(path=str(file))


def test_a_model_is_trained_on_a_table_with_its_images(tmp_path: Path) -> None:
    x = (pixels(24) // 4) + (np.arange(24) % 2 * 180)[:, None, None, None].astype(np.uint8)
    cells = pa.table({"image": [png(v) for v in x], "kind": ["dark", "light"] * 12})
    pyarrow.parquet.write_table(cells, tmp_path / "labels.parquet")
    model = zoo.build("mlp", head="binary", input_size=8, seed=0)
    zoo.fit(model, tmp_path / "labels.parquet", epochs=2, out=tmp_path / "run", progress=False)
    assert model.labels == ("dark", "light")
    assert zoo.evaluate(model, cells, progress=False).on.count == 4
