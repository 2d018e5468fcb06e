"""DCGAN: a generator and a discriminator of strided convolutions.

Radford, Metz, Chintala, Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks (2016), https://arxiv.org/abs/1511.06434
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from zoo import InputSpec
from zoo.errors import ShapeError
from zoo.interfaces import Backbone, Block, Generation, Model, Pair, trace_shapes
from zoo.trainers import resting
from zoo_gan.config import SMALLEST

# Both from section 4 of the paper
_STD = 0.02
_SLOPE = 0.2
_ROWS = 16
"""Images that are always made together, so that each comes out alike however many are asked for: torch draws
other numbers for other shapes, and a matrix product of other rows may differ in its last digits.
"""


def _spec(channels: int, size: tuple[int, int]) -> InputSpec:
    """Images from [0, 1] to [-1, 1]."""
    return InputSpec(channels=channels, size=size, mean=(0.5,) * channels, std=(0.5,) * channels)


def _initialise(module: nn.Module) -> None:
    """Weights as in the paper: normal, of standard deviation 0.02; about 1 in normalisations."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, _STD)
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
        nn.init.normal_(module.weight, 1.0, _STD)
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]


class DCGANGenerator(Model):
    """Makes images of latent vectors, N x latent from a normal distribution.

    Paper: https://arxiv.org/abs/1511.06434, figure 1

    The vector is projected to a map of 4 x 4, which transposed convolutions of stride 2 double until it has
    the image's size, while its channels halve: for 64 x 64 and `width=128` from 1024 over 512, 256 and 128
    to those of the image. Batch norm and ReLU follow each, tanh the last; what is returned is in [0, 1].

    Args:
        classes: not looked at.
        in_channels: channels of the images that it makes.
        input_size: their height and width, a power of two of 8 or more.
        latent: length of the latent vector.
        width: channels of the last map before the image.
        kernel: height and width of the convolutions' kernels; 5 as in the paper.

    Example:
        >>> generator = DCGANGenerator(in_channels=1, input_size=(16, 16), latent=8, width=4)
        >>> generator(torch.randn(2, 8)).shape, generator.sample(3, seed=0).shape
        (torch.Size([2, 1, 16, 16]), torch.Size([3, 1, 16, 16]))
    """

    def __init__(
        self,
        *,
        classes: int | None = None,
        in_channels: int = 3,
        input_size: tuple[int, int] = (64, 64),
        latent: int = 100,
        width: int = 128,
        kernel: int = 5,
    ) -> None:
        super().__init__(task=Generation(), input_spec=_spec(in_channels, input_size))
        self.latent = latent
        doublings = (input_size[0] // SMALLEST).bit_length() - 1
        # Twice as many for each doubling that is still to come
        channels = [width << i for i in reversed(range(doublings))]
        self.project = Block(
            # Batch norm follows here and in `grow`, so that there is no bias
            fc=nn.Linear(latent, channels[0] * SMALLEST**2, bias=False),
            map=nn.Unflatten(1, (channels[0], SMALLEST, SMALLEST)),
            bn=nn.BatchNorm2d(channels[0]),
            relu=nn.ReLU(),
        )
        self.grow = nn.Sequential()
        for i, (inputs, outputs) in enumerate(pairwise(channels)):
            conv = _doubling(inputs, outputs, kernel, bias=False)
            stage = Block(conv=conv, bn=nn.BatchNorm2d(outputs), relu=nn.ReLU())
            self.grow.add_module(f"stage{i + 1}", stage)
        # What the last stage is called stands in every saved generator, so it keeps this name.
        self.picture = Block(conv=_doubling(channels[-1], in_channels, kernel), tanh=nn.Tanh())
        self.apply(_initialise)

    @property
    def outputs(self) -> int:
        """Channels of the images."""
        return self.input_spec.channels

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """Parts that freeze: each stage."""
        stages = {f"grow.{name}": stage for name, stage in self.grow.named_children()}
        found = {"project": self.project, **stages, "picture": self.picture}
        return {name: part for name, part in found.items() if isinstance(part, Block)}

    def example_input(self, count: int = 2) -> Tensor:
        """Latent vectors from the global random state."""
        return torch.randn(count, self.latent)

    def forward(self, x: Any) -> Tensor:
        """Images N x C x H x W in [0, 1].

        Args:
            x: latent vectors N x latent.

        Raises:
            ShapeError: they are something else.
        """
        if x.ndim != 2 or x.shape[1] != self.latent:
            got = " x ".join(map(str, x.shape))
            hint = "model.sample(16) draws images"
            raise ShapeError("latent vectors", expected=f"N x {self.latent}", got=got, hint=hint)
        images: Tensor = self.picture(self.grow(self.project(x)))
        # From tanh's [-1, 1]
        return (images + 1) / 2

    def sample(self, count: int, *, seed: int | None = None) -> Tensor:
        """Draws images N x C x H x W in [0, 1], in inference mode; the first ones do not depend on `count`.

        Args:
            count: how many.
            seed: of the latent vectors; drawn from the global random state where None.
        """
        if count < 1:
            raise ShapeError("sample", expected="a count of 1 or more", got=str(count))
        if seed is None:
            # One draw of the global state, so that what follows does not depend on `count`
            seed = int(torch.randint(2**62, ()))
        draws = torch.Generator().manual_seed(seed)
        weight = next(self.parameters())
        made = []
        # In training mode batch norm would mix the images and move its statistics
        with resting(self):
            for _ in range(0, count, _ROWS):
                z = torch.randn(_ROWS, self.latent, generator=draws).to(weight.device, weight.dtype)
                made.append(self(z))
        return torch.cat(made)[:count]


def _doubling(inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> nn.ConvTranspose2d:
    """A transposed convolution to twice the height and width."""
    # (H - 1) 2 - 2 padding + kernel + extra = 2 H, for kernels of 4 and of 5
    padding, extra = (kernel - 1) // 2, kernel % 2
    return nn.ConvTranspose2d(
        inputs, outputs, kernel, stride=2, padding=padding, output_padding=extra, bias=bias
    )


class DCGANDiscriminator(Backbone):
    """Blocks of `conv` with stride 2, `norm` but in the first, and leaky `relu`; each halves the map.

    Paper: https://arxiv.org/abs/1511.06434, section 3

    Takes N x in_channels x H x W; returns N x C x H/2^k x W/2^k for k blocks, C the last of `channels`.

    Args:
        in_channels: channels of the images.
        channels: channels of each block.
        norm: `batch` as in the paper; `layer` and `none` keep images apart, as a gradient penalty needs it.
        kernel: height and width of the convolutions' kernels; 5 as in the paper, which takes images of any
            size, where 4 needs one that can be halved for each block.

    Example:
        >>> body = DCGANDiscriminator(in_channels=1, channels=(8, 16))
        >>> body(torch.rand(2, 1, 16, 16)).shape
        torch.Size([2, 16, 4, 4])
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256, 512),
        norm: str = "batch",
        kernel: int = 5,
    ) -> None:
        blocks = []
        for i, (inputs, outputs) in enumerate(zip((in_channels, *channels), channels, strict=False)):
            # The paper has none in the first layer: samples oscillated and the game was unstable
            normed = i > 0 and norm != "none"
            steps: OrderedDict[str, nn.Module] = OrderedDict(
                conv=nn.Conv2d(inputs, outputs, kernel, 2, (kernel - 1) // 2, bias=not normed)
            )
            if normed:
                # One group of all channels is layer norm for maps of any size
                steps["norm"] = nn.BatchNorm2d(outputs) if norm == "batch" else nn.GroupNorm(1, outputs)
            steps["relu"] = nn.LeakyReLU(_SLOPE)
            blocks.append(Block(**steps))
        super().__init__(blocks, input_spec=_spec(in_channels, (64, 64)))
        self.apply(_initialise)


class DCGAN(Pair):
    """A generator and a discriminator, by default those of the paper; as a model it is the generator.

    Paper: https://arxiv.org/abs/1511.06434

    Args:
        generator: makes images of latent vectors.
        discriminator: takes them in [0, 1], returns N x 1 logits, positive for real.
        classes: not looked at.
        in_channels: channels of the images, which both have been made for.

    Raises:
        ShapeError: the discriminator does not take what the generator makes.
    """

    def __init__(
        self, *, generator: Model, discriminator: Model, classes: int | None = None, in_channels: int = 3
    ) -> None:
        super().__init__(generator=generator, discriminator=discriminator)
        spec = generator.input_spec
        try:
            # Takes no memory, so that a misfit is found while the pair is only planned
            trace_shapes(discriminator, [(spec.channels, *spec.size)])
        except (ShapeError, RuntimeError) as error:
            size = f"{spec.size[0]}x{spec.size[1]}"
            raise ShapeError(
                "discriminator",
                expected=f"one for the generator's images of {size}",
                got=str(error).splitlines()[0],
                hint=f"build the pair with input_size={spec.size[0]}",
            ) from error
