"""Layout of a folder of class folders, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.division.split_lists import listed_splits
from zoo.data.sources.folder_readers import read_otherwise
from zoo.data.sources.split_names import same_classes, split_within, splits_inside
from zoo.data.sources.walk import Walk, is_hidden, kinds, walk, warn_passed_over
from zoo.images.decode import SUFFIXES, is_image
from zoo.spec.disk.systems import by_parts
from zoo.spec.display import counted
from zoo.spec.errors import DataError, listing, quote, warn
from zoo.spec.names import closest, folder_label
from zoo.spec.reference import local_path
from zoo.spec.split_names import split_named

_LAYOUT = "one folder of images for each class, e.g. cats/ and dogs/, or train/cats/, test/cats/ ..."
FEWEST_CLASSES = 2
_MOST_AROUND = 8


@dataclass
class Layout:
    """The images of a folder by class and split.

    Args:
        root: the folder.
        files: images, in the order of splits, classes and paths.
        classes: the class folder of each image.
        splits: the split of each image; None where neither folders nor lists say it.
        labels: names of the classes.
        loose: images that lie in no class folder.
        others: files that are no images, by their names.
        aside: images in folders beside the split folders.
        broken: links that lead nowhere.
        again: links to folders that are read already.
        stored: images in folders of a network drive's own.
        arrays: `.npy` files among images of other kinds.
        inner: the only folder in the root, which is read in its place; else the root itself.
        listed: words on lists of splits that lie beside the class folders.
        problems: what a training would stop at, the first one first.
        lone: the one of them that is no matter to whoever needs no second class.
    """

    root: Path
    files: list[Path] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    splits: list[str | None] = field(default_factory=list)
    labels: tuple[str, ...] = ()
    loose: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    aside: list[Path] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)
    stored: list[Path] = field(default_factory=list)
    arrays: list[Path] = field(default_factory=list)
    inner: Path = Path()
    listed: str = ""
    problems: list[DataError] = field(default_factory=list)
    lone: DataError | None = None

    def tell(self) -> None:
        """Warns of what is read otherwise than it lies there, and of what is passed over."""
        if self.inner != self.root:
            found = f"is read in its place, with classes {listing(map(quote, self.labels), 6)}"
            warn(f"data {self.root}: its only folder, {self.inner}, {found}")
        if self.listed:
            warn(self.listed)
        reasons = (
            (f"{len(self.aside)} beside the split folders", self.aside),
            (f"{len(self.loose)} outside the class folders", self.loose),
            *Walk(self.root, self.others, self.broken, self.again, self.stored).reasons(self.arrays),
        )
        warn_passed_over(self.root, len(self.files), reasons)

    @property
    def remark(self) -> str:
        """Remark for whoever counts folders as classes; empty where there is none."""
        if not self.aside:
            return ""
        splits = listing(dict.fromkeys(map(str, self.splits)))
        beside = listing(dict.fromkeys(file.relative_to(self.inner).parts[0] for file in self.aside), 3)
        return f"folders {splits} are splits, and what lies beside them ({beside}) is no class"


def scan(root: str | Path) -> Layout:
    """Looks through a folder; wrong things are in `problems`, and nothing is raised."""
    place = local_path(root)
    found = Layout(place, inner=place)
    where = f"data {place}"
    try:
        _folders(place, where)
        found.inner = inner_folder(place)
        top = _folders(found.inner, where)
        groups = _groups(top, found, where)
        names: dict[str | None, set[str]] = {}
        taken, homes = set[Path](), list[Path]()
        for parent, split in groups.items():
            for folder in _folders(parent, where):
                names.setdefault(split, set()).add(folder_label(folder.name))
                _take(folder, split, found)
                taken.add(folder)
                homes += [folder] * (len(found.files) - len(homes))
        if {*groups.values()} == {None}:
            splits, problem = splits_inside(found.files, homes, where)
            found.splits = splits
            found.problems += [problem] if problem else []
        beside = [folder for folder in top if folder not in taken and not _split_of(folder)]
        _take_rest(found, taken, beside)
    except DataError as error:
        found.problems.append(error)
        return found
    # What is learnt are the classes of train; a set may also be there to be measured on alone
    known = names.get("train") or set().union(*names.values())
    found.labels = tuple(sorted(known))
    if not any(found.splits):
        listed, found.listed = listed_splits(found.inner, found.files, found.others)
        found.splits = [*(listed or found.splits)]
    found.problems += _class_problems(found, names, known, where)
    return found


def _take_rest(found: Layout, taken: set[Path], beside: Sequence[Path]) -> None:
    """Notes what lies in no class folder."""
    rest = walk(found.root, taken)
    for file in rest.images:
        aside = any(file.is_relative_to(folder) for folder in beside)
        (found.aside if aside else found.loose).append(file)
    found.others += rest.others
    found.arrays += rest.arrays
    found.broken += rest.broken
    found.again += rest.again
    found.stored += rest.stored
    for paths in (found.others, found.broken, found.again, found.stored):
        paths.sort(key=by_parts)


def inner_folder(root: Path) -> Path:
    """The folder in which the split or class folders lie: the root, or the only folder in it, and so on.

    Args:
        root: an existing folder.
    """
    here = root
    # An archive has a folder or two around its data, and no link in a circle comes to an end
    for _ in range(_MOST_AROUND):
        folders = _folders(here, f"data {root}")
        if _has_images(here) or not folders:
            return root
        if len(folders) > 1 or _split_of(folders[0]):
            return here
        here = folders[0]
    return root


def _has_images(folder: Path) -> bool:
    """Whether images lie in a folder itself."""
    return any(
        is_image(file) and not file.name.startswith(".") for file in folder.iterdir() if file.is_file()
    )


def _split_of(folder: Path) -> str | None:
    return split_named(folder.name)


def _folders(parent: Path, where: str) -> list[Path]:
    if not parent.exists():
        raise DataError(where, expected="a folder", got="nothing there", hint=_nearest(parent))
    if not parent.is_dir():
        raise DataError(where, expected="a folder", got="a file", hint=f"give {_LAYOUT}")
    try:
        return sorted((f for f in parent.iterdir() if f.is_dir() and not is_hidden(f.name)), key=by_parts)
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
    named = {folder: split for folder in top if (split := _split_of(folder))}
    if not named and (named := _prefixed(top, where)):
        return {_own_folder(folder, where): split for folder, split in named.items()}
    others = [folder for folder in top if folder not in named]
    if not named or (others and not _are_splits(named, others, where)):
        return {found.inner: None}
    splits = [*named.values()]
    twice = next((s for s in sorted(splits) if splits.count(s) > 1), None)
    if twice:
        got = listing(folder.name for folder, s in named.items() if s == twice)
        expected = f"one folder for the {twice} split"
        found.problems.append(DataError(where, expected=expected, got=got, hint="put them together"))
    return {_own_folder(folder, where): split for folder, split in named.items()}


def _prefixed(top: list[Path], where: str) -> dict[Path, str]:
    """Folders such as seg_train/ and seg_test/ and their splits, where they hold the same classes."""
    named = {folder: split for folder in top if (split := split_within(folder.name))}
    apart = len({*named.values()}) == len(named) > 1
    below = {folder: _folders(_own_folder(folder, where), where) for folder in named} if apart else {}
    full = apart and all(not _has_images(f) and any(walk(b).images for b in below[f]) for f in named)
    return named if full and same_classes(below) else {}


def _own_folder(folder: Path, where: str) -> Path:
    """A split folder, or the only folder in it where that has the name of a split again: train/train/cats."""
    below = _folders(folder, where)
    again = len(below) == 1 and (_split_of(below[0]) or below[0].name == folder.name)
    return below[0] if again and not _has_images(folder) else folder


def _are_splits(named: dict[Path, str], others: list[Path], where: str) -> bool:
    """Whether folders called like splits are some, beside others; False where they are classes like these.

    Raises:
        DataError: they may be either.
    """
    # Splits hold class folders, and classes images
    deep = [folder for folder in named if any(walk(below).images for below in _folders(folder, where))]
    several = len({*named.values()}) > 1
    full = [folder for folder in others if walk(folder).images]
    if deep and (several or not full):
        return True
    if not deep and not several:
        return False
    got = (
        f"{listing(f.name + '/' for f in named)} beside {listing((f.name + '/' for f in full or others), 6)}"
    )
    raise DataError(
        where,
        expected="split folders with class folders in them, or class folders alone",
        got=got,
        hint=f"move {listing((f.name + '/' for f in full or others), 3)} elsewhere if these are splits; "
        "if they are classes, put their images into them directly, and give no two of them names of splits",
    )


def _take(folder: Path, split: str | None, found: Layout) -> None:
    below = walk(folder)
    files = below.images
    found.others += below.others
    found.arrays += below.arrays
    found.broken += below.broken
    found.again += below.again
    found.stored += below.stored
    if not files:
        got = f"none that can be read ({kinds(below.others)})" if below.others else "none"
        suffixes = listing(sorted(SUFFIXES))
        hint = read_otherwise(found.root, below.others)
        hint = hint or f"remove the folder, or put files of {suffixes} into it"
        found.problems.append(DataError(f"data {folder}", expected="images", got=got, hint=hint))
    found.files += files
    found.classes += [folder_label(folder.name)] * len(files)
    found.splits += [split] * len(files)


def _class_problems(
    found: Layout, names: dict[str | None, set[str]], known: set[str], where: str
) -> list[DataError]:
    if not known:
        loose = len(found.loose)
        got = f"{counted(loose, 'image')} outside any class folder" if loose else "an empty folder"
        return [DataError(where, expected=_LAYOUT, got=got)]
    problems = []
    for split, there in names.items():
        if extra := sorted(there - known):
            problems.append(
                DataError(
                    f"{where}: {split} split",
                    expected=f"the classes of train ({listing(sorted(known), 6)})",
                    got=quote(extra[0]),
                    hint=f"add a folder train/{extra[0]}, or take {split}/{extra[0]} out",
                )
            )
    if len(known) < FEWEST_CLASSES:
        got = f"one, {quote(found.labels[0])}"
        hint = f"lay it out as {_LAYOUT}"
        found.lone = DataError(where, expected=f"at least {FEWEST_CLASSES} classes", got=got, hint=hint)
        problems.append(found.lone)
    return problems
