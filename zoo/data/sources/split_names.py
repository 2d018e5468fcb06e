"""Names of folders that mean splits, beside class folders, in them, and with more in the name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from zoo.data.sources.walk import inside
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing
from zoo.spec.split_names import BETWEEN, WORDS, split_named


def split_within(name: str) -> str | None:
    """The split that the first or last word of a name means, as in `seg_train` and `train_2017`."""
    words = BETWEEN.split(name.lower())
    found = {split for word in (words[0], words[-1]) if (split := WORDS.get(word))}
    return found.pop() if len(found) == 1 else None


def same_classes(below: Mapping[Path, Iterable[Path]]) -> bool:
    """Whether folders hold folders of the same names, some at least, as splits do.

    Args:
        below: the folders in each.
    """
    names = [{folder.name for folder in folders} for folders in below.values()]
    return bool(names) and bool(set.intersection(*names))


def splits_inside(
    files: Sequence[Path], homes: Sequence[Path], where: str
) -> tuple[list[str | None], DataError | None]:
    """The splits of images whose class folders hold split folders, cats/train/1.jpg; and what is wrong there.

    Args:
        files: images.
        homes: the class folder of each.
        where: the data, for messages.
    """
    # A folder a file, and splits a folder: of a hundred thousand files each step counts
    parts = [inside(file, home).split("/", 1) for file, home in zip(files, homes, strict=True)]
    known = {name: split_named(name) for name in {own[0] for own in parts if len(own) > 1}}
    splits = [known[own[0]] if len(own) > 1 else None for own in parts]
    if len({*splits} - {None}) < 2:  # one folder of such a name says nothing
        return [None] * len(files), None
    if all(splits):
        return splits, None
    lone = [file for file, split in zip(files, splits, strict=True) if not split]
    rows = zip(homes, parts, splits, strict=True)
    folders = dict.fromkeys(f"{home.name}/{own[0]}/" for home, own, split in rows if split)
    first = lone[0].relative_to(homes[0].parent)
    got = f"{listing(folders, 3)}, and {counted(len(lone), 'image')} beside them ({first})"
    hint = "put these into split folders too, or give the folders other names"
    expected = "split folders in each class folder with all its images in them, or in none"
    return splits, DataError(where, expected=expected, got=got, hint=hint)
