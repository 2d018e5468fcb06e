"""Images and their masks among the files of a folder, and the splits that they lie in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.data.division.split_lists import listed_splits
from zoo.data.sources.layout import inner_folder
from zoo.data.sources.mask_layout import (
    IMAGE_FOLDERS,
    IMAGES,
    MASK_FOLDERS,
    MASKS,
    MaskLayout,
    Parts,
    found_layout,
    inferred_suffix,
    known_folders,
)
from zoo.data.sources.mask_options import said
from zoo.data.sources.walk import Walk
from zoo.spec.data_options import MaskOptions
from zoo.spec.errors import DataError, listing, quote, warn
from zoo.spec.names import composed
from zoo.spec.split_names import split_named

_LAYOUT = "images/ and masks/ with files of the same names, or train/images/, train/masks/, test/images/ ..."

Side = dict[Parts, list[Path]]
"""Files by what they are called without what makes them images or masks."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images and their masks.

    Args:
        masks: the mask of each image.
        places: of each image, its path without the folder of images and without its ending.
        unused: files that are neither.
        lone: images without a mask, and masks without an image, that are left out.
        layout: by which they were told apart.
    """

    masks: dict[Path, Path]
    places: dict[Path, Parts]
    unused: list[Path]
    lone: tuple[list[Path], list[Path]]
    layout: MaskLayout


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


def pairs_of(walked: Walk, options: MaskOptions) -> Pairs:
    """The mask of each image.

    Args:
        walked: the folder.
        options: folders and ends of names, where they are said.

    Raises:
        DataError: it is not certain which files are the masks, or one has no partner.
    """
    where = f"data {walked.root}"
    layout = _said(walked, options) if _places(options) else found_layout(walked)
    if layout is None:
        raise _undecided(walked, where)
    images, masks, unused = _sides(walked, layout)
    for name, side in ((layout.images, images), (layout.masks, masks)):
        if not side:
            what = f"no images in a folder {'/'.join(name)}" if name else f"none; {layout.words()}"
            raise DataError(where, expected=_LAYOUT, got=what, hint=_passed_over(walked) or _folders(walked))
    if layout.mask_suffix is None:
        found = "" if layout.by_kind else inferred_suffix(images, masks)
        layout = replace(layout, mask_suffix=found or "")
    images, more = _bare(images, layout.image_suffix)
    masks, rest = _bare(masks, layout.mask_suffix or "")
    unused += [*more, *rest]
    _check_once(images, layout.images, where)
    _check_once(masks, layout.masks, where)
    places = {several[0]: place for place, several in images.items() if place in masks}
    pairs = {file: masks[place][0] for file, place in places.items()}
    lone = _lone(walked, images, masks, options, where, listed=_are_listed(walked, [*pairs]))
    if not pairs:
        raise DataError(
            where, expected="a mask for each image", got="none", hint=f"lay them out as {_LAYOUT}"
        )
    return Pairs(pairs, places, unused, lone, layout)


def _places(options: MaskOptions) -> bool:
    """Whether something is said of folders or names."""
    return any((options.images, options.masks, options.image_suffix, options.mask_suffix))


def _said(walked: Walk, options: MaskOptions) -> MaskLayout:
    """The layout that is said; of folders one may be left to be found."""
    given = (options.images, options.masks)
    images, masks = (tuple(name.strip("/").split("/")) if name else None for name in given)
    if (images is None) != (masks is None):
        other = _other(walked, images or masks or (), MASK_FOLDERS if masks is None else IMAGE_FOLDERS)
        images, masks = images or other, masks or other
    return MaskLayout(
        images=images, masks=masks, mask_suffix=options.mask_suffix, image_suffix=options.image_suffix or ""
    )


def _other(walked: Walk, one: Parts, usual: Collection[str]) -> Parts | None:
    """The folder beside one that was said: of a usual name, or the only one; None for all that is not it."""
    layout = MaskLayout(masks=one)
    paths = [file.relative_to(walked.root).parts for file in walked.images]
    rest = {parts[:-1] for parts in paths if (placed := layout.place(parts)) and not placed[0]}
    known = known_folders({name for parts in rest for name in parts}, usual)
    if len(known) == 1:
        return (known[0],)
    return rest.pop() or None if len(rest) == 1 else None


def _sides(walked: Walk, layout: MaskLayout) -> tuple[Side, Side, list[Path]]:
    """Images, masks, and what is neither."""
    sides: tuple[Side, Side] = (defaultdict(list), defaultdict(list))
    unused = []
    for file in walked.images:
        placed = layout.place(file.relative_to(walked.root).parts)
        if placed is None:
            unused.append(file)
            continue
        mask, parts = placed
        # Images and masks may come from two systems
        sides[mask][tuple(map(composed, parts))].append(file)
    return *sides, unused


def _bare(side: Side, suffix: str) -> tuple[Side, list[Path]]:
    """Files whose names end so, by what they are called without it; and the others."""
    if not suffix:
        return side, []
    ended = {place: files for place, files in side.items() if place[-1].endswith(suffix)}
    others = [file for place, files in side.items() if place not in ended for file in files]
    return {(*place[:-1], place[-1].removesuffix(suffix)): files for place, files in ended.items()}, others


def _check_once(side: Side, folder: Parts | None, where: str) -> None:
    if twice := next((several for several in side.values() if len(several) > 1), None):
        got = listing(file.name for file in twice)
        place = f": {'/'.join(folder)}" if folder else ""
        raise DataError(f"{where}{place}", expected="one file of each name", got=got)


def _are_listed(walked: Walk, files: Sequence[Path]) -> bool:
    """Whether lists name the splits of just these images: what they do not name needs no mask."""
    return bool(files) and listed_splits(inner_folder(walked.root), files, walked.others)[0] is not None


def _lone(
    walked: Walk, images: Side, masks: Side, options: MaskOptions, where: str, *, listed: bool
) -> tuple[list[Path], list[Path]]:
    """Images and masks without a partner, where they may be left out; images too where lists leave them out.

    Raises:
        DataError: they may not.
    """
    found: list[list[Path]] = []
    for one, other, expected, got in (
        (images, masks, "a mask for each image", "none for {}: {}"),
        (masks, images, "an image for each mask", "{} without: {}"),
    ):
        lone = [several[0] for place, several in one.items() if place not in other]
        if lone and not options.skip_unpaired and not (listed and one is images):
            names = listing((file.name for file in lone), 3)
            more = f"; {text}" if (text := _passed_over(walked)) else ""
            ways = f"lay them out as {_LAYOUT}, or leave them out by {said(skip_unpaired=True)}"
            raise DataError(where, expected=expected, got=got.format(len(lone), names), hint=f"{ways}{more}")
        found.append(lone)
    return found[0], found[1]


def _passed_over(walked: Walk) -> str:
    return (
        listing(why for why, paths in walked.reasons() if paths)
        if any(p for _, p in walked.reasons())
        else ""
    )


def _undecided(walked: Walk, where: str) -> DataError:
    folders = {name for file in walked.images for name in file.relative_to(walked.root).parts[:-1]}
    lacks = [name for name in (IMAGES, MASKS) if name not in folders]
    got = f"no images in a folder {listing(lacks)}"
    hint = "; ".join(filter(None, (_folders(walked), _passed_over(walked))))
    return DataError(where, expected=_LAYOUT, got=got, hint=hint or None)


def _folders(walked: Walk) -> str:
    """How to say which folders are meant, with two that there are; empty where there is but one."""
    names = dict.fromkeys(f.parent.name for f in walked.images if f.parent != walked.root)
    if len(names) < 2:
        way = said(mask_suffix="_mask")
        return f"say how the names of masks end: {way}" if walked.images else ""
    first, second = [*names][:2]
    there = f" (there are {listing((f'{name}/' for name in names), 6)})"
    return f"say which folders are meant: {said(images=first, masks=second)}{there}"
