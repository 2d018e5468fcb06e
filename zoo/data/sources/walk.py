"""Files under a folder: links followed, loops found, and what is passed over counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from zoo.images.decode import is_image
from zoo.images.readers import ARRAY
from zoo.spec.disk.systems import by_parts
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing, warn

_BESIDE = """
    .cfg .ckpt .csv .db .htm .html .ini .ipynb .json .jsonl .log .md .onnx .pdf .pkl .pt .pth .py .rst
    .safetensors .toml .tsv .txt .url .xls .xlsx .xml .yaml .yml
"""
BESIDE = frozenset(_BESIDE.split())
"""Suffixes of files that lie beside images and are none: `zoo data` counts them, no warning is about them."""

_STORES = ("@eadir", "#recycle", "#snapshot", "$recycle.bin")
"""Folders that a network drive makes beside one's own: thumbnails, and what was deleted."""

_MOST = 5
_AGAIN = "link to a folder that is read already", "links to folders that are read already"


@dataclass
class Walk:
    """All files under a folder that count, sorted by path.

    Args:
        root: the folder.
        files: of all kinds, without hidden ones.
        broken: links that lead nowhere.
        again: links to a folder that is read already, by another way or as what they lie in.
        stored: images in folders of a network drive's own, such as `@eaDir`.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)
    stored: list[Path] = field(default_factory=list)

    @cached_property
    def _apart(self) -> tuple[list[Path], list[Path], list[Path]]:
        others, images, arrays = list[Path](), list[Path](), list[Path]()
        for file in self.files:
            (images if is_image(file) else others).append(file)
        are = [file.name.lower().endswith(ARRAY) for file in images]
        if any(are) and not all(are):
            mixed = {file.parent for file, is_array in zip(images, are, strict=True) if not is_array}
            left = {f for f, is_array in zip(images, are, strict=True) if is_array and f.parent in mixed}
            arrays = [file for file in images if file in left]
            images = [file for file in images if file not in left]
        return others, images, arrays

    @property
    def images(self) -> list[Path]:
        """The files that are called like images, without `arrays`."""
        return self._apart[1]

    @property
    def arrays(self) -> list[Path]:
        """Arrays beside images of other kinds: features or masks, mostly, that a program saved there."""
        return self._apart[2]

    @property
    def others(self) -> list[Path]:
        """The files that are not."""
        return self._apart[0]

    def reasons(self, arrays: Sequence[Path] | None = None) -> list[tuple[str, list[Path]]]:
        """Files and links that are passed over wherever they lie, with why; without what is no image.

        Args:
            arrays: beside images; by default those of this walk.
        """
        beside = [*(self.arrays if arrays is None else arrays)]
        unlike = [file for file in self.others if file.suffix.lower() not in BESIDE]
        return [
            (f"{kinds(unlike)}, called like no image that can be read", unlike),
            (f"{len(beside)} {ARRAY} beside images of other kinds", beside),
            (_counted(self.broken, "link that leads nowhere", "links that lead nowhere"), self.broken),
            (_counted(self.again, *_AGAIN), self.again),
            (f"{len(self.stored)} in folders of a network drive's own", self.stored),
        ]


def is_hidden(name: str) -> bool:
    """Whether a folder is one of a program's own, such as `.cache`, `__MACOSX` and `@eaDir`."""
    return name.startswith((".", "__")) or is_store(name)


def is_store(name: str) -> bool:
    """Whether a folder is one that a network drive makes: copies of what lies beside it, or deleted files."""
    return name.lower() in _STORES


def inside(path: Path, folder: Path) -> str:
    """The path of what lies in a folder, from there on and with slashes, without asking the disk.

    As `relative_to` and `as_posix`, in a tenth of the time, for paths that were made from the folder's.

    Example:
        >>> inside(Path("photos/cats/1.jpg"), Path("photos")), inside(Path("1.jpg"), Path())
        ('cats/1.jpg', '1.jpg')
    """
    above = str(folder)
    below = str(path) if above == "." else str(path)[len(above) :].lstrip(os.sep)
    return below.replace("\\", "/") if os.sep == "\\" else below


def walk(root: Path, without: Collection[Path] = ()) -> Walk:
    """Looks through a folder and all below it.

    A link to a folder is followed, once for each folder that it leads to: two links to one folder, or one to
    a folder above, would read the same images over and over.

    Args:
        root: an existing folder.
        without: folders below it to leave out.

    Raises:
        DataError: a folder cannot be read.
    """
    found = Walk(root)
    home, seen = os.path.realpath(root), set[str]()
    # What is there in its own right goes before what a link leads to
    links = [root]
    while links:
        top = links.pop(0)
        real = os.path.realpath(top)
        if real in seen or (top != root and Path(home).is_relative_to(real)):
            found.again.append(top)
            continue
        folders = [top]
        while folders:
            folder = folders.pop()
            if (real := os.path.realpath(folder)) in seen:
                continue
            seen.add(real)
            for entry in _entries(folder):
                path = folder / entry.name
                if _leads_round(entry):
                    found.broken.append(path)
                elif entry.is_dir():
                    if is_store(entry.name):
                        found.stored += _stored(path)
                    elif not is_hidden(entry.name) and path not in without:
                        (links if entry.is_symlink() else folders).append(path)
                elif not entry.name.startswith("."):
                    (found.files if entry.is_file() else found.broken).append(path)
    # As `by_parts`, whose tuples a path would keep for good
    found.files.sort(key=lambda file: inside(file, root).split("/"))
    for paths in (found.broken, found.again, found.stored):
        paths.sort(key=by_parts)
    return found


def _stored(folder: Path) -> list[Path]:
    """The images in a folder that is not read, which may be one that cannot be."""
    return [Path(top, name) for top, _, names in os.walk(folder) for name in names if is_image(Path(name))]


def _leads_round(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to itself, perhaps by way of others, of which nothing more can be asked."""
    try:
        entry.is_dir()
    except OSError:
        return True
    return False


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        expected, got = "a folder that can be read", error.strerror or str(error)
        raise DataError(f"data {folder}", expected=expected, got=got) from error


def kinds(files: Iterable[Path]) -> str:
    """Number of files of each kind, such as `80 .HEIC, 2 without a suffix`.

    Example:
        >>> kinds([Path("1.HEIC"), Path("2.HEIC"), Path("3")])
        '2 .HEIC, 1 without a suffix'
    """
    found = Counter(file.suffix or "without a suffix" for file in files)
    return listing((f"{count} {kind}" for kind, count in found.most_common()), _MOST)


def _counted(paths: Sequence[Path], one: str, several: str) -> str:
    return counted(len(paths), one, several)


def warn_passed_over(root: Path, taken: int, reasons: Iterable[tuple[str, list[Path]]]) -> None:
    """Says in one warning what of a folder is not used; nothing where it is only what lies beside images.

    Args:
        root: the folder.
        taken: how many images are used.
        reasons: why, with the files or folders of which it is so.
    """
    parts, count = [], 0
    for why, paths in reasons:
        said = [path for path in paths if path.suffix.lower() not in BESIDE]
        if said:
            count += len(said)
            names = listing((path.relative_to(root).as_posix() for path in said), 2)
            parts.append(f"{why} ({names})")
    if parts:
        used = f"{counted(taken, 'image')} {'is' if taken == 1 else 'are'} used"
        warn(f"data {root}: {used}, {counted(count, 'file')} passed over: {'; '.join(parts)}")
