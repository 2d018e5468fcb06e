"""Contracts that a plugin author runs against a component.

```python
# tests/test_contract.py of a plugin
from zoo.testing import contract

test_contract = contract("zoo-yours")
```

makes one test for each component of the distribution and each rule of its kind.
"""

from zoo.testing.case import Case
from zoo.testing.contract import check, contract, rules

__all__ = ["Case", "check", "contract", "rules"]
