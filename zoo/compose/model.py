"""A backbone with a head, or without one: what most recipes describe."""

from __future__ import annotations

from torch import Tensor, nn

from zoo.interfaces.backbone import Backbone
from zoo.interfaces.block import Block
from zoo.interfaces.head import Head
from zoo.interfaces.model import Model, Normalise
from zoo.spec.errors import ShapeError, listing
from zoo.spec.inputs import InputSpec


class ComposedModel(Model):
    """Normalisation, backbone and head.

    Args:
        backbone: takes normalised pictures.
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

    def forward(self, x: Tensor) -> Tensor:
        """N x outputs, or the last map.

        Args:
            x: pictures N x C x H x W in [0, 1].

        Raises:
            ShapeError: the pictures do not fit the model.
        """
        self.check_pictures(x)
        try:
            return self.predict_head(self.features(x))
        except RuntimeError as error:
            size, own = tuple(x.shape[-2:]), self.input_spec.size
            if size == own:
                raise
            raise ShapeError(
                f"the model cannot take pictures of {size[0]}x{size[1]}",
                expected=f"{own[0]}x{own[1]}",
                got=f"{size[0]}x{size[1]} ({str(error).splitlines()[0]})",
                hint=f"resize them, or build the model with input_size={size}",
            ) from error

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The tensors that the head takes (without one, the last map), for pictures in [0, 1]."""
        x = self.normalise(x)
        names = self.tap_names
        if not names:
            return (self.backbone(x),)
        taps = self.backbone.taps(x, names)
        return tuple(taps[name] for name in names)

    def predict_head(self, features: tuple[Tensor, ...]) -> Tensor:
        """The head's output for what `features` returned."""
        return features[0] if self.head is None else self.head(*features)

    @property
    def tap_names(self) -> tuple[str, ...]:
        """The taps that the head takes; nothing means the last map."""
        if self.head is None:
            return ()
        names = tuple(info.name for info in self.head.inputs)
        return () if names == self.backbone.block_names[-1:] else names
