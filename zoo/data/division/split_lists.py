"""Lists that say the splits of a folder's images: `train.txt` and `val.txt`, a name a line."""

from __future__ import annotations

import codecs
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from posixpath import normpath

from zoo.data.sources.walk import inside
from zoo.spec.disk.reading import split_lines
from zoo.spec.display import counted
from zoo.spec.errors import listing, quote
from zoo.spec.split_names import split_named

_LIST = ".txt"
_MOST_BYTES = 1 << 26
"""A list of a million names has some tens of megabytes; what is larger is none."""
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class _Lists:
    """Lists of one folder, and what their lines mean.

    Args:
        called: the files and the folder, in words.
        splits: by the number of an image.
        unknown: lines that name no image.
        twice: images that are in two splits.
    """

    called: str
    splits: dict[int, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    twice: int = 0

    def problem(self, count: int) -> str:
        """The reason why they are not taken for so many images; empty where they are."""
        if self.unknown:
            of = counted(len(self.unknown) + len(self.splits), "name")
            return f"{len(self.unknown)} of {of} are of no image ({quote(self.unknown[0])})"
        if self.twice:
            return f"{counted(self.twice, 'image')} {'is' if self.twice == 1 else 'are'} in two splits"
        if len(self.splits) < count:
            return f"they name {len(self.splits)} of {counted(count, 'image')}"
        return ""


def listed_splits(root: Path, files: Sequence[Path], others: Iterable[Path]) -> tuple[list[str] | None, str]:
    """The splits of images, where lists beside them say it of each: as VOC has them in `ImageSets/`.

    A line is, or begins with, the path of an image, from the folder or one above it, or its name, with or
    without the ending. Lists that do not say it of all images, or twice of one, are not taken, and neither
    are some where those of two folders differ.

    Args:
        root: the folder.
        files: its images.
        others: files below it that are no images.

    Returns:
        The splits, if lists are taken, and words to say so, or why lists beside the images are not.
    """
    groups: dict[Path, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for file in others:
        if file.suffix.lower() == _LIST and (split := split_named(file.stem)):
            groups[file.parent][split].append(file)
    groups = {folder: lists for folder, lists in groups.items() if len(lists) > 1}
    if not groups:
        return None, ""
    known = _Known(root, files)
    read = {folder: _read(folder, root, lists, known) for folder, lists in groups.items()}
    fine = [lists for lists in read.values() if not lists.problem(len(files))]
    if len({tuple(sorted(lists.splits.items())) for lists in fine}) == 1:
        splits = fine[0].splits
        return [splits[i] for i in range(len(files))], f"data {root}: splits are those of {fine[0].called}"
    # Lists of other tasks lie in folders of their own, and name few of these images or none
    near = [lists for at, lists in read.items() if at == root or len(lists.splits) >= len(lists.unknown)]
    reasons = [f"{one.called}: {one.problem(len(files)) or 'others say otherwise'}" for one in near]
    return None, f"data {root}: splits are drawn anew, not taken from {listing(reasons, 2)}" if near else ""


class _Known:
    """Numbers of images by their paths and names, with and without endings."""

    def __init__(self, root: Path, files: Sequence[Path]) -> None:
        paths = [PurePosixPath(inside(file, root)) for file in files]
        counts = Counter(name for path in paths for name in {path.name, path.stem})
        self._folder = root.name
        self._found: dict[str, int] = {}
        for i, path in enumerate(paths):
            names = (path.name, path.stem)
            # A name alone where one image is called so
            self._found |= {name: i for name in names if counts[name] == 1}
        for i, path in enumerate(paths):
            self._found |= {str(path.with_suffix("")): i, str(path): i}

    def number(self, line: str) -> int | None:
        """The image that a line names; more may stand behind it: a class's number, the name of a mask."""
        words = line.split()
        for end in range(len(words), 0, -1):
            text = line if end == len(words) else " ".join(words[:end])
            if (found := self._path(normpath(text))) is not None:
                return found
        return None

    def _path(self, text: str) -> int | None:
        """The image of a path, which may begin in a folder above."""
        parts = text.strip("/").split("/")
        for i in range(len(parts)):
            # A name alone, behind another folder, may be that of another image
            fits = i == 0 or i < len(parts) - 1 or parts[i - 1] == self._folder
            if fits and (found := self._found.get("/".join(parts[i:]))) is not None:
                return found
        return None


def _read(folder: Path, root: Path, lists: Mapping[str, Sequence[Path]], known: _Known) -> _Lists:
    """The splits that the lists of a folder say."""
    names = listing(file.name for files in lists.values() for file in files)
    found = _Lists(f"{names} in {inside(folder, root) or 'it'}")
    for split, files in lists.items():
        for line in (line for file in files for line in _lines(file)):
            if (number := known.number(line)) is None:
                found.unknown.append(line)
            else:
                found.twice += found.splits.setdefault(number, split) != split
    return found


def _lines(file: Path) -> list[str]:
    if file.stat().st_size > _MOST_BYTES:
        return []
    content = file.read_bytes()
    text = content.decode("utf-16" if content.startswith(_WIDE) else "utf-8-sig", errors="replace")
    return [line for raw in split_lines(text.replace("\\", "/")) if (line := raw.strip())]
