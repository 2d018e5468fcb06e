"""Distance of two images in the features of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.errors import ShapeError, warn
from zoo.interfaces import Backbone, Loss, Normalise

DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mse": F.mse_loss, "l1": F.l1_loss}

_SLACK = 0.05
"""How far a true image may lie outside [0, 1], as after a resampling."""

_FAR = 1.0
"""How far the mean of generated images may: single pixels stray, a mean beyond this is another range."""

_GRAY = 1


class Content(Loss):
    """Distance of output and target in the features of a frozen network.

    Paper: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802, whose VGG5,4 is VGG19's `block5.conv4` before the activation and
    `block5.relu4` after it.

    The network is cut behind its last tap. It normalises by its own input spec, takes no gradients, stays in
    inference mode whatever `.train()` says, and is in no checkpoint.

    Args:
        network: any backbone.
        tap: a block or step of it, or several with the weight of each.
        scale: factor of the features. The paper's 1/12.75 is, for the squared distance, the same as
            weighting the loss with 0.006.
        distance: `mse`, the mean squared difference, or `l1`, the mean absolute one.

    Raises:
        ShapeError: the network has no such tap.

    Example:
        >>> from torch import nn
        >>> from zoo.interfaces import Block
        >>> network = Backbone([Block(conv=nn.Conv2d(3, 8, 3), relu=nn.ReLU())])
        >>> network.origin = "a file"
        >>> loss = Content(network=network, tap="block1.conv")
        >>> x = torch.rand(2, 3, 16, 16)
        >>> float(loss(x, x)), [p for p in loss.parameters() if p.requires_grad]
        (0.0, [])
    """

    cuts = True
    tasks = ("reconstruction", "generation")

    def __init__(
        self,
        *,
        network: Backbone,
        tap: str | Mapping[str, float] = "block5.conv4",
        scale: float = 1.0,
        distance: str = "mse",
    ) -> None:
        super().__init__()
        self.weights = {tap: 1.0} if isinstance(tap, str) else dict(tap)
        # Before the first batch: an unknown tap is refused with its neighbours named
        network.cut(self.weights)
        # None while weights are random
        if network.origin is None:
            warn(
                f"the content loss compares features of {type(network).__name__} with random weights, "
                f"which know nothing of images; {network.weights_hint}"
            )
        network.freeze("all")
        self.network, self.normalise = network, Normalise(network.input_spec)
        self.scale, self.distance = scale, DISTANCES[distance]

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The distance.

        Args:
            output: N x C x H x W in [0, 1], with the network's channels, or gray, which is repeated.
            target: of the same shape.

        Raises:
            ShapeError: they are not alike, have other channels or another range, or are too small.
        """
        if output.shape != target.shape:
            got = " and ".join(" x ".join(map(str, x.shape)) for x in (output, target))
            raise ShapeError("loss content", expected="output and target alike, N x C x H x W", got=got)
        self._check_range(output, target)
        found = self.features(output)
        # The target moves nothing, so its activations need not be kept
        with torch.no_grad():
            true = self.features(target)
        distances = [
            weight * self.distance(found[name] * self.scale, true[name] * self.scale)
            for name, weight in self.weights.items()
        ]
        return torch.stack(distances).sum()

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Output of each tap, by name.

        Args:
            x: N x C x H x W in [0, 1].

        Raises:
            ShapeError: the channels do not fit, or the images are too small.
        """
        channels = self.network.input_spec.channels
        if x.ndim != 4 or x.shape[1] not in (_GRAY, channels):
            hint = f"network = {{name = ..., in_channels = {x.shape[1]}}}" if x.ndim == 4 else None
            raise ShapeError(
                "loss content: images", expected=f"N x {channels} x H x W, or gray",
                got=" x ".join(map(str, x.shape)), hint=hint,
            )  # fmt: skip
        try:
            return self.network.taps(self.normalise(x.expand(-1, channels, -1, -1)), self.weights)
        # What torch raises where a map gets smaller than a kernel or a pool
        except RuntimeError as error:
            raise ShapeError(
                f"loss content: {type(self.network).__name__} cannot take {x.shape[2]}x{x.shape[3]} images",
                expected="larger ones",
                got=str(error).splitlines()[0],
                hint="choose an earlier tap, or larger images",
            ) from error

    @staticmethod
    def _check_range(output: Tensor, target: Tensor) -> None:
        # One transfer for the three: each by itself would make an accelerator wait
        low, high, mean = torch.stack([*target.detach().aminmax(), output.detach().mean()]).tolist()
        hint = "give images as they are read; the loss normalises by itself"
        if low < -_SLACK or high > 1 + _SLACK:
            got = f"a target from {low:.3g} to {high:.3g}"
            raise ShapeError("loss content: range", expected="values in [0, 1]", got=got, hint=hint)
        if mean < -_FAR or mean > 1 + _FAR:
            got = f"an output with mean {mean:.3g}"
            raise ShapeError("loss content: range", expected="values in [0, 1]", got=got, hint=hint)
