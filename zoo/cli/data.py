"""`zoo data`: look at data before training on them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli._common import emit_json, json_option

if TYPE_CHECKING:
    from zoo.data.inspection.reported import Report
    from zoo.images.decode import ImageArray
    from zoo.interfaces.dataset import Dataset

_DRAWN = 10


@click.command("data")
@click.argument("data")
@click.option(
    "--set", "sets", multiple=True, metavar="OPTION=VALUE", help="Set an option of a data set: per_class=20."
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(["classes", "masks", "images"]),
    help="How to read a folder  [default: masks beside images/, else classes]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Draw a few images of each class: sheet.png.")
@json_option
def command(*, data: str, sets: tuple[str, ...], kind: str | None, out: Path | None, as_json: bool) -> int:
    """Look at DATA: a folder of class folders, of images with masks, or the name of a data set.

    Every image is read. Exit status 1 if something would stop a training.

    \b
    zoo data ./photos --out sheet.png
    zoo data digits --set per_class=20
    """
    from zoo.data.inspection.report import report
    from zoo.reports.files import plots_path

    dataset = _dataset(data, sets, kind)
    # After what is wrong with the data, and before they are read
    out = plots_path(out) if out is not None else None
    found = report(dataset, data)
    if out is not None:
        _draw(dataset, found, out)
    if as_json:
        emit_json(found.to_dict())
    else:
        click.echo(found)
        if out is not None:
            click.echo(f"\nsheet: {out}")
    return 0 if found.ok else 1


def _dataset(data: str, sets: Sequence[str], kind: str | None) -> Dataset:
    from zoo.cli._recipe import apply
    from zoo.data.resolve import folder_of
    from zoo.data.sources.class_folders import FoundFolders
    from zoo.data.sources.image_folder import ImageFolder
    from zoo.data.sources.layout import inner_folder
    from zoo.data.sources.mask_folders import MaskFolders
    from zoo.data.sources.mask_pairs import IMAGES, MASKS
    from zoo.runtime.data_arguments import as_dataset
    from zoo.spec.errors import OptionError, quote

    folder = folder_of(data)
    if folder is None:
        if kind is not None:
            hint = "leave it out: a data set knows what it has"
            raise OptionError("--as", expected="a folder beside it", got=quote(data), hint=hint)
        named = apply({"data": data}, [f"data.{text}" for text in sets])
        return as_dataset(named["data"])
    if sets:
        expected = "the name of a data set beside it"
        raise OptionError("--set", expected=expected, got=quote(data), hint="a folder has no options")
    if kind is None:
        inner = inner_folder(folder) if folder.is_dir() else folder
        below = [inner, *inner.glob("*/")]
        kind = "masks" if any((f / IMAGES).is_dir() and (f / MASKS).is_dir() for f in below) else "classes"
    if kind == "classes":
        return FoundFolders(folder)
    return MaskFolders(folder) if kind == "masks" else ImageFolder(folder)


def _draw(dataset: Dataset, found: Report, path: Path) -> None:
    """A row for each class, with images from all over it."""
    import torch

    from zoo.reports.image_grids import overlay
    from zoo.reports.plots import overview
    from zoo.spec.errors import DataError, ZooWarning

    classes = bool(found.classes) and all(isinstance(target, int) for target in dataset.targets)
    groups: dict[str, list[int]] = {label: [] for label in found.classes} if classes else {}
    for i, target in enumerate(dataset.targets):
        label = dataset.labels[target] if classes else dataset.split_of(i) or ""
        groups.setdefault(label, []).append(i)
    rows: dict[str, list[ImageArray]] = {label: [] for label in groups}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZooWarning)  # the report has it
        for label, members in groups.items():
            # At even distances, so that they are from all over the class
            for i in members[:: max(len(members) // _DRAWN, 1)][:_DRAWN]:
                with contextlib.suppress(DataError):
                    sample = dataset[i]
                    mask = None if sample.mask is None else torch.from_numpy(sample.mask)
                    rows[label].append(sample.image if mask is None else overlay(sample.image, mask))
    overview(rows, path, found.source)
