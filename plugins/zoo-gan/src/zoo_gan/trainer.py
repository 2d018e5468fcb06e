"""The trainer of a pair: a step of the discriminator, a step of the generator, in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from zoo.errors import TrainingError, listing
from zoo.interfaces import (
    OUTPUT,
    Batch,
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
from zoo.trainers import DISCRIMINATOR_LOGITS, PairTrainer, add_up, losses_by_name, resting, untouched
from zoo_gan.config import GANOptions
from zoo_gan.health import Watch, balance, spread

_SEED = 0
"""Seed of the latent vectors that are drawn and measured after each epoch."""


class GAN(PairTrainer):
    """Trains a discriminator and, after every `discriminator_steps` of its steps, the generator.

    Papers: https://arxiv.org/abs/1406.2661 (the game), https://arxiv.org/abs/1511.06434 (rates and betas)

    Neither step changes anything of the other network, running statistics included. What an epoch logs
    besides losses: `balance`, the share of pairs of a real and a generated image that the discriminator
    tells apart (0.5 is guessing), and `diversity`, how much generated images differ from each other,
    relative to real ones. Both are warned of where the game is over.

    Args:
        **options: of `GANOptions`.
    """

    config = GANOptions
    options: GANOptions
    # Of both values that `monitor` may name: the epoch's number and diversity
    higher_is_better = True
    takes_augment = False
    charts: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {
            "loss": ("loss_discriminator", "loss_generator"),
            "balance": ("balance", "val_balance"),
            "diversity": ("diversity", "val_diversity"),
        }
    )

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        """Takes pair and loss, and makes an optimizer for each side.

        Raises:
            TrainingError: the model is no pair, the loss has no side for a discriminator or compares images
                with those of the batch, or a network has nothing to train.
            OptionError: the loss needs what this trainer has not, or the rate table does not fit.
        """
        if not isinstance(model, Pair):
            got, hint = type(model).__name__, 'zoo.build("dcgan")'
            raise TrainingError("trainer gan", expected="a generator and a discriminator", got=got, hint=hint)
        if loss is None or DISCRIMINATOR_LOGITS not in needs_of(loss):
            got = type(loss).__name__ if loss is not None else "none"
            raise TrainingError(
                "trainer gan", expected="a loss that a discriminator takes part in", got=got,
                hint='loss="adversarial"',
            )  # fmt: skip
        check_needs(loss, (DISCRIMINATOR_LOGITS,), "gan")
        _check_unpaired(loss, model)
        self.pair, self.turn, self.watch = model, 0, Watch()
        own = self.options
        self.take(
            model.generator, model.discriminator, loss, execution, ema=own.ema,
            # The generator's schedule counts its own steps
            generator_steps=execution.steps / own.discriminator_steps,
        )  # fmt: skip

    def loss_target(self, batch: Batch) -> Any:
        """The images of the data."""
        return batch["image"]

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the discriminator and, where it is its turn, one of the generator."""
        self.execution.begin(rows(batch))
        logged = self._oppose(batch)
        # Counted over epochs, so that an epoch's end does not give the generator an extra turn
        self.turn += 1
        if self.turn % self.options.discriminator_steps == 0:
            logged |= self._deceive(batch)
        return logged

    def _oppose(self, batch: Batch) -> dict[str, Tensor]:
        """The discriminator's step, on real images and as many new ones."""
        real = batch["image"]
        logged: dict[str, Tensor] = {}
        found = []
        for part, share in self.passes(batch, self.opponent):
            found.append(self.oppose(part["image"], partial(self._made, part)))
            add_up(logged, found[-1].losses, share)
        self.step_discriminator()
        # Figures of pairs of images, so of those of all processes
        said = torch.cat([torch.cat([one.real_logits, one.fake_logits], dim=1) for one in found])
        logged["balance"] = balance(*self._of_all(said).unbind(dim=1))
        everyone, made = self._of_all(real), self._of_all(torch.cat([one.fake for one in found]))
        # Beside the batch's own images, since how alike those are is the data's; one image makes no pair
        if len(everyone) > 1 and (usual := spread(everyone)) > 0:
            logged["diversity"] = spread(made) / usual
        return logged

    def _of_all(self, values: Tensor) -> Tensor:
        """The rows of all processes."""
        return self.execution.gather_rows(values)[0]

    def _deceive(self, batch: Batch) -> dict[str, Tensor]:
        """The generator's step."""
        logged: dict[str, Tensor] = {}
        discriminator = self.pair.discriminator
        for part, share in self.passes(batch, self.maker):
            # Gradients pass through to the generator; the discriminator keeps weights and running statistics
            with untouched(discriminator):
                with self.execution.precision():
                    fake = self.maker(self._latents(part))
                    outputs = {OUTPUT: fake, DISCRIMINATOR_LOGITS: discriminator(fake)}
                    losses = compute(self.loss, outputs, part["image"], part)
                    loss = total(losses)
                self.execution.backward(loss, rows(part))
            add_up(logged, losses_by_name(loss, losses, "loss_generator"), share)
        self.step_generator()
        return logged

    def _made(self, batch: Batch) -> Tensor:
        """Generated images for the discriminator, as many as the batch has."""
        made: Tensor = self.trained(self._latents(batch))
        return made

    def _latents(self, batch: Batch) -> Tensor:
        """Latent vectors for as many images as a batch has, other ones in each process."""
        drawn = self.execution.drawn(self.trained.example_input, rows(batch))
        return drawn.to(batch["image"].device)

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Balance and diversity on images that were not trained on."""
        verdicts, spreads = [], torch.zeros(2, dtype=torch.float64)
        pair = self.pair
        with resting(pair), self.execution.precision():
            for number, batch in enumerate(batches):
                real, start = self.execution.gather_rows(batch["image"])
                own = slice(start, start + rows(batch))
                # Images are made by the block, so that all of them take no longer than a process' own
                fake = pair.sample(len(real), seed=_SEED + number)
                # Apart, as in training; N x 2, gathered in one call
                said = torch.cat([pair.discriminator(real[own]), pair.discriminator(fake[own])], dim=1)
                verdicts.append(self.execution.gather(said, batch)[0])
                if len(real) > 1:
                    # Weighted by images, since the last batch may be short
                    spreads += torch.stack([spread(fake), spread(real)]).cpu() * len(real)
        made, usual = spreads.tolist()
        values = {"balance": balance(*torch.cat(verdicts).unbind(dim=1)).item()}
        return values | ({"diversity": made / usual} if usual > 0 else {})

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        """Warns of a game that is over, and moves the schedules on."""
        self.watch.look(values)
        super().end_epoch(epoch, values)

    def draw(self) -> dict[str, ImageGrid]:
        """Images of the same latent vectors after each epoch."""
        return {"samples": ImageGrid({"": self.pair.sample(self.options.samples, seed=_SEED)})}

    def state_dict(self) -> dict[str, Any]:
        """State of every pair, whose turn it is, and how the game stands."""
        return {**super().state_dict(), "watch": self.watch.state_dict(), "turn": self.turn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The reverse of `state_dict`."""
        super().load_state_dict(state)
        self.watch.load_state_dict(state["watch"])
        self.turn = state["turn"]


def _check_unpaired(loss: Loss, pair: Pair) -> None:
    """Raises TrainingError for a loss that looks at the batch: generated images are no copies of its own."""
    where = next(pair.parameters()).device
    shape = (2, pair.outputs, *pair.input_spec.size)
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []), torch.no_grad():
        outputs = {OUTPUT: torch.rand(shape), DISCRIMINATOR_LOGITS: torch.zeros(2, 1)}
        outputs = {name: value.to(where) for name, value in outputs.items()}
        one, other = (
            losses_by_name(total(found), found, "loss")
            for image in (torch.zeros(shape, device=where), torch.ones(shape, device=where))
            for found in [compute(loss, outputs, image, {"image": image, "target": image})]
        )
    if names := [name for name, value in one.items() if not torch.equal(value, other[name])]:
        parts = [name.removeprefix("loss_") for name in names if name != "loss"]
        said = f"{type(loss).__name__}, which compares them" + f" in {listing(parts)}" * bool(parts)
        raise TrainingError(
            "trainer gan",
            expected="a loss of the discriminator's answers alone, since generated images have no originals "
            "to be compared with",
            got=said,
            hint='loss="adversarial", or only such parts',
        )
