"""Options of the augmenters that mix images, look at classes, or draw one change of many."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from zoo import Options, PartOf, RefValue
from zoo_augment.config import FillMode, FillOptions, Positive, Share

_Bins = Annotated[int, Field(ge=2, le=1000)]


class MixupOptions(Options):
    """Options of mixup."""

    alpha: Positive = Field(
        0.2,
        description="of the Beta distribution of shares: 1 is even, below it most images stay nearly whole",
    )
    p: Share = Field(1.0, description="probability that an image is mixed")


class CutMixOptions(Options):
    """Options of cutmix."""

    alpha: Positive = Field(
        1.0,
        description="of the Beta distribution of areas: 1 is even, below it most images stay nearly whole",
    )
    p: Share = Field(1.0, description="probability that an image is mixed")


class RareOptions(Options):
    """Options of augmentation by class."""

    augmenter: Annotated[RefValue, PartOf("augmenter")] = Field(
        "photo", description="what is done to images of rare classes: an augmenter of each image alone"
    )
    p: Share = Field(
        1.0,
        description="probability for a class that hardly has an image, from which it falls to 0 for the "
        "commonest",
    )


class PolicyOptions(FillOptions):
    """Shared by the policies."""

    fill_mode: FillMode = Field(
        "constant", description="what stands outside: the nearest pixel, one value, the mirror image, a copy"
    )
    bins: _Bins = Field(31, description="magnitudes that an operation has")


class RandAugmentOptions(PolicyOptions):
    """Options of RandAugment."""

    operations: Annotated[int, Field(ge=0, le=14)] = Field(2, description="operations for each image")
    magnitude: Annotated[int, Field(ge=0)] = Field(9, description="of all operations, from 0 to bins - 1")

    @model_validator(mode="after")
    def _among_the_bins(self) -> RandAugmentOptions:
        if self.magnitude >= self.bins:
            raise ValueError(f"a magnitude below the {self.bins} bins")
        return self


class TrivialAugmentOptions(PolicyOptions):
    """Options of TrivialAugment."""
