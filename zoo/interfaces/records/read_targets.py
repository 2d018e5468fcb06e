"""Targets that are read off a table: what a data set tells of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.column_targets import TargetColumn


class ReadTargets(Dataset):
    """A data set whose task, targets and labels follow from what was read."""

    @property
    @abstractmethod
    def _read(self) -> tuple[Task | None, TargetColumn]:
        """The task and the targets."""

    @property
    def task(self) -> Task | None:  # type: ignore[override]  # follows from the columns
        """The task that the targets were read for; None where there are none."""
        return self._read[0]

    @property
    def labels(self) -> tuple[str, ...]:  # type: ignore[override]  # follows from the columns
        """Names of classes, labels or values."""
        return self._read[1].labels

    @property
    def numbered(self) -> bool:  # type: ignore[override]  # follows from the columns
        """Whether the table names classes by numbers from 0 on."""
        return self._read[1].numbered

    @property
    def numerals(self) -> bool:  # type: ignore[override]  # follows from the columns
        """Whether these numbers are what the table calls its classes."""
        return self._read[1].numerals

    @property
    def tagged(self) -> bool:  # type: ignore[override]  # follows from the columns
        """Whether cells name labels one by one."""
        return self._read[1].tagged

    @property
    def targets(self) -> Sequence[Any]:
        """All targets."""
        return self._read[1].targets
