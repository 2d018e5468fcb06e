"""Data sets in a file with a row an image, or in a folder with such a file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import Roles
from zoo.interfaces.tasks.columns import Cells
from zoo.spec.data_options import MaskValues
from zoo.spec.errors import DataError, listing, quote
from zoo.spec.reference import local_path
from zoo.spec.split_names import split_named

METADATA = "metadata"
"""Name of the table that lies beside its images in a folder."""

_SPLIT, _FILE = "split", "file_name"


class TableFile(Records):
    """Images and targets of a table in a file, whose paths are read from its folder.

    A folder stands for the table `metadata` in it, or for those in its folders train, val and test.

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

    Raises:
        DataError: there is no table, or it cannot be read.
    """

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
        tables = tables_in(place)
        if not tables:
            raise DataError(f"data {place}", expected=f"a table {METADATA} in it", got="none")
        if tables[0].parent == place:
            return self.read(tables[0]), None
        parts = [(table.parent, self.read(table)) for table in tables]
        names = [*parts[0][1]]
        for folder, cells in parts:
            if {*cells} != {*names} or _FILE not in cells:
                got = f"{listing(map(quote, cells))} in {folder.name}"
                expected = (
                    f"the columns of {parts[0][0].name} ({listing(map(quote, names))}), one called {_FILE}"
                )
                raise DataError(f"data {place}", expected=expected, got=got)
        joined: dict[str, list[Any]] = {
            name: [c for _, cells in parts for c in cells[name]] for name in names
        }
        joined[_FILE] = [f"{folder.name}/{cell}" for folder, cells in parts for cell in cells[_FILE]]
        joined[_SPLIT] = [split_named(folder.name) for folder, cells in parts for _ in cells[_FILE]]
        return joined, _SPLIT


def tables_in(folder: Path) -> list[Path]:
    """The table beside the images of a folder, or those of its folders train, val and test; else nothing."""
    own = sorted(file for file in folder.glob(f"{METADATA}.*") if file.is_file())
    if own:
        return own[:1]
    below = (child for child in sorted(folder.iterdir()) if child.is_dir() and split_named(child.name))
    return [file for child in below for file in sorted(child.glob(f"{METADATA}.*"))[:1]]
