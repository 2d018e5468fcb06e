"""What a score keeps in a checkpoint, whenever that is taken."""

from __future__ import annotations

import pytest
import torch

from zoo.interfaces.tasks import Reconstruction
from zoo.trainers.score import Score


@pytest.mark.parametrize("taken", [(), (0,), (2, 3), range(7)])
def test_a_checkpoint_between_batches_changes_no_bit(taken):
    g = torch.Generator().manual_seed(0)
    batches = [(torch.rand(5, 1, 4, 4, generator=g), torch.rand(5, 1, 4, 4, generator=g)) for _ in range(7)]
    whole = Score(Reconstruction(), 1, torch.nn.MSELoss())
    score = Score(Reconstruction(), 1, torch.nn.MSELoss())
    for i, (output, target) in enumerate(batches):
        whole.add(output, {"target": target})
        score.add(output, {"target": target})
        if i in taken:
            state, score = score.state_dict(), Score(Reconstruction(), 1, torch.nn.MSELoss())
            score.load_state_dict(state)
    assert score.values() == whole.values()
