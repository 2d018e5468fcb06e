"""Declarations of the data sets; free of torch."""

from __future__ import annotations

from zoo import Component, Namespace, hookimpl

DATASETS = [
    Component(
        kind="dataset",
        name="digits",
        target="zoo_datasets.embedded:Digits",
        config="zoo_datasets.config:DigitsOptions",
        summary="1,797 handwritten digits of 8 x 8 gray pixels, as scikit-learn ships them.",
        paper="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        tags=("classes", "gray", "small"),
        task="multiclass",
        tiny={"per_class": 4},
        example={
            "classes": 10,
            "for": ["multiclass", "ordinal", "embedding", "reconstruction", "generation"],
        },
    ),
    Component(
        kind="dataset",
        name="faces",
        target="zoo_datasets.embedded:Faces",
        config="zoo_datasets.config:FacesOptions",
        summary="100 faces and 100 crops without one, 25 x 25 gray pixels, as scikit-image ships them.",
        paper="http://vis-www.cs.umass.edu/lfw/",
        tags=("classes", "gray", "small"),
        task="binary",
        tiny={"per_class": 4},
        example={"for": ["binary"]},
    ),
    Component(
        kind="dataset",
        name="glyphs",
        target="zoo_datasets.glyphs:Glyphs",
        config="zoo_datasets.config:GlyphsOptions",
        summary="40 letters drawn in 22 fonts that matplotlib ships, 32 x 32 gray pixels; to pre-train on.",
        tags=("classes", "gray", "small"),
        task="multiclass",
        tiny={"per_class": 3, "size": 16},
        example={"classes": 40},
    ),
    Component(
        kind="dataset",
        name="materials",
        target="zoo_datasets.materials:Materials",
        config="zoo_datasets.config:MaterialsOptions",
        summary="Gray patches of 15 photographs of scikit-image and scikit-learn, a class a photograph.",
        tags=("classes", "gray", "photographs", "small"),
        task="multiclass",
        tiny={"size": 32, "per_class": 2},
        example={"classes": 15},
    ),
    Component(
        kind="dataset",
        name="shapes",
        target="zoo_datasets.shapes:Shapes",
        config="zoo_datasets.config:ShapesOptions",
        summary="Drawn circles, squares and triangles before changing grounds, with masks.",
        tags=("masks", "colour", "small"),
        task="segmentation",
        tiny={"size": 32, "count": 12},
        example={"classes": 4, "for": ["segmentation"]},
    ),
    Component(
        kind="dataset",
        name="photos",
        target="zoo_datasets.photos:Photos",
        config="zoo_datasets.config:PhotosOptions",
        summary="Crops of 15 photographs that scikit-image and scikit-learn ship; without targets.",
        tags=("no targets", "colour", "small"),
        tiny={"size": 32, "per_photo": 2},
        example={"for": ["super-resolution"]},
    ),
]


@hookimpl
def zoo_components() -> list[Component]:
    """Data sets that need no download."""
    return list(DATASETS)


@hookimpl
def zoo_namespace() -> Namespace:
    """`datasets`; version 0.1 had these components in the core."""
    return Namespace(name="datasets", formerly=("core",))
