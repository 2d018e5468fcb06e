"""Folders of images alone."""

from __future__ import annotations

from pathlib import Path

from zoo.data.division.split_lists import listed_splits
from zoo.data.reading import readable
from zoo.data.sources.class_folders import RootedFiles
from zoo.data.sources.layout import inner_folder
from zoo.data.sources.mask_pairs import parted, split_of, without_folder
from zoo.data.sources.walk import Walk, kinds, walk, warn_passed_over
from zoo.spec.errors import DataError, warn
from zoo.spec.reference import local_path


class ImageFolder(RootedFiles):
    """All images of a folder, whatever folders they lie in, without targets.

    Folders called train, val and test at the top are the splits, or else lists of these names.

    Args:
        root: the folder.
        skip_unreadable: reads every file once, and leaves out those that cannot be read, with a warning.

    Raises:
        DataError: it is missing, or holds no image.
    """

    def __init__(self, root: str | Path, *, skip_unreadable: bool = False) -> None:
        place = local_path(root)
        if not place.is_dir():
            got = "a file" if place.exists() else "nothing there"
            raise DataError(f"data {place}", expected="a folder", got=got)
        found = walk(place)
        self.root = place
        files, loose = self._chosen(found)
        if not files:
            got = f"none that can be read ({kinds(found.others)})" if found.others else "none"
            raise DataError(f"data {place}", expected="images", got=got)
        inner = inner_folder(place)
        splits = {file: self._split(file, inner) for file in files}
        files, aside = parted(splits, place)
        lost = (f"{len(aside)} beside the split folders", aside), *loose
        warn_passed_over(place, len(files), [*lost, *found.reasons()])
        if skip_unreadable:
            files = [files[i] for i in readable(files)]
        if not files:
            raise DataError(f"data {place}", expected="images that can be read", got="none")
        super().__init__(place, files)
        self._top = [splits[file] if aside or all(splits.values()) else None for file in files]
        if not any(self._top):
            listed, words = listed_splits(inner, files, found.others)
            self._top = [*(listed or self._top)]
            if words:
                warn(words)

    def _chosen(self, found: Walk) -> tuple[list[Path], list[tuple[str, list[Path]]]]:
        """The files that are images to be learnt from, and those left out, by what is said of them."""
        return found.images, []

    def _split(self, file: Path, inner: Path) -> str | None:
        """The split that the folders of an image mean, below the one that is read."""
        return split_of(without_folder(file.relative_to(inner).parts))

    def split_of(self, index: int) -> str | None:
        """`train`, `val`, `test`, or None where there are no split folders."""
        return self._top[index]
