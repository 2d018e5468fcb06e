"""Options of torchvision's data sets; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo import Options


class RootedOptions(Options):
    """Options of a set whose files nobody may fetch but you."""

    root: Annotated[str, Field(min_length=1)] = Field("data", description="folder that holds the set's own")


class SetOptions(RootedOptions):
    """Options of a set that torchvision can fetch."""

    download: bool = Field(False, description="fetch what is missing")


class EMNISTOptions(SetOptions):
    """Options of EMNIST."""

    variant: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"] = Field(
        "balanced", description="which of its sets of characters (torchvision's `split`)"
    )


class SVHNOptions(SetOptions):
    """Options of SVHN."""

    extra: bool = Field(False, description="train on its 531,131 easier images too")


class PetOptions(SetOptions):
    """Options of the Oxford-IIIT pets."""

    target: Literal["category", "binary-category", "segmentation"] = Field(
        "category", description="the breed, cat or dog, or a mask"
    )


class AircraftOptions(SetOptions):
    """Options of FGVC-Aircraft."""

    annotation_level: Literal["variant", "family", "manufacturer"] = Field(
        "variant", description="how finely the classes are divided"
    )


class DTDOptions(SetOptions):
    """Options of the describable textures."""

    partition: Annotated[int, Field(ge=1, le=10)] = Field(
        1, description="which of its ten divisions into train, val and test"
    )


class VOCOptions(SetOptions):
    """Options of Pascal VOC."""

    year: Literal["2007", "2008", "2009", "2010", "2011", "2012"] = Field(
        "2012", description="of the challenge; that of 2007 has a test split"
    )


class CityscapesOptions(RootedOptions):
    """Options of Cityscapes."""

    target: Literal["classes", "categories"] = Field(
        "classes", description="the 19 classes that are evaluated, or the 7 categories of them"
    )
    mode: Literal["fine", "coarse"] = Field("fine", description="how finely the masks are drawn")


class CelebAOptions(SetOptions):
    """Options of CelebA."""

    target: Literal["attr", "identity"] = Field(
        "attr", description="40 attributes, several an image, or the person"
    )


class ImagenetteOptions(SetOptions):
    """Options of Imagenette."""

    size: Literal["full", "320px", "160px"] = Field("full", description="of the images' shorter side")


class PlacesOptions(SetOptions):
    """Options of Places365."""

    small: bool = Field(False, description="the images of 256 x 256 pixels")


class INaturalistOptions(SetOptions):
    """Options of iNaturalist."""

    version: Literal["2021", "2021_mini", "2019", "2018", "2017"] = Field(
        "2021", description="of the challenge; those of 2021 have a val split"
    )
    target: Literal["full", "kingdom", "phylum", "class", "order", "family", "genus", "super"] = Field(
        "full", description="the species, or a group of them; `super` before 2021, the others in 2021"
    )


class OmniglotOptions(SetOptions):
    """Options of Omniglot."""

    background: bool = Field(True, description="the 30 alphabets to learn from, else the 20 to evaluate on")


class LFWOptions(RootedOptions):
    """Options of Labeled Faces in the Wild."""

    image_set: Literal["original", "funneled", "deepfunneled"] = Field(
        "funneled", description="how the faces are aligned"
    )
