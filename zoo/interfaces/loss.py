"""The loss contract."""

from __future__ import annotations

from torch import Tensor, nn


class Loss(nn.Module):
    """From output and target to a scalar, or to named parts whose sum is minimised.

    A subclass' constructor takes the options of its config class, keyword-only. Parameters of its own are
    optimised and saved with the run.
    """

    def forward(self, output: Tensor, target: Tensor) -> Tensor | dict[str, Tensor]:
        """The loss of a batch.

        Args:
            output: N x outputs, as the model returns it.
            target: as the task's `target` prepares it.

        Returns:
            A scalar, or scalars by name.
        """
        raise NotImplementedError


def total(parts: Tensor | dict[str, Tensor]) -> Tensor:
    """The scalar to minimise: the sum of the parts.

    Example:
        >>> import torch
        >>> float(total({"content": torch.tensor(1.0), "adversarial": torch.tensor(0.5)}))
        1.5
    """
    if isinstance(parts, Tensor):
        return parts
    values = list(parts.values())
    return sum(values[1:], start=values[0])
