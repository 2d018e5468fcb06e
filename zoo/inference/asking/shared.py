"""Answers to images that several processes share, in the order of the images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import tee

import torch

from zoo.data.depths import warn_losses
from zoo.data.reading import divided
from zoo.inference.given_images import Given, Named
from zoo.inference.predictions import Predicted
from zoo.inference.predictor import outputs, said_of
from zoo.interfaces.model import Model
from zoo.runtime.progress import watched
from zoo.runtime.team.shares import own_batches
from zoo.runtime.team.team import Team, Values


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that a team asks.

    Args:
        model: in inference mode, and on the device.
        team: of the processes, each of which gets all answers.
        device: of this process.
        batch_size: images at a time.
        workers: processes that read images.
        progress: whether to show a bar where it takes longer.
        tta: views of each image; see `zoo.inference.asking.views`.
    """

    model: Model
    team: Team
    device: torch.device
    batch_size: int
    workers: int
    progress: bool
    tta: str | None = None

    def answers(self, parts: Iterable[Given]) -> Iterator[tuple[Named, Predicted]]:
        """Each image and its answer, in their order.

        Args:
            parts: of the images, which come one after the other; all processes are given all of them.

        Raises:
            DataError: an image cannot be read.
            WeightsError: the weights are no numbers.
            TrainingError: an answer is none.
        """
        # A process gets answers to images behind those that it is at, and to some before
        ahead, behind = tee(self._each(parts))
        shared = self.team.shared(self._outputs(ahead))
        for images in behind:
            for _ in range(self._batches(images)):
                for index, said in said_of(self.model, images, next(shared), self.device):
                    yield images.items[index], said

    def _outputs(self, parts: Iterable[Given]) -> Iterator[Values]:
        """Outputs for the batches of this process, through all parts."""
        behind = 0
        for images in parts:
            if self.team.first:
                own = [item for _, item in images.items]
                warn_losses(self.model, own, known=images.lost, given=images.given)
            batches = own_batches(
                self.team, images, range(len(images)), self.model.input_spec, batch_size=self.batch_size,
                own_size=self.model.any_size, behind=behind, workers=self.workers, places=True,
                device=self.device,
            )  # fmt: skip
            behind += self._batches(images)
            shown = watched(batches, "predicting", self.progress and self.team.first)
            yield from outputs(self.model, images, shown, self.device, self.tta)

    def _batches(self, images: Given) -> int:
        """Batches that the images of a part make."""
        return -(-len(images) // (1 if self.model.any_size else self.batch_size))

    def _each(self, parts: Iterable[Given]) -> Iterator[Given]:
        """The parts, through whose files each process looks by itself: they are at different ones."""
        items = iter(parts)
        while True:
            with divided(None):
                images = next(items, None)
            if images is None:
                return
            yield images
