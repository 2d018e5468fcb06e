"""Data as a model would see them: through its range, in its channels, of its bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from zoo.data.inspection.findings import Finding, InspectedImage
from zoo.data.inspection.statistics import Statistics
from zoo.data.loader.ranged import ranged
from zoo.data.view import View
from zoo.images.prepare import as_numbers, to_channels
from zoo.images.ranges import How
from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.normalise import banded
from zoo.spec.channels.bands import Band
from zoo.spec.display import counted
from zoo.spec.errors import DataError
from zoo.spec.hints.spoken import argument
from zoo.spec.inputs import FIRST, InputSpec, Reading


@dataclass(frozen=True, slots=True)
class Look:
    """Part of an input spec that says how images look to a model.

    Args:
        values: range of their numbers, and what is read of pages, see `zoo.InputSpec`.
        channels: that they are turned into; None for their own.
        bands: of these channels; none for the channels as they are.
    """

    values: How | None = None
    channels: int | None = None
    bands: tuple[Band, ...] = ()

    @classmethod
    def by(cls, spec: InputSpec) -> Look:
        """The look of images to a model that takes these."""
        return cls(spec.reading, spec.channels, spec.bands)

    def of(self, dataset: Dataset) -> Dataset:
        """The data so; as they are where nothing is said."""
        found = ranged(dataset, self.values)
        if self.channels is None and not self.bands:
            return found
        return AsSeen(found, self.channels or InputSpec().channels, self.bands)


class AsSeen(View):
    """Data whose images have the channels of a model, and of these its bands, each from its span to 0..1.

    Args:
        source: the data as they are read.
        channels: of the model.
        bands: of the model; none for the channels.
    """

    def __init__(self, source: Dataset, channels: int, bands: Sequence[Band] = ()) -> None:
        super().__init__(source)
        self.files, self.channels, self.bands = source.files, channels, tuple(bands)

    def __getitem__(self, index: int) -> Sample:
        sample = self.source[index]
        x = as_numbers(torch.tensor(sample.image).permute(2, 0, 1))
        x = to_channels(x, self.channels, self.name(index))
        if self.bands:
            low = x.new_tensor([band.span[0] for band in self.bands]).view(-1, 1, 1)
            high = x.new_tensor([band.span[1] for band in self.bands]).view(-1, 1, 1)
            x = (banded(x[None], self.bands)[0] - low) / (high - low)
        return replace(sample, image=x.permute(1, 2, 0).contiguous().numpy())

    def statistics(self, found: Statistics) -> Statistics:
        """Statistics of these images in the unit of each band."""
        if not self.bands:
            return found
        spans = [band.span for band in self.bands]
        mean = tuple(m * (high - low) + low for m, (low, high) in zip(found.mean, spans, strict=True))
        std = tuple(s * (high - low) for s, (low, high) in zip(found.std, spans, strict=True))
        said = {"input": {"bands": [band.to_value() for band in self.bands]}}
        return Statistics(found.images, mean, std, said)

    def misfits(self, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
        """The images that have no such channels.

        Args:
            seen: all images, as they are read.
        """
        other = {
            i: s.shape[2] for i, s in enumerate(seen) if s.shape and not _fits(s.shape[2], self.channels)
        }
        if other:
            wanted = counted(self.channels, "channel")
            what = f"{counted(len(other), 'image')} that cannot be turned into {wanted}"
            names = tuple(f"{self.name(i)}: {counted(own, 'channel')}" for i, own in other.items())
            yield Finding(True, f"{what}; convert or remove them", names, tuple((i,) for i in other))


def _fits(own: int, channels: int) -> bool:
    try:
        to_channels(torch.zeros(own, 1, 1), channels)
    except DataError:
        return False
    return True


def said_statistics(dataset: Dataset, found: Statistics) -> Statistics:
    """Statistics of data, with all that a model has to be told so that its images look like these.

    Args:
        dataset: the data, as a model would see them or as they are.
        found: of its images.
    """
    seen = dataset if isinstance(dataset, AsSeen) else None
    found = found if seen is None else seen.statistics(found)
    read = dataset if seen is None else seen.source
    how = read.values if isinstance(read, View) else None
    values, pages = (how.range, how.pages) if isinstance(how, Reading) else (how, FIRST)
    channels = len(found.mean) if seen is None else seen.channels
    said: dict[str, Any] = {"in_channels": channels} if channels != InputSpec().channels else {}
    said |= {"value_range": [*values]} if values is not None else {}
    said |= {"pages": pages} if pages != FIRST else {}
    return replace(found, said={**said, **found.said})


def unsaid_channels(dataset: Dataset, seen: Sequence[InspectedImage]) -> Iterator[Finding]:
    """The channels that a model has to be told of, where it takes the images by no number of its own.

    Args:
        dataset: the data, as a model would see them or as they are.
        seen: all images, as they are read.
    """
    found = {image.shape[2] for image in seen if image.shape}
    if (
        not isinstance(dataset, AsSeen)
        and len(found) == 1
        and not _fits(own := found.pop(), InputSpec().channels)
    ):
        usual = counted(InputSpec().channels, "channel")
        text = f"images of {counted(own, 'channel')}: a model takes {usual}, unless it is built for these"
        yield Finding(False, f"{text}: {argument('in_channels', own)}")
