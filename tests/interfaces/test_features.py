"""How tensors of every layout are described, and read as maps."""

from __future__ import annotations

import pytest
import torch

from zoo.interfaces.blocks.feature_info import FeatureInfo, as_map, read_info
from zoo.spec.errors import ShapeError


def described(*shape, layout="NCHW", prefix=0, size=(32, 64)):
    return read_info("block1", torch.zeros(2, *shape), map_layout=layout, prefix=prefix, input_size=size)


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (described(7), (7, None, "NC", None, 0)),
        (described(7, 8, 16), (7, 4, "NCHW", (8, 16), 0)),
        (described(8, 16, 7, layout="NHWC", prefix=1), (7, 4, "NHWC", (8, 16), 0)),
        (described(33, 7, prefix=1), (7, 8, "NLC", (4, 8), 1)),
        (described(7, 64, 128), (7, 1, "NCHW", (64, 128), 0)),
        (described(7, 11, 21), (7, 4, "NCHW", (11, 21), 0)),
    ],
)
def test_a_tensor_is_described_by_its_axes(info, expected):
    assert (info.channels, info.reduction, info.layout, info.size, info.prefix) == expected
    assert info.to_dict()["size"] == (None if info.size is None else [*info.size])


@pytest.mark.parametrize("shape", [(), (1, 2, 3, 4), (31, 7)])
def test_what_is_no_map_is_refused(shape):
    with pytest.raises(ShapeError, match=r"2 to 4 axes|a grid of aspect 0\.50"):
        described(*shape)


def test_every_layout_is_read_as_the_same_map():
    whole = torch.rand(2, 7, 4, 8)
    tokens = torch.cat([torch.rand(2, 1, 7), whole.flatten(2).transpose(1, 2)], dim=1)
    assert torch.equal(as_map(whole, described(7, 4, 8)), whole)
    assert torch.equal(as_map(whole.permute(0, 2, 3, 1), described(4, 8, 7, layout="NHWC")), whole)
    assert torch.equal(as_map(tokens, described(33, 7, prefix=1)), whole)
    assert as_map(torch.rand(2, 7), described(7)).shape == (2, 7, 1, 1)


def test_tokens_whose_grid_nobody_knows_are_a_row() -> None:
    tokens = torch.rand(2, 9, 7)
    info = FeatureInfo(name="t", channels=7, reduction=None, layout="NLC", size=None, prefix=1)
    assert torch.equal(as_map(tokens, info), tokens[:, 1:].transpose(1, 2)[:, :, None])


def test_a_grid_may_be_one_token_high_but_no_less() -> None:
    assert described(8, 7, size=(16, 128)).size == (1, 8)
    assert described(8, 7, size=(128, 16)).size == (8, 1)
    with pytest.raises(ShapeError, match=r"tokens of block1: expected a grid of aspect 0\.12, got 1"):
        described(1, 7, size=(16, 128))
