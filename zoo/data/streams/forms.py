"""Data whose training images come from a stream, with a validation set beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch.utils.data import IterableDataset

from zoo.data.section import DataSection
from zoo.data.view import View
from zoo.interfaces.dataset import Dataset
from zoo.spec.errors import DataError, OptionError, listing, quote
from zoo.spec.split_names import split_named

_MOST, _TRAIN = 3, "train"
_ROWS = "[*itertools.islice(stream, 500)] takes images off a stream"
_STEPS = "steps_per_epoch"


class Streamed(View):
    """Data of which the validation and the test are a set, and what is trained on is a stream.

    Args:
        source: validation, and perhaps test.
        stream: gives samples one by one; begun anew where it ends.
        columns: options that say which part of a sample is what.
        steps: batches an epoch; None where nobody said them.
    """

    def __init__(
        self, source: Dataset, stream: Any, columns: Mapping[str, Any], steps: int | None = None
    ) -> None:
        super().__init__(source)
        self.stream, self.columns, self.steps = stream, columns, steps

    @property
    def counted(self) -> int:
        """Batches an epoch.

        Raises:
            OptionError: nobody said them.
        """
        if self.steps is None:
            hint = f"say how many batches are an epoch: {_STEPS}=1000"
            where = f"data {type(self.stream).__name__}"
            raise OptionError(where, expected="a length", got="a stream", hint=hint)
        return self.steps


def stream_in(data: Dataset) -> Streamed | None:
    """The stream that data are trained on by, whatever a view tells otherwise; None for other data.

    Args:
        data: perhaps with the classes of a model.
    """
    if isinstance(data, Streamed):
        return data
    return stream_in(data.source) if isinstance(data, View) else None


def is_stream(value: Any) -> bool:
    """Whether an object gives samples one by one alone, and can be begun anew.

    Args:
        value: any object.

    Example:
        >>> is_stream([1, 2]), is_stream(iter([1, 2]))
        (False, False)
    """
    if isinstance(value, IterableDataset):
        return True
    # Streams of Hugging Face are no sets of torch
    named = hasattr(value, "features") and hasattr(value, "column_names")
    return named and hasattr(value, "__iter__") and not hasattr(value, "__len__")


def with_stream(section: DataSection) -> tuple[Any, dict[str, Any]] | None:
    """The stream and the sets beside it by the names of their splits; None for other data.

    Args:
        section: of an object.

    Raises:
        DataError: there is no validation set, or it is a stream too.
        OptionError: an option cannot be had of a stream.
    """
    parts = _parts(section.source)
    if parts is None:
        return None
    stream = parts.pop(_TRAIN)
    where = f"data {type(stream).__name__}"
    if "val" not in parts:
        hint = f"give (stream, validation set); {_ROWS}"
        raise DataError(where, expected="a validation set beside a stream", got="none", hint=hint)
    if odd := next((name for name, part in parts.items() if is_stream(part)), None):
        got = f"the stream {type(parts[odd]).__name__} for {odd}"
        raise DataError(where, expected="a set with a length", got=got, hint=_ROWS)
    options = section.options
    refused = {name: getattr(options, name) for name in ("sampler", "fold", "near_duplicates")}
    refused |= {name: section.own.get(name) for name in ("split", "order")} | {"group": options.group}
    if asked := [name for name, value in refused.items() if value]:
        hint = "leave it out, or give data with a length: a list, a folder, shards"
        raise OptionError(f"{where}: {listing(asked)}", expected="no such option", got="one", hint=hint)
    return stream, parts


def _parts(value: Any) -> dict[str, Any] | None:
    if is_stream(value):
        return {_TRAIN: value}
    if isinstance(value, tuple) and 1 < len(value) <= _MOST and is_stream(value[0]):
        return dict(zip((_TRAIN, "val", "test"), value, strict=False))
    if not isinstance(value, Mapping) or isinstance(value, Dataset):
        return None
    if not any(is_stream(part) for part in value.values()):
        return None
    names = {str(name): split_named(str(name)) for name in value}
    if odd := [name for name, split in names.items() if split is None]:
        got = listing(map(quote, odd))
        raise DataError("data", expected="splits train, val and test", got=got, hint="leave others out")
    found = {str(split_named(str(name))): part for name, part in value.items()}
    if _TRAIN not in found or not is_stream(found[_TRAIN]):
        odd_one = next(name for name, part in found.items() if is_stream(part))
        got = f"the stream of {quote(odd_one)}"
        raise DataError("data", expected="a stream to train on alone", got=got, hint=_ROWS)
    return found
