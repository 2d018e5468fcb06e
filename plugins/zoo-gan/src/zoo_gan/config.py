"""Options of the components, free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from zoo import GradientOptions, OptimizerOptions, Options, PartOf, Plateau, Rate, RefValue

Kernel = Literal[4, 5]
Share = Annotated[float, Field(ge=0, lt=1)]
# Section 4 of the DCGAN paper: at Adam's usual 0.9 training was unstable
BETAS = (0.5, 0.999)
SMALLEST = 4
"""Height and width of the map that a generator begins with."""


class DCGANGeneratorOptions(Options):
    """Options of the DCGAN's generator."""

    input_size: tuple[PositiveInt, PositiveInt] = Field(
        (64, 64), description="height and width of the images that it makes: 8, 16, 32, 64, ..."
    )
    latent: PositiveInt = Field(100, description="length of the latent vector")
    width: PositiveInt = Field(
        128, description="channels of the last map before the image; each map before it has twice as many"
    )
    kernel: Kernel = Field(5, description="height and width of the convolutions' kernels")

    @field_validator("input_size")
    @classmethod
    def _doubles(cls, size: tuple[int, int]) -> tuple[int, int]:
        # A power of two has one bit, which it does not share with the number below it
        if size[0] != size[1] or size[0] < 2 * SMALLEST or size[0] & (size[0] - 1):
            raise ValueError("a square of 8, 16, 32, 64, ... pixels")
        return size


class DCGANDiscriminatorOptions(Options):
    """Options of the DCGAN's discriminator."""

    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = Field(
        (64, 128, 256, 512), description="channels of each block; each block halves the map"
    )
    norm: Literal["batch", "layer", "none"] = Field(
        "batch",
        description="normalisation in each block but the first; layer or none beside a gradient penalty",
    )
    kernel: Kernel = Field(5, description="height and width of the convolutions' kernels")


class DCGANOptions(Options):
    """Options of the pair."""

    generator: Annotated[RefValue, PartOf("model")] = Field(
        "dcgan_generator", description="what makes images of latent vectors"
    )
    discriminator: Annotated[RefValue, PartOf("model")] = Field(
        {"name": "dcgan_discriminator", "head": {"name": "binary", "pool": "flatten"}},
        description="any backbone with a binary head",
    )


class GANOptions(GradientOptions):
    """Options of the trainer of a pair."""

    epochs: PositiveInt = Field(100, description="passes over the training images")
    batch_size: PositiveInt = Field(64, description="images a step, over all processes")
    monitor: Literal["epoch", "val_diversity"] = Field(
        "epoch", description="value that says which epoch is kept; `epoch` keeps the last"
    )
    lr: Rate = Field(
        2e-4, description="learning rate, or one for each network: {generator = 1e-4, discriminator = 4e-4}"
    )
    betas: tuple[Share, Share] | None = Field(
        None, description="of adam and its kin; by default the DCGAN paper's 0.5 and 0.999"
    )
    discriminator_steps: PositiveInt = Field(
        1, description="steps of the discriminator for each of the generator"
    )
    ema: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="decay of the generator's averaged weights, which the model has then; none by default",
    )
    samples: PositiveInt = Field(64, description="images on the sheet of each epoch")

    @model_validator(mode="after")
    def _options_apply(self) -> GANOptions:
        # The number of the epoch rises whatever happens: nothing to stop by, or to lower a rate by
        if self.monitor == "epoch" and (
            self.early_stopping is not None or isinstance(self.schedule, Plateau)
        ):
            raise ValueError("monitor='val_diversity' beside early_stopping or a plateau schedule")
        return self

    @property
    def beside_optimizer(self) -> Mapping[str, Any]:
        """Options of the optimizer that stand beside its table, the betas among them."""
        return {**super().beside_optimizer, "betas": self.betas}

    @property
    def settled_optimizer(self) -> OptimizerOptions:
        """The optimizer with the DCGAN paper's betas where it has some and none are given."""
        spec = super().settled_optimizer
        # RMSprop and SGD have none; what is said in the optimizer's own table goes before the paper
        takes = "betas" in type(spec).model_fields and "betas" not in spec.model_fields_set
        return spec.model_copy(update={"betas": BETAS}) if takes else spec
