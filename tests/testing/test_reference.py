"""The kit's comparison with a reference, shown to find planted differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from zoo import InputSpec
from zoo.errors import ShapeError, WeightsError
from zoo.interfaces import Backbone, Block, OriginalHead
from zoo.testing import published


class Net(Backbone):
    """Two blocks and a classifier."""

    NAMES: ClassVar = {"0": "block1.conv", "1": "block1.norm", "3": "block2.conv", "7": "head.fc"}

    def __init__(self, second: nn.Module | None = None, act: nn.Module | None = None) -> None:
        blocks = [
            Block(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), act=act or nn.ReLU()),
            Block(conv=second or nn.Conv2d(4, 6, 3), act=nn.ReLU()),
        ]
        super().__init__(blocks, input_spec=InputSpec(size=(16, 16)))

    def original_head(self, classes: int, inputs: Any) -> OriginalHead:
        fc = nn.Linear(inputs[0].channels, classes)
        return OriginalHead(
            inputs=inputs, classes=classes, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=fc
        )

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {f"{self.NAMES[key[0]]}{key[1:]}": value for key, value in state.items()}


BLOCKS = {"block1": "2", "block2": "4"}


def reference() -> nn.Sequential:
    torch.manual_seed(0)
    body = [
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(inplace=True),
    ]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))


def test_the_same_network_is_the_same() -> None:
    published(Net(), reference(), sizes=[(16, 16), (9, 12)], blocks=BLOCKS)
    published(Net(), reference(), blocks={"block1.norm": "1"})  # before the reference changes it in place


def test_one_weight_off_is_found_where_it_is() -> None:
    class Off(Net):
        def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
            found = {key: value.clone() for key, value in super().convert(state).items()}
            found["block2.conv.weight"][0, 0, 0, 0] += 0.01
            return found

    with pytest.raises(
        AssertionError, match=r"^Off at 16x16: expected block2 as the reference's 4, got .* apart$"
    ):
        published(Off(), reference(), blocks=BLOCKS)
    with pytest.raises(AssertionError, match="expected output as the reference's output, got values"):
        published(Off(), reference())


def test_another_activation_is_found() -> None:
    with pytest.raises(AssertionError, match="expected block1 as the reference's 2, got values up to"):
        published(Net(act=nn.SiLU()), reference(), blocks=BLOCKS)


def test_statistics_that_are_left_out_are_found() -> None:
    class Forgetful(Net):
        def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
            found = super().convert(state)
            return {
                **found,
                "block1.norm.running_mean": torch.zeros(4),
                "block1.norm.running_var": torch.ones(4),
            }

    with pytest.raises(AssertionError, match="expected block1"):  # a fresh reference's are just these
        published(Forgetful(), reference(), blocks=BLOCKS)


def test_a_gradient_that_is_cut_is_found() -> None:
    class Cut(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu() * 0.5 + x.detach().relu() * 0.5

    with pytest.raises(
        AssertionError, match=r"expected the reference's gradient of the images, got one 0\.5 of"
    ):
        published(Net(act=Cut()), reference(), blocks=BLOCKS)


def test_a_gradient_may_cross_a_kink_once() -> None:
    class Kink(nn.Module):
        runs = 0

        def forward(self, x: Tensor) -> Tensor:
            self.runs += x.requires_grad
            return x.relu() if self.runs > 1 else x.relu() * 0.5 + x.detach().relu() * 0.5

    published(Net(act=Kink()), reference())


def test_a_block_of_another_shape_is_found() -> None:
    with pytest.raises(
        AssertionError, match=r"block2 as the reference's 4, \(2, 6, 12, 12\), got \(2, 6, 14, 14\)"
    ):
        published(Net(nn.Conv2d(4, 6, 3, padding=1)), reference(), blocks=BLOCKS)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_weights_that_do_not_fit_are_named(device: str) -> None:
    with torch.device(device), pytest.raises(WeightsError, match=r"1 missing: block2\.extra"):
        published(Extra(), reference())


class Extra(Net):
    """Has a parameter that the reference lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.block2.register_parameter("extra", nn.Parameter(torch.zeros(1)))


def test_on_the_meta_device_shapes_are_checked() -> None:
    with torch.device("meta"):
        published(Net(), reference(), blocks=BLOCKS)
        with pytest.raises(AssertionError, match=r"got \(2, 6, 14, 14\)"):
            published(Net(nn.Conv2d(4, 6, 3, padding=1)), reference(), blocks=BLOCKS)


def test_modules_that_are_not_there_or_run_twice_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected the path of a module, got .layer4.; choose from 0, 1"):
        published(Net(), reference(), blocks={"block1": "layer4"})
    twice = reference()
    twice[4] = twice[2]
    with pytest.raises(ShapeError, match="a module that runs once, got 2 runs"):
        published(Net(), twice, blocks=BLOCKS)
