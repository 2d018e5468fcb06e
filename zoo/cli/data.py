"""`zoo data`: look at data before training on them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli._common import emit_json, json_option

if TYPE_CHECKING:
    from zoo.data.inspection.as_seen import Look
    from zoo.data.inspection.reported import Report
    from zoo.experiments.label_errors import LabelErrors
    from zoo.images.decode import ImageArray
    from zoo.interfaces.dataset import Dataset
    from zoo.reports.data_page import Suspects

_DRAWN = 10


@click.command("data")
@click.argument("data")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Set an option of a data set: per_class=20; or a model's input: model.value_range=[0,4095].",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(["classes", "labels", "values", "masks", "images"]),
    help="How to read a folder, or targets of a table  [default: by what is there]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Draw a few images of each class: sheet.png.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path),
    help="Write a page with the images in question: report.html.",
)
@click.option(
    "--model",
    help="Folder of a run, or of folds, on these data: finds labels that are probably wrong.",
)
@click.option(
    "--trained",
    is_flag=True,
    help="Ask the model about images that it was trained on too; they are marked.",
)
@click.option(
    "--in-channels",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Look at images as a model of so many channels takes them.",
)
@click.option("--statistics", is_flag=True, help="Mean and std of the images that are trained on.")
@click.option("--seed", type=int, help="Of the splits that these come from  [default: 0]")
@json_option
def command(
    *,
    data: str,
    sets: tuple[str, ...],
    kind: str | None,
    out: Path | None,
    page: Path | None,
    model: str | None,
    trained: bool,
    in_channels: int | None,
    statistics: bool,
    seed: int | None,
    as_json: bool,
) -> int:
    """Look at DATA: a folder of class folders, of images with masks, a table, or the name of a data set.

    Every image is read. Exit status 1 if something would stop a training.

    \b
    zoo data ./photos --out sheet.png
    zoo data digits --set per_class=20
    zoo data ./photos --html report.html --model runs/cats
    zoo data ./photos --statistics
    zoo data labels.csv --set target=age --as values
    zoo data ./scans --set 'model.value_range=[0, 4095]' --out sheet.png
    """
    from zoo.cli._look import look_of
    from zoo.cli._recipe import apply, in_section, typed_data
    from zoo.data.inspection.report import report
    from zoo.experiments.label_errors import label_errors
    from zoo.reports.data_page import page_path, write_page
    from zoo.reports.files import plots_path
    from zoo.runtime.data_arguments import as_dataset
    from zoo.spec.errors import hearing
    from zoo.spec.hints.spoken import Spoken, speaking

    notes: list[str] = []

    def hear(text: str) -> bool:
        notes.append(text)
        return False

    click.get_current_context().with_resource(speaking(Spoken(way="shell", rest="shell", data="")))
    own, look = look_of(sets, in_channels, alone=model is None)
    named = apply({"data": typed_data(data)}, in_section(own))["data"]
    with hearing(hear):
        read = (_dataset(named, kind, as_dataset), look) if model is None else _as_trained(model, named, kind)
    # After what is wrong with the data, and before they are read
    out = plots_path(out) if out is not None else None
    page = page_path(page) if page is not None else None
    _check_beside("--seed", seed is not None, "--statistics", statistics)
    _check_beside("--trained", trained, "--model", model is not None)
    dataset = read[1].of(read[0])
    found = report(dataset, data, seed=(seed or 0) if statistics else None)
    wrong = None
    if model is not None:
        # Which these are is in the report
        skipped = found.readable < found.images
        with hearing(lambda text: text in notes):
            wrong = label_errors(model, named, trained=trained, skip_unreadable=skipped)
    if out is not None:
        _draw(dataset, found, out)
    if page is not None:
        write_page(page, found, dataset, notes=notes, suspects=_suspects(wrong) if wrong else None)
    if as_json:
        emit_json(found.to_dict() | ({"label_errors": wrong.to_dict()} if wrong else {}))
        return 0 if found.ok else 1
    _say(found, wrong, sheet=out, page=page)
    return 0 if found.ok else 1


def _say(found: Report, wrong: LabelErrors | None, **drawn: Path | None) -> None:
    click.echo(found)
    if wrong is not None:
        click.echo(f"\n{wrong}")
    for name, path in drawn.items():
        if path is not None:
            click.echo(f"\n{name}: {path}")


def _check_beside(option: str, given: bool, other: str, there: bool) -> None:
    """Raises OptionError where an option stands without the one that it belongs to."""
    from zoo.spec.errors import OptionError

    if given and not there:
        raise OptionError(option, expected=f"{other} beside it", got="none", hint="leave it out")


def _as_trained(place: str, named: Any, kind: str | None) -> tuple[Dataset, Look]:
    """The data as a run reads them, and how its images look."""
    from zoo.data.as_trained import as_trained
    from zoo.data.inspection.as_seen import Look
    from zoo.experiments.label_errors import asked_model, reading_of
    from zoo.inference.measuring.probabilities import check_one_class
    from zoo.runtime.data_arguments import as_dataset
    from zoo.spec.errors import OptionError

    if kind is not None:
        hint = "leave it out: the run knows how"
        raise OptionError("--as", expected="no --model beside it", got=kind, hint=hint)
    model = asked_model(place)
    how = reading_of(model)
    section = as_trained(named, model.recipe.data, "data")
    dataset = _dataset(section, None, lambda data: as_dataset(data, **how))
    # Before all images are read
    if model.task is not None:
        check_one_class(model.task, dataset.targets)
    return dataset, Look.by(model.input_spec)


def _suspects(found: LabelErrors) -> Suspects:
    from zoo.reports.data_page import Suspects

    shown = [(e.index, e.name, e.given, e.likely, e.confidence, e.trained_on) for e in found.errors]
    return Suspects(found.headline, shown, found.data, found.joint.counts, found.labels)


def _dataset(named: Any, kind: str | None, read: Callable[[Any], Dataset]) -> Dataset:
    from zoo.data.resolve import folder_of
    from zoo.data.section import section_of
    from zoo.data.sources.class_folders import FoundFolders
    from zoo.data.sources.image_folder import ImageFolder
    from zoo.data.sources.mask_folders import MaskFolders
    from zoo.data.sources.mask_layout import has_masks
    from zoo.data.sources.mask_options import check_none
    from zoo.data.view import with_options
    from zoo.spec.errors import OptionError

    folder = folder_of(named)
    if folder is None:
        return _not_a_folder(named, kind, read)
    section = section_of(named)
    if kind is None:
        masks = folder.is_dir() and has_masks(folder)
        kind = "masks" if masks or section.folder.model_fields_set else "classes"
    if kind not in ("classes", "masks", "images"):
        raise OptionError("--as", expected="classes, masks or images of a folder", got=kind)
    found: Dataset
    if kind == "masks":
        found = MaskFolders(folder, options=section.folder)
    else:
        check_none(section.folder, f"data {folder}")
        found = FoundFolders(folder) if kind == "classes" else ImageFolder(folder)
    return with_options(found, section.options)


def _not_a_folder(named: Any, kind: str | None, read: Callable[[Any], Dataset]) -> Dataset:
    """A table, whose targets may be read as somebody says, or a data set by name."""
    from zoo.data.section import section_of
    from zoo.interfaces.tasks.choice import FORMS, for_form
    from zoo.runtime.data_arguments import as_dataset
    from zoo.spec.data_options import PATH
    from zoo.spec.errors import OptionError, listing, quote
    from zoo.spec.reference import ComponentRef, HubDataRef

    if kind is None:
        return read(named)
    source = section_of(named).source
    table = isinstance(source, ComponentRef) and PATH in source.options
    if kind in FORMS and (table or isinstance(source, HubDataRef)):
        found = as_dataset(named, task=for_form(kind))
        if kind == "masks" and not found.masks:
            hint = "--set data.mask=ITS_COLUMN"
            raise OptionError("--as masks", expected="a column of mask files", got="none", hint=hint)
        return found
    hint = "leave it out: a data set knows what it has"
    expected = f"a folder, or {listing(FORMS)} of a table, beside it"
    raise OptionError("--as", expected=expected, got=quote(str(source)), hint=hint)


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
