"""Folders of images with masks."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zoo.data.depths import warn_turned
from zoo.data.masks import check_mask
from zoo.data.sources.image_folder import ImageFolder
from zoo.data.sources.layout import inner_folder
from zoo.data.sources.mask_options import check_options
from zoo.data.sources.mask_pairs import pairs_of, split_of
from zoo.data.sources.mask_reader import CLASSES, MaskReader, header_size, names_in
from zoo.data.sources.walk import Walk
from zoo.images.decode import decode_counted
from zoo.images.digests import FileDigests
from zoo.interfaces.dataset import Sample
from zoo.interfaces.tasks.choice import for_masks
from zoo.spec.data_options import MaskOptions
from zoo.spec.display import counted


class MaskFolders(ImageFolder):
    """Images with masks: `images/7.jpg` and `masks/7.png`, under split folders or not, or otherwise called.

    A mask is a gray or palette PNG of its image's size with the number of a class in each pixel; 255 does
    not count, unless there is nothing but 0 and 255, which are two classes then. `classes.txt`, a name a
    line, tells their names, and with a line `-` a number that does not count. Where colours of classes are
    given, a mask has these. Every mask is read once, and checked.

    Args:
        root: the folder.
        classes: of the model, where they are known: of two, 0 and 255 are both; of more, 255 does not count;
            and of more than 255 it is one. Without names the numbers are the model's.
        options: names of folders and files, colours, and what does not count, where they are said.
        skip_unreadable: leaves out the pairs whose image cannot be read, with a warning.

    Raises:
        DataError: a folder, an image or a mask is missing, or a mask does not fit.
        OptionError: an option has no effect, or a value that does not fit.
    """

    masks = True

    def __init__(
        self,
        root: str | Path,
        *,
        classes: int | None = None,
        options: MaskOptions | None = None,
        skip_unreadable: bool = False,
    ) -> None:
        self._options = options or MaskOptions()
        check_options(self._options)
        super().__init__(root, skip_unreadable=skip_unreadable)
        self.mask_files = [self._pairs.masks[file] for file in self.files]
        where = f"data {self.root}"
        file = next((f for f in (self.root / CLASSES, inner_folder(self.root) / CLASSES) if f.exists()), None)
        self.reader = MaskReader(
            self.mask_files,
            self._size,
            self._options,
            names=() if file is None else names_in(file, where),
            root=self.root,
            classes=classes,
            where=where,
            calls=self._called,
        )
        warn_turned(self.files)
        self.labels, self.numbered = self.reader.labels, self.reader.numbered
        self.present, self.leaves_out = self.reader.present, self.reader.leaves_out
        self.task = for_masks()

    def _size(self, index: int, mask: npt.NDArray[np.uint8]) -> tuple[tuple[int, int], str]:
        return header_size(self.files[index], mask), self.files[index].name

    def _called(self, index: int) -> str:
        return f"mask {self.mask_files[index]}"

    def _chosen(self, found: Walk) -> tuple[list[Path], list[tuple[str, list[Path]]]]:
        self._pairs = pairs = pairs_of(found, self._options)
        images, masks = pairs.lone
        left = [
            (f"{len(pairs.unused)} {self._elsewhere()}", pairs.unused),
            (f"{counted(len(images), 'image')} without a mask", images),
            (f"{counted(len(masks), 'mask')} without an image", masks),
        ]
        return [*pairs.masks], left

    def _elsewhere(self) -> str:
        layout = self._pairs.layout
        if layout.images and layout.masks:
            return f"neither in {'/'.join(layout.images)}/ nor in {'/'.join(layout.masks)}/"
        return "without a partner"

    def _split(self, file: Path, inner: Path) -> str | None:
        parts = self._pairs.places[file]
        around = inner.relative_to(self.root).parts
        return split_of(parts[len(around) :] if parts[: len(around)] == around else parts)

    def __getitem__(self, index: int) -> Sample:
        image, mask = decode_counted(self.files[index]), self.mask(index)
        check_mask(mask, image, self.name(index))
        return Sample(image, None, mask)

    def mask(self, index: int) -> npt.NDArray[np.uint8]:
        """H x W class numbers, without reading the image."""
        return self.reader[index]

    @property
    def words(self) -> str:
        """The layout of the masks and the way in which they are read, in words."""
        return "; ".join([self._pairs.layout.words(), *self.reader.words])

    @property
    def way_out(self) -> str | None:
        """The next step where one class alone is in the masks; see `MaskReader`."""
        return self.reader.way_out

    @cached_property
    def fingerprint(self) -> str:  # type: ignore[override]  # computed when first asked for
        """Digest of all images and masks, of the names of the classes, and of how masks are read."""
        digest = hashlib.blake2b(digest_size=16)
        for i in range(len(self.files)):
            name = self.files[i].relative_to(self.root).as_posix()
            digest.update(os.fsencode(f"{name}\0{self.key(i)}\0{self._mask_digests[i]}"))
        digest.update("\n".join(self.labels).encode())
        digest.update(self.reader.token)
        return digest.hexdigest()

    def unchanged(self, index: int) -> bool:
        """Whether image and mask have the size and time that they had before their digests were computed."""
        return super().unchanged(index) and self._mask_digests.unchanged(index)

    @cached_property
    def _mask_digests(self) -> FileDigests:
        return FileDigests(self.mask_files)
