"""Network in Network against the same layers written by hand."""

from torch import nn
from zoo_example.nin import NIN

from zoo.testing import published


def stage(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    """A convolution and two of 1 x 1, each with its activation."""
    first = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    return [
        *(first, nn.ReLU()),
        *(nn.Conv2d(outputs, outputs, 1), nn.ReLU()),
        *(nn.Conv2d(outputs, outputs, 1), nn.ReLU()),
    ]


def halved() -> list[nn.Module]:
    """What follows the first two stages."""
    return [nn.MaxPool2d(3, 2, 1), nn.Dropout()]


def test_it_computes_what_the_same_layers_compute() -> None:
    layers = [*stage(3, 8, 5), *halved(), *stage(8, 8, 5), *halved(), *stage(8, 8, 3)]
    reference = nn.Sequential(*layers, nn.Conv2d(8, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    published(NIN(channels=(8, 8, 8)), reference, blocks={"block1": "7", "block2": "15", "block3": "21"})
