"""The contract of zoo's backbones, on small instances of different families and on the hard ones in full."""

import pytest

from zoo.testing import contract

SMALL = (
    "convnext_tiny",
    "densenet121",
    "eva02_tiny_patch14_224",
    "levit_128s",
    "swin_tiny_patch4_window7_224",
    "vit_tiny_patch16_224",
)
LARGE = ("efficientnet_b0", "inception_resnet_v2", "inception_v3", "nasnetalarge", "xception")

test_contract = contract("zoo-timm", SMALL)
test_contract_of_large_networks = pytest.mark.slow(contract("zoo-timm", LARGE))
