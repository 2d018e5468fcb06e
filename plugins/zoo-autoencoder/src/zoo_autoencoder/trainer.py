"""The trainer: noise in front while training, and the divergence of a variational model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from zoo.errors import OptionError, ShapeError, TrainingError
from zoo.interfaces import (
    OUTPUT,
    Batch,
    Execution,
    ImageGrid,
    Loss,
    Model,
    Reconstruction,
    check_needs,
    compute,
    generator,
)
from zoo.trainers import GradientTrainer, Score
from zoo_autoencoder.config import AutoencoderTrainerOptions
from zoo_autoencoder.model import Autoencoder, divergence

CORRUPTED = "spoilt"
"""Entry of the batch; the draws of the noise that is measured with follow from the word, so it stays."""
"""Under this name a batch holds the images that the model sees, where those are not the target's."""

# Images on the sheet
_DRAWN = 8


class AutoencoderTrainer(GradientTrainer):
    """Restores images; with noise or a mask, those that were there before it.

    Papers: denoising, Extracting and Composing Robust Features with Denoising Autoencoders,
    https://dl.acm.org/doi/10.1145/1390156.1390294; variational, https://arxiv.org/abs/1312.6114.

    The noise belongs to training: the trained model has none in front. Validation images get the same noise
    in each epoch. A variational model's loss is `reconstruction` + `kl`, beta times the divergence divided by
    the number of values in an image; with beta 1 that is the evidence lower bound, as a mean over values.

    Args:
        **options: of `AutoencoderTrainerOptions`; noisy images are cut off at 0 and 1.
    """

    config = AutoencoderTrainerOptions
    options: AutoencoderTrainerOptions

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.noise, self.mask, self.beta = self.options.noise, self.options.mask, self.options.beta
        self._images: dict[str, Tensor] = {}

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        """Takes the model and the loss, and makes the optimizer.

        Raises:
            TrainingError: the model does not restore images, there is no loss, or nothing to train.
            OptionError: the loss needs what this trainer has not, or an option does not fit the model.
        """
        if not isinstance(model.task, Reconstruction):
            got = f"task {model.task.name}" if model.task else "a feature extractor"
            raise TrainingError("trainer autoencoder", expected="a model that restores images", got=got)
        self._variational = isinstance(model, Autoencoder) and model.variational
        if self.beta is not None and not self._variational:
            hint = "leave it out, or build the model with variational=True"
            where, got = "trainer autoencoder: beta", "a plain one"
            raise OptionError(where, expected="a variational model", got=got, hint=hint)
        if loss is not None:
            check_needs(loss, (), "autoencoder")
        super().setup(model, loss, execution)
        noisy = ("val_psnr_noisy",) if self._spoils else ()
        # The noisy images' own ratio beside the restored ones': what the network has gained
        self.charts = {"loss": ("loss", "val_loss"), "psnr in dB": ("val_psnr", *noisy)}
        if self._variational:
            # A loss of parts is logged part by part
            parts = (*getattr(loss, "parts", ("reconstruction",)), "kl")
            names = [f"{split}loss_{part}" for part in parts for split in ("", "val_")]
            self.charts["parts of the loss"] = tuple(names)

    def trained_network(self, model: Model) -> nn.Module:
        """Network that a step runs: of a variational model, one that returns the code too."""
        # A step needs mean and variance, which the model's own forward keeps to itself
        if isinstance(model, Autoencoder) and model.variational:
            self._network: nn.Module = _WithCode(model, self.execution)
        else:
            self._network = model
        return self._network

    @property
    def _spoils(self) -> bool:
        return self.noise > 0 or self.mask > 0

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the optimizer; returns the loss and its parts."""
        if self._spoils:
            image = batch["image"]
            # Before the batch is cut into parts, so that parts draw what the whole would
            normal = self.execution.drawn(partial(_rows, torch.randn, image), len(image))
            uniform = self.execution.drawn(partial(_rows, torch.rand, image[:, :1]), len(image))
            batch = {**batch, CORRUPTED: self.corrupted(image, normal, uniform)}
        return super().step(batch)

    def corrupted(self, image: Tensor, normal: Tensor, uniform: Tensor) -> Tensor:
        """Images with noise and without some of their pixels.

        Args:
            image: N x C x H x W in [0, 1].
            normal: as many draws of the standard normal distribution.
            uniform: N x 1 x H x W draws in [0, 1): a pixel is lost in all channels.
        """
        noisy = (image + self.noise * normal).clamp(0, 1) if self.noise else image
        return noisy * (uniform >= self.mask) if self.mask else noisy

    def _always_corrupted(self, batch: Batch) -> Tensor:
        """Images with noise that is the same for an image each time, on any device and in any batch."""
        image = batch["image"]
        # A generator an image, on the CPU: neither batch size nor device changes the noise
        draws = [generator(CORRUPTED, index) for index in batch["index"].tolist()]
        normal = torch.stack([torch.randn(image.shape[1:], generator=draw) for draw in draws])
        uniform = torch.stack([torch.rand((1, *image.shape[2:]), generator=draw) for draw in draws])
        return self.corrupted(image, normal.to(image), uniform.to(image))

    def losses(self, batch: Batch) -> tuple[Tensor, Tensor | dict[str, Tensor]]:
        """The restored images, and what is minimised."""
        found = self.network(batch.get(CORRUPTED, batch["image"]))
        output, *code = found if self._variational else (found,)
        target = batch["target"]
        # A loss might broadcast one over the other
        if output.shape != target.shape:
            expected, got = (" x ".join(map(str, x.shape)) for x in (target, output))
            raise ShapeError("output of the model", expected=expected, got=got)
        restored = compute(self.loss, {OUTPUT: output}, target, batch)
        if not self._variational:
            return output, restored
        parts = restored if isinstance(restored, dict) else {"reconstruction": restored}
        return output, {**parts, "kl": divergence(*code).mean() * self._weight(target)}

    def _weight(self, target: Tensor) -> float:
        """Weight of the divergence, beside a mean over the values of an image."""
        return (1.0 if self.beta is None else self.beta) / math.prod(target.shape[1:])

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Loss and metrics of what is restored, and the metrics of what it is restored from.

        Returns:
            `loss`, `psnr` in dB, `mae`; where images are spoilt, `psnr_noisy` of those; of a variational
            model `loss_reconstruction`, `loss_kl`, and `kl` in nats an image.
        """
        score = Score(self.task, self.model.outputs, self.loss, metrics=self.metrics)
        noisy = Score(self.task, self.model.outputs, None)
        nats: list[Tensor] = []
        weight = 0.0
        self._images = {}
        with self.inference():
            for batch in batches:
                image = batch["image"]
                seen = self._always_corrupted(batch) if self._spoils else image
                # Unwrapped: processes measure apart, and only their outputs are gathered
                output, *code = self._network(seen) if self._variational else (self.model(seen),)
                if self._variational:
                    # In one column, as `gather` takes rows an image
                    kl_each = self.execution.gather(divergence(*code)[:, None], batch)[0]
                    # To the CPU first, since some accelerators have no double precision
                    nats.append(kl_each.cpu().double())
                    weight = self._weight(batch["target"])
                score.add(*self.execution.gather(output, batch))
                if self._spoils:
                    noisy.add(*self.execution.gather(seen, batch))
                self._keep(image, seen, output)
        values = score.values()
        if self._variational:
            # Over images, so that a short last batch counts by its length
            kl = float(torch.cat(nats).mean())
            parts = {"loss_reconstruction": values["loss"], "loss_kl": kl * weight, "kl": kl}
            values |= {**parts, "loss": values["loss"] + kl * weight}
        return values | ({"psnr_noisy": noisy.values()["psnr"]} if self._spoils else {})

    def _keep(self, image: Tensor, seen: Tensor, output: Tensor) -> None:
        """Keeps the first images, to be drawn."""
        columns = {"original": image, **({"noisy": seen} if self._spoils else {}), "restored": output.float()}
        for title, images in columns.items():
            before = self._images.get(title)
            if before is None:
                self._images[title] = images[:_DRAWN].cpu()
            elif len(before) < _DRAWN:
                self._images[title] = torch.cat([before, images.cpu()])[:_DRAWN]

    def draw(self) -> dict[str, ImageGrid]:
        """The first validation images, as they are given and as they are restored."""
        return {"images": ImageGrid(self._images)} if self._images else {}


class _WithCode(nn.Module):
    """Network that a step runs: images to restored images, mean and logarithm of the variance."""

    def __init__(self, model: Autoencoder, execution: Execution) -> None:
        super().__init__()
        self.model, self.execution = model, execution

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        restored, mean, spread = self.model.restore(x, self._noise)
        assert spread is not None  # noqa: S101 - the model is variational
        return restored, mean, spread

    def _noise(self, like: Tensor) -> Tensor:
        """The noise of the latents, other one in each process."""
        return self.execution.drawn(partial(_rows, torch.randn, like), len(like))


def _rows(draw: Callable[..., Tensor], like: Tensor, count: int) -> Tensor:
    """Random numbers of the shape of a batch, but for so many images."""
    return draw(count, *like.shape[1:], dtype=like.dtype, device=like.device)
