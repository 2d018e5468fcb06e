"""A backbone with a head, or without one: what most recipes describe."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import torch
from torch import Tensor, nn

from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.blocks.frozen_prefix import Prefix
from zoo.interfaces.head import Head
from zoo.interfaces.model import Model
from zoo.interfaces.normalise import Normalise
from zoo.spec.errors import ShapeError, listing
from zoo.spec.inputs import InputSpec


class ComposedModel(Model):
    """Normalisation, backbone and head.

    Args:
        backbone: takes normalised images.
        head: takes taps of the backbone; None makes a feature extractor, whose output is the last map.
        input_spec: of the weights.
        labels: names of the classes.
        tags: tags of the published weights, for hints.
    """

    backbone: Backbone
    head: Head | None

    def __init__(
        self,
        backbone: Backbone,
        head: Head | None,
        *,
        input_spec: InputSpec,
        labels: tuple[str, ...] = (),
        tags: tuple[str, ...] = (),
    ) -> None:
        super().__init__(task=head.task if head else None, input_spec=input_spec, labels=labels)
        self.normalise = Normalise(input_spec)
        self.backbone, self.head = backbone, head
        self.tags = tags

    @property
    def networks(self) -> dict[str, nn.Module]:
        """`backbone` and, if there is one, `head`."""
        return {"backbone": self.backbone} | ({"head": self.head} if self.head is not None else {})

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """The backbone, under the empty path."""
        return {"": self.backbone}

    @property
    def outputs(self) -> int:
        """Length of the output vector, or channels of the last map."""
        return self.head.outputs if self.head is not None else self.backbone.block_infos()[-1].channels

    @property
    def weights_hint(self) -> str:
        """Names the tags that would load the published weights."""
        if not self.tags:
            return 'give weights="file:PATH" or train it first'
        return f'weights="{self.tags[0]}" loads the published ones' + (
            f" (also {listing(self.tags[1:], 4)})" if self.tags[1:] else ""
        )

    def forward(self, x: Tensor | Prefix) -> Tensor:
        """N x outputs, or the last map.

        Args:
            x: images N x C x H x W in [0, 1], or what `run_prefix` made of them.

        Raises:
            ShapeError: the images do not fit the model.
        """
        if isinstance(x, Prefix):
            return self.predict_head(tuple(x) if self._pools else self._behind(x))
        self.check_images(x)
        try:
            return self.predict_head(self.features(x))
        except RuntimeError as error:
            size, own = tuple(x.shape[-2:]), self.input_spec.size
            # At its own size the fault is not that of the images
            if size == own:
                raise
            raise ShapeError(
                f"the model cannot take images of {size[0]}x{size[1]}",
                expected=f"{own[0]}x{own[1]}",
                got=f"{size[0]}x{size[1]} ({str(error).splitlines()[0]})",
                hint=f"resize them, or build the model with input_size={size}",
            ) from error

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The tensors that the head takes (without one, the last map), for images in [0, 1]."""
        x = self.normalise(x)
        names = self.tap_names
        if not names:
            return (self.backbone(x),)
        taps = self.backbone.taps(x, names)
        return tuple(taps[name] for name in names)

    def predict_head(self, features: tuple[Tensor, ...]) -> Tensor:
        """The head's output for what `features` returned."""
        if self.head is None:
            return features[0]
        kind = features[0].device.type
        if self.training or not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
            return self.head(*features)  # type: ignore[no-any-return]
        # Answers that are measured: rounded to half precision, many would be one
        with torch.autocast(kind, enabled=False):
            return self.head(*(x.float() for x in features))  # type: ignore[no-any-return]

    @property
    def prefix(self) -> tuple[str, ...]:
        """The leading frozen blocks of the backbone."""
        return tuple(name for name, _ in takewhile(lambda item: item[1].frozen, self.backbone.blocks.items()))

    @property
    def prefix_outputs(self) -> tuple[str, ...]:
        """Names of the prefix's last block, and of the steps of the head's taps in it; one if pooled."""
        if self._pools:
            assert self.head is not None  # noqa: S101 - as `_pools` has looked
            return (f"{listing(info.name for info in self.head.inputs)} ({self.head.pooling} pooled)",)
        return (*self.prefix[-1:], *self._kept_steps())

    @property
    def _pools(self) -> bool:
        """Whether the prefix is the whole backbone, and the head pools: vectors are kept, not maps."""
        return self.head is not None and bool(self.head.pooling) and self.prefix == self.backbone.block_names

    def _kept_steps(self) -> list[str]:
        # Steps are called block1.conv, ...: the first word says in which block they are
        places = self.backbone.places(self.tap_names).values()
        return [place for place in places if place.split(".")[0] in self.prefix]

    def prefix_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers of the normalisation and of the prefix' blocks."""
        for name, module in (("normalise", self.normalise), *self.backbone.blocks.items()):
            if module is self.normalise or name in self.prefix:
                for key, tensor in (*module.named_parameters(), *module.named_buffers()):
                    yield f"{name}.{key}", tensor

    def run_prefix(self, x: Tensor) -> Prefix:
        """Outputs of the frozen prefix, and the head's taps inside it; if that is all, what the head pools.

        Args:
            x: images N x C x H x W in [0, 1].

        Raises:
            ShapeError: the first block is not frozen, or the images do not fit.
        """
        if not self.prefix:
            return super().run_prefix(x)
        self.check_images(x)
        kept = self._kept_steps()
        state, found = self.backbone.tapped(self.normalise(x), kept, until=self.prefix[-1])
        # A block may hand several tensors on to the next
        last = state if isinstance(state, tuple) else (state,)
        outputs = Prefix([*last, *(found[step] for step in kept)])
        if self.head is None or not self._pools:
            return outputs
        return Prefix([self.head.pooled(*self._behind(outputs))])

    def _behind(self, prefix: Prefix) -> tuple[Tensor, ...]:
        """What `features` returns, from what `run_prefix` returned."""
        names = self.tap_names
        places = self.backbone.places(names)
        inside = self._kept_steps()
        # In the order of `run_prefix`: what the last frozen block hands on, then the taps
        states, kept = prefix[: len(prefix) - len(inside)], prefix[len(prefix) - len(inside) :]
        state = states[0] if len(states) == 1 else states
        state, found = self.backbone.tapped(state, places.values(), after=self.prefix[-1])
        if not names:
            return (self.backbone.feature(state),)
        found |= dict(zip(inside, kept, strict=True))
        return tuple(found[places[name]] for name in names)

    @property
    def tap_names(self) -> tuple[str, ...]:
        """The taps that the head takes; nothing means the last map."""
        if self.head is None:
            return ()
        names = tuple(info.name for info in self.head.inputs)
        # The last block's output needs no tap: the backbone's plain forward gives it
        return () if names == self.backbone.block_names[-1:] else names
