"""The contract of every component that zoo-unet offers."""

from zoo.testing import contract

test_contract = contract("zoo-unet")
