"""Schemas of the records in the folder of a model and of a run, and the facts that messages need of a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from zoo.spec.disk.reading import read_json
from zoo.spec.disk.schema import (
    Check,
    Schema,
    anything,
    flag,
    list_of,
    matching,
    misfit,
    number,
    one_of,
    or_none,
    record,
    table,
    table_of,
    text,
    texts,
    whole,
)
from zoo.spec.files import RUN_FILE

_NUMBERS: Check = table_of(number, "numbers by name")
FIGURES: Check = table_of(_NUMBERS, "numbers by name, by split")

_DATA: Check = (lambda value: isinstance(value, str | dict | None), "a name or table of data")
MEASURED: Check = table_of(
    record({"data": _DATA, "count": whole(), "hash": text}, "data, count and hash", ("count", "hash")),
    "data, count and hash, by split",
)

LICENCES: Check = table_of(text, "licences by source")
"""Licences of weights that a model started from; versions before knew none."""

MODULE: Schema = {
    "class": text,
    "layers": table_of(text, "layers by name"),
}
"""Class and layers of a torch module, by which it is known again."""

_MODULE: Check = record(MODULE, "class and layers", MODULE)

MODULE_NOTE: Schema = {
    **MODULE,
    "task": or_none((lambda value: texts[0](value) and len(value) == 2, "name and class")),
    "input": table,
    "outputs": whole(1),
    "labels": texts,
    "recipe": table,
    "metrics": FIGURES,
    "measured": MEASURED,
    "origin": or_none(text),
    "licence": or_none(text),
}
"""What stands beside the weights of a torch module."""

_LENGTHENED: Schema = dict.fromkeys(("after", "before", "epochs"), whole())
_RECIPE: Schema = {"seed": whole(), "data_hash": or_none(text), "model": anything}
_COMPUTED: Schema = {"device": text, "threads": whole(1)}

RUN: Schema = {
    "finished": flag,
    "epochs": or_none(whole()),
    "origin": or_none(text),
    "weights_licences": LICENCES,
    "metrics": FIGURES,
    "versions": table_of(text, "versions by distribution"),
    "kernels": text,
    "computed": or_none(record(_COMPUTED, "device and threads", _COMPUTED)),
    "recipe": record(_RECIPE, "a recipe with its seed", ("seed",)),
    "data": _DATA,
    "labels": texts,
    "objects": texts,
    "figures": table,
    "freezing": record(
        {"frozen": table, "fixed": texts}, "frozen blocks and fixed parameters", ("frozen", "fixed")
    ),
    "fixed": texts,
    "precision": one_of("fp32", "bf16", "fp16"),
    "skip_unreadable": flag,
    "given": table_of(text, "objects by name"),
    "lengthened": list_of(
        record(_LENGTHENED, "epochs", ("after", "before", "epochs")), "a list of epochs before and after"
    ),
    "module": _MODULE,
}
"""Record of a run, `run.json`, but for its format."""

RUN_NEEDED = (
    "finished", "origin", "versions", "recipe", "data", "objects", "fixed", "precision", "skip_unreadable",
)  # fmt: skip
"""Keys that runs of all versions have."""

_SIDE: Check = list_of(
    record({"name": text, "key": text}, "name and key", ("key",)), "images with their keys"
)

SPLITS: Schema = {"train": _SIDE, "val": _SIDE, "test": _SIDE, "hash": text}
"""Record of which image is where."""


_FOLD: Schema = {
    "number": whole(1), "folder": matching(re.compile(r"fold-\d+"), "the name of a folder"),
    "metrics": _NUMBERS, "validation": _NUMBERS, "images": table_of(whole(), "counts by split"),
}  # fmt: skip

MEASURED_FOLDS: Schema = {
    "format": whole(1),
    "count": whole(2),
    "seed": whole(),
    "precision": or_none(one_of("fp32", "bf16", "fp16")),
    "skip_unreadable": flag,
    "parts": record(dict.fromkeys(("data", "augment", "loss", "trainer"), anything), "parts by name",
                    ("data", "augment", "loss", "trainer")),
    "options": table,
    "objects": texts,
    "origin": or_none(text),
    "freezing": RUN["freezing"],
    "results": list_of(record(_FOLD, "figures of a fold", _FOLD), "a list of folds"),
    "mean": _NUMBERS,
    "spread": _NUMBERS,
}  # fmt: skip
"""Record of folds, `folds.json`; mean and spread once all are measured."""


def known_run(folder: Path) -> dict[str, Any]:
    """The record of a run, for what messages say of it; empty where there is none that fits.

    Args:
        folder: of the run.
    """
    try:
        facts = read_json(folder / RUN_FILE)
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) and misfit(facts, RUN) is None else {}
