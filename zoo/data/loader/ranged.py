"""Data whose numbers are scaled by the range of a model."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from zoo.data.view import View
from zoo.images.ranges import How, scaled_by
from zoo.interfaces.dataset import Dataset, Sample
from zoo.spec.errors import DataError


class Ranged(View):
    """Data of which the images are read as a model with a range reads them, whoever asks.

    Args:
        source: the data as they are.
        values: lowest and highest number that matter; see `zoo.InputSpec`.
    """

    def __init__(self, source: Dataset, values: How) -> None:
        super().__init__(source)
        self.files, self.values = source.files, values

    def __getitem__(self, index: int) -> Sample:
        return self._scaled(index, lambda: self.source[index])

    def reduced(self, index: int, least: tuple[int, int]) -> Sample:
        """The sample in the data, read for a size."""
        return self._scaled(index, lambda: self.source.reduced(index, least))

    def _scaled(self, index: int, read: Callable[[], Sample]) -> Sample:
        with scaled_by(self.values) as asked:
            sample = read()
        if asked is not None and not asked.used:
            got = "images that the data set makes by itself"
            hint = "leave value_range out; a data set of yours reads files by zoo.interfaces.decode"
            raise DataError(self.name(index), expected=f"numbers for {asked}", got=got, hint=hint)
        return sample

    @cached_property
    def fingerprint(self) -> str | None:  # type: ignore[override]  # looks at all images, when asked for
        """The fingerprint of the data."""
        with scaled_by(self.values):
            return self.source.fingerprint

    def key(self, index: int) -> str:
        """The digest in the data."""
        with scaled_by(self.values):
            return self.source.key(index)


def ranged(dataset: Dataset, values: How | None) -> Dataset:
    """The data as a model with a range reads them; as they are where it has none."""
    return dataset if values is None else Ranged(dataset, values)
