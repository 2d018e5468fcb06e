"""A data set of torchvision's as one of zoo's: all its splits, its classes by name, its files read by zoo."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo.errors import DataError, listing, quote, reason
from zoo.interfaces import Binary, Dataset, Multiclass, Multilabel, Sample, Segmentation, decode
from zoo_torchvision.layouts import TABLE, read, splits
from zoo_torchvision.plugin import TABLE as DECLARED
from zoo_torchvision.readers import Part

_PAIR = 2


class TorchvisionSet(Dataset):
    """A data set of torchvision's by name.

    Its own splits are kept: what torchvision calls train, val and test is trained on, validated with and
    tested on. An image is told from others within its split alone, so that a copy that the publisher left in
    another split does not break the splits that all others measure on.

    Args:
        root: folder that holds the set's own, as torchvision's `root`.
        download: fetch what is missing.
        **options: of the set.

    Raises:
        DataError: files are missing or damaged, cannot be fetched, or a package is missing.
    """

    title: ClassVar[str]

    def __init__(self, *, root: str, download: bool = False, **options: Any) -> None:
        folder = Path(root).expanduser()
        self._parts: list[tuple[str | None, Part]] = []
        for split, arguments in splits(self.title, options):
            part = self._opened(folder, arguments, download=download)
            self._parts.append((split, read(self.title, part, options)))
        first = self._parts[0][1]
        for split, part in self._parts:
            if part.labels != first.labels:
                expected, got = f"the classes of the first ({listing(first.labels)})", listing(part.labels)
                raise DataError(
                    f"{self._where}: split {split}", expected=expected, got=got, hint="files are missing"
                )
        self.labels, self.numbered, self.masks = first.labels, first.numbered, first.mask is not None
        self._places = [(k, i) for k, (_, part) in enumerate(self._parts) for i in range(len(part.images))]
        if not self._places:
            raise DataError(self._where, expected="images", got=f"none in {folder.absolute()}")
        self.task = self._task(self.targets[0])
        named = [self._file(i) for i in range(len(self._places))]
        self.files = None if None in named else [file for file in named if file]
        self._keys: dict[int, tuple[str, tuple[int, ...] | None]] = {}

    @property
    def _where(self) -> str:
        return f"dataset torchvision:{self.title}"

    def _task(self, target: Any) -> Any:
        if self.masks:
            return Segmentation()
        if not isinstance(target, int):
            return Multilabel()
        return Binary() if len(self.labels) == _PAIR else Multiclass()

    def _opened(self, root: Path, arguments: Any, *, download: bool) -> Any:
        """torchvision's object, fetched only where it is not there."""
        try:
            make = getattr(importlib.import_module("torchvision.datasets"), self.title)
        except (ImportError, AttributeError) as error:
            hint = "pip install --upgrade torchvision"
            raise DataError(
                self._where, expected="torchvision with it", got=reason(error), hint=hint
            ) from None
        try:
            # Some make folders where they look for files
            if not download and not root.is_dir():
                raise FileNotFoundError("no such folder")
            return make(root, **self._still(), **arguments)
        except (OSError, RuntimeError, ValueError, ImportError) as error:
            if not download or isinstance(error, ImportError):
                raise self._missing(root, error) from error
        try:
            root.mkdir(parents=True, exist_ok=True)
            return make(root, **arguments, download=True)
        except (OSError, RuntimeError, ValueError, ImportError) as error:
            raise self._missing(root, error, tried=True) from error

    def _still(self) -> dict[str, bool]:
        """torchvision's argument that fetches nothing, which is not everywhere the default."""
        return {"download": False} if DECLARED[self.title][0] not in _BY_HAND else {}

    def _missing(self, root: Path, error: Exception, *, tried: bool = False) -> DataError:
        place, got = root.absolute(), reason(error).removesuffix(".")
        package = next((name for name in _PACKAGES if name in got.lower()), None)
        if package is not None:
            hint = f"pip install {package}"
        elif DECLARED[self.title][0] in _BY_HAND:
            source = f"get them from {DECLARED[self.title][2]}"
            hint = f"{source}, lay them out as torchvision says, and give root=FOLDER"
        elif tried:
            hint = f"go online, or get them from {DECLARED[self.title][2]} and give root=FOLDER"
        else:
            hint = "download=true fetches them, root=FOLDER says where they are"
        return DataError(
            self._where, expected=f"its files in {place}", got=got.partition(". You can")[0], hint=hint
        )

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Sample:
        part, at = self._at(index)
        image = part.images[at]
        if isinstance(image, str | os.PathLike):
            pixels = decode(os.fspath(image))
        else:
            pixels = np.array(image)
            pixels = pixels[..., None] if pixels.ndim == _PAIR else pixels
        return Sample(pixels, part.targets[at], part.mask(at) if part.mask else None)

    def _at(self, index: int) -> tuple[Part, int]:
        k, at = self._places[index]
        return self._parts[k][1], at

    @cached_property
    def targets(self) -> Sequence[Any]:
        """Class indices or rows of labels, as torchvision keeps them beside the images."""
        return [target for _, part in self._parts for target in part.targets]

    def split_of(self, index: int) -> str | None:
        """The set's own split."""
        return self._parts[self._places[index][0]][0]

    def name(self, index: int) -> str:
        """The path of a file, or such as `CIFAR10[test 17]`."""
        part, at = self._at(index)
        image = part.images[at] if isinstance(part.images, list) else None
        if isinstance(image, str | os.PathLike):
            return os.fspath(image)
        split = self.split_of(index)
        return f"{self.title}[{f'{split} ' if split else ''}{at}]"

    def key(self, index: int) -> str:
        """A digest of the image's file or pixels, within its split."""
        if index not in self._keys:
            state = _state(self._file(index))
            self._keys[index] = self._digest(index), state
        return self._keys[index][0]

    def _digest(self, index: int) -> str:
        split, file = self.split_of(index) or "", self._file(index)
        digest = hashlib.blake2b(digest_size=16, person=split.encode())
        if file is None:
            image = np.ascontiguousarray(self[index].image)
            digest.update(f"{image.shape}".encode())
            digest.update(image.tobytes())
            return digest.hexdigest()
        try:
            digest.update(file.read_bytes())
        except OSError as error:
            raise DataError(f"image {file}", expected="a readable file", got=str(error)) from error
        return digest.hexdigest()

    def _file(self, index: int) -> Path | None:
        part, at = self._at(index)
        if not isinstance(part.images, list):
            return None
        image = part.images[at]
        return Path(image) if isinstance(image, str | os.PathLike) else None

    def unchanged(self, index: int) -> bool:
        """Whether the file has the size and time that it had before its digest was computed."""
        return index not in self._keys or self._keys[index][1] == _state(self._file(index))

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of all images, targets and masks."""
        digest = hashlib.blake2b(quote(self.labels).encode(), digest_size=16)
        for i, target in enumerate(self.targets):
            digest.update(f"{self.key(i)} {target}\n".encode())
            part, at = self._at(i)
            if part.mask:
                digest.update(part.mask(at).tobytes())
        return digest.hexdigest()


_BY_HAND = ("RootedOptions", "CityscapesOptions", "LFWOptions")
"""Options classes of sets that torchvision does not fetch."""
_PACKAGES = ("h5py", "gdown", "scipy")
"""Packages that torchvision asks for where a set needs them."""


def _state(file: Path | None) -> tuple[int, ...] | None:
    try:
        stat = file.stat() if file else None
    except OSError:  # said where it is read
        return None
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size) if stat else None


# Module attributes, since declarations name classes by import path
globals().update(
    {name: type(name, (TorchvisionSet,), {"title": name, "__doc__": DECLARED[name][3]}) for name in TABLE}
)
