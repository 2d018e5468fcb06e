"""Random numbers as a function of what they are for, never of who asked first."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

drawing = threading.RLock()
"""Held by who seeds torch's own generators, which all threads share: one at a time."""


@contextmanager
def forked(device: torch.device | None = None) -> Iterator[None]:
    """Draws inside leave torch's own generators as they were; other threads that seed them wait.

    Args:
        device: whose generator is drawn from too, beside the CPU's.

    Example:
        >>> before = torch.get_rng_state()
        >>> with forked():
        ...     _ = torch.rand(3)
        >>> torch.equal(before, torch.get_rng_state())
        True
    """
    # Asking a GPU for its own would start CUDA
    devices = [device] if device is not None and device.type == "cuda" else []
    with drawing, torch.random.fork_rng(devices=devices):
        yield


def mix(*parts: int | str) -> int:
    """A seed in 0 .. 2^63 - 1 that follows from all parts and their order.

    Example:
        >>> mix(0, 1) == mix(0, 1), mix(0, 1) == mix(1, 0)
        (True, False)
    """
    # With a separator, so that (1, 23) and (12, 3) are two
    text = "\x1f".join(map(str, parts)).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def generator(*parts: int | str) -> torch.Generator:
    """A generator on the CPU, seeded by `mix`."""
    return torch.Generator().manual_seed(mix(*parts))


def draws(
    seed: int, epoch: int, indices: Iterable[int], repeats: Iterable[int] | None = None
) -> list[torch.Generator]:
    """One generator a sample, as augmenters take them: a function of (seed, epoch, index) alone.

    Args:
        seed: of the run.
        epoch: from 1 on.
        indices: of the samples.
        repeats: times that each has been drawn before in the epoch; each time it is drawn for otherwise.
    """
    if repeats is None:
        return [generator("sample", seed, epoch, index) for index in indices]
    pairs = zip(indices, repeats, strict=True)
    return [generator("sample", seed, epoch, index, *([again] if again else [])) for index, again in pairs]
