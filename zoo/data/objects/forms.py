"""Objects as data sets: arrays, lists, tables of columns, frames, torch data sets; told by what they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.data.objects.arrays import Listed, first_sample, images_of, is_array, is_image, listed
from zoo.data.objects.featured_tables import LazyColumn
from zoo.data.objects.frames import (
    LastRow,
    check_names,
    columns_of,
    columns_of_rows,
    has_columns,
    is_dicts,
    is_frame,
)
from zoo.data.sources.torch_dataset import TorchData, class_names
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.records.records import Records
from zoo.interfaces.records.roles import Roles
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import needs_images_alone, needs_masks
from zoo.interfaces.tasks.columns import Cells
from zoo.spec.data_options import ColumnOptions, MaskValues
from zoo.spec.display import counted
from zoo.spec.errors import DataError, OptionError, listing, quote
from zoo.spec.options import validate
from zoo.spec.reference import local_path
from zoo.spec.split_names import split_named

_PAIR, _AXES, _PARTS = 2, 2, ("train", "val", "test")
_SAMPLE = "a pair (image, target) or a dict with names"


def parts_of(value: Any, task: Task | None) -> dict[str, Any] | None:
    """The data sets of which each is a split, by its name; None where an object is no such thing.

    Args:
        value: a table with names of splits, as `DatasetDict` is one, or a tuple (train, val) or
            (train, val, test).
        task: of the model: for one that needs images alone two arrays are two sets.

    Raises:
        DataError: two of its names mean the same split, or one none.
    """
    if isinstance(value, Mapping) and len(value) and not isinstance(value, Dataset):
        names = [split_named(str(name)) for name in value]
        if None in names:
            _check_columns(value)
            return None
        if len({*names}) < len(names):
            got = listing(map(quote, value))
            raise DataError("data", expected="each of train, val and test once", got=got)
        return {str(name): part for name, part in zip(names, value.values(), strict=True)}
    if not isinstance(value, tuple) or len(value) not in (_PAIR, len(_PARTS)):
        return None
    # First: gray images of an array look like one image with channels
    if not all(_is_set(part, task) for part in value):
        # Samples are pairs and tables themselves
        tables = any(isinstance(part, Mapping) and not _is_columns(part) for part in value)
        if is_pair(value, task) or tables or _is_sample(value[0], task):
            return None
    return dict(zip(_PARTS, value, strict=False))


def is_pair(value: Any, task: Task | None) -> bool:
    """Whether an object is (X, y): many images, and as many targets."""
    if not isinstance(value, tuple) or len(value) != _PAIR or images_of(value[0], "data") is None:
        return False
    if needs_images_alone(task) and images_of(value[1], "data") is not None:
        return False
    return hasattr(value[1], "__len__") and not isinstance(value[1], str | Mapping)


def data_of(value: Any, task: Task | None, options: Mapping[str, Any]) -> Dataset:
    """The data set that an object is.

    Args:
        value: no splits, see `parts_of`.
        task: of the model.
        options: of columns, which data without columns refuse.

    Raises:
        DataError: it is none; the error says how to wrap it.
        OptionError: an option is unknown, or the data have no columns.
    """
    where = f"data {type(value).__name__}"
    if has_columns(value):
        return _table(value, options, where)
    if isinstance(value, Dataset):
        if options:
            raise OptionError(where, expected="no options of columns", got=listing(options))
        return value
    masks = _mask_values(options, task, where)
    if is_pair(value, task):
        return _pair(value, where, masks)
    if (images := images_of(value, where)) is not None:
        return listed(images, None, where)
    if isinstance(value, list | tuple):
        return _samples(value, where, task, masks)
    _check_by_number(value)
    return TorchData(value, task, masks)


def _mask_values(options: Mapping[str, Any], task: Task | None, where: str) -> MaskValues | None:
    """What the values of masks mean, where masks are learnt; other options of columns are refused."""
    allowed = {*MaskValues.model_fields} if needs_masks(task) else set()
    if other := [name for name in options if name not in allowed]:
        hint = 'give columns, such as {"image": images, "label": labels, "patient": patients}'
        expected, got = "data with columns", quote(where.removeprefix("data "))
        raise OptionError(f"{where}: {listing(other)}", expected=expected, got=got, hint=hint)
    return validate(MaskValues, options, where) if needs_masks(task) else None


def _table(value: Any, options: Mapping[str, Any], where: str) -> Dataset:
    said = validate(ColumnOptions, options, where)
    root = None if said.folder is None else local_path(said.folder)
    values = said.model_dump(include={*MaskValues.model_fields}, exclude_unset=True)
    roles = Roles(**said.model_dump(exclude={"folder", *MaskValues.model_fields}))
    more: dict[str, Any] = {"root": root, "where": where, "mask_values": MaskValues(**values)}
    if is_dicts(value):
        return Listed(_cells(value), roles, names=class_names(value), stable=False, **more)
    return Records(_columns(value), roles=roles, **more)


def _columns(value: Any) -> Cells:
    if isinstance(value, list | tuple):
        return columns_of_rows(value)
    if not isinstance(value, Mapping):
        return columns_of(value)
    if odd := next((name for name, column in value.items() if not _is_column(column)), None):
        got = f"{quote(type(value[odd]).__name__)} in {quote(odd)}"
        hint = 'a table of columns is {"image": [...], "label": [...]}, a file {"path": "labels.csv"}'
        raise DataError("data", expected="a list of cells in each column", got=got, hint=hint)
    check_names(value)
    return {str(name): images_of(column, str(name)) or column for name, column in value.items()}


def _cells(data: Any) -> Cells:
    """The columns of a torch data set whose samples are dicts; images are read when they are asked for."""
    first, where = first_sample(data), f"{type(data).__name__}"
    found: dict[str, list[Any]] = {name: [] for name in first if not is_image(first[name])}
    for i in range(len(data)):
        item = data[i]
        if missing := [name for name in first if name not in item]:
            got = listing(map(quote, item))
            raise DataError(f"{where}[{i}]", expected=f"{quote(missing[0])} in each dict", got=got)
        for name, cells in found.items():
            cells.append(item[name])
    rows = LastRow(data)
    return {str(name): found[name] if name in found else LazyColumn(rows, name) for name in first}


def _pair(value: tuple[Any, Any], where: str, masks: MaskValues | None) -> Dataset:
    rows, targets = images_of(value[0], where), value[1]
    if masks is not None:
        targets = images_of(targets, where) or targets
    assert rows is not None  # noqa: S101 - as `is_pair` says
    if len(rows) != len(targets):
        what = "target" if masks is None else "mask"
        got = f"{counted(len(rows), 'image')} and {counted(len(targets), what)}"
        raise DataError(where, expected=f"a {what} for each image", got=got)
    if masks is None and not isinstance(targets, list):
        targets = [*targets]
    return listed(rows, targets, where, masks=masks)


def _samples(items: Sequence[Any], where: str, task: Task | None, masks: MaskValues | None) -> Dataset:
    if not items:
        raise DataError(where, expected="samples", got="none")
    odd = next((i for i, item in enumerate(items) if not _is_sample(item, task)), None)
    if odd is not None:
        item = items[odd]
        hint = None
        if isinstance(item, list | tuple) and len(item) > _PAIR and is_image(item[0]):
            hint = "[(image, target) for image, target, *_ in data] keeps two of them"
        elif is_array(item):
            hint = "(X, y), a tuple of two arrays, is taken too"
        elif isinstance(item, list | tuple) and len(item) == _PAIR and is_array(item[1]):
            hint = "arrays of one length are many images and their targets; a mask needs a model for masks"
        what = type(item).__name__ + (f" of {len(item)}" if isinstance(item, list | tuple) else "")
        raise DataError(f"{where}[{odd}]", expected=_SAMPLE, got=what, hint=hint)
    return listed([item[0] for item in items], [item[1] for item in items], where, masks=masks)


def _is_set(value: Any, task: Task | None) -> bool:
    """Whether an object is an array of images with as many targets."""
    if (
        not isinstance(value, tuple)
        or len(value) != _PAIR
        or not is_array(value[0])
        or value[0].ndim <= _AXES
    ):
        return False
    if needs_masks(task) and getattr(value[1], "ndim", 0) == _AXES:
        return False
    return hasattr(value[1], "__len__") and len(value[0]) == len(value[1]) > _PAIR


def _check_columns(value: Mapping[Any, Any]) -> None:
    """Raises DataError for a table of tables, whose names are then those of splits."""
    if any(is_frame(part) for part in value.values()):
        odd = [name for name in value if not split_named(str(name))]
        first = next(iter(value))
        hint = f'{{"train": data[{quote(str(first))}], ...}} says what each is, and leaves others out'
        raise DataError(
            "data", expected="splits train, val and test", got=listing(map(quote, odd)), hint=hint
        )


def _is_sample(item: Any, task: Task | None) -> bool:
    """Whether an item is an image with its target."""
    if not isinstance(item, list | tuple) or len(item) != _PAIR or not is_image(item[0]):
        return False
    # Two arrays of one length are many images with their targets
    several = is_array(item[1]) and item[1].ndim > 0 and not (needs_masks(task) and item[1].ndim == _AXES)
    return not (several and is_array(item[0]) and len(item[0]) == len(item[1]) > _PAIR)


def _is_columns(value: Mapping[Any, Any]) -> bool:
    return all(_is_column(column) for column in value.values())


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, str | bytes)


def _check_by_number(value: Any) -> None:
    """Raises DataError for an object that gives no samples by number, with how to wrap it."""
    if hasattr(value, "batch_sampler") and hasattr(value, "dataset"):
        hint = "give loader.dataset; batch_size= and workers= are options of fit"
    elif hasattr(value, "as_numpy_iterator"):
        hint = "give [*data.unbatch().as_numpy_iterator()], a list of pairs"
    elif hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, str | bytes):
        return
    elif hasattr(value, "__iter__"):
        hint = "give [*data], a list of pairs (image, target)"
    else:
        hint = "(X, y), a list of pairs (image, target) or of dicts and a frame are taken as well"
    expected = "a folder, a file, a name, or samples with len() and []"
    raise DataError("data", expected=expected, got=quote(type(value).__name__), hint=hint)
