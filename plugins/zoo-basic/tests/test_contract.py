"""The contract of every component that zoo-basic offers."""

from zoo.testing import contract

test_contract = contract("zoo-basic")
