"""Samples of a stream: which part of one is the image and which the target, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from zoo.data.objects.arrays import IMAGE, TARGET
from zoo.data.objects.featured_tables import names_of
from zoo.data.sources.torch_dataset import class_names
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.records.images import located, reduced_cell, taken_cell
from zoo.interfaces.records.roles import Roles, settled
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import needs_images_alone
from zoo.interfaces.tasks.columns import is_missing, plain
from zoo.spec.data_options import ColumnOptions, MaskValues
from zoo.spec.errors import DataError, OptionError, listing, quote
from zoo.spec.options import validate
from zoo.spec.reference import local_path

_PAIR = 2
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,638}")
"""A number; with zeros before it, or hundreds of digits, it is a name."""


class Coming(Dataset):
    """The samples of a stream, of which one is here at a time: `raw`, whatever its number.

    Args:
        stream: gives them.
        columns: options that say which part of a sample is what.
        task: of the model.
        labels: of the model; names are found in them, and whole numbers are their numbers.

    Raises:
        OptionError: an option does not fit.
    """

    def __init__(self, stream: Any, columns: Mapping[str, Any], task: Task, labels: Sequence[str]) -> None:
        self.where = f"data {type(stream).__name__}"
        said = validate(ColumnOptions, columns, self.where)
        self.root = None if said.folder is None else local_path(said.folder)
        if masks := said.model_dump(include={"mask", *MaskValues.model_fields}, exclude_defaults=True):
            hint = "give masks as data with a length: a table, a folder, a list"
            where = f"{self.where}: {listing(masks)}"
            raise OptionError(where, expected="no masks of a stream", got="one", hint=hint)
        self._asked = Roles(**said.model_dump(exclude={"folder", *MaskValues.model_fields}))
        self._roles: Roles | None = None
        self.stream, names = undecoded(stream)
        self._names = names
        self.task, self.labels = task, tuple(labels)
        self.raw: Any = None

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        cell, target = self._parts(index)
        return Sample(taken_cell(cell, self.name(index)).pixels, self._target(target, index))

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample, a JPEG perhaps decoded at a reduced scale."""
        cell, target = self._parts(index)
        image, size = reduced_cell(cell, least, self.name(index))
        return Sample(image, self._target(target, index), size=size)

    @property
    def targets(self) -> Sequence[Any]:
        """Targets, of which none is known before its image."""
        return [None]

    def name(self, index: int) -> str:
        """Type and number, for example `Clicks[3]`; webdataset's own key where there is one."""
        key = self.raw.get("__key__") if isinstance(self.raw, Mapping) else None
        return f"{type(self.stream).__name__}[{key or index}]"

    def _parts(self, index: int) -> tuple[Any, Any]:
        """The image, its path that of the file, and the raw target of the sample that is here."""
        cell, target = self._raw_parts(index)
        return located(cell, self.root), target

    def _raw_parts(self, index: int) -> tuple[Any, Any]:
        raw, alone = self.raw, needs_images_alone(self.task)
        if isinstance(raw, Mapping):
            roles = self._settled(raw, needed=not alone)
            cells = [raw.get(name) for name in roles.target]
            return raw.get(str(roles.image)), cells[0] if len(cells) == 1 else (cells or None)
        if isinstance(raw, tuple | list) and len(raw) == _PAIR:
            return raw[0], raw[1]
        if alone and not isinstance(raw, tuple | list):
            return raw, None
        got = f"{type(raw).__name__} of {len(raw)}" if isinstance(raw, tuple | list) else type(raw).__name__
        raise DataError(self.name(index), expected="a pair (image, target) or a dict", got=got)

    def _settled(self, raw: Mapping[str, Any], *, needed: bool) -> Roles:
        if self._roles is None:
            cells = {str(name): [cell] for name, cell in raw.items() if not str(name).startswith("__")}
            self._roles = settled(self._asked, cells, self.where, needs="target" if needed else "image")
        return self._roles

    def _target(self, raw: Any, index: int) -> Any:
        task = self.task or Task()
        if needs_images_alone(task):
            return None
        where, cell = self.name(index), plain(raw)
        if isinstance(cell, bytes):
            cell = _text(cell, where)
        names = self._names.get(self._roles.target[0] if self._roles and self._roles.target else TARGET)
        if names and isinstance(cell, int) and 0 <= cell < len(names):
            cell = names[cell]
        elif names and isinstance(cell, list) and all(isinstance(one, int) for one in cell):
            cell = [names[one] for one in cell]
        if cell is None or is_missing(cell):
            raise DataError(where, expected="a target in each sample", got="none")
        found = task.read_samples([task.parse(cell)], self.labels, where).targets[0]
        if self.labels and isinstance(found, int) and not 0 <= found < len(self.labels):
            expected = f"a class from 0 to {len(self.labels) - 1}, or its name"
            raise DataError(f"target of {where}", expected=expected, got=quote(found))
        return found


def undecoded(stream: Any) -> tuple[Any, dict[str, list[str]]]:
    """A stream whose images are decoded by zoo alone, and its names of classes by the part of a sample.

    Args:
        stream: of any kind; features are known of Hugging Face's.
    """
    features = getattr(stream, "features", None)
    if not isinstance(features, Mapping) or not hasattr(stream, "cast_column"):
        names = [*class_names(stream)]
        return stream, dict.fromkeys((IMAGE, TARGET, *_TARGETS), names) if names else {}
    found: dict[str, list[str]] = {}
    for name, feature in features.items():
        if hasattr(feature, "decode_example") and hasattr(feature, "decode"):
            stream = stream.cast_column(name, replace(feature, decode=False))
        for one in (feature, getattr(feature, "feature", None)):
            if names := names_of(one):
                found[name] = names
    return stream, found


_TARGETS = ("label", "labels", "class", "cls")
"""Parts of a sample that numbers of a stream's `classes` may stand in."""


def _text(cell: bytes, where: str) -> Any:
    """A class as webdataset keeps it undecoded: a number or a name."""
    try:
        text = cell.decode().strip()
    except ValueError:
        raise DataError(where, expected="a class", got="bytes that are no text") from None
    return int(text) if _WHOLE.fullmatch(text) else text
