"""The contract of every component that zoo-datasets offers."""

from zoo.testing import contract

test_contract = contract("zoo-datasets")
