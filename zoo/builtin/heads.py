"""Heads: taps are pooled to vectors, put side by side, and go through fully connected layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TypedDict, Unpack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import ShapeError
from zoo.interfaces import (
    Binary,
    Embedding,
    FeatureInfo,
    Head,
    Multiclass,
    Multilabel,
    Ordinal,
    Regression,
    Standardise,
    Task,
    as_map,
)

# 0.2 is the slope of the discriminators of DCGAN and SRGAN; torch's own default is 0.01
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "leaky-relu": partial(nn.LeakyReLU, 0.2)}


_TOKENS = {"token": "the class token", "token+avg": "the class token beside the mean of the patch tokens"}


_VECTORS = 2
"""Axes of N x W."""


class Pooling(TypedDict, total=False):
    """Options that all heads here share; see `zoo.builtin.config.PooledOptions`."""

    pool: str | None
    hidden: Sequence[int]
    activation: str
    dropout: float
    taps: Sequence[str]


class PooledHead(Head):
    """Pooling, hidden layers, one last layer; no normalisation in or behind the last layer.

    Args:
        task: what the output is for.
        inputs: the taps, in order: maps, tokens or vectors.
        outputs: length of the output vector.
        pool: `avg`, `max`, `avgmax` (both side by side), `token` (a transformer's class token; the mean of
            two where one is for distillation), `token+avg` (with the mean of the map's tokens beside it), or
            `flatten`, which needs maps of a known size; None for the network's own, `token` or `avg`.
        hidden: widths of the hidden layers, each followed by the activation and dropout.
        activation: `relu` or `leaky-relu`, whose slope is 0.2.
        dropout: share of values dropped in front of the last layer, in [0, 1).
        taps: names of `inputs`, as the options give them.

    Raises:
        ShapeError: `flatten` is asked of a map whose size is not known, or a token of what has none.

    Example:
        >>> from zoo.interfaces import Binary
        >>> info = FeatureInfo(name="block5", channels=512, reduction=32, layout="NCHW", size=(4, 4))
        >>> head = PooledHead(Binary(), inputs=[info], outputs=1, pool="flatten", hidden=[256])
        >>> sum(p.numel() for p in head.parameters())
        2097665
        >>> head(torch.rand(2, 512, 4, 4)).shape
        torch.Size([2, 1])
    """

    def __init__(
        self,
        task: Task,
        *,
        inputs: Sequence[FeatureInfo],
        outputs: int,
        pool: str | None = None,
        hidden: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        taps: Sequence[str] = (),
    ) -> None:
        super().__init__(task=task, inputs=inputs, outputs=outputs)
        if taps and len(taps) != len(self.inputs):
            raise ShapeError(
                "head", expected=f"{len(taps)} tap{'s' * (len(taps) != 1)}", got=str(len(self.inputs))
            )
        self.pool = _own(self.inputs) if pool is None else pool
        self.settled = {"pool": self.pool}
        # Of flattened maps and of vectors nothing would be saved
        if self.pool != "flatten" and any(
            info.layout != "NC" and info.size != (1, 1) for info in self.inputs
        ):
            self.pooling = self.pool
        if any(info.prefix for info in self.inputs):
            self.note = f"head takes {_TOKENS.get(self.pool, f'{self.pool} of the patch tokens')}"
        # Each tap is pooled by itself, and the vectors lie side by side
        widths = [sum(self._width(info) for info in self.inputs), *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), ACTIVATIONS[activation](), *_dropout(dropout)]
        # Without hidden layers dropout stands alone in front of the last one
        self.hidden = nn.Sequential(*layers) if layers else nn.Sequential(*_dropout(dropout))
        self.last = nn.Linear(widths[-1], outputs)

    def forward(self, *features: Tensor) -> Tensor:
        """N x outputs from one tensor a tap, or from what `pooled` made of them.

        Raises:
            ShapeError: a tensor is not what the head was built for.
        """
        # Taps that are pooled are not all vectors, and so never a single one
        given = self.pooling and len(features) == 1 and features[0].ndim == _VECTORS
        x: Tensor = self.last(self.hidden(features[0] if given else self.pooled(*features)))
        return x

    def pooled(self, *features: Tensor) -> Tensor:
        """N x W: a vector of each tap, side by side."""
        self.check_features(features)
        return _side_by_side([self._vector(x, info) for x, info in zip(features, self.inputs, strict=True)])

    def _width(self, info: FeatureInfo) -> int:
        """Length of the vector that a tap becomes."""
        if self.pool == "flatten":
            if info.layout != "NC" and info.size is None:
                raise ShapeError(
                    f"head: pool 'flatten' of {info.name}",
                    expected="a map of known size",
                    got="a map of any size",
                    hint="give input_size, or choose pool='avg'",
                )
            return info.channels * math.prod(info.size or (1, 1))
        if self.pool in _TOKENS and not info.class_tokens:
            raise ShapeError(
                f"head: pool {self.pool!r} of {info.name}",
                expected="tokens with a class token in front",
                got=f"{info.layout} without one",
                hint="choose pool='avg', or leave pool out for the network's own",
            )
        return info.channels * (2 if self.pool in ("avgmax", "token+avg") else 1)

    def _vector(self, x: Tensor, info: FeatureInfo) -> Tensor:
        """N x width from a tap; of a vector, mean and maximum are itself."""
        if info.layout == "NC":
            # Twice, to have the width that a map of one pixel would have
            return torch.cat([x, x], dim=1) if self.pool == "avgmax" else x
        if self.pool == "token":
            return _class_token(x, info)
        # Tokens are pooled one by one, so that their grid need not be known.
        cells = as_map(x, replace(info, size=None) if info.layout == "NLC" else info)
        if self.pool == "flatten":
            self._check_size(cells, info)
            # N x (C H W)
            return cells.flatten(1)
        # N x C each
        tokens = [_class_token(x, info)] if self.pool == "token+avg" else []
        means = [cells.mean(dim=(2, 3))] if self.pool != "max" else []
        peaks = [cells.amax(dim=(2, 3))] if self.pool in ("max", "avgmax") else []
        return _side_by_side(tokens + means + peaks)

    @staticmethod
    def _check_size(cells: Tensor, info: FeatureInfo) -> None:
        size = info.size or (1, 1)
        height, width = cells.shape[2:]
        # Tokens come as a map of one row, so only their number can be checked
        fits = height * width == math.prod(size) if info.layout == "NLC" else (height, width) == tuple(size)
        if not fits:
            raise ShapeError(
                f"head: pool 'flatten' of {info.name}",
                expected=f"a map of {size[0]}x{size[1]}",
                got=f"{height}x{width}",
                hint="resize the images to the model's input_size, or build it with another pool",
            )


def _own(inputs: Sequence[FeatureInfo]) -> str:
    """The pooling that the network itself has for all of the taps; the mean where they differ."""
    ways = {info.pooling for info in inputs}
    return ways.pop() if len(ways) == 1 else "avg"


def _class_token(x: Tensor, info: FeatureInfo) -> Tensor:
    """N x C of N x L x C."""
    return x[:, 0] if info.class_tokens == 1 else x[:, : info.class_tokens].mean(dim=1)


def _side_by_side(vectors: Sequence[Tensor]) -> Tensor:
    """Vectors as one; a single one is not copied."""
    return vectors[0] if len(vectors) == 1 else torch.cat([*vectors], dim=1)


def _dropout(share: float) -> list[nn.Module]:
    return [nn.Dropout(share)] if share else []


class BinaryHead(PooledHead):
    """N x 1 logits for two classes; see `PooledHead`."""

    def __init__(
        self, *, inputs: Sequence[FeatureInfo], classes: int | None = None, **options: Unpack[Pooling]
    ) -> None:
        super().__init__(task := Binary(), inputs=inputs, outputs=task.outputs(classes), **options)


class MulticlassHead(PooledHead):
    """N x K logits for one of K classes; see `PooledHead`."""

    def __init__(
        self, *, inputs: Sequence[FeatureInfo], classes: int | None = None, **options: Unpack[Pooling]
    ) -> None:
        super().__init__(task := Multiclass(), inputs=inputs, outputs=task.outputs(classes), **options)


class OrdinalHead(PooledHead):
    """N x K - 1 logits for one of K ordered classes; see `PooledHead`."""

    def __init__(
        self, *, inputs: Sequence[FeatureInfo], classes: int | None = None, **options: Unpack[Pooling]
    ) -> None:
        super().__init__(task := Ordinal(), inputs=inputs, outputs=task.outputs(classes), **options)


class MultilabelHead(PooledHead):
    """N x K logits for any of K labels; see `PooledHead`."""

    def __init__(
        self, *, inputs: Sequence[FeatureInfo], classes: int | None = None, **options: Unpack[Pooling]
    ) -> None:
        super().__init__(task := Multilabel(), inputs=inputs, outputs=task.outputs(classes), **options)


class RegressionHead(PooledHead):
    """N x K values in the unit of the data, one where `classes` is None; see `PooledHead`.

    Training takes their mean and standard deviation from its images, and compares standardised values.
    """

    def __init__(
        self, *, inputs: Sequence[FeatureInfo], classes: int | None = None, **options: Unpack[Pooling]
    ) -> None:
        count = Regression().outputs(classes)
        scale = Standardise(count)
        super().__init__(Regression(scale), inputs=inputs, outputs=count, **options)
        self.scale = scale

    def forward(self, *features: Tensor) -> Tensor:
        """N x K values in the unit of the data."""
        values: Tensor = self.scale(super().forward(*features))
        return values


class EmbeddingHead(PooledHead):
    """N x dim vectors; see `PooledHead`.

    Args:
        inputs: the taps, in order.
        classes: not used: the number of identities is the loss' affair.
        dim: length of the vector.
        normalise: scale each vector to length one.
        **options: see `PooledHead`.
    """

    def __init__(
        self,
        *,
        inputs: Sequence[FeatureInfo],
        classes: int | None = None,
        dim: int = 128,
        normalise: bool = True,
        **options: Unpack[Pooling],
    ) -> None:
        super().__init__(Embedding(), inputs=inputs, outputs=dim, **options)
        self.normalise = normalise

    def forward(self, *features: Tensor) -> Tensor:
        """N x dim, each row of length one if `normalise`."""
        x = super().forward(*features)
        return F.normalize(x, dim=1) if self.normalise else x
