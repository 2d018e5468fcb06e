"""Every architecture of the survey, in full size but without its memory."""

from __future__ import annotations

import pytest
import torch
from zoo_timm.table import architectures

from zoo.compose.meta_build import fill_buffers, meta_tensors, on_meta_device
from zoo.compose.parts import part
from zoo.weights.fitting import assign

FIRST_LETTERS = sorted({name[0] for name in architectures()})


@pytest.mark.slow
@pytest.mark.parametrize("letter", FIRST_LETTERS)
def test_nothing_stays_on_the_meta_device(letter):
    for name in architectures():
        if name.startswith(letter):
            with on_meta_device():
                backbone = part("backbone", f"timm:{name}")(in_channels=3)
            state = {k: torch.zeros(v.shape, dtype=v.dtype) for k, v in backbone.state_dict().items()}
            assign(backbone, state, name)
            fill_buffers(backbone)
            assert meta_tensors(backbone) == [], name
