"""Declarations of this distribution, free of torch."""

from __future__ import annotations

from zoo import Component, InputSpec, Weights, hookimpl

GLYPHS = Weights(
    file="zoo_basic/weights/tiny_resnet-glyphs.safetensors",
    classes=40,
    # The small letters that look like a small capital are left out, as in the data set
    labels=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghijmnqrt"),
    input=InputSpec(channels=1, size=(32, 32), mean=(0.5,), std=(0.5,)),
    # In percent
    metrics={"glyphs val top-1": 94.93, "glyphs test top-1": 95.56},
    licence="Apache-2.0",
    sha256="d2b0aec99a8c14a307709ec55445dd923f5be19edfdeae29c0e56e5ddda48011",
)
"""Of `scripts/pretrain_tiny_resnet.py`: 40 printed letters, measured in fonts that training never saw."""


@hookimpl
def zoo_components() -> list[Component]:
    """Three networks that train in minutes on a CPU."""
    return [
        Component(
            kind="backbone",
            name="mlp",
            target="zoo_basic.mlp:MLP",
            config="zoo_basic.config:MLPOptions",
            summary="Multilayer perceptron on the flattened image.",
            paper="https://www.nature.com/articles/323533a0",
            licence="Apache-2.0",
            tags=("small",),
            tiny={"hidden": [16, 8], "dropout": 0.1},
        ),
        Component(
            kind="backbone",
            name="small_cnn",
            target="zoo_basic.small_cnn:SmallCNN",
            config="zoo_basic.config:SmallCNNOptions",
            summary="Plain convolutions and max-poolings.",
            paper="https://www.manning.com/books/deep-learning-with-python",
            licence="Apache-2.0",
            tags=("cnn", "small"),
            tiny={"channels": [4, 8], "hidden": 16},
            example={"head": "multiclass", "for": ["*"]},
        ),
        Component(
            kind="backbone",
            name="tiny_resnet",
            target="zoo_basic.tiny_resnet:TinyResNet",
            config="zoo_basic.config:TinyResNetOptions",
            summary="Residual network with 174,608 parameters for small images.",
            paper="https://arxiv.org/abs/1512.03385",
            licence="Apache-2.0",
            tags=("cnn", "resnet", "small"),
            weights={"glyphs": GLYPHS},
            tiny={"channels": [4, 8, 8], "units": 1},
        ),
    ]
