"""Which data which head takes: `python docs/data_sources.py docs/guide/data-sources.md [--check]`.

Each source is trained on for an epoch by a tiny network of each head, in a folder of small drawn files. The
page says what worked with which line, and what zoo says of the rest.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import torch
import torchmetrics  # noqa: F401 - before it is told that there is no matplotlib
from PIL import Image

import zoo
from zoo.errors import ZooError

COUNT, SIDE = 24, 16
KINDS, GRADES = ("cat", "dog"), ("0", "1", "2")

HEADS: Mapping[str, Mapping[str, Any]] = {
    "binary": {"name": "mlp", "head": "binary"},
    "multiclass": {"name": "mlp", "head": "multiclass", "classes": 2},
    "ordinal": {"name": "mlp", "head": "ordinal", "classes": 3},
    "multilabel": {"name": "mlp", "head": "multilabel", "classes": 2},
    "regression": {"name": "mlp", "head": "regression"},
    "embedding": {"name": "mlp", "head": "embedding"},
    "unet": {"name": "unet", "classes": 4},
    "autoencoder": {"name": "autoencoder"},
}
"""Heads, and models whose task is no head's."""

_COLUMNS = {
    "ordinal": 'target="grade"',
    "multilabel": 'target="tags"',
    "regression": 'target="weight"',
    "unet": 'mask="mask"',
    "autoencoder": "",
}


@dataclass(frozen=True)
class Source:
    """Data as people have them.

    Args:
        title: its row.
        code: the line that trains on it.
        by_head: other lines for some heads.
        setup: lines before it, shown too.
    """

    title: str
    code: str
    by_head: Mapping[str, str] = field(default_factory=dict)
    setup: str = ""


def _table(data: str, *, mask: str = 'mask="mask"') -> tuple[str, dict[str, str]]:
    """The lines of a table: each head has a column of its own."""

    def line(option: str) -> str:
        return f"zoo.fit(model, {data}, {option})" if option else f"zoo.fit(model, {data})"

    columns = {**_COLUMNS, "unet": mask}
    return line('target="kind"'), {head: line(option) for head, option in columns.items()}


def _arrays(template: str) -> tuple[str, dict[str, str]]:
    """The lines of objects: each head has targets of its own."""
    names = {"ordinal": "grades", "multilabel": "tags", "regression": "weights", "unet": "masks"}
    return template.format(y="kinds"), {head: template.format(y=name) for head, name in names.items()}


SOURCES = (
    Source(
        "folder of class folders",
        'zoo.fit(model, "pets")',
        {"ordinal": 'zoo.fit(model, "grades")'},
    ),
    Source("folder of images and masks", 'zoo.fit(model, "scenes")'),
    Source("folder of loose images", 'zoo.fit(model, "loose")'),
    Source("CSV or JSON lines", *_table('"labels.csv"')),
    Source("folder with `metadata.csv`", *_table('"listed"')),
    Source("Parquet, Feather, Arrow (`zoo-readers`)", *_table('"labels.parquet"')),
    Source("list of dicts, table of columns", *_table("rows")),
    Source(
        "frame of pandas or polars, table of Arrow",
        *_table("frame"),
        setup='frame = pandas.read_csv("labels.csv")',
    ),
    Source(
        "`Dataset` of Hugging Face",
        *_table("beans"),
        setup='beans = datasets.load_dataset("csv", data_files="labels.csv", split="train")',
    ),
    Source("arrays `(X, y)` of numpy or torch", *_arrays("zoo.fit(model, (images, {y}))")),
    Source("list of pairs", *_arrays("zoo.fit(model, [*zip(images, {y})])")),
    Source(
        "a set to train on and one to validate with",
        *_arrays("zoo.fit(model, ((images[:18], {y}[:18]), (images[18:], {y}[18:])))"),
    ),
    Source("torch data set", *_arrays("zoo.fit(model, Pairs(images, {y}))")),
    Source(
        "stream, without a length",
        *_arrays("zoo.fit(model, (Stream(images, {y}), (images, {y})), steps_per_epoch=2)"),
    ),
    Source(
        "several sources in one",
        'zoo.fit(model, ["pets", "more pets"])',
        {"ordinal": 'zoo.fit(model, ["grades", "more grades"])'},
    ),
    Source(
        "shards of webdataset (`zoo-readers`)",
        'zoo.fit(model, "shards/train-{000..001}.tar")',
        {
            head: f'zoo.fit(model, "shards/train-{{000..001}}.tar", {_COLUMNS[head]})'
            for head in ("ordinal", "multilabel", "regression")
        },
    ),
    Source(
        "data set by name",
        'zoo.fit(model, {"name": "digits", "classes": ["3", "8"]})',
        {
            "ordinal": 'zoo.fit(model, {"name": "digits", "classes": ["0", "1", "2"]})',
            "unet": 'zoo.fit(model, "shapes")',
            "autoencoder": 'zoo.fit(model, "datasets:photos")',
        },
    ),
)


# -- small data ----------------------------------------------------------------------------------------


def make_files() -> dict[str, Any]:
    """Writes the files into the working folder; returns the objects that lines name."""
    import datasets
    import pandas

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    masks = (rng.random((COUNT, SIDE, SIDE)) > 0.5).astype(np.uint8)
    rows: list[dict[str, Any]] = []
    for i in range(COUNT):
        kind, grade = KINDS[i % 2], GRADES[i % 3]
        places = [f"loose/{i}.png", f"scenes/images/{i}.png", f"listed/{i}.png"]
        for more in ("", "more "):
            places += [f"{more}pets/{kind}/{i}.png", f"{more}grades/{grade}/{i}.png"]
        for place in places:
            _save(images[i], place)
        for place in (f"scenes/masks/{i}.png", f"listed/masks/{i}.png"):
            _save(masks[i], place)
        tags = (("indoor",), ("young",), ("indoor", "young"))[i % 3]
        row: dict[str, Any] = {"kind": kind, "grade": grade, "tags": "|".join(tags), "weight": 2.5 + i}
        rows.append({"file": f"loose/{i}.png", **row, "mask": f"scenes/masks/{i}.png"})
    frame = pandas.DataFrame(rows)
    frame.to_csv("labels.csv", index=False)
    frame.to_parquet("labels.parquet")
    listed = frame.assign(
        file=[f"{i}.png" for i in range(COUNT)], mask=[f"masks/{i}.png" for i in range(COUNT)]
    )
    listed.rename(columns={"file": "file_name"}).to_csv("listed/metadata.csv", index=False)
    _shards(images, rows)

    class Pairs(torch.utils.data.Dataset[Any]):
        def __init__(self, images: Any, targets: Any) -> None:
            self.images, self.targets = images, targets

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, index: int) -> Any:
            return self.images[index], self.targets[index]

    class Stream(torch.utils.data.IterableDataset[Any]):
        def __init__(self, images: Any, targets: Any) -> None:
            self.images, self.targets = images, targets

        def __iter__(self) -> Iterator[Any]:
            return iter(zip(self.images, self.targets, strict=True))

    return {
        "images": images, "masks": masks, "rows": rows, "pandas": pandas, "datasets": datasets,
        "kinds": [row["kind"] for row in rows], "grades": [int(row["grade"]) for row in rows],
        "tags": [row["tags"].split("|") for row in rows], "weights": [row["weight"] for row in rows],
        "Pairs": Pairs, "Stream": Stream,
    }  # fmt: skip


def _save(pixels: Any, place: str) -> None:
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _shards(images: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    import tarfile

    Path("shards").mkdir()
    for shard in range(2):
        with tarfile.open(f"shards/train-{shard:03d}.tar", "w") as tar:
            for i in range(shard, COUNT, 2):
                png = io.BytesIO()
                Image.fromarray(images[i]).save(png, "png")
                fields = json.dumps({name: rows[i][name] for name in ("grade", "tags", "weight")})
                number = str(i % 4 // 2)
                for ending, content in (
                    ("png", png.getvalue()), ("cls", number.encode()), ("json", fields.encode()),
                ):  # fmt: skip
                    member = tarfile.TarInfo(f"{i:04d}.{ending}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


# -- trying --------------------------------------------------------------------------------------------


def model_of(head: str) -> Any:
    """A tiny network."""
    given = {**HEADS[head], "seed": 0}
    name = given.pop("name")
    kind: Literal["backbone", "model"] = "backbone" if "head" in given else "model"
    tiny: Any = {**zoo.info(name, kind=kind).get("tiny", {}), "input_size": SIDE}
    return zoo.build({"name": name, **tiny}, **given)


def tried(source: Source, head: str, objects: Mapping[str, Any], out: Path) -> str | None:
    """The error that a source is refused with; None where a run goes through."""

    def fit(model: Any, data: Any, **more: Any) -> Any:
        return zoo.fit(model, data, epochs=1, batch_size=8, out=out, **more)

    space = {**objects, "model": model_of(head), "zoo": type("Zoo", (), {"fit": staticmethod(fit)})}
    exec(source.setup, space)  # noqa: S102 - lines of this file
    try:
        exec(line_of(source, head), space)  # noqa: S102 - as above
    except ZooError as error:
        return str(error)
    return None


def line_of(source: Source, head: str) -> str:
    """The line that trains a head on a source."""
    return source.by_head.get(head, source.code)


# -- the page ------------------------------------------------------------------------------------------

_HEAD = """# Which data which head takes

Each row is a way to have data, each column a head, or a model with a task of its own. **yes** is a run that
went through when this page was made; a number is what zoo says instead, below the table. The lines that were
run are at the end, and [Data](data.md) says more of each.

`hf://datasets/owner/name` is read as the folder that it holds; DICOM, NIfTI and torchvision's sets are class
folders, tables or masks by [their names](data.md#a-data-set-by-name).
"""


def page() -> str:
    """The page's text."""
    notes: list[str] = []
    table = [f"| data | {' | '.join(f'`{head}`' for head in HEADS)} |", f"|---|{'---|' * len(HEADS)}"]
    lines = []
    with _workshop() as (objects, out):
        for number, source in enumerate(SOURCES):
            cells, used = [], dict[str, list[str]]()
            for head in HEADS:
                said = tried(source, head, objects, out / f"{number}-{head}")
                if said is None:
                    used.setdefault(line_of(source, head), []).append(head)
                elif said not in notes:
                    notes.append(said)
                cells.append("yes" if said is None else f"[{notes.index(said) + 1}](#what-zoo-says-instead)")
            table.append(f"| {source.title} | {' | '.join(cells)} |")
            lines += _lines(source, used)
    instead = [f"{i}. `{note}`" for i, note in enumerate(notes, 1)]
    parts = [
        _HEAD,
        "\n".join(table),
        "## What zoo says instead\n",
        "\n".join(instead),
        "## The lines\n",
        *lines,
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _lines(source: Source, used: Mapping[str, list[str]]) -> list[str]:
    code = [source.setup] if source.setup else []
    code += [f"# {', '.join(heads)}\n{line}" for line, heads in used.items()]
    return [
        f"**{source.title}**\n",
        "\n".join(["<!-- not run: the page is made by running them -->", "```python", *code, "```"]),
    ]


@contextlib.contextmanager
def _workshop() -> Iterator[tuple[dict[str, Any], Path]]:
    """A folder with small data as the working folder; nothing is printed and nothing kept."""
    before = Path.cwd()
    # Nobody looks at the curves
    hidden = patch.dict(sys.modules, {"matplotlib": None})
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings(), hidden:
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        os.environ["ZOO_CACHE"] = os.environ["HF_HOME"] = str(Path(place, "cache"))
        os.chdir(place)
        try:
            objects = make_files()
            with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                yield objects, Path(place, "runs")
        finally:
            os.chdir(before)


def main(file: Path, *, check: bool) -> int:
    """Writes the page, or says whether it is what it would be."""
    text = page()
    if not check:
        file.write_text(text, encoding="utf-8")
        return 0
    if file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{file} is out of date: python docs/data_sources.py {file}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), check="--check" in sys.argv[2:]))
