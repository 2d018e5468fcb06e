"""NIfTI volumes, a slice an image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zoo.errors import DataError, reason
from zoo.interfaces import Records, Roles, reading_range
from zoo_readers.folders import class_files, folder_of, splits_beside, windowed
from zoo_readers.packages import package

_SUFFIXES = (".nii", ".nii.gz")
_AXES = 3
_SUBJECT = re.compile(r"(sub-[A-Za-z0-9]+)(?:[_.]|$)")
"""A subject as BIDS names it: letters and numbers, alone or before what follows."""


class _Slices(Sequence[Any]):
    """Slices of volumes, read when they are asked for."""

    def __init__(self, places: Sequence[tuple[Path, int]], axis: int) -> None:
        self.places, self.axis = places, axis

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: Any) -> Any:
        file, number = self.places[index]
        volume = _volume(file)
        values = volume.take(number, axis=self.axis)
        if reading_range() is None:
            values = windowed(values, float(volume.min()), float(volume.max()))
        # First axis upwards, as it is looked at
        return np.rot90(values).copy()

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class Nifti(Records):
    """Class folders of NIfTI volumes; all slices of a volume, and of a subject, are in one split.

    A subject is what a file or folder names as BIDS does, `sub-01_ses-1_T1w.nii.gz`; volumes without one are
    each by themselves.

    Volumes are turned so that their axes run from left to right, back to front and foot to head. For a model
    without a `value_range` a volume's own lowest and highest value are black and white.

    Args:
        path: folder with a folder for each class, perhaps in folders of splits.
        axis: across which slices lie.
        every: take each so many slices one.
        empty: whether slices of one value are taken.

    Raises:
        DataError: there is no such file, one is no volume, or folders say some splits alone.
        MissingPackageError: nibabel is not installed.
    """

    def __init__(
        self,
        *,
        path: str,
        axis: int = 2,
        every: int = 1,
        empty: bool = False,
    ) -> None:
        places: list[tuple[Path, int]] = []
        labels: list[str] = []
        splits: list[str | None] = []
        for file, label, split in class_files(path, _SUFFIXES):
            volume = _volume(file)
            others = tuple(other for other in range(_AXES) if other != axis)
            varied = np.ptp(volume, axis=others) > 0
            taken = [i for i in range(0, volume.shape[axis], every) if empty or varied[i]]
            places += [(file, i) for i in taken]
            labels += [label] * len(taken)
            splits += [split] * len(taken)
        if not places:
            raise DataError(f"data {path}", expected="slices with more than one value", got="none")
        self._places = places
        root = folder_of(path)
        subjects = {file: _subject(file.relative_to(root)) for file, _ in places}
        group = "subject" if any(subjects.values()) else "volume"
        columns: dict[str, Sequence[Any]] = {
            "image": _Slices(places, axis),
            "label": labels,
            group: [subjects[file] or str(file) for file, _ in places],
        }
        side = splits_beside(columns, splits)
        roles = Roles(image="image", target=("label",), group=group, split=side)
        super().__init__(columns, roles=roles, where=f"data {path}")

    def name(self, index: int) -> str:
        """The path of a sample's volume and the number of the slice."""
        file, number = self._places[index]
        return f"{file}[{number}]"


def _subject(file: Path) -> str | None:
    """The subject that a path names, as its last part that does.

    Example:
        >>> _subject(Path("a/sub-01/anat/sub-01_T1w.nii.gz")), _subject(Path("a/submarine.nii"))
        ('sub-01', None)
    """
    found = [match for part in file.parts if (match := _SUBJECT.match(part))]
    return found[-1][1] if found else None


@lru_cache(maxsize=4)
def _volume(file: Path) -> npt.NDArray[np.float32]:
    where = f"image {file}"
    nibabel = package("nibabel", where)
    try:
        values = nibabel.as_closest_canonical(nibabel.load(file)).get_fdata(dtype=np.float32)
    except Exception as error:  # decoders raise whatever they stumble over
        raise DataError(where, expected="a NIfTI volume", got=reason(error)) from error
    if values.ndim == _AXES + 1 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != _AXES:
        got, hint = " x ".join(map(str, values.shape)), "save each volume as a file"
        raise DataError(where, expected="a volume of three axes", got=got, hint=hint)
    if not np.isfinite(values).all():
        raise DataError(where, expected="numbers", got="nan or infinity", hint="say what stands there")
    found: npt.NDArray[np.float32] = values
    return found
