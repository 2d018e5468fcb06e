"""The contract of every component that zoo-gan offers."""

from zoo.testing import contract

test_contract = contract("zoo-gan")
