"""The trainer of super-resolution: mean squared error, then a game against a discriminator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.errors import OptionError, TrainingError, warn
from zoo.interfaces import (
    OUTPUT,
    Augmenter,
    Batch,
    Chain,
    Execution,
    ImageGrid,
    Loss,
    Model,
    Pair,
    check_needs,
    compute,
    needs_of,
    rows,
    total,
)
from zoo.trainers import (
    DISCRIMINATOR_LOGITS,
    GENERATOR,
    LossSums,
    PairTrainer,
    Parts,
    Score,
    add_up,
    losses_by_name,
    resting,
    untouched,
)
from zoo_srgan.config import SRTrainerOptions
from zoo_srgan.resampling import enlarge
from zoo_srgan.task import SuperResolution

# Monitor whose value is the epoch's number: the last epoch is the best
LAST = "epoch"


class SRTrainer(PairTrainer):
    """Trains a network that enlarges images, alone or against a discriminator.

    Paper: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802, section 3.2

    The first `pretrain_epochs` minimise the mean squared error and leave the discriminator alone; after them
    the run's loss is minimised, and in each step first the discriminator moves, then the generator. Neither
    changes anything of the other, running statistics included. A generator without a discriminator is
    trained alike, with a loss that needs none.

    Args:
        degrade: spoil the small images while training.
        **options: of `SRTrainerOptions`. The generator's schedule runs over all epochs, the
            discriminator's over those in which it moves.

    Raises:
        OptionError: an option does not fit.
    """

    config = SRTrainerOptions
    options: SRTrainerOptions
    higher_is_better = True

    def __init__(self, *, degrade: Sequence[Augmenter] = (), **options: Any) -> None:
        super().__init__(**options)
        self.pretrain_epochs = self.options.pretrain_epochs
        # Moved pixels would no longer lie on those of the large image
        if any(item.resamples for item in degrade):
            hint = "choose blur, noise and the like; images as a whole are moved by augment="
            raise OptionError(
                "degrade", expected="augmenters that move no pixels", got="one that does", hint=hint
            )
        self.degrade = Chain(degrade) if degrade else None

    # -- setup -----------------------------------------------------------------------------------------

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        """Takes model and loss, and makes an optimizer for each network.

        Raises:
            TrainingError: the model is not for super-resolution, there is no loss, or nothing to train.
            OptionError: the loss does not fit the model, or the rate table.
        """
        if not isinstance(model.task, SuperResolution):
            got = model.task.name if model.task else "a feature extractor"
            hint = 'zoo.build("srresnet")'
            raise TrainingError("trainer srgan", expected="a model for super-resolution", got=got, hint=hint)
        if loss is None:
            raise TrainingError("trainer srgan", expected="loss=", got="none")
        self.model, self.task, self.loss = model, model.task, loss
        self.pair = model if isinstance(model, Pair) else None
        self.generator = self.pair.generator if self.pair is not None else model
        self._check_loss(loss)
        # Epochs done, which say the phase, and what is drawn
        self.done, self._shown = 0, dict[str, Tensor]()
        self.score = Score(self.task, model.outputs, None, first_only=True, metrics=self.metrics)
        self.monitor = self.options.monitor or (LAST if self.pair is not None else "val_psnr")
        # An epoch's number rises, so that the last one is kept
        self.higher_is_better = self.monitor == LAST or self.score.higher_is_better(self.monitor)
        self.take(
            self.generator, self.pair.discriminator if self.pair is not None else None, loss, execution,
            # The discriminator's schedule is spread over the epochs in which it moves
            ema=self.options.ema, discriminator_epochs=self.epochs - self.pretrain_epochs,
        )  # fmt: skip
        self.charts = self._charts()

    def check_longer(self, before: int) -> None:
        """Refuses where a run was all pretraining: what comes after it would be another training.

        Raises:
            TrainingError: it has no phase to go on with.
        """
        if self.pretrain_epochs >= before:
            raise TrainingError(
                f"trainer srgan with {self.pretrain_epochs} pretrain_epochs",
                expected="a run whose last phase can go on",
                got=f"one of {before} epoch{'s' * (before != 1)}, all pretraining",
                hint="begin a new run with its model as the generator, and the epochs of each phase",
            )  # fmt: skip

    def _check_loss(self, loss: Loss) -> None:
        if self.pair is None:
            check_needs(loss, (), "srgan without a discriminator")
            return
        check_needs(loss, (DISCRIMINATOR_LOGITS,), "srgan")
        # A run that is all pretraining needs no adversarial part
        plays = self.pretrain_epochs < self.epochs
        if plays and DISCRIMINATOR_LOGITS not in needs_of(loss):
            hint = 'loss="perceptual", or train the generator alone'
            raise OptionError(
                "loss beside a discriminator", expected="one with an adversarial part",
                got=type(loss).__name__, hint=hint,
            )  # fmt: skip
        if plays and not self.pretrain_epochs and self.generator.origin is None:
            warn(
                "the generator meets the discriminator with random weights; give pretrain_epochs=, "
                'or build with generator="file:runs/srresnet-1"'
            )

    def _charts(self) -> Mapping[str, tuple[str, ...]]:
        names = [f"loss_{name}" for name in getattr(self.loss, "parts", ())]
        charts = {"PSNR": ("psnr", "val_psnr", "val_psnr_bicubic"), "loss": ("loss", "val_loss", *names)}
        if self.pair is not None and self.pretrain_epochs < self.epochs:
            charts["discriminator"] = ("loss_discriminator", "real", "fake")
        return charts

    # -- training --------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether the run's loss is minimised by now, against the discriminator if there is one."""
        return self.done >= self.pretrain_epochs

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the discriminator, if it is its time, and one of the generator."""
        # Once, so that both networks see the same small images
        batch = self._degraded(batch)
        self.execution.begin(rows(batch))
        opposed = self._oppose(batch) if self.pair is not None and self.playing else {}
        return {**self._improve(batch), **opposed}

    def _degraded(self, batch: Batch) -> Batch:
        """The batch with degraded small images, by draws that follow from the global random state."""
        if self.degrade is None:
            return batch
        # Of the global state, which follows from the step; a generator an image, as augmenters take them
        seeds = self.execution.drawn(lambda count: torch.randint(2**62, (count,)), rows(batch)).tolist()
        image = self.degrade(
            {"image": batch["image"], "index": batch["index"]},
            [torch.Generator().manual_seed(s) for s in seeds],
        )["image"]
        return {**batch, "image": image}

    def _oppose(self, batch: Batch) -> dict[str, Tensor]:
        """The discriminator's step; what it says of real and of generated images is a probability."""
        logged: dict[str, Tensor] = {}
        for part, share in self.passes(batch, self.opponent):
            found = self.oppose(part["target"], partial(self.trained, part["image"]))
            values = {
                "loss_discriminator": found.losses["loss_discriminator"],
                "real": found.real_logits.sigmoid().mean(),
                "fake": found.fake_logits.sigmoid().mean(),
            }
            add_up(logged, values, share)
        self.step_discriminator()
        return logged

    def _improve(self, batch: Batch) -> dict[str, Tensor]:
        """The generator's step."""
        logged: dict[str, Tensor] = {}
        judge = self.pair.discriminator if self.pair is not None and self.playing else None
        for part, share in self.passes(batch, self.maker):
            # Gradients pass through to the generator; the discriminator keeps weights and running statistics
            with untouched(judge) if judge is not None else nullcontext():
                with self.execution.precision():
                    output = self.maker(part["image"])
                    parts = self._losses(output, part)
                    loss = total(parts)
                self.execution.backward(loss, rows(part))
            self.score.add(*self.execution.gather(output.detach(), part))
            add_up(logged, losses_by_name(loss, parts), share)
        self.step_generator()
        return logged

    def _losses(self, output: Tensor, batch: Batch) -> Parts:
        if not self.playing:
            return F.mse_loss(output, batch["target"])
        return compute(self.loss, self._outputs(output), batch["target"], batch)

    def _outputs(self, output: Tensor) -> dict[str, Tensor]:
        """What the present phase's loss may take."""
        found = {OUTPUT: output}
        if self.pair is not None and self.playing:
            found[DISCRIMINATOR_LOGITS] = self.pair.discriminator(output)
        return found

    # -- measuring -------------------------------------------------------------------------------------

    def collect(self) -> dict[str, float]:
        """The signal-to-noise ratio over the epoch's training images, as the generator was at each step."""
        return self.score.values()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The present phase's loss with its parts, and the task's metrics."""
        score = Score(self.task, self.model.outputs, None, metrics=self.metrics)
        losses = LossSums(self.loss if self.playing else nn.MSELoss())
        self._shown = {}
        with resting(self.model), self.execution.precision():
            for batch in batches:
                output, whole = self.execution.gather(self.generator(batch["image"]), batch)
                score.add(output, whole)
                losses.add(self._outputs(output), whole["target"], whole)
                if not self._shown:
                    self._show(batch, output)
        return losses.values() | score.values()

    def _show(self, batch: Batch, output: Tensor) -> None:
        small, count = batch["image"][: self.options.samples], self.options.samples
        self._shown = {
            "HR": batch["target"][:count],
            "LR": F.interpolate(small, scale_factor=self.task.scale, mode="nearest"),
            "bicubic": enlarge(small, self.task.scale),
            "SR": output[: len(small)].detach().clamp(0, 1),
        }

    def draw(self) -> dict[str, ImageGrid]:
        """The first validation images: large, shrunk, and enlarged by bicubic resampling and by the model."""
        return {"images": ImageGrid(self._shown)} if self._shown else {}

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Moves the schedules on, and begins the next phase where it is time."""
        for name, optimizer in self.optimizers.items():
            # Before `done` moves on: the discriminator's schedule counts the epochs that it has moved in
            if name == GENERATOR or self.playing:
                optimizer.end_epoch(values[self.monitor])
        self.done = epoch

    def state_dict(self) -> dict[str, Any]:
        """State of every pair, the epoch's metric so far, and the epochs done."""
        return {**super().state_dict(), "score": self.score.state_dict(), "done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        super().load_state_dict(state)
        self.score.load_state_dict(state["score"])
        self.done = state["done"]
