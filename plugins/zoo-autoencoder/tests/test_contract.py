"""The contract of every component that zoo-autoencoder offers."""

from zoo.testing import contract

test_contract = contract("zoo-autoencoder")
