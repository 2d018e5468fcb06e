"""The contract of every component that zoo-vgg offers."""

from zoo.testing import contract

test_contract = contract("zoo-vgg")
