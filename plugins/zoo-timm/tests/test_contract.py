"""The contract of zoo's backbones, on small instances of different families."""

from zoo.testing import contract

NAMES = (
    "convnext_tiny",
    "densenet121",
    "nasnet",
    "swin_tiny_patch4_window7_224",
    "vit_tiny_patch16_224",
    "eva02_tiny_patch14_224",
    "levit_128s",
)

test_contract = contract("zoo-timm", NAMES)
