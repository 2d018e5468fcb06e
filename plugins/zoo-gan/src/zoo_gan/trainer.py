"""The trainer of a pair: a step of the discriminator, a step of the generator, in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from zoo.interfaces.adversarial import Pair
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import OUTPUT, Loss, check_needs, compute, needs_of, total
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Sheet, Trainer
from zoo.spec.errors import TrainingError
from zoo.spec.schedule import Schedule, read_schedule
from zoo.spec.training import MOMENTUM
from zoo.trainers import OPTIMIZERS, Average, Opponent, Rates, cut, groups, resting, rows, untouched
from zoo_gan.health import Watch, balance, spread

GENERATOR, DISCRIMINATOR, LOSS = "generator", "discriminator", "loss"
VERDICT = "verdict"
_BETAS = (0.5, 0.999)
_SEED = 0
"""Of the latent vectors that are drawn and measured after each epoch."""


class GAN(Trainer):
    """Trains a discriminator and, after every `discriminator_steps` of its steps, the generator.

    Papers: https://arxiv.org/abs/1406.2661 (the game), https://arxiv.org/abs/1511.06434 (rates and betas)

    Neither step changes anything of the other network, running statistics included. What an epoch logs
    besides losses: `balance`, the share of pairs of a real and a generated picture that the discriminator
    tells apart (0.5 is guessing), and `diversity`, how much generated pictures differ from each other,
    relative to real ones. Both are warned of where the game is over.

    Args:
        epochs: passes over the training pictures.
        batch_size: pictures a step, over all processes.
        micro_batch_size: pictures at a time; the gradients of a batch's parts are added up.
        optimizer: of each network: `adam`, `adamw`, `sgd` or `rmsprop`.
        lr: one learning rate, or one for each network: `{"generator": 1e-4, "discriminator": 4e-4}`.
        schedule: name of a schedule, or a table with its options; of both.
        clip_norm: largest norm of the gradients of a network, which are scaled to it.
        weight_decay: torch's own value where None.
        momentum: of sgd and rmsprop; 0 where None.
        betas: of adam and adamw; 0.5 and 0.999 where None.
        monitor: `epoch`, by which the last epoch is kept, or `val_diversity`.
        early_stopping: stop after so many epochs without a better one; None never.
        discriminator_steps: for each step of the generator.
        ema: decay of an average over the generator's weights (in the first n steps (1 + n) / (10 + n), if
            that is less), which the model then holds; None holds the trained weights.
        samples: pictures on the sheet that is drawn after each epoch, always of the same latent vectors.
    """

    higher_is_better = True
    schedule: Schedule
    charts: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {
            "loss": ("loss_discriminator", "loss_generator"),
            "balance": ("balance", "val_balance"),
            "diversity": ("diversity", "val_diversity"),
        }
    )

    def __init__(
        self,
        *,
        epochs: int = 100,
        batch_size: int = 64,
        micro_batch_size: int | None = None,
        optimizer: str = "adam",
        lr: float | Mapping[str, float] = 2e-4,
        schedule: Schedule | str | Mapping[str, Any] = "constant",
        clip_norm: float | None = None,
        weight_decay: float | None = None,
        momentum: float | None = None,
        betas: tuple[float, float] | None = None,
        monitor: str = "epoch",
        early_stopping: int | None = None,
        discriminator_steps: int = 1,
        ema: float | None = None,
        samples: int = 64,
    ) -> None:
        self.epochs, self.batch_size, self.micro_batch_size = epochs, batch_size, micro_batch_size
        self.optimizer, self.lr, self.schedule = optimizer, lr, read_schedule(schedule)
        self.clip_norm, self.monitor, self.early_stopping = clip_norm, monitor, early_stopping
        self.discriminator_steps, self.ema, self.samples = discriminator_steps, ema, samples
        usual = None if optimizer in MOMENTUM else betas or _BETAS
        extra = {"betas": usual, "weight_decay": weight_decay, "momentum": momentum}
        self._extra: dict[str, Any] = {name: value for name, value in extra.items() if value is not None}

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        """Takes pair and loss, and makes an optimizer for each side.

        Raises:
            TrainingError: the model is no pair, the loss has no side for a discriminator, or a network has
                nothing to train.
            OptionError: the loss needs what this trainer has not, or the rate table does not fit.
        """
        if not isinstance(model, Pair):
            got, hint = type(model).__name__, 'zoo.build("dcgan")'
            raise TrainingError("trainer gan", expected="a generator and a discriminator", got=got, hint=hint)
        if loss is None or VERDICT not in needs_of(loss):
            got = type(loss).__name__ if loss is not None else "none"
            raise TrainingError(
                "trainer gan", expected="a loss that a discriminator takes part in", got=got,
                hint='loss="adversarial"',
            )  # fmt: skip
        check_needs(loss, (VERDICT,), "gan")
        self._pair, self._loss, self._execution = model, loss, execution
        self._average = Average(model.generator, self.ema)
        self._trained = self._average.trained.train()
        self._watch, self._turn = Watch(), 0
        parts: dict[str, Iterable[nn.Parameter]] = {
            GENERATOR: self._trained.parameters(),
            DISCRIMINATOR: model.discriminator.parameters(),
        }
        own = list(loss.parameters())
        found = groups({**parts, LOSS: own} if own else parts, self.lr)
        self._optimizers: dict[str, torch.optim.Optimizer] = {}
        self._rates: dict[str, Rates] = {}
        for name, steps in ((GENERATOR, execution.steps / self.discriminator_steps),
                            (DISCRIMINATOR, execution.steps)):  # fmt: skip
            mine = [group for group in found if (group["name"] == DISCRIMINATOR) == (name == DISCRIMINATOR)]
            if all(group["name"] != name for group in mine):
                hint = "unfreeze some of it; model.frozen lists the blocks"
                raise TrainingError(name, expected="something to train", got="all frozen", hint=hint)
            optimizer = OPTIMIZERS[self.optimizer](mine, **self._extra)
            self._rates[name] = Rates(
                optimizer, self.schedule, epochs=self.epochs, steps=steps, higher_is_better=True
            )
            self._optimizers[name] = execution.wrap_optimizer(optimizer)
        self._maker = execution.wrap(self._trained)
        self._opponent = execution.wrap(Opponent(model.discriminator, loss))

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the discriminator and, where it is its turn, one of the generator."""
        self._execution.begin(rows(batch))
        logged = self._oppose(batch)
        self._turn += 1
        if self._turn % self.discriminator_steps == 0:
            logged |= self._deceive(batch)
        return logged

    def _oppose(self, batch: Batch) -> dict[str, Tensor]:
        """The discriminator's step, on real pictures and as many new ones."""
        real, fakes, verdicts = batch["image"], [], []
        logged: dict[str, Tensor] = {}
        for part, last in cut(batch, self.micro_batch_size):
            with nullcontext() if last else self._execution.partial(self._opponent):
                with self._execution.precision():
                    with torch.no_grad(), untouched(self._trained):
                        fake = self._trained(self._latents(part)).float()
                    losses, *said = self._opponent(part["image"], fake)
                    loss = total(losses)
                self._execution.backward(loss, rows(part))
            fakes.append(fake)
            verdicts.append(said)
            self._log(logged, "loss_discriminator", loss, losses, rows(part) / rows(batch))
        self._move(DISCRIMINATOR)
        logged["balance"] = balance(*(torch.cat(column) for column in zip(*verdicts, strict=True)))
        if len(real) > 1 and (usual := spread(real)) > 0:
            logged["diversity"] = spread(torch.cat(fakes)) / usual
        return logged

    def _deceive(self, batch: Batch) -> dict[str, Tensor]:
        """The generator's step."""
        logged: dict[str, Tensor] = {}
        discriminator = self._pair.discriminator
        for part, last in cut(batch, self.micro_batch_size):
            with nullcontext() if last else self._execution.partial(self._maker), untouched(discriminator):
                with self._execution.precision():
                    fake = self._maker(self._latents(part))
                    outputs = {OUTPUT: fake, VERDICT: discriminator(fake)}
                    losses = compute(self._loss, outputs, part["image"], part)
                    loss = total(losses)
                self._execution.backward(loss, rows(part))
            self._log(logged, "loss_generator", loss, losses, rows(part) / rows(batch))
        self._move(GENERATOR)
        self._average.move()
        return logged

    def _move(self, name: str) -> None:
        optimizer = self._optimizers[name]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._execution.step(optimizer, self.clip_norm, parameters)
        self._rates[name].step()

    def _latents(self, batch: Batch) -> Tensor:
        """Input for as many pictures as a batch has, another in each process."""
        count, first = rows(batch), self._execution.process * rows(batch)
        drawn = self._trained.example_input(count * self._execution.processes)
        return drawn[first : first + count].to(batch["image"].device)

    @staticmethod
    def _log(
        logged: dict[str, Tensor], name: str, loss: Tensor, parts: Tensor | dict[str, Tensor], share: float
    ) -> None:
        named = {f"loss_{key}": value for key, value in parts.items()} if isinstance(parts, dict) else {}
        for key, value in {name: loss, **named}.items():
            logged[key] = logged.get(key, 0) + value.detach() * share

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Balance and diversity on other pictures than those trained on."""
        verdicts, spreads = [], torch.zeros(2, dtype=torch.float64)
        pair = self._pair
        with resting(pair), self._execution.precision():
            for number, batch in enumerate(batches):
                real = batch["image"]
                fake = pair.sample(rows(batch), seed=_SEED + number)
                said = torch.cat([pair.discriminator(real), pair.discriminator(fake)], dim=1)
                verdicts.append(self._execution.gather(said, batch)[0])
                if len(real) > 1:
                    spreads += torch.stack([spread(fake), spread(real)]).cpu() * len(real)
        made, usual = self._execution.add(spreads).tolist()
        values = {"balance": balance(*torch.cat(verdicts).unbind(dim=1)).item()}
        return values | ({"diversity": made / usual} if usual > 0 else {})

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Schedules go on, and a game that is over is warned of."""
        self._watch.look(values)
        for rates in self._rates.values():
            rates.end_epoch(values[self.monitor])

    def draw(self) -> dict[str, Sheet]:
        """Pictures of the same latent vectors after each epoch."""
        return {"samples": Sheet({"": self._pair.sample(self.samples, seed=_SEED)})}

    @property
    def rates(self) -> dict[str, float]:
        """The present learning rate of each network."""
        return {part: rate for rates in self._rates.values() for part, rate in rates.values.items()}

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """One for each network."""
        return self._optimizers

    def state_dict(self) -> dict[str, Any]:
        """Optimizers, schedules, whose turn it is, and the trained weights behind an average."""
        return {
            **super().state_dict(),
            "rates": {name: rates.state_dict() for name, rates in self._rates.items()},
            "watch": self._watch.state_dict(),
            "turn": self._turn,
            "average": self._average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        super().load_state_dict(state)
        for name, rates in self._rates.items():
            rates.load_state_dict(state["rates"][name])
        self._watch.load_state_dict(state["watch"])
        self._turn = state["turn"]
        self._average.load_state_dict(state["average"])
