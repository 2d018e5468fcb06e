"""The contract of a backbone."""

from zoo.testing import contract

test_contract = contract("zoo-example")
