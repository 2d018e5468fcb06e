"""Contracts that a plugin author runs against a component.

```python
# tests/test_contract.py of a plugin
from zoo.testing import contract

test_contract = contract("zoo-yours")
```

makes one test for each component of the distribution and each rule of its kind. `published`
compares a backbone with an independent implementation; `killed_after` and `check_resuming` are for trainers,
whose runs have to survive being killed.
"""

from zoo.testing.case import Case
from zoo.testing.contract import check, contract, rules
from zoo.testing.reference import published
from zoo.testing.resuming import check_resuming, killed_after

__all__ = ["Case", "check", "check_resuming", "contract", "killed_after", "published", "rules"]
