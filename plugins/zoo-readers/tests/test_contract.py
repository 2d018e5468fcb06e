"""The contract of every component that zoo-readers offers."""

from zoo.testing import contract

test_contract = contract("zoo-readers")
