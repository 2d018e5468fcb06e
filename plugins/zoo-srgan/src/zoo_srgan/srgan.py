"""SRGAN (Ledig et al., 2017): a generator that enlarges images, and a discriminator."""

from __future__ import annotations

from zoo.errors import ShapeError
from zoo.interfaces import Model, Pair
from zoo_srgan.task import SuperResolution


class SRGAN(Pair):
    """A generator for super-resolution and its discriminator.

    Paper: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802

    Args:
        classes: not used.
        in_channels: of the images.
        generator: enlarges images.
        discriminator: takes large images in [0, 1], returns N x 1 logits, positive for real.

    Raises:
        ShapeError: the generator is for something else, or the two are not for the same images.
    """

    defaults = {"loss": "perceptual"}  # noqa: RUF012 - never changed

    def __init__(
        self, *, classes: int | None = None, in_channels: int = 3, generator: Model, discriminator: Model
    ) -> None:
        if not isinstance(generator.task, SuperResolution):
            got = generator.task.name if generator.task else "no task"
            hint = 'generator="srresnet"'
            raise ShapeError("generator", expected="a model for super-resolution", got=got, hint=hint)
        super().__init__(generator=generator, discriminator=discriminator)
        # The discriminator's head may be flat, and fits one size of large images alone
        made, taken = (model.input_spec.size for model in (generator, discriminator))
        if made != taken:
            expected = f"one for {made[0]}x{made[1]} images, as the generator"
            hint = f"build the pair with input_size={made}"
            raise ShapeError("discriminator", expected=expected, got=f"{taken[0]}x{taken[1]}", hint=hint)
