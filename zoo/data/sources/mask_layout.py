"""Folders and names by which images and their masks are told apart, found where that is certain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.data.sources.walk import Walk, walk
from zoo.spec.errors import DataError

IMAGES, MASKS = "images", "masks"

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "pngimages", "leftimg8bit")
MASK_FOLDERS = (
    "masks", "mask", "segmentationclass", "segmentations", "annotations", "annotation", "ann", "anns",
    "labels", "label", "gt", "groundtruth", "ground_truth", "gtfine",
)  # fmt: skip
"""Usual names of folders, in small letters."""
_AFTER = ("_masks", "_mask", "_labels", "_label", "_annotations", "annot", "_gt")
"""Ends of a folder's name that make it the one of masks beside that of images: `train`, `train_masks`."""
_WORD = re.compile(r"[_\-. ](masks?|labels?|seg|segmentation|gt|annotations?|matte|l)", re.IGNORECASE)
"""Ends of a file's name that make it a mask beside its image: `7.png`, `7_mask.png`."""
_APART = "_-. "
_LOSSY = (".jpg", ".jpeg", ".jfif")

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskLayout:
    """Places of images and masks.

    Args:
        images: folders, one in the other, in which images lie; None where masks lie beside them.
        masks: folders in which masks lie.
        after: end of a folder's name in which masks of the folder without it lie.
        by_kind: whether of two files of a name the JPEG is the image.
        mask_suffix: end of a mask's name, without its ending; None where it is not known yet.
        image_suffix: end of an image's name.
    """

    images: Parts | None = None
    masks: Parts | None = None
    after: str = ""
    by_kind: bool = False
    mask_suffix: str | None = None
    image_suffix: str = ""

    def place(self, parts: Parts) -> tuple[bool, Parts] | None:
        """Whether a file is a mask, and what it is called without what says so; None where it is neither.

        Args:
            parts: of its path in the data.
        """
        *folders, file = parts
        stem, ending = Path(file).stem, Path(file).suffix.lower()
        if self.by_kind:
            return ending not in _LOSSY, (*folders, stem)
        if self.after:
            last = folders[-1] if folders else ""
            own = last.removesuffix(self.after)
            return (own != last), (*folders[:-1], *([own] if folders else []), stem)
        if self.images is None and self.masks is None:
            return stem.endswith(self.mask_suffix or "?"), (*folders, stem)
        # The deeper one counts: a folder of masks may lie in that of images
        image, mask = _last(folders, self.images), _last(folders, self.masks)
        if mask > image or (mask == image and mask >= 0):
            return True, (*_without(folders, self.masks, mask), stem)
        if image >= 0 or self.images is None:
            return False, (*_without(folders, self.images, image), stem)
        return (True, (*folders, stem)) if self.masks is None else None

    def words(self) -> str:
        """The places in words."""
        suffix = f", called like them and {self.mask_suffix}" if self.mask_suffix else ""
        suffix += f", without {self.image_suffix}" if self.image_suffix else ""
        if self.by_kind:
            return "images in JPEG, and masks of the same names beside them"
        if self.after:
            return f"masks in folders called like those of the images and {self.after}{suffix}"
        if self.images is None and self.masks is None:
            return f"masks beside the images{suffix}"
        places = [f"{'/'.join(p)}/" if p else "all other folders" for p in (self.images, self.masks)]
        return f"images in {places[0]}, masks in {places[1]}{suffix}"


def found_layout(walked: Walk) -> MaskLayout | None:
    """The layout of a folder where it is certain; None where it is not.

    Args:
        walked: the folder.
    """
    files = [file.relative_to(walked.root).parts for file in walked.images]
    folders = {name for parts in files for name in parts[:-1]}
    if {IMAGES, MASKS} <= folders:
        return MaskLayout(images=(IMAGES,), masks=(MASKS,))
    images, masks = known_folders(folders, IMAGE_FOLDERS), known_folders(folders, MASK_FOLDERS)
    if len(images) == len(masks) == 1:
        return MaskLayout(images=(images[0],), masks=(masks[0],))
    if images or masks:
        return None
    return next((layout for layout in _beside(files) if _is_certain(files, layout)), None)


def has_masks(folder: Path) -> bool:
    """Whether a folder is read as images with masks where nobody says how; two formats of one are none."""
    layout = found_layout(walk(folder))
    return layout is not None and not layout.by_kind


def check_no_pair(labels: Sequence[str], where: str) -> None:
    """Refuses two class folders that are images and their masks, which somebody means for another model.

    Args:
        labels: names of the class folders.
        where: the data, for messages.

    Raises:
        DataError: they are.

    Example:
        >>> check_no_pair(["cat", "masks"], "data")
        >>> check_no_pair(["JPEGImages", "SegmentationClass"], "data pets")
        Traceback (most recent call last):
        zoo.spec.errors.DataError: data pets: expected class folders, got images in JPEGImages/ and masks in \
SegmentationClass/; a model for segmentation learns from both, another one from JPEGImages/ alone
    """
    images, masks = known_folders(labels, IMAGE_FOLDERS), known_folders(labels, MASK_FOLDERS)
    if len(labels) == 2 and len(images) == len(masks) == 1:
        got = f"images in {images[0]}/ and masks in {masks[0]}/"
        hint = f"a model for segmentation learns from both, another one from {images[0]}/ alone"
        raise DataError(where, expected="class folders", got=got, hint=hint)


def known_folders(folders: Iterable[str], names: Collection[str]) -> list[str]:
    """The folders of these names, however they are written."""
    return sorted(name for name in folders if name.lower() in names)


def _beside(files: Sequence[Parts]) -> Iterator[MaskLayout]:
    """Layouts without folders of their own for images and for masks."""
    last = {parts[-2] for parts in files if len(parts) > 1}
    for end in _AFTER:
        ends = {name for name in last if name.endswith(end) and name != end}
        if ends and {name.removesuffix(end) for name in ends} == last - ends:
            yield MaskLayout(after=end)
    for suffix in _suffixes([(*parts[:-1], Path(parts[-1]).stem) for parts in files]):
        if _WORD.fullmatch(suffix):
            yield MaskLayout(mask_suffix=suffix)
    kinds = {Path(parts[-1]).suffix.lower() in _LOSSY for parts in files}
    if len(kinds) > 1:
        yield MaskLayout(by_kind=True)


def _is_certain(files: Sequence[Parts], layout: MaskLayout) -> bool:
    """Whether each image has one mask in a layout, and each mask an image."""
    sides: tuple[list[Parts], list[Parts]] = ([], [])
    for parts in files:
        if (placed := layout.place(parts)) is None:
            return False
        sides[placed[0]].append(placed[1])
    images, masks = sides
    suffix = layout.mask_suffix if layout.mask_suffix is not None else inferred_suffix(images, masks)
    if suffix is None:
        return False
    bare = [(*place[:-1], place[-1].removesuffix(suffix)) for place in masks]
    return bool(images) and sorted(images) == sorted(bare) and len({*images}) == len(images)


def inferred_suffix(images: Collection[Parts], masks: Collection[Parts]) -> str | None:
    """The end of the masks' names that those of the images lack; None where that is not certain.

    Example:
        >>> inferred_suffix([("1",), ("2",)], [("1_mask",), ("2_mask",)])
        '_mask'
        >>> inferred_suffix([("1",), ("2",)], [("1",), ("2_mask",)])
        ''
    """
    known = {*images}
    if not masks or any(place in known for place in masks):
        return ""
    found = [_ends(place, known) for place in masks]
    common = set.intersection(*found)
    return common.pop() if len(common) == 1 else None


def _suffixes(places: Sequence[Parts]) -> list[str]:
    """Ends by which names differ from others, the commonest first."""
    known = {*places}
    counts = Counter(end for place in places for end in _ends(place, known))
    return [end for end, _ in counts.most_common()]


def _ends(place: Parts, known: Collection[Parts]) -> set[str]:
    *folders, stem = place
    return {
        stem[i:] for i, letter in enumerate(stem) if i and letter in _APART and (*folders, stem[:i]) in known
    }


def _last(folders: Sequence[str], wanted: Parts | None) -> int:
    """Where among folders the wanted ones begin for the last time; -1 where they do not."""
    if not wanted:
        return -1
    size = len(wanted)
    places = range(len(folders) - size, -1, -1)
    return next((i for i in places if tuple(folders[i : i + size]) == wanted), -1)


def _without(folders: Sequence[str], wanted: Parts | None, at: int) -> Sequence[str]:
    return folders if at < 0 else [*folders[:at], *folders[at + len(wanted or ()) :]]
