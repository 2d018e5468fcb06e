"""Lists that say the splits of a folder's images: `train.txt` and `val.txt`, a name a line."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from zoo.data.sources.walk import inside
from zoo.spec.display import counted
from zoo.spec.errors import listing
from zoo.spec.split_names import split_named

_LIST = ".txt"
_MOST_BYTES = 1 << 26
"""A list of a million names has some tens of megabytes; what is larger is none."""


def listed_splits(root: Path, files: Sequence[Path], others: Iterable[Path]) -> tuple[list[str] | None, str]:
    """The splits of images, where lists beside them say it of each: as VOC has them in `ImageSets/`.

    A line is, or begins with, the path of an image from the folder, or its name, with or without the ending.
    Lists that do not say it of all images, or twice of one, are not taken.

    Args:
        root: the folder.
        files: its images.
        others: files below it that are no images.

    Returns:
        The splits, if lists are taken, and words to say so, or why lists that name images are not.
    """
    groups: dict[Path, dict[str, Path]] = defaultdict(dict)
    for file in others:
        if file.suffix.lower() == _LIST and (split := split_named(file.stem)):
            groups[file.parent].setdefault(split, file)
    known = _names(root, files) if any(len(lists) > 1 for lists in groups.values()) else {}
    odd: list[str] = []
    for folder, lists in groups.items():
        if len(lists) < 2:
            continue
        splits, problem = _read(lists, known, len(files))
        called = f"{listing(file.name for file in lists.values())} in {inside(folder, root) or 'it'}"
        if splits is not None:
            return [splits[i] for i in range(len(files))], f"data {root}: splits are those of {called}"
        odd += [f"{called} {problem}"] if problem else []
    return None, f"data {root}: splits are drawn anew, since {listing(odd, 2)}" if odd else ""


def _names(root: Path, files: Sequence[Path]) -> dict[str, int]:
    """Numbers of images by their paths and names, with and without endings, where one alone is called so."""
    paths = [PurePosixPath(inside(file, root)) for file in files]
    counts = Counter(name for path in paths for name in {path.name, path.stem})
    found = {str(path): i for i, path in enumerate(paths)}
    found |= {str(path.with_suffix("")): i for i, path in enumerate(paths)}
    return found | {name: i for i, p in enumerate(paths) for name in (p.name, p.stem) if counts[name] == 1}


def _read(lists: dict[str, Path], known: dict[str, int], count: int) -> tuple[dict[int, str] | None, str]:
    """Splits by the number of an image, or why there are none; no words where the lists are of others."""
    splits: dict[int, str] = {}
    twice, unknown = 0, 0
    for split, file in lists.items():
        for line in _lines(file):
            # More may stand behind a name: a class's number, the name of a mask
            number = known.get(line, known.get(line.split()[0]))
            if number is None:
                unknown += 1
            else:
                twice += number in splits and splits[number] != split
                splits[number] = split
    if unknown > len(splits):
        return None, ""
    if unknown:
        return None, f"have {counted(unknown, 'name')} without an image"
    if twice:
        return None, f"name {counted(twice, 'image')} in two splits"
    if len(splits) < count:
        return None, f"name {len(splits)} of {counted(count, 'image')}"
    return splits, ""


def _lines(file: Path) -> list[str]:
    if file.stat().st_size > _MOST_BYTES:
        return []
    text = file.read_text(encoding="utf-8", errors="replace").replace("\\", "/")
    return [line for raw in text.splitlines() if (line := raw.strip().removeprefix("./"))]
