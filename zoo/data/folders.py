"""Folders of pictures: one folder a class, with or without folders for the splits above them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.data.pictures import SUFFIXES, decode
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.tasks import Binary, Multiclass
from zoo.spec.errors import DataError, listing, quote

SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""Names of split folders, and the split that each means."""

_LAYOUT = "one folder of pictures for each class, e.g. cats/ and dogs/, or train/cats/, test/cats/ ..."
_PAIR = 2


class PictureFiles(Dataset):
    """Files without targets, in the order given.

    Args:
        files: paths.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        return Sample(decode(self.files[index]), None)

    @property
    def targets(self) -> Sequence[Any]:
        """There are none."""
        return [None] * len(self.files)

    def name(self, index: int) -> str:
        """The path."""
        return str(self.files[index])

    def key(self, index: int) -> str:
        """A digest of the file's bytes."""
        try:
            with self.files[index].open("rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        except OSError as error:
            raise DataError(
                f"picture {self.files[index]}", expected="a readable file", got=str(error)
            ) from error


class ClassFolders(PictureFiles):
    """A folder of class folders: `root/cats/1.jpg`, or `root/train/cats/1.jpg` with splits made by the user.

    Class folders may hold further folders. Hidden files and files that are no pictures are passed over.

    Args:
        root: the folder.

    Raises:
        DataError: it is missing, empty, has one class only, or a class without pictures.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser()
        where = f"data {self.root}"
        top = _folders(self.root, where)
        splits = {folder: SPLIT_FOLDERS.get(folder.name.lower()) for folder in top}
        if top and all(splits.values()):
            groups = {folder: str(split) for folder, split in splits.items()}
            _check_groups(groups, where)
        else:
            groups = {}
        found: list[tuple[Path, str, str | None]] = []
        names: dict[str | None, set[str]] = {}
        for parent, split in groups.items() if groups else [(self.root, None)]:
            for folder in _folders(parent, where):
                files = picture_files(folder)
                if not files:
                    raise DataError(
                        f"data {folder}",
                        expected="pictures",
                        got="none",
                        hint=f"remove the folder, or put files of {listing(sorted(SUFFIXES))} into it",
                    )
                names.setdefault(split, set()).add(folder.name)
                found += [(file, folder.name, split) for file in files]
        self.labels = _labels(names, self.root, where)
        super().__init__([file for file, _, _ in found])
        numbers = {label: i for i, label in enumerate(self.labels)}
        self._targets = [numbers[label] for _, label, _ in found]
        self._splits = [split for _, _, split in found]
        self.task = Binary() if len(self.labels) == _PAIR else Multiclass()

    def __getitem__(self, index: int) -> Sample:
        return Sample(decode(self.files[index]), self._targets[index])

    @property
    def targets(self) -> Sequence[int]:
        """Class indices."""
        return self._targets

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Of all files' names and contents."""
        digest = hashlib.blake2b(digest_size=16)
        for i, file in enumerate(self.files):
            digest.update(f"{file.relative_to(self.root).as_posix()}\0{self.key(i)}\n".encode())
        return digest.hexdigest()

    def key(self, index: int) -> str:
        """A digest of the file's bytes, computed once."""
        if index not in self._keys:
            self._keys[index] = super().key(index)
        return self._keys[index]

    @cached_property
    def _keys(self) -> dict[int, str]:
        return {}

    def split_of(self, index: int) -> str | None:
        """`train`, `val`, `test`, or None where there are no split folders."""
        return self._splits[index]


def picture_files(folder: Path) -> list[Path]:
    """All pictures under a folder, sorted by path."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def _folders(parent: Path, where: str) -> list[Path]:
    if not parent.exists():
        raise DataError(where, expected="a folder", got="nothing there", hint=_nearest(parent))
    if not parent.is_dir():
        raise DataError(where, expected="a folder", got="a file", hint=f"give {_LAYOUT}")
    skipped = (".", "__")
    return sorted(f for f in parent.iterdir() if f.is_dir() and not f.name.startswith(skipped))


def _nearest(path: Path) -> str:
    there = next((p for p in path.parents if p.exists()), Path())
    return (
        f"{there} holds {listing(sorted(p.name for p in there.iterdir() if not p.name.startswith('.')), 6)}"
    )


def _check_groups(groups: dict[Path, str], where: str) -> None:
    splits = sorted(groups.values())
    twice = next((s for s in splits if splits.count(s) > 1), None)
    if twice:
        got = listing(f.name for f, s in groups.items() if s == twice)
        raise DataError(
            where, expected=f"one folder for the {twice} split", got=got, hint="put them together"
        )


def _labels(names: dict[str | None, set[str]], root: Path, where: str) -> tuple[str, ...]:
    known = names.get("train") or set().union(*names.values())
    if not known:
        loose = len(picture_files(root)) if root.is_dir() else 0
        got = f"{loose} pictures outside any class folder" if loose else "an empty folder"
        raise DataError(where, expected=_LAYOUT, got=got)
    for split, found in names.items():
        if extra := sorted(found - known):
            raise DataError(
                f"{where}: {split} split",
                expected=f"the classes of train ({listing(sorted(known), 6)})",
                got=quote(extra[0]),
                hint=f"add a folder train/{extra[0]}, or remove it",
            )
    if len(known) < _PAIR:
        only = next(iter(known))
        hint = f"lay it out as {_LAYOUT}"
        raise DataError(where, expected="at least 2 classes", got=f"one, {quote(only)}", hint=hint)
    return tuple(sorted(known))
