"""Data sets in a file with a row an image, or in a folder with such a file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from zoo.images.decode import SUFFIXES
from zoo.interfaces.records.cells import in_one
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import Roles
from zoo.interfaces.tasks.columns import Cells
from zoo.spec.data_options import MaskValues
from zoo.spec.errors import DataError, listing, quote, warn
from zoo.spec.reference import local_path
from zoo.spec.split_names import split_named, split_within

METADATA = "metadata"
"""Name of the table that lies beside its images in a folder."""

_SPLIT, _FILE, _DATA = "split", "file_name", "data"
_NAMED = 3


class TableFile(Records):
    """Images and targets of a table in a file, whose paths are read from its folder.

    A folder stands for the table `metadata` in it, for those in its folders train, val and test, or for the
    tables that it holds, such as `data/train-00000-of-00002.parquet`: their names say the splits.

    Args:
        path: of the table, or of a folder with `metadata.*`.
        image: column of the images; found by its name or its cells.
        target: column of targets, or several; found by its name.
        mask: column of masks, for models that give a class to each pixel; found by its name.
        group: column of what stays in one split, such as patients.
        split: column of train, val and test; found by its name.
        order: column of what comes first, such as dates: the last images are the test.
        separator: between several labels in a cell.
        folder: that image paths are read from; by default the table's own.
        colors: of the classes, by which masks are read: a table of names and colours, a list, or a file.
        ignore: value, colour or class of masks that does not count, or several; by default 255.
        threshold: of gray values of masks: those above it are the object.

    Attributes:
        images_folder: the folder of images that was given with the table; None where it was given alone.

    Raises:
        DataError: there is no table, or it cannot be read.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    """Suffixes of the files that it reads, of which a folder may hold several, each called after a split."""

    def __init__(
        self,
        *,
        path: str,
        image: str | None = None,
        target: str | Sequence[str] = (),
        mask: str | None = None,
        group: str | None = None,
        split: str | None = None,
        order: str | None = None,
        separator: str | None = None,
        folder: str | None = None,
        colors: Any = None,
        ignore: Any = None,
        threshold: int | None = None,
    ) -> None:
        place = local_path(path)
        columns, split_found = self._cells_of(place)
        roles = Roles(
            image=image,
            target=(target,) if isinstance(target, str) else tuple(target),
            mask=mask,
            group=group,
            split=split or split_found,
            order=order,
            separator=separator,
        )
        self.home = home = place if place.is_dir() else place.parent
        root = home if folder is None else home / local_path(folder)
        self.images_folder = root if folder is not None or place.is_dir() else None
        said = {"colors": colors, "ignore": ignore, "threshold": threshold}
        values = MaskValues(**{name: value for name, value in said.items() if value is not None})
        super().__init__(columns, roles=roles, root=root, where=f"data {place}", mask_values=values)

    @abstractmethod
    def read(self, file: Path) -> Cells:
        """The cells of a file."""

    def _cells_of(self, place: Path) -> tuple[Cells, str | None]:
        """The cells of a table, or of all tables of a folder; and the column that says the split."""
        if not place.exists():
            raise DataError(f"data {place}", expected="a table", got="nothing there")
        if not place.is_dir():
            return self.read(place), None
        tables = table_files(place, self.suffixes)
        if not tables:
            raise DataError(f"data {place}", expected=f"a table {METADATA} in it", got="none")
        if tables[0].parent == place and tables[0].stem == METADATA:
            return self.read(tables[0]), None
        splits = {table: _split_of(table, place) for table in tables}
        if left := [table for table, split in splits.items() if any(splits.values()) and not split]:
            names = listing([quote(table.relative_to(place).as_posix()) for table in left], _NAMED)
            warn(f"data {place}: tables called after no split are left out: {names}")
        parts = [(table, self.read(table)) for table in tables if table not in left]
        joined = joined_tables(parts, place)
        if not any(splits.values()):
            return joined, None
        rows = [(splits[table], len(next(iter(cells.values()), ()))) for table, cells in parts]
        return {**joined, _SPLIT: [split for split, count in rows for _ in range(count)]}, _SPLIT


def joined_tables(parts: Sequence[tuple[Path, Cells]], place: Path) -> Cells:
    """The rows of several tables, their paths made ones from a folder.

    Args:
        parts: files and their cells.
        place: the folder.

    Raises:
        DataError: they have other columns.
    """
    first, names = parts[0][0], [*parts[0][1]]
    beside = first.stem == METADATA
    for file, cells in parts:
        if {*cells} != {*names} or (beside and _FILE not in cells):
            called = f", one called {_FILE}" if beside else ""
            of = first.relative_to(place).as_posix()
            expected = f"the columns of {of} ({listing(map(quote, names))}){called}"
            got = f"{listing(map(quote, cells))} in {file.relative_to(place).as_posix()}"
            raise DataError(f"data {place}", expected=expected, got=got)
    joined = {name: in_one([cells[name] for _, cells in parts]) for name in names}
    if _FILE in names:
        homes = [file.parent.relative_to(place) for file, _ in parts]
        joined[_FILE] = [
            (home / str(cell)).as_posix()
            for home, (_, cells) in zip(homes, parts, strict=True)
            for cell in cells[_FILE]
        ]
    return joined


def _split_of(table: Path, place: Path) -> str | None:
    """The split that the name of a table says, or else that of its folder."""
    return split_within(table.stem) or (split_named(table.parent.name) if table.parent != place else None)


def table_files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The tables that a folder stands for: that beside its images, or all where it holds nothing else.

    Args:
        folder: which may have its tables in a folder `data`, or in such as `train` and `test`.
        suffixes: of tables.
    """
    if (found := tables_in(folder)) or not suffixes:
        return found
    inside = [child for child in sorted(folder.iterdir()) if not child.name.startswith(".")]
    below = [child for child in inside if child.is_dir()]
    if not all(child.name == _DATA or split_named(child.name) for child in below):
        return []
    files = [*inside, *(child for home in below for child in sorted(home.iterdir()))]
    # Beside images, or folders of them, a table may be anything
    if any(file.suffix.lower() in SUFFIXES or (file.is_dir() and file not in below) for file in files):
        return []
    return [file for file in files if file.name.lower().endswith(tuple(suffixes))]


def tables_in(folder: Path) -> list[Path]:
    """The table beside the images of a folder, or those of its folders train, val and test; else nothing."""
    own = sorted(file for file in folder.glob(f"{METADATA}.*") if file.is_file())
    if own:
        return own[:1]
    below = (child for child in sorted(folder.iterdir()) if child.is_dir() and split_named(child.name))
    return [file for child in below for file in sorted(child.glob(f"{METADATA}.*"))[:1]]
