"""The contract of every component that zoo-srgan offers."""

from zoo.testing import contract

test_contract = contract("zoo-srgan", silent={"srresnet.tile": "limits memory: images come out the same"})
