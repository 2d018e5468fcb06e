"""The contract of every component that zoo-augment offers."""

from zoo.testing import contract

test_contract = contract("zoo-augment")
