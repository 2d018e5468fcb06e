"""Shares of the processes in one work: batches of images, and the model that all of them have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from torch import nn

from zoo.data.batches import Batches
from zoo.interfaces.dataset import Dataset
from zoo.runtime.team.team import Team
from zoo.spec.errors import OptionError
from zoo.spec.inputs import InputSpec

_LOOKED_AT = 64
"""Numbers of each tensor that models are compared by."""


def own_batches(
    team: Team,
    dataset: Dataset,
    indices: Sequence[int],
    spec: InputSpec,
    *,
    batch_size: int,
    own_size: bool = False,
    behind: int = 0,
    **how: Any,
) -> Batches | tuple[()]:
    """The batches of this process: of those that one process would make every n-th, maybe none.

    Args:
        team: of the processes.
        dataset: where the images come from.
        indices: of all images.
        spec: size, channels and interpolation of the images.
        batch_size: images at a time.
        own_size: leave each image in its own size; batches are then of one.
        behind: batches that went before these.
        **how: as `zoo.data.batches.Batches` takes it.

    Raises:
        DataError: there is no image.
        OptionError: a number is out of range.
    """
    if batch_size < 1:
        raise OptionError("batch_size", expected="at least 1", got=str(batch_size))
    own = team.own(indices, 1 if own_size else batch_size, behind=behind)
    if indices and not own:
        return ()
    return Batches(dataset, own, spec, batch_size=batch_size, own_size=own_size, **how)


def check_alike(team: Team, model: nn.Module) -> None:
    """Raises DataError where the processes have other weights, as of models that were drawn apart."""
    if team.processes == 1:
        return
    digest = hashlib.blake2b(digest_size=16)
    for tensor in chain(model.parameters(), model.buffers()):
        flat = tensor.detach().flatten()
        # Some accelerators have no double precision
        some = flat[:: max(1, len(flat) // _LOOKED_AT)].cpu().double()
        digest.update(repr(tuple(tensor.shape)).encode() + some.numpy().tobytes())
    team.agree("weights", digest.hexdigest())


def digest_of(names: Iterable[str]) -> str:
    """A text that is another one for other names, or for others' order."""
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        digest.update(name.encode(errors="surrogatepass") + b"\0")
    return digest.hexdigest()
