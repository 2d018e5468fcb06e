"""What follows from an image or a seed, and from nothing else."""

from __future__ import annotations

import hashlib

import numpy as np

from zoo.interfaces.dataset import Dataset, Sample
from zoo.interfaces.draws import draws, mix


class One(Dataset):
    """One image."""

    targets = (0,)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.arange(48, dtype=np.uint8).reshape(4, 6, 2), 0)


def test_the_key_of_an_image_stays_since_splits_follow_from_it() -> None:
    pixels = np.arange(48, dtype=np.uint8).tobytes()
    assert One().key(0) == hashlib.blake2b(pixels, digest_size=16, person=b"(4, 6, 2)").hexdigest()


def test_seeds_fill_their_range_and_every_sample_has_its_own() -> None:
    seeds = [mix("x", i) for i in range(64)]
    assert max(seeds).bit_length() == 63
    assert len({generator.initial_seed() for generator in draws(0, 1, range(9))}) == 9
    assert draws(0, 1, [5])[0].initial_seed() == mix("sample", 0, 1, 5)
