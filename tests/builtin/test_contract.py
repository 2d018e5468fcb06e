from zoo.testing.contract import contract

test_contract = contract("zoo-core")
