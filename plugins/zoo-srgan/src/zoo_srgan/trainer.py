"""The trainer of super-resolution: mean squared error, then a game against a discriminator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo.interfaces.adversarial import Pair
from zoo.interfaces.augmenter import Augmenter, Batch, Chain
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import OUTPUT, Loss, check_needs, compute, needs_of, total
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Sheet, Trainer
from zoo.spec.errors import OptionError, TrainingError, warn
from zoo.spec.schedule import Schedule, read_schedule
from zoo.trainers import OPTIMIZERS, Average, Opponent, Rates, Score, cut, groups, resting, rows, untouched
from zoo_srgan.resampling import enlarge
from zoo_srgan.task import SuperResolution

GENERATOR, DISCRIMINATOR, LOSS = "generator", "discriminator", "loss"
VERDICT = "verdict"
LAST = "epoch"

Parts = Tensor | dict[str, Tensor]


class SRTrainer(Trainer):
    """Trains a network that enlarges pictures, alone or against a discriminator.

    Paper: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802, section 3.2

    The first `pretrain_epochs` minimise the mean squared error and leave the discriminator alone; after them
    the run's loss is minimised, and in each step first the discriminator moves, then the generator. Neither
    changes anything of the other, running statistics included. A generator without a discriminator is
    trained alike, with a loss that needs none.

    Args:
        epochs: passes over the training pictures.
        batch_size: pictures a step, over all processes.
        micro_batch_size: pictures at a time; the gradients of a batch's parts are added up.
        optimizer: of each network: `adam`, `adamw`, `sgd` or `rmsprop`.
        lr: one learning rate, or one by network: `{"generator": 1e-4, "discriminator": 1e-5}`.
        schedule: name of a schedule, or a table; the generator's runs over all epochs, the discriminator's
            over those in which it moves.
        clip_norm: largest norm of the gradients of a network, which are scaled to it.
        weight_decay: torch's own value where None.
        momentum: of sgd and rmsprop; 0 where None.
        monitor: value that says which epoch is best, `epoch` for the last; by default `val_psnr` for a
            generator alone, and `epoch` for a pair, whose aim is no signal-to-noise ratio.
        early_stopping: stop after so many epochs without a better one; None never.
        pretrain_epochs: with the mean squared error alone.
        ema: decay of an average over the generator's weights (in the first n steps (1 + n) / (10 + n), if
            that is less), which the model then holds; None holds the trained weights.
        degrade: spoil the small pictures while training.
        samples: validation pictures on the sheet of each epoch.

    Raises:
        OptionError: an option does not fit.
    """

    higher_is_better = True
    schedule: Schedule

    def __init__(
        self,
        *,
        epochs: int = 10,
        batch_size: int = 16,
        micro_batch_size: int | None = None,
        optimizer: str = "adam",
        lr: float | Mapping[str, float] = 1e-4,
        schedule: Schedule | str | Mapping[str, Any] = "constant",
        clip_norm: float | None = None,
        weight_decay: float | None = None,
        momentum: float | None = None,
        monitor: str | None = None,
        early_stopping: int | None = None,
        pretrain_epochs: int = 0,
        ema: float | None = None,
        degrade: Sequence[Augmenter] = (),
        samples: int = 4,
    ) -> None:
        self.epochs, self.batch_size, self.micro_batch_size = epochs, batch_size, micro_batch_size
        self.optimizer, self.lr, self.schedule = optimizer, lr, read_schedule(schedule)
        self.clip_norm, self.early_stopping, self._monitor = clip_norm, early_stopping, monitor
        self.pretrain_epochs, self.ema, self.samples = pretrain_epochs, ema, samples
        extra = {"weight_decay": weight_decay, "momentum": momentum}
        self._extra: dict[str, Any] = {name: value for name, value in extra.items() if value is not None}
        if any(item.resamples for item in degrade):
            hint = "choose blur, noise and the like; pictures as a whole are moved by augment="
            raise OptionError(
                "degrade", expected="augmenters that move no pixels", got="one that does", hint=hint
            )
        self._degrade = Chain(degrade) if degrade else None

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
        self._model, self._task, self._loss, self._execution = model, model.task, loss, execution
        self._pair = model if isinstance(model, Pair) else None
        self._held = self._pair.generator if self._pair is not None else model
        self._check_loss(loss)
        self._average = Average(self._held, self.ema)
        self._trained = self._average.trained.train()
        self._done, self._shown = 0, dict[str, Tensor]()
        self._make_optimizers(loss)
        self._score = Score(self._task, model.outputs, None, first_only=True)
        self.monitor = self._monitor or (LAST if self._pair is not None else "val_psnr")
        self.higher_is_better = self.monitor == LAST or self._score.higher_is_better(self.monitor)
        self.charts = self._charts()
        self._maker = execution.wrap(self._trained)
        if self._pair is not None:
            self._opponent = execution.wrap(Opponent(self._pair.discriminator, loss))

    def check_longer(self, before: int) -> None:
        """Refuses where a run was all pretraining: what comes after it would be another training.

        Raises:
            TrainingError: it has no phase to go on with.
        """
        if self.pretrain_epochs >= before:
            raise TrainingError(
                f"trainer srgan with {self.pretrain_epochs} pretrain_epochs",
                expected="a run whose last phase can go on", got=f"one of {before} epochs, all pretraining",
                hint="begin a new run with its model as the generator, and the epochs of each phase",
            )  # fmt: skip

    def _check_loss(self, loss: Loss) -> None:
        if self._pair is None:
            check_needs(loss, (), "srgan without a discriminator")
            return
        check_needs(loss, (VERDICT,), "srgan")
        plays = self.pretrain_epochs < self.epochs
        if plays and VERDICT not in needs_of(loss):
            hint = 'loss="perceptual", or train the generator alone'
            raise OptionError(
                "loss beside a discriminator", expected="one with an adversarial part",
                got=type(loss).__name__, hint=hint,
            )  # fmt: skip
        if plays and not self.pretrain_epochs and self._held.origin is None:
            warn(
                "the generator meets the discriminator with random weights; give pretrain_epochs=, "
                'or build with generator="file:runs/srresnet-1"'
            )

    def _make_optimizers(self, loss: Loss) -> None:
        parts: dict[str, Iterable[nn.Parameter]] = {GENERATOR: self._trained.parameters()}
        if self._pair is not None:
            parts[DISCRIMINATOR] = self._pair.discriminator.parameters()
        own = [p for p in loss.parameters() if p.requires_grad]
        found = groups({**parts, LOSS: own} if own else parts, self.lr)
        self._optimizers: dict[str, torch.optim.Optimizer] = {}
        self._rates: dict[str, Rates] = {}
        for name in parts:
            mine = [group for group in found if (group["name"] == DISCRIMINATOR) == (name == DISCRIMINATOR)]
            if all(group["name"] != name for group in mine):
                hint = "unfreeze some of it with model.unfreeze()"
                raise TrainingError(name, expected="something to train", got="all frozen", hint=hint)
            optimizer = OPTIMIZERS[self.optimizer](mine, **self._extra)
            epochs = self.epochs - self.pretrain_epochs if name == DISCRIMINATOR else self.epochs
            self._rates[name] = Rates(
                optimizer, self.schedule, epochs=epochs, steps=self._execution.steps, higher_is_better=True
            )
            self._optimizers[name] = self._execution.wrap_optimizer(optimizer)

    def _charts(self) -> Mapping[str, tuple[str, ...]]:
        names = [f"loss_{name}" for name in getattr(self._loss, "parts", ())]
        charts = {"PSNR": ("psnr", "val_psnr", "val_psnr_bicubic"), "loss": ("loss", "val_loss", *names)}
        if self._pair is not None and self.pretrain_epochs < self.epochs:
            charts["discriminator"] = ("loss_discriminator", "real", "fake")
        return charts

    # -- training --------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether the run's loss is minimised by now, against the discriminator if there is one."""
        return self._done >= self.pretrain_epochs

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the discriminator, if it is its time, and one of the generator."""
        batch = self._spoilt(batch)
        self._execution.begin(rows(batch))
        opposed = self._oppose(batch) if self._pair is not None and self.playing else {}
        return {**self._improve(batch), **opposed}

    def _spoilt(self, batch: Batch) -> Batch:
        """The batch with degraded small pictures, by draws that follow from the global random state."""
        if self._degrade is None:
            return batch
        seeds = torch.randint(2**62, (rows(batch),)).tolist()
        image = self._degrade(
            {"image": batch["image"], "index": batch["index"]},
            [torch.Generator().manual_seed(s) for s in seeds],
        )["image"]
        return {**batch, "image": image}

    def _oppose(self, batch: Batch) -> dict[str, Tensor]:
        """The discriminator's step; what it says of real and of generated pictures is a probability."""
        logged: dict[str, Tensor] = {}
        for part, last in cut(batch, self.micro_batch_size):
            with nullcontext() if last else self._execution.partial(self._opponent):
                with self._execution.precision():
                    with torch.no_grad(), untouched(self._trained):
                        fake = self._trained(part["image"]).float()
                    parts, real, made = self._opponent(part["target"], fake)
                    loss = total(parts)
                self._execution.backward(loss, rows(part))
            values = {
                "loss_discriminator": loss,
                "real": real.sigmoid().mean(),
                "fake": made.sigmoid().mean(),
            }
            _add(logged, values, rows(part) / rows(batch))
        self._move(DISCRIMINATOR)
        return logged

    def _improve(self, batch: Batch) -> dict[str, Tensor]:
        """The generator's step."""
        logged: dict[str, Tensor] = {}
        judge = self._pair.discriminator if self._pair is not None and self.playing else None
        for part, last in cut(batch, self.micro_batch_size):
            with (
                nullcontext() if last else self._execution.partial(self._maker),
                untouched(judge) if judge is not None else nullcontext(),
            ):
                with self._execution.precision():
                    output = self._maker(part["image"])
                    parts = self._losses(output, part)
                    loss = total(parts)
                self._execution.backward(loss, rows(part))
            self._score.add(*self._execution.gather(output.detach(), part))
            _add(logged, _named(loss, parts), rows(part) / rows(batch))
        self._move(GENERATOR)
        self._average.move()
        return logged

    def _losses(self, output: Tensor, batch: Batch) -> Parts:
        if not self.playing:
            return F.mse_loss(output, batch["target"])
        outputs = {OUTPUT: output}
        if self._pair is not None:
            outputs[VERDICT] = self._pair.discriminator(output)
        return compute(self._loss, outputs, batch["target"], batch)

    def _move(self, name: str) -> None:
        optimizer = self._optimizers[name]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._execution.step(optimizer, self.clip_norm, parameters)
        self._rates[name].step()

    # -- measuring -------------------------------------------------------------------------------------

    def collect(self) -> dict[str, float]:
        """The signal-to-noise ratio over the epoch's training pictures, as the generator was at each step."""
        return self._score.values()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The present phase's loss with its parts, and the task's metrics."""
        score = Score(self._task, self._model.outputs, None)
        sums: dict[str, Tensor] = {}
        self._shown = {}
        with resting(self._model), self._execution.precision():
            for batch in batches:
                output, whole = self._execution.gather(self._held(batch["image"]), batch)
                score.add(output, whole)
                parts = self._losses(output, whole)
                _add(sums, _named(total(parts), parts), len(output))
                if not self._shown:
                    self._show(batch, output)
        count = score.count
        return {name: float(value) / count for name, value in sums.items()} | score.values()

    def _show(self, batch: Batch, output: Tensor) -> None:
        small, count = batch["image"][: self.samples], self.samples
        self._shown = {
            "HR": batch["target"][:count],
            "LR": F.interpolate(small, scale_factor=self._task.scale, mode="nearest"),
            "bicubic": enlarge(small, self._task.scale),
            "SR": output[: len(small)].detach().clamp(0, 1),
        }

    def draw(self) -> dict[str, Sheet]:
        """The first validation pictures: what was large, made small, and enlarged in two ways."""
        return {"pictures": Sheet(self._shown)} if self._shown else {}

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        """The next phase begins where it is time, and schedules go on."""
        for name, rates in self._rates.items():
            if name == GENERATOR or self.playing:
                rates.end_epoch(values[self.monitor])
        self._done = epoch

    # -- state -----------------------------------------------------------------------------------------

    @property
    def rates(self) -> dict[str, float]:
        """The present learning rate of each network."""
        return {part: rate for rates in self._rates.values() for part, rate in rates.values.items()}

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One for each network."""
        return self._optimizers

    def state_dict(self) -> dict[str, Any]:
        """Optimizers, schedules, the epochs done, and the trained weights behind an average."""
        return {
            **super().state_dict(),
            "rates": {name: rates.state_dict() for name, rates in self._rates.items()},
            "score": self._score.state_dict(),
            "done": self._done,
            "average": self._average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        super().load_state_dict(state)
        for name, rates in self._rates.items():
            rates.load_state_dict(state["rates"][name])
        self._score.load_state_dict(state["score"])
        self._done = state["done"]
        self._average.load_state_dict(state["average"])


def _named(loss: Tensor, parts: Parts) -> dict[str, Tensor]:
    """What is logged of a loss."""
    named = {f"loss_{name}": value for name, value in parts.items()} if isinstance(parts, dict) else {}
    return {"loss": loss, **named}


def _add(logged: dict[str, Tensor], values: Mapping[str, Tensor], share: float) -> None:
    for name, value in values.items():
        logged[name] = logged.get(name, torch.zeros_like(value)) + value.detach() * share
