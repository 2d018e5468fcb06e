"""The autoencoder: any backbone, a bottleneck, and a decoder that mirrors the backbone."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn

from zoo.errors import OptionError, ShapeError
from zoo.interfaces import Backbone, Block, Model, Normalise, Reconstruction, as_map
from zoo_autoencoder.decoder import Decoder, mirrored

Code = tuple[Tensor, Tensor | None]
"""The latent of each image; of a variational model mean and logarithm of the variance."""


class Autoencoder(Model):
    """Encoder, bottleneck and decoder: N x C x H x W in [0, 1] to the same, through a latent.

    Paper, of the variational kind: Auto-Encoding Variational Bayes, https://arxiv.org/abs/1312.6114. In
    training mode its latent is drawn from the global random generator, else it is the mean.

    Args:
        encoder: takes normalised images; ends in a map.
        classes: none, since images are what comes out.
        in_channels: of the images.
        latent: length of the vector between encoder and decoder, which fixes the size of the images; `map`
            takes the encoder's last map as it is, of images of any size.
        variational: whether the latent is a distribution.
        input_size: height and width of the images; the encoder's where None.

    Attributes:
        latent_shape: of one image of the input size.

    Raises:
        OptionError: classes are given.
        ShapeError: the encoder does not end in a map.

    Example:
        >>> import torch, zoo
        >>> model = zoo.build("autoencoder", latent=2, in_channels=1, input_size=8, seed=0).eval()
        >>> z = model.encode(torch.rand(4, 1, 8, 8))
        >>> z.shape, model.decode(z).shape
        (torch.Size([4, 2]), torch.Size([4, 1, 8, 8]))
    """

    defaults = MappingProxyType({"loss": "mse"})

    def __init__(
        self,
        *,
        encoder: Backbone,
        classes: int | None = None,
        in_channels: int = 3,
        latent: int | Literal["map"] = "map",
        variational: bool = False,
        input_size: tuple[int, int] | None = None,
    ) -> None:
        if classes is not None:
            where, got = "model autoencoder", f"classes={classes}"
            raise OptionError(where, expected="no classes", got=got, hint="leave them out")
        # The model's own channels and size; mean and std stay those of the encoder's weights
        size = input_size or encoder.input_spec.size
        spec = encoder.input_spec.with_channels(in_channels).with_size(size)
        super().__init__(task=Reconstruction(), input_spec=spec)
        self.variational = variational
        self._info, widths = mirrored(encoder, size)
        channels, (height, width) = self._info.channels, self._info.size or (1, 1)
        self.normalise, self.encoder = Normalise(spec), encoder
        # Mean and logarithm of the variance, or the code alone
        numbers, values = 1 + variational, channels * height * width
        steps: dict[str, nn.Module] = {}
        expand: dict[str, nn.Module] = {}
        if isinstance(latent, int):
            self.latent_shape: tuple[int, ...] = (latent,)
            steps = {"flatten": nn.Flatten(), "linear": nn.Linear(values, numbers * latent)}
            unflatten = nn.Unflatten(1, (channels, height, width))
            expand = {"linear": nn.Linear(latent, values), "unflatten": unflatten, "relu": nn.ReLU()}
        else:
            self.latent_shape = (channels, height, width)
            # A 1 x 1 convolution, so that images of any size still pass
            if variational:
                steps = {"conv": nn.Conv2d(channels, numbers * channels, 1)}
        # Empty ones hand on what they get, and are not among the networks
        self.bottleneck, self.expand = Block(**steps), Block(**expand)
        self.decoder = Decoder(inputs=channels, widths=widths, channels=in_channels)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """`encoder`, `bottleneck` and `expand` where a latent has weights of its own, and `decoder`."""
        parts = {name: getattr(self, name) for name in ("encoder", "bottleneck", "expand", "decoder")}
        return {name: part for name, part in parts.items() if any(True for _ in part.parameters())}

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        """The networks that are made of blocks."""
        return {name: part for name, part in self.networks.items() if isinstance(part, Backbone | Block)}

    @property
    def outputs(self) -> int:
        """Channels of the images."""
        return self.input_spec.channels

    def forward(self, x: Tensor) -> Tensor:
        """The restored images.

        Args:
            x: N x C x H x W in [0, 1].

        Raises:
            ShapeError: the images do not fit the model.
        """
        return self.restore(x)[0]

    def restore(
        self, x: Tensor, noise: Callable[[Tensor], Tensor] = torch.randn_like
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The restored images, and their code; see `code`.

        Args:
            x: N x C x H x W in [0, 1].
            noise: draws what a variational model adds while training, standard normal, like the means.
        """
        mean, spread = self.code(x)
        z = mean
        if spread is not None and self.training:
            # The reparametrisation, z = mean + std * noise, through which gradients reach mean and variance
            z = mean + noise(mean) * (spread / 2).exp()
        return self.decode(z, (x.shape[2], x.shape[3])), mean, spread

    def code(self, x: Tensor) -> Code:
        """The latent of images; of a variational model mean and logarithm of the variance.

        Args:
            x: N x C x H x W in [0, 1].

        Raises:
            ShapeError: the images do not fit the model.
        """
        self.check_images(x)
        size, own = tuple(x.shape[2:]), self.input_spec.size
        # The linear layers are as large as one map; said here, since their own error names no size
        if len(self.latent_shape) == 1 and size != own:
            raise ShapeError(
                "images of an autoencoder with a vector as latent",
                expected="{}x{}".format(*own),
                got="{}x{}".format(*size),
                hint=f'resize them, or build it with input_size={size} or latent="map"',
            )
        found = self.bottleneck(as_map(self.encoder(self.normalise(x)), self._info))
        if not self.variational:
            return found, None
        mean, spread = found.chunk(2, dim=1)
        return mean, spread

    def encode(self, x: Tensor) -> Tensor:
        """The latent of images, of a variational model its mean: N x latent, or N x C x h x w for a map.

        Args:
            x: N x C x H x W in [0, 1].
        """
        return self.code(x)[0]

    def decode(self, z: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Images N x C x H x W in [0, 1] of latents.

        Args:
            z: N x latent, or N x C x h x w for a map.
            size: height and width; the input spec's where None, of a map of another size in proportion.

        Raises:
            ShapeError: the latents are of another shape.
        """
        own = self.latent_shape
        if z.ndim != 1 + len(own) or z.shape[1] != own[0]:
            expected = " x ".join(map(str, ("N", own[0], *("h", "w")[: len(own) - 1])))
            raise ShapeError("latent", expected=expected, got=" x ".join(map(str, z.shape)))
        # The exact size, which a map that was rounded up no longer tells
        if size is None and tuple(z.shape[1:]) == own:
            size = self.input_spec.size
        images: Tensor = self.decoder(self.expand(z), size)
        return images

    def sample(self, count: int, *, seed: int | None = None) -> Tensor:
        """Images N x C x H x W in [0, 1], decoded from latents of the standard normal distribution.

        Args:
            count: how many.
            seed: makes them repeatable; None draws from the global generator.

        Raises:
            ShapeError: the model is not variational, so that its latents have no known distribution.
        """
        if not self.variational:
            raise ShapeError(
                "a plain autoencoder does not generate images",
                expected="a variational one",
                got="variational=False",
                hint="build it with variational=True and train that",
            )
        # Drawn on the CPU, whose numbers are the same wherever the model is
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        z = torch.randn(count, *self.latent_shape, generator=generator)
        # Each module's own, since frozen blocks are in inference mode while the model trains
        modes = {module: module.training for module in self.modules()}
        self.eval()  # a batch norm would mix the images of a batch
        try:
            with torch.no_grad():
                return self.decode(z.to(next(self.parameters())))
        finally:
            for module, mode in modes.items():
                module.training = mode


def divergence(mean: Tensor, spread: Tensor) -> Tensor:
    """Kullback-Leibler divergence from the standard normal distribution, in nats, one number an image.

    Args:
        mean: N x ...
        spread: logarithm of the variance, of the same shape.

    Example:
        >>> divergence(torch.ones(1, 3), torch.zeros(1, 3)).tolist()
        [1.5]
    """
    # A sum over a large latent is beyond half precision
    mean, spread = mean.float().flatten(1), spread.float().flatten(1)
    # Appendix B of the paper
    return (mean.square() + spread.exp() - 1 - spread).sum(dim=1) / 2
