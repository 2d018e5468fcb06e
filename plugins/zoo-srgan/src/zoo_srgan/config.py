"""Options of the components, free of torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from zoo import ForPart, MeasuredOptions, Options, PartOf, Plateau, Rate, RefValue


class SRResNetOptions(Options):
    """Options of the generator."""

    scale: Literal[2, 4] = Field(4, description="how many times as high and wide the output is")
    width: PositiveInt = Field(64, description="channels of all inner maps")
    blocks: PositiveInt = Field(16, description="residual blocks")
    batch_norm: bool = Field(True, description="batch norm in the residual blocks, as in the paper")
    upsampling: Literal["pixel-shuffle", "deconvolution", "resize"] = Field(
        "pixel-shuffle",
        description="how maps are enlarged: four channels become two by two pixels (the paper), a transposed "
        "convolution, or pixels are repeated and convolved",
    )
    bicubic_skip: bool = Field(
        False, description="learn only what bicubic enlargement lacks, which is then added to it"
    )
    tile: Annotated[int, Field(ge=8)] = Field(
        128,
        description="height and width of the parts, in input pixels, that larger images are worked on in",
    )


class SRGANDiscriminatorOptions(Options):
    """Options of the discriminator."""

    width: PositiveInt = Field(
        64, description="channels of the first block; each block has twice as many as the one before"
    )
    batch_norm: bool = Field(True, description="batch norm behind all convolutions but the first")


def _discriminator() -> dict[str, Any]:
    head = {"name": "binary", "pool": "flatten", "hidden": [1024], "activation": "leaky-relu"}
    return {"name": "srgan_discriminator", "head": head}


class SRGANOptions(Options):
    """Options of the pair."""

    scale: Annotated[Literal[2, 4] | None, ForPart("generator")] = Field(
        None, description="how many times as high and wide the output is; the generator's own by default"
    )
    generator: Annotated[RefValue, PartOf("model")] = Field(
        "srresnet", description="what enlarges images; file:runs/srresnet-1 goes on from a trained one"
    )
    discriminator: Annotated[RefValue, PartOf("model")] = Field(
        default_factory=_discriminator, description="any backbone with a binary head"
    )


class SRTrainerOptions(MeasuredOptions):
    """Options of the trainer."""

    batch_size: PositiveInt = Field(16, description="images a step, over all processes")
    lr: Rate = Field(
        1e-4, description="learning rate, or one by network: {generator = 1e-4, discriminator = 1e-4}"
    )
    monitor: str | None = Field(  # type: ignore[assignment]  # the trainer has a name for none
        None,
        description="value that says which epoch is best; by default val_psnr for a generator alone, and for "
        "a pair `epoch`, which keeps the last",
    )
    pretrain_epochs: int = Field(
        0, ge=0, description="epochs at the beginning with the mean squared error alone, and no discriminator"
    )
    ema: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="decay of the generator's averaged weights, which the model has then; none by default",
    )
    degrade: Annotated[tuple[RefValue, ...], PartOf("augmenter")] = Field(
        (), description="augmenters that spoil the small images while training, such as blur and noise"
    )
    samples: PositiveInt = Field(4, description="validation images on the sheet of each epoch")

    @model_validator(mode="after")
    def _fits(self) -> SRTrainerOptions:
        # Equal is allowed: a pair may be pretrained only, and go on in another run
        if self.pretrain_epochs > self.epochs:
            raise ValueError(f"pretrain_epochs of at most epochs={self.epochs}")
        watching = self.early_stopping is not None or isinstance(self.schedule, Plateau)
        if self.monitor == "epoch" and watching:
            raise ValueError("a measured monitor beside early_stopping or a plateau schedule")
        return self
