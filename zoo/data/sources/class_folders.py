"""Folders of images: one folder a class, with or without folders for the splits above them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.data.division.sides import connected
from zoo.data.reading import readable
from zoo.data.sources.layout import FEWEST_CLASSES, scan
from zoo.data.sources.variant_names import groups_of
from zoo.data.sources.walk import inside
from zoo.images.decode import decode_counted, reduce_counted
from zoo.images.digests import FileDigests, digest
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.records.file_groups import groups_in
from zoo.interfaces.tasks.choice import for_classes
from zoo.spec.errors import DataError, quote

_OTHER = "group, a part of their names, says others instead"


class ImageFiles(Dataset):
    """Files without targets, in the order given.

    Args:
        files: paths.
    """

    files: list[Path]

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        return Sample(decode_counted(self.files[index]), self._target(index))

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample, a JPEG perhaps decoded at a reduced scale."""
        # Whoever makes samples in another way has more in them than an image
        if type(self).__getitem__ is not ImageFiles.__getitem__:
            return self[index]
        image, size = reduce_counted(self.files[index], least)
        return Sample(image, self._target(index), size=size)

    def _target(self, index: int) -> Any:
        """The target of one image, without a list of all."""
        return None

    @property
    def targets(self) -> Sequence[Any]:
        """None for each image, as there are none."""
        return [None] * len(self.files)

    def name(self, index: int) -> str:
        """The path of a sample's file."""
        return str(self.files[index])

    def key(self, index: int) -> str:
        """A digest of the file's bytes."""
        return digest(self.files[index])


class RootedFiles(ImageFiles):
    """Files below a folder, whose digests are computed once.

    Args:
        root: the folder.
        files: paths.
    """

    def __init__(self, root: Path, files: Sequence[Path]) -> None:
        super().__init__(files)
        self.root = root

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of all files' names and contents."""
        digest = hashlib.blake2b(digest_size=16)
        for i, file in enumerate(self.files):
            digest.update(os.fsencode(f"{inside(file, self.root)}\0{self.key(i)}\n"))
        return digest.hexdigest()

    def key(self, index: int) -> str:
        """A digest of the file's bytes, computed once."""
        return self._digests[index]

    def unchanged(self, index: int) -> bool:
        """Whether the file has the size and time that it had before its digest was computed."""
        return self._digests.unchanged(index)

    def group_of(self, index: int) -> str | None:
        """Group that the file says, its patient, with the image that it is a variant of, by its name."""
        return self._groups[index]

    @cached_property
    def _groups(self) -> list[str | None]:
        variants, sides = groups_of(self.files), [*map(self.split_of, range(len(self.files)))]
        own = groups_in(self.files, f"data {self.root}", _OTHER, sides)
        return connected(own, variants) if own else variants

    @cached_property
    def _digests(self) -> FileDigests:
        return FileDigests(self.files)


class ClassFolders(RootedFiles):
    """A folder of class folders: `root/cats/1.jpg`, or `root/train/cats/1.jpg` with splits made by the user.

    Class folders may hold further folders, and an archive one or two around all of them. Links are followed.
    Hidden files are passed over; so is what is no image, or lies beside the class or split folders, which a
    warning counts.

    Args:
        root: the folder.
        part: whether one class is enough, where a model knows the others.
        skip_unreadable: reads every file once, and leaves out those that cannot be read, with a warning.

    Raises:
        DataError: it is missing, empty, has one class only, or a class without images.
    """

    def __init__(self, root: str | Path, *, part: bool = False, skip_unreadable: bool = False) -> None:
        layout = scan(root)
        if problems := [problem for problem in layout.problems if not (part and problem is layout.lone)]:
            raise problems[0]
        layout.tell()
        self.remark = layout.remark
        kept = readable(layout.files) if skip_unreadable else range(len(layout.files))
        super().__init__(layout.root, [layout.files[i] for i in kept])
        self.labels = layout.labels
        numbers = {label: i for i, label in enumerate(self.labels)}
        self._targets = [numbers[layout.classes[i]] for i in kept]
        self._splits = [layout.splits[i] for i in kept]
        self.task = for_classes(len(self.labels))
        # `scan` has looked at the classes before files were skipped
        there = set(self._targets)
        for label in self.labels:
            if numbers[label] not in there:
                raise DataError(f"class {quote(label)}", expected="images that can be read", got="none")

    def _target(self, index: int) -> int:
        return self._targets[index]

    @property
    def targets(self) -> Sequence[int]:
        """Class indices."""
        return self._targets

    def split_of(self, index: int) -> str | None:
        """`train`, `val`, `test`, or None where there are no split folders."""
        return self._splits[index]


class FoundFolders(ImageFiles):
    """Class folders as they are, right or wrong; to look at, not to train on.

    Args:
        root: the folder.

    Raises:
        DataError: it is none.
    """

    def __init__(self, root: str | Path) -> None:
        self.layout = scan(root)
        if not self.layout.root.is_dir():
            raise self.layout.problems[0]
        super().__init__(self.layout.files)
        # A class that only a val or test folder has is a problem, but it is there to be counted
        self.labels = tuple(sorted({*self.layout.labels, *self.layout.classes}))
        if len(self.labels) >= FEWEST_CLASSES:
            self.task = for_classes(len(self.labels))

    @property
    def targets(self) -> Sequence[int]:
        """Class indices."""
        numbers = {label: i for i, label in enumerate(self.labels)}
        return [numbers[label] for label in self.layout.classes]

    def name(self, index: int) -> str:
        """The path inside the folder."""
        return self.files[index].relative_to(self.layout.root).as_posix()

    def split_of(self, index: int) -> str | None:
        """`train`, `val`, `test`, or None, as in `ClassFolders`."""
        return self.layout.splits[index]
