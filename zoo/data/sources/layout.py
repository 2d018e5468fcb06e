"""Layout of a folder of class folders, right or wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from zoo.images.decode import SUFFIXES
from zoo.spec.errors import DataError, listing, quote
from zoo.spec.names import closest

SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""Names of split folders, and the split that each means."""

_LAYOUT = "one folder of images for each class, e.g. cats/ and dogs/, or train/cats/, test/cats/ ..."
FEWEST_CLASSES = 2


@dataclass
class Layout:
    """The images of a folder by class and split.

    Args:
        root: the folder.
        files: images, in the order of splits, classes and paths.
        classes: the class folder of each image.
        splits: the split of each image; None where there are no split folders.
        labels: names of the classes.
        loose: images that lie in no class folder.
        others: files that are no images, by their names.
        problems: what a training would stop at, the first one first.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    splits: list[str | None] = field(default_factory=list)
    labels: tuple[str, ...] = ()
    loose: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)


def scan(root: str | Path) -> Layout:
    """Looks through a folder; wrong things are in `problems`, and nothing is raised."""
    found = Layout(Path(root).expanduser())
    where = f"data {found.root}"
    try:
        top = _folders(found.root, where)
        groups = _groups(top, found, where)
        names: dict[str | None, set[str]] = {}
        for parent, split in groups.items():
            for folder in _folders(parent, where):
                names.setdefault(split, set()).add(folder.name)
                _take(folder, split, found)
        every = _files(found.root)
    except DataError as error:
        found.problems.append(error)
        return found
    inside = set(found.files)
    found.loose = [file for file in every if is_image(file) and file not in inside]
    found.others = [file for file in every if not is_image(file)]
    # What is learnt are the classes of train; a set may also be there to be measured on alone
    known = names.get("train") or set().union(*names.values())
    found.labels = tuple(sorted(known))
    found.problems += _class_problems(found, names, known, where)
    return found


def image_files(folder: Path) -> list[Path]:
    """All images under a folder, sorted by path; hidden ones are passed over."""
    return [file for file in _files(folder) if is_image(file)]


def is_image(file: Path) -> bool:
    """Whether a file is called like an image."""
    return file.suffix.lower() in SUFFIXES


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if _counts(file.relative_to(folder)) and file.is_file())


def _counts(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and not any(part.startswith("__") for part in path.parts[:-1])  # such as __MACOSX


def _folders(parent: Path, where: str) -> list[Path]:
    if not parent.exists():
        raise DataError(where, expected="a folder", got="nothing there", hint=_nearest(parent))
    if not parent.is_dir():
        raise DataError(where, expected="a folder", got="a file", hint=f"give {_LAYOUT}")
    try:
        return sorted(f for f in parent.iterdir() if f.is_dir() and not f.name.startswith((".", "__")))
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(where, expected="a folder that can be read", got=reason) from error


def _nearest(path: Path) -> str:
    # Where in the path it goes wrong
    there = next((p for p in path.parents if p.exists()), Path())
    names = sorted(p.name for p in there.iterdir() if p.is_dir() and not p.name.startswith("."))
    missing = path.relative_to(there).parts[0]
    if close := closest(missing, names)[:1]:
        return f"did you mean {there / close[0] if there.parts else f'./{close[0]}'}?"
    return f"the folders in {there} are {listing(names, 6)}" if names else f"{there} holds no folder"


def _groups(top: list[Path], found: Layout, where: str) -> dict[Path, str | None]:
    """Folders that hold class folders, and the split that each means."""
    splits = [SPLIT_FOLDERS.get(folder.name.lower()) for folder in top]
    # One folder of another name makes all of them classes
    if not top or not all(splits):
        return {found.root: None}
    twice = next((s for s in sorted(map(str, splits)) if splits.count(s) > 1), None)
    if twice:
        got = listing(folder.name for folder, s in zip(top, splits, strict=True) if s == twice)
        expected = f"one folder for the {twice} split"
        found.problems.append(DataError(where, expected=expected, got=got, hint="put them together"))
    return dict(zip(top, splits, strict=True))


def _take(folder: Path, split: str | None, found: Layout) -> None:
    files = image_files(folder)
    if not files:
        hint = f"remove the folder, or put files of {listing(sorted(SUFFIXES))} into it"
        found.problems.append(DataError(f"data {folder}", expected="images", got="none", hint=hint))
    found.files += files
    found.classes += [folder.name] * len(files)
    found.splits += [split] * len(files)


def _class_problems(
    found: Layout, names: dict[str | None, set[str]], known: set[str], where: str
) -> list[DataError]:
    if not known:
        loose = len(found.loose)
        got = f"{loose} images outside any class folder" if loose else "an empty folder"
        return [DataError(where, expected=_LAYOUT, got=got)]
    problems = []
    for split, there in names.items():
        if extra := sorted(there - known):
            problems.append(
                DataError(
                    f"{where}: {split} split",
                    expected=f"the classes of train ({listing(sorted(known), 6)})",
                    got=quote(extra[0]),
                    hint=f"add a folder train/{extra[0]}, or remove it",
                )
            )
    if len(known) < FEWEST_CLASSES:
        got = f"one, {quote(found.labels[0])}"
        hint = f"lay it out as {_LAYOUT}"
        problems.append(DataError(where, expected=f"at least {FEWEST_CLASSES} classes", got=got, hint=hint))
    return problems
