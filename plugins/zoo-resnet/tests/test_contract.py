"""The contract of every component that zoo-resnet offers."""

from zoo.testing import contract

test_contract = contract("zoo-resnet")
