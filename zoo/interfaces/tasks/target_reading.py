"""Targets of data as a task reads them: raw values, columns, classes of a model, strata, batches."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.interfaces.tasks.column_targets import TargetColumn, check_no_separator, values_of
from zoo.interfaces.tasks.columns import Cells
from zoo.interfaces.tasks.samples import class_indices
from zoo.spec.errors import DataError


class TargetReading:
    """Reading of targets, which a task may do otherwise."""

    def parse(self, value: Any) -> Any:
        """A raw value of a data set that is not ours, as the target of a sample: numbers, or lists of them.

        Example:
            >>> TargetReading().parse(torch.tensor([1, 2]))
            [1, 2]
        """
        return value.tolist() if isinstance(value, Tensor | np.ndarray | np.generic) else value

    def read_columns(self, columns: Cells, separator: str | None, where: str) -> TargetColumn:
        """Targets read off the columns of a table: here one number or row of numbers a table row.

        Args:
            columns: of the targets, one or several.
            separator: between several labels in a cell, where it was said.
            where: the data, for messages.

        Raises:
            DataError: a cell does not fit.
            OptionError: there is a separator, and targets are no labels.
        """
        check_no_separator(separator, where)
        return values_of(columns, where)

    def read_samples(self, cells: Sequence[Any], labels: Sequence[str], where: str) -> TargetColumn:
        """Targets of samples as a data set that is not ours gives them: here as they are.

        Args:
            cells: one a sample, as `parse` gives it.
            labels: names of the classes, where the data say them.
            where: the data, for messages.

        Raises:
            DataError: a target does not fit.
        """
        first = cells[0]
        if not isinstance(first, int) or labels or self.stratum(first) is None:
            return TargetColumn(cells, tuple(labels))
        return class_indices(cells, labels, where)

    def renumbered(self, target: Any, numbers: Sequence[int]) -> Any:
        """A target of data, in the order in which a model has the same classes or labels: by name.

        Args:
            target: a class index; None for none.
            numbers: for each index of the data, that of the model.

        Raises:
            DataError: it is something else, of which only the task itself knows what follows the labels.

        Example:
            >>> TargetReading().renumbered(0, [2, 1])
            2
        """
        if isinstance(target, int):
            return numbers[target]
        if target is not None:
            expected, got = "labels in the order of the model", "others"
            raise DataError("labels of the data", expected=expected, got=got, hint="give them in that order")
        return None

    def stratum(self, target: Any) -> Hashable | None:
        """The group whose share splits keep: by default the class; None where targets are no classes."""
        return target if isinstance(target, int) else None

    def strata(self, targets: Sequence[Any]) -> Sequence[Hashable] | None:
        """Strata whose shares splits keep, one a sample; a frozenset of labels where it has several.

        Args:
            targets: of all samples.

        Returns:
            None where there are none, as here where a target has no `stratum`.
        """
        found = [self.stratum(target) for target in targets]
        return None if None in found else found

    def group_strata(self, targets: Sequence[Any], groups: Sequence[str]) -> Sequence[Hashable] | None:
        """Strata where samples belong together: those of `strata`, unless a task draws its own of the groups.

        Args:
            targets: of all samples.
            groups: name of what each sample belongs to.
        """
        return self.strata(targets)

    def collate(self, targets: Sequence[Any]) -> Tensor:
        """Targets of a batch as one tensor of N rows: class indices as int64, all else as float32.

        Args:
            targets: N targets, as a data set gives them.

        Raises:
            ValueError: they are of several lengths.
            TypeError: they are no numbers.
        """
        # True is an int for Python, but no class index
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in targets)
        return torch.tensor(list(targets), dtype=torch.int64 if whole else torch.float32)
