"""A block's flag: what frozen means, whatever is done to the model around it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from zoo.interfaces.blocks.block import Block, watched


def make() -> nn.Sequential:
    torch.manual_seed(0)
    block = Block(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), drop=nn.Dropout(0.5))
    return nn.Sequential(block, nn.Flatten(), nn.LazyLinear(1))


def test_a_gradient_from_before_freezing_moves_nothing():
    """An optimizer goes over all parameters that have a gradient, whether they still ask for one or not."""
    model = make()
    model(torch.rand(2, 3, 8, 8)).sum().backward()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model[0].freeze()
    before = {name: value.clone() for name, value in model[0].state_dict().items()}
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in model[0].state_dict().items())


@pytest.mark.parametrize("wrap", [lambda m: m, copy.deepcopy, nn.Sequential, nn.DataParallel])
def test_a_frozen_block_stays_in_inference_mode_whatever_train_says(wrap):
    model = make()
    model[0].freeze()
    outer = wrap(model).train()
    block = next(m for m in outer.modules() if isinstance(m, Block))
    assert not any(module.training for module in block.modules())
    before = block.norm.running_mean.clone()
    block(torch.rand(4, 3, 8, 8))
    assert torch.equal(block.norm.running_mean, before)


def test_unfreezing_restores_what_was_trainable_and_each_mode():
    block = make()[0].train()
    block.conv.bias.requires_grad_(False)
    block.norm.eval()
    block.freeze()
    block.freeze()
    block.unfreeze()
    assert [n for n, p in block.named_parameters() if not p.requires_grad] == ["conv.bias"]
    assert [name for name, module in block.named_children() if module.training] == ["conv", "drop"]


def test_who_watches_is_told_once_and_no_longer_than_asked():
    block, told = make()[0], []
    with watched(lambda b: told.append(b.frozen)):
        block.freeze()
        block.freeze()
        block.unfreeze()
    block.freeze()
    assert told == [True, False]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("after", [True, False])
def test_a_block_thaws_in_the_mode_of_its_model_whatever_it_was_frozen_in(before, after):
    block = Block(norm=nn.BatchNorm2d(4), drop=nn.Dropout(0.5)).train(before)
    block.drop.eval()
    block.freeze()
    assert block.unfreeze(after) is block
    assert (block.training, block.norm.training, block.frozen) == (after, after, False)
    assert block.drop.training == (after and not before)  # a mode of its own comes back
