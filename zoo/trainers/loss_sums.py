"""A loss over many batches, as if they were one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.interfaces.augmenter import Batch
from zoo.interfaces.loss import from_sums, sums_of


class LossSums:
    """Adds up what a loss of all images together is made of; in which batches they come does not count.

    Args:
        loss: takes what `zoo.interfaces.compute` hands it.

    Example:
        >>> sums = LossSums(nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0])))
        >>> for target in (torch.tensor([0]), torch.tensor([1, 1])):
        ...     sums.add({"output": torch.tensor([[2.0, 0.0]]).expand(len(target), -1)}, target, {})
        >>> round(sums.values()["loss"], 4)  # (1 * 0.1269 + 3 * 2.1269 + 3 * 2.1269) / 7
        1.8412
    """

    def __init__(self, loss: nn.Module) -> None:
        self.loss = loss
        self._seen: dict[str, list[Tensor]] = {}

    def add(self, outputs: Mapping[str, Tensor], target: Tensor, batch: Batch) -> None:
        """Takes in a batch.

        Args:
            outputs: by name, `output` among them.
            target: prepared by the task.
            batch: all that is known of the images.
        """
        # Tensors: asking for the numbers would make an accelerator wait
        for name, value in sums_of(self.loss, outputs, target, batch).items():
            self._seen.setdefault(name, []).append(value.detach())

    def values(self) -> dict[str, float]:
        """`loss`, and `loss_<part>` of each part; nothing where no batch was taken in."""
        if not self._seen:
            return {}
        # Added up in double precision, which some accelerators have not
        sums = {name: torch.stack(seen).cpu().double().sum(dim=0) for name, seen in self._seen.items()}
        found = from_sums(self.loss, sums)
        if isinstance(found, Tensor):
            return {"loss": float(found)}
        parts = {f"loss_{name}": float(value) for name, value in found.items()}
        return {"loss": sum(parts.values()), **parts}

    def reset(self) -> None:
        """Starts anew."""
        self._seen = {}

    def state_dict(self) -> dict[str, Tensor]:
        """Sums of the batches, a row each."""
        return {name: torch.stack(seen) for name, seen in self._seen.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """The reverse of `state_dict`."""
        self._seen = {name: list(rows) for name, rows in state.items()}
