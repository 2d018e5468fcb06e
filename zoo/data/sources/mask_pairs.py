"""Images and their masks among the files of a folder, and the splits that they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.data.sources.walk import Walk
from zoo.spec.errors import DataError, listing, quote, warn
from zoo.spec.names import composed
from zoo.spec.split_names import split_named

IMAGES, MASKS = "images", "masks"

_LAYOUT = "images/ and masks/ with files of the same names, or train/images/, train/masks/, test/images/ ..."


def split_of(parts: Sequence[str]) -> str | None:
    """The split that the first of a file's folders means; None where it means none."""
    return split_named(parts[0]) if len(parts) > 1 else None


def without_folder(parts: Sequence[str]) -> list[str]:
    """The parts of an image's path without `images`, which may lie above or below the split."""
    own = [*parts]
    if IMAGES in own[:-1]:
        own.remove(IMAGES)
    return own


def parted(splits: Mapping[Path, str | None], root: Path) -> tuple[list[Path], list[Path]]:
    """Images that are used, and those that lie beside the split folders."""
    files, names = [*splits], {split for split in splits.values() if split}
    if all(splits.values()) or not names:
        return files, []
    if len(names) > 1:
        return [file for file in files if splits[file]], [file for file in files if not splits[file]]
    # A folder called test, say, may be one like those beside it
    beside = next(file for file in files if not splits[file]).relative_to(root).as_posix()
    word = quote(names.pop())
    text = f"folder {word} is read like what lies beside it ({beside} first), and not as a split"
    warn(f"data {root}: {text}; splits are folders train/, val/ and test/, two of them or more")
    return files, []


def pairs_of(walked: Walk) -> dict[Path, Path]:
    """The mask of each image."""
    files, root = walked.images, walked.root
    where = f"data {root}"
    more = (
        f"; {text}" if (text := listing(why for why, paths in walked.reasons() if paths)) != "nothing" else ""
    )
    inside = {folder: _by_place(files, root, folder) for folder in (IMAGES, MASKS)}
    images, masks = inside[IMAGES], inside[MASKS]
    for folder, found in inside.items():
        if not found:
            raise DataError(
                where, expected=_LAYOUT, got=f"no images in a folder {folder}", hint=more[2:] or None
            )
        if twice := next((several for several in found.values() if len(several) > 1), None):
            got = listing(file.name for file in twice)
            raise DataError(f"{where}: {folder}", expected="one file of each name", got=got)
    if lone := [several[0].name for place, several in images.items() if place not in masks]:
        got = f"none for {len(lone)}: {listing(lone, 3)}"
        raise DataError(
            where, expected="a mask for each image", got=got, hint=f"lay them out as {_LAYOUT}{more}"
        )
    if lone := [several[0].name for place, several in masks.items() if place not in images]:
        got = f"{len(lone)} without: {listing(lone, 3)}"
        raise DataError(
            where, expected="an image for each mask", got=got, hint=f"lay them out as {_LAYOUT}{more}"
        )
    return {several[0]: masks[place][0] for place, several in images.items()}


def _by_place(files: Sequence[Path], root: Path, folder: str) -> dict[tuple[str, ...], list[Path]]:
    """Files in folders of a name, by where they lie without it and without their suffix."""
    found: dict[tuple[str, ...], list[Path]] = {}
    for file in files:
        parts = list(file.relative_to(root).with_suffix("").parts)
        if folder in parts[:-1]:
            parts.remove(folder)
            # Images and masks may come from two systems
            found.setdefault(tuple(map(composed, parts)), []).append(file)
    return found
