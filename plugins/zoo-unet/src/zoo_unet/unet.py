"""U-Net (Ronneberger, Fischer and Brox, 2015), on any backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import OptionError, ShapeError
from zoo.interfaces import Backbone, Block, FeatureInfo, Model, Normalise, Segmentation, as_map
from zoo_unet.decoder import decoder, usual_widths

_SIZE = (256, 320)
"""Size of the images that an encoder is described for; its maps' places do not depend on it."""

_COLOURS = 3


class UNet(Model):
    """An encoder, a decoder that takes the encoder's maps on its way up, and a 1 x 1 convolution.

    Paper: U-Net: Convolutional Networks for Biomedical Image Segmentation, https://arxiv.org/abs/1505.04597.
    Other than there the output has the image's size, and maps are enlarged by repeating pixels.

    Takes N x in_channels x H x W in [0, 1] of any size; returns N x classes x H x W logits. Images are
    padded inside to a multiple of the coarsest reduction with the values at their right and lower border.

    Args:
        encoder: makes maps of images of any size.
        classes: of a pixel, the background included.
        in_channels: channels of the images; an encoder whose weights say otherwise goes before.
        decoder_widths: channels after each up-sampling, the coarsest first; None as in `usual_widths`.
        batch_norm: batch norm after the decoder's 3 x 3 convolutions.
        residual: a shortcut around each pair of the decoder's convolutions.
        skips: whether the decoder takes the encoder's finer maps.
        dropout: share of the coarsest map that is dropped, while training, in front of the decoder.

    Raises:
        OptionError: the encoder takes images of one size only or makes no maps, or options do not fit it.

    Example:
        >>> import torch
        >>> from zoo_unet.encoder import UNetEncoder
        >>> unet = UNet(encoder=UNetEncoder(widths=(4, 8, 16)), classes=3)
        >>> unet(torch.rand(2, 3, 97, 131)).shape
        torch.Size([2, 3, 97, 131])
    """

    any_size = True

    def __init__(
        self,
        *,
        encoder: Backbone,
        classes: int | None = None,
        in_channels: int = _COLOURS,
        decoder_widths: Sequence[int] | None = None,
        batch_norm: bool = True,
        residual: bool = False,
        skips: bool = True,
        dropout: float = 0.0,
    ) -> None:
        own = encoder.input_spec.channels
        # 3 is what `zoo.build` says by default, so an encoder for other images goes before it
        if in_channels not in (_COLOURS, own):
            raise OptionError("unet: encoder", expected=f"in_channels={in_channels}", got=str(own))
        task = Segmentation()
        super().__init__(task=task, input_spec=encoder.input_spec)
        self._classes = task.outputs(classes)
        levels = _levels(encoder)
        channels = {info.reduction or 1: info.channels for info in levels}
        self.coarsest = max(channels)
        usual = usual_widths(channels, self.coarsest)
        widths = usual if decoder_widths is None else tuple(decoder_widths)
        if len(widths) != len(usual):
            numbers = "1 number" if len(usual) == 1 else f"{len(usual)} numbers"
            expected = f"{numbers}, one for each up-sampling from 1/{self.coarsest}"
            raise OptionError("unet: decoder_widths", expected=expected, got=str(len(widths)))
        self.levels = levels if skips else levels[-1:]
        taken = {info.reduction or 1: info.channels for info in self.levels}
        self.normalise = Normalise(self.input_spec)
        # What lies behind the coarsest map would get no gradient
        self.encoder = encoder.cut(info.name for info in self.levels)
        self.dropout = nn.Dropout(dropout)
        self.decoder = decoder(
            inputs=channels[self.coarsest],
            # Reductions that the encoder has no map at are enlarged without one
            skips=[taken.get(self.coarsest >> i, 0) for i in range(1, len(widths) + 1)],
            widths=widths,
            batch_norm=batch_norm,
            residual=residual,
        )
        # Of an encoder that stays at full resolution there is no up-sampling, and no width
        self.head = nn.Conv2d((channels[self.coarsest], *widths)[-1], self._classes, 1)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """`encoder`, `decoder` and `head`."""
        return {"encoder": self.encoder, "decoder": self.decoder, "head": self.head}

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """The encoder by its blocks, the decoder as one."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return self._classes

    @property
    def weights_hint(self) -> str:
        """The next step where the encoder's weights are random."""
        return 'name the encoder\'s weights, encoder={"name": ..., "weights": ...}, or train it first'

    def forward(self, x: Tensor) -> Tensor:
        """N x classes x H x W logits of images N x C x H x W in [0, 1].

        Raises:
            ShapeError: the images have another number of channels.
        """
        self.check_images(x)
        height, width = x.shape[2:]
        # Each N x C x h x w, with sides that are halved exactly
        *finer, coarsest = self.maps(self.normalise(_padded(x, self.coarsest)))
        state = self.decoder((self.dropout(coarsest), *reversed(finer)))
        # Cut before the head, which works on each pixel alone
        logits: Tensor = self.head(state[0][:, :, :height, :width])
        return logits

    def maps(self, x: Tensor) -> list[Tensor]:
        """Maps that the decoder takes, N x C x H x W each, finest first.

        Args:
            x: normalised, with sides that the coarsest reduction divides.
        """
        taps = self.encoder.taps(x, [info.name for info in self.levels])
        size = x.shape[2:]
        return [as_map(taps[info.name], _at(info, (size[0], size[1]))) for info in self.levels]


def _levels(encoder: Backbone) -> tuple[FeatureInfo, ...]:
    """The encoder's pyramid, finest first.

    Raises:
        OptionError: it has none, or takes one size only.
    """
    problem = f"unet: encoder {type(encoder).__name__}"
    # A size other than the usual one, so that a network that is bound to that shows itself.
    size = _SIZE if encoder.input_spec.size != _SIZE else _SIZE[::-1]
    expected, hint = "a backbone that takes images of any size", "choose another encoder"
    try:
        levels = encoder.pyramid(size)
    except ShapeError as error:
        raise OptionError(problem, expected=expected, got=error.got or str(error), hint=hint) from error
    if not levels:
        raise OptionError(problem, expected="a backbone that makes maps", got="a vector", hint=hint)
    for info in levels:
        # Patches of 14 pixels pass for 16 as a reduction, and would not meet the decoder's sizes
        if info.layout == "NLC" and info.size != _at(info, size).size:
            got = f"patches of about {info.reduction} pixels"
            raise OptionError(problem, expected="patches of 8, 16 or 32 pixels", got=got, hint=hint)
    return levels


def _at(info: FeatureInfo, size: tuple[int, int]) -> FeatureInfo:
    """Description of a tap for images of another size, whose sides the reduction divides."""
    reduction = info.reduction or 1
    return replace(info, size=(size[0] // reduction, size[1] // reduction))


def _padded(x: Tensor, multiple: int) -> Tensor:
    height, width = x.shape[2:]
    # What is missing to the next multiple
    below, right = -height % multiple, -width % multiple
    return F.pad(x, (0, right, 0, below), mode="replicate") if below or right else x
