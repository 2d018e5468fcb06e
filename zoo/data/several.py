"""Data of several sources as they are given: which they are, and what their classes are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from zoo.images.decode import is_image
from zoo.interfaces.dataset import Dataset
from zoo.spec.data_options import CLASSES, PATH, SOURCES
from zoo.spec.errors import AmbiguousNameError, DataError, listing, quote
from zoo.spec.reference import PathRef, without_prefix
from zoo.spec.split_names import split_named

if TYPE_CHECKING:
    from zoo.data.section import DataSection


@dataclass(frozen=True, slots=True)
class Source:
    """One source among several.

    Args:
        section: its data, with their own options.
        classes: what its classes are called in all; see `zoo.data.objects.several.Several`.
    """

    section: DataSection
    classes: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sources:
    """Several sources, by their names."""

    parts: Mapping[str, Source]

    def __str__(self) -> str:
        return " + ".join(self.parts)


def sources_given(data: Any) -> tuple[Sequence[Any], dict[str, Any]] | None:
    """The sources that data are, and the options beside them; None for data of one source.

    A list is of sources where its items are folders, files of tables or names, or tables of options with one
    of these: an image in its place makes it a list of samples. A table has them under `sources`.

    Args:
        data: as the caller gave them.

    Raises:
        AmbiguousNameError: a list is of folders that are called like splits.
        DataError: some items are sources, and some are samples.
    """
    if (
        isinstance(data, Mapping)
        and not isinstance(data, Dataset)
        and isinstance(data.get(SOURCES), list | tuple)
    ):
        return data[SOURCES], {key: value for key, value in data.items() if key != SOURCES}
    if not isinstance(data, list) or not data:
        return None
    found = [*map(_is_source, data)]
    if not any(found):
        return None
    if not all(found):
        odd = data[found.index(False)]
        got = f"{quote(str(data[found.index(True)]))} and {quote(str(odd)[:60])}"
        raise DataError("data", expected="a list of sources, or one of samples", got=got)
    names = [str(_place(item)) for item in data]
    splits = [split_named(PurePath(name).name) for name in names]
    if None not in splits and len({*splits}) == len(splits):
        pair, table = ", ".join(map(quote, names)), listing(f"{quote(str(s))}: ..." for s in splits)
        hint = f"for splits give a tuple, ({pair}), or {{{table}}}; to mix them {{{quote(SOURCES)}: [...]}}"
        got = f"a list of folders called {listing(map(quote, names))}"
        raise AmbiguousNameError(f"{got}: a list is of sources that are mixed", hint=hint)
    return data, {}


def sources_of_items(items: Sequence[Any], section: Callable[[Any], DataSection]) -> Sources:
    """The sources by their names: the last part of a path, with those before it where two are called alike.

    Args:
        items: as the caller gave them.
        section: reads one.

    Raises:
        DataError: there are fewer than two, or one is of several sources itself.
    """
    if len(items) < 2:
        raise DataError(f"data: {SOURCES}", expected="two sources or more", got=str(len(items)))
    found = []
    for item in items:
        table = item.get(CLASSES) if isinstance(item, Mapping) and not isinstance(item, Dataset) else None
        classes = table if isinstance(table, Mapping) else {}
        own = {k: v for k, v in item.items() if k != CLASSES} if isinstance(table, Mapping) else item
        # Without options beside it a name or a path is said by itself
        one = section(own["name"] if isinstance(own, Mapping) and [*own] == ["name"] else own)
        if isinstance(one.source, Sources):
            raise DataError(f"data: {SOURCES}", expected="one list of all of them", got="a list in a list")
        found.append(Source(one, {str(k): str(v) if v else None for k, v in classes.items()}))
    return Sources(dict(zip(_names([_called(source.section) for source in found]), found, strict=True)))


def _called(section: DataSection) -> str:
    return section.source.path if isinstance(section.source, PathRef) else section.called


def _names(called: Sequence[str]) -> list[str]:
    parts = [PurePath(without_prefix(name)).parts or (name,) for name in called]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len({*names}) == len(names):
            return names
    return [f"{name} {number}" for number, name in enumerate(names, 1)]


def _place(item: Any) -> Any:
    """The path or name of an item; None where it has none."""
    if isinstance(item, Mapping) and not isinstance(item, Dataset):
        return item.get(PATH, item.get("name"))
    return item


def _is_source(item: Any) -> bool:
    place = _place(item)
    if not isinstance(place, str | os.PathLike):
        return False
    # Rows of a table may have a column called so
    return not is_image(PurePath(without_prefix(os.fspath(place))))  # type: ignore[arg-type]
