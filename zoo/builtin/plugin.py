"""Declarations of the core's own plugin; free of torch."""

from __future__ import annotations

from zoo import Component, hookimpl
from zoo.builtin.metric_declarations import METRICS

_CONFIG = "zoo.builtin.config:"


_DEFAULT = ("default",)


def _head(
    name: str,
    target: str,
    task: str,
    summary: str,
    *,
    config: str = "PooledOptions",
    tags: tuple[str, ...] = (),
) -> Component:
    return Component(
        kind="head",
        name=name,
        target=f"zoo.builtin.heads:{target}",
        config=_CONFIG + config,
        summary=summary,
        task=task,
        tags=(*_DEFAULT, *tags),
        tiny={"hidden": [4]},
        former={"pool": "avg"},
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
    _head(
        "binary",
        "BinaryHead",
        "binary",
        "Two classes from one logit, which speaks for the second.",
        tags=("sigmoid",),
    ),
    _head("multiclass", "MulticlassHead", "multiclass", "One of K classes from K logits.", tags=("softmax",)),
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
        config="EmbeddingOptions",
    ),
]

LOSSES = [
    _loss(
        "bce",
        "BCE",
        "binary",
        "Binary cross-entropy of one logit, with label smoothing and a weight of the second class.",
        config="BCEOptions",
        tags=(*_DEFAULT, "binary-cross-entropy"),
    ),
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
    _loss("mse", "MSE", "regression", "Mean squared error.", tags=(*_DEFAULT, "l2")),
    _loss("l1", "L1", "regression", "Mean absolute error.", tags=("mae",)),
    Component(
        kind="loss",
        name="pixel-cross-entropy",
        target="zoo.builtin.losses_dense:PixelCrossEntropy",
        config=_CONFIG + "CrossEntropyOptions",
        summary="Cross-entropy of each pixel, with label smoothing and class weights.",
        task="segmentation",
        tags=_DEFAULT,
    ),
    Component(
        kind="loss",
        name="focal",
        target="zoo.builtin.losses_dense:Focal",
        config=_CONFIG + "FocalOptions",
        summary="Cross-entropy of each pixel, in which pixels that are right already count less.",
        paper="https://arxiv.org/abs/1708.02002",
        task="segmentation",
    ),
    Component(
        kind="loss",
        name="dice",
        target="zoo.builtin.losses_dense:Dice",
        config=_CONFIG + "DiceOptions",
        summary="How far areas are from overlapping, each class alike, however small.",
        paper="https://arxiv.org/abs/1606.04797",
        task="segmentation",
    ),
    Component(
        kind="loss",
        name="arcface",
        target="zoo.builtin.losses_margin:ArcFace",
        config=_CONFIG + "ArcFaceOptions",
        summary="Cross-entropy of cosines to a learnt direction a class, an angle added to the true one.",
        paper="https://arxiv.org/abs/1801.07698",
        task="embedding",
        tags=_DEFAULT,
    ),
    Component(
        kind="loss",
        name="cosface",
        target="zoo.builtin.losses_margin:CosFace",
        config=_CONFIG + "CosFaceOptions",
        summary="Cross-entropy of cosines to a learnt direction a class, the true one lowered.",
        paper="https://arxiv.org/abs/1801.09414",
        task="embedding",
    ),
    Component(
        kind="loss",
        name="adversarial",
        target="zoo.builtin.losses_adversarial:Adversarial",
        config=_CONFIG + "AdversarialOptions",
        summary="The game of generator and discriminator: minimax, non-saturating, least squares, hinge, "
        "Wasserstein.",
        paper="https://arxiv.org/abs/1406.2661",
        task="generation",
        tags=_DEFAULT,
        example={"model": "dcgan"},
    ),
    Component(
        kind="loss",
        name="content",
        target="zoo.builtin.losses_content:Content",
        config=_CONFIG + "ContentOptions",
        summary="Distance of two images in the features of any backbone, at any tap.",
        paper="https://arxiv.org/abs/1609.04802",
        task="reconstruction",
        tiny={"network": {"name": "vgg19", "width": 0.125}},
        example={"model": "srresnet"},
    ),
    Component(
        kind="loss",
        name="perceptual",
        target="zoo.builtin.losses_perceptual:Perceptual",
        config=_CONFIG + "PerceptualOptions",
        summary="Weighted sum of any losses by name, such as content and adversarial; weights may change.",
        paper="https://arxiv.org/abs/1609.04802",
        task="reconstruction",
        example={"model": "srgan"},
        tiny={
            "parts": {
                "mse": 1.0,
                "content": {
                    "weight": 0.006,
                    "loss": {"name": "content", "network": {"name": "vgg19", "width": 0.125}},
                },
                "adversarial": 1e-3,
            }
        },
    ),
]

TRAINERS = [
    Component(
        kind="trainer",
        name="supervised",
        target="zoo.builtin.supervised:Supervised",
        config=_CONFIG + "SupervisedOptions",
        summary="One optimizer, one loss, images with targets.",
        tags=_DEFAULT,
        tiny={"epochs": 1, "batch_size": 4},
    ),
]


DATASETS = [
    Component(
        kind="dataset",
        name="table",
        target="zoo.interfaces.records.text_tables:TextTable",
        config=_CONFIG + "TableOptions",
        summary="A table of labels: CSV or JSON lines with a row an image.",
        # Suffixes of the files that it reads
        tags=(".csv", ".tsv", ".jsonl", ".ndjson"),
        tiny={"path": "tiny/labels.csv", "target": "kind"},
    ),
]


@hookimpl
def zoo_components() -> list[Component]:
    """All components of the core."""
    return [*HEADS, *LOSSES, *TRAINERS, *DATASETS, *METRICS]
