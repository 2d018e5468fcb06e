"""The contract of every component that zoo-efficientnet offers."""

import pytest

from zoo.registry.lookup import entries
from zoo.testing import contract

SMALL = {"efficientnet_b0", "efficientnet_lite0"}
LARGE = {e.component.name for e in entries() if e.plugin.distribution == "zoo-efficientnet"} - SMALL

test_contract = contract("zoo-efficientnet", SMALL)
# Networks of the same modules, more of them
test_contract_of_large_networks = pytest.mark.slow(contract("zoo-efficientnet", LARGE))
