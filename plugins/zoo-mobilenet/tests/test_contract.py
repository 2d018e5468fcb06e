"""The contract of every component that zoo-mobilenet offers."""

from zoo.testing import contract

test_contract = contract("zoo-mobilenet")
