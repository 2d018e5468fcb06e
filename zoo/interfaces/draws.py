"""Random numbers as a function of what they are for, never of who asked first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch


def mix(*parts: int | str) -> int:
    """A seed in 0 .. 2^63 - 1 that follows from all parts and their order.

    Example:
        >>> mix(0, 1) == mix(0, 1), mix(0, 1) == mix(1, 0)
        (True, False)
    """
    # With a separator, so that (1, 23) and (12, 3) are two
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def generator(*parts: int | str) -> torch.Generator:
    """A generator on the CPU, seeded by `mix`."""
    return torch.Generator().manual_seed(mix(*parts))


def draws(seed: int, epoch: int, indices: Iterable[int]) -> list[torch.Generator]:
    """One generator a sample, as augmenters take them: a function of (seed, epoch, index) alone."""
    return [generator("sample", seed, epoch, index) for index in indices]
