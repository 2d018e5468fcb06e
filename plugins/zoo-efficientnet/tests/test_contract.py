"""The contract of every component that zoo-efficientnet offers."""

from zoo.testing import contract

test_contract = contract("zoo-efficientnet")
