"""Several data sets in one, each of which is a split."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.data.label_mapping import Relabelled, check_rows
from zoo.data.objects.joined import Joined, joined_labels
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.tasks import Task
from zoo.spec.errors import DataError, listing, quote


class Parts(Joined):
    """Data sets by the name of the split that each of them is; labels are matched by name.

    Args:
        parts: by `train`, `val` and `test`, each read for one task.

    Raises:
        DataError: a part has splits, folds or an order of its own.

    Example:
        >>> from zoo.data.objects.arrays import listed
        >>> import numpy as np
        >>> image = np.zeros((8, 8), np.uint8)
        >>> data = Parts({"train": listed([image] * 2, ["dog", "cat"]), "val": listed([image], ["dog"])})
        >>> data.labels, data.targets, data.split_of(2)
        (('cat', 'dog'), [1, 0, 1], 'val')
    """

    def __init__(self, parts: Mapping[str, Dataset]) -> None:
        given = [*parts.values()]
        for name, part in parts.items():
            _check_whole(name, part)
        # A part with images of two classes alone would tell a task of two
        self.task = max(given, key=lambda part: len(part.labels)).task
        self.numbered = all(part.numbered for part in given)
        self.labels = joined_labels([tuple(part.labels) for part in given], numbered=self.numbered)
        super().__init__({name: self._as_all(name, part) for name, part in parts.items()})

    def _as_all(self, name: str, part: Dataset) -> Dataset:
        own = tuple(part.labels)
        if not own or own == self.labels:
            return part
        if not part.numbered:
            check_rows(part, self.labels, f"data: {name}")
        numbers = range(len(own)) if part.numbered else [self.labels.index(label) for label in own]
        return Relabelled(part, self.labels, [*numbers], self.task or Task())

    def split_of(self, index: int) -> str | None:
        """The split that its part is."""
        return self.names[self.place(index)[0]]


def _check_whole(name: str, part: Dataset) -> None:
    own = {*filter(None, map(part.split_of, range(len(part))))}
    if len(own) > 1 or (own and own != {name}):
        got, hint = listing(map(quote, sorted(own))), "give the data that hold all splits by themselves"
        raise DataError(f"data: {name}", expected="data without splits of their own", got=got, hint=hint)
    places = {"a column of folds": part.fold_of, "an order": part.order_of}
    if found := [what for what, place in places.items() if len(part) and place(0) is not None]:
        hint = "leave it out, or give the data of all splits by themselves, which are then cut by it"
        raise DataError(f"data: {name}", expected="no further division of a split", got=found[0], hint=hint)
