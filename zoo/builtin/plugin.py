"""What the core's own plugin offers; free of torch."""

from __future__ import annotations

from zoo import hookimpl
from zoo.spec.component import Component

_CONFIG = "zoo.builtin.config:"


def _head(name: str, target: str, task: str, summary: str, config: str = "PooledOptions") -> Component:
    return Component(
        kind="head",
        name=name,
        target=f"zoo.builtin.heads:{target}",
        config=_CONFIG + config,
        summary=summary,
        task=task,
        tiny={"hidden": [4]},
    )


def _loss(
    name: str, target: str, task: str, summary: str, *, config: str | None = None, tags: tuple[str, ...] = ()
) -> Component:
    return Component(
        kind="loss",
        name=name,
        target=f"zoo.builtin.losses:{target}",
        config=_CONFIG + config if config else None,
        summary=summary,
        task=task,
        tags=tags,
    )


HEADS = [
    _head("binary", "BinaryHead", "binary", "Two classes from one logit, which speaks for the second."),
    _head("multiclass", "MulticlassHead", "multiclass", "One of K classes from K logits."),
    _head(
        "ordinal",
        "OrdinalHead",
        "ordinal",
        "One of K ordered classes from K - 1 logits, the k-th for being above class k.",
    ),
    _head("multilabel", "MultilabelHead", "multilabel", "Any of K labels from K logits."),
    _head("regression", "RegressionHead", "regression", "One or more real values."),
    _head(
        "embedding",
        "EmbeddingHead",
        "embedding",
        "A vector, of length one by default, whose distances mean likeness.",
        "EmbeddingOptions",
    ),
]

_DEFAULT = ("default",)
LOSSES = [
    _loss("bce", "BCE", "binary", "Binary cross-entropy of one logit.", config="BCEOptions", tags=_DEFAULT),
    _loss(
        "cross-entropy",
        "CrossEntropy",
        "multiclass",
        "Cross-entropy of K logits, with label smoothing and class weights.",
        config="CrossEntropyOptions",
        tags=_DEFAULT,
    ),
    _loss(
        "cumulative-bce",
        "CumulativeBCE",
        "ordinal",
        "Binary cross-entropy of each threshold between ordered classes.",
        tags=_DEFAULT,
    ),
    _loss(
        "multilabel-soft-margin",
        "MultilabelSoftMargin",
        "multilabel",
        "Binary cross-entropy of each label, averaged.",
        tags=_DEFAULT,
    ),
    _loss("mse", "MSE", "regression", "Mean squared error.", tags=_DEFAULT),
    _loss("l1", "L1", "regression", "Mean absolute error."),
]

TRAINERS = [
    Component(
        kind="trainer",
        name="supervised",
        target="zoo.builtin.supervised:Supervised",
        config=_CONFIG + "SupervisedOptions",
        summary="One optimizer, one loss, pictures with targets.",
        tags=_DEFAULT,
        tiny={"epochs": 1, "batch_size": 4},
    ),
]

DATASETS = [
    Component(
        kind="dataset",
        name="digits",
        target="zoo.builtin.datasets:Digits",
        config=_CONFIG + "DigitsOptions",
        summary="1,797 handwritten digits of 8 x 8 gray pixels, as scikit-learn ships them.",
        paper="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        tags=("classes", "gray", "small"),
        task="multiclass",
        tiny={"per_class": 4},
    ),
    Component(
        kind="dataset",
        name="faces",
        target="zoo.builtin.datasets:Faces",
        config=_CONFIG + "FacesOptions",
        summary="100 faces and 100 crops without one, 25 x 25 gray pixels, as scikit-image ships them.",
        paper="http://vis-www.cs.umass.edu/lfw/",
        tags=("classes", "gray", "small"),
        task="binary",
        tiny={"per_class": 4},
    ),
]


@hookimpl
def zoo_components() -> list[Component]:
    """All components of the core."""
    return [*HEADS, *LOSSES, *TRAINERS, *DATASETS]
