"""Ranges of numbers that files and arrays are scaled by while a model reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from zoo.images.scale import advice, said
from zoo.spec.errors import DataError
from zoo.spec.inputs import BANDS, FIRST, Reading

T = TypeVar("T")
Range = tuple[float, float]
"""Lowest and highest number, which become 0 and 1."""
How = Range | Reading
"""How files are read: by a range, or with what is read of pages too."""

_BYTE = 255
_EXACT = 4
"""Bytes of whole numbers that float32 does not hold all of."""


@dataclass(slots=True)
class Numbers:
    """Scaling of numbers by a range; without one they are only taken out of where they lie.

    Args:
        range: lowest and highest number; None leaves numbers that are no image as they are.
        used: whether anything was scaled.
    """

    range: Range | None
    used: bool = field(default=False, repr=False)

    def __str__(self) -> str:
        return f"value_range={said(self.range)}" if self.range else "any scale"

    def scaled(self, values: npt.NDArray[Any], where: str, are: str = "bytes, 0..255") -> npt.NDArray[Any]:
        """(x - low) / (high - low), clipped to [0, 1], as float32.

        Args:
            values: of any shape; bytes only for a range within 0..255, beyond which they have no number.
            where: what to call them in an error.
            are: what bytes were given as.

        Raises:
            DataError: some are no numbers, or they are bytes and the range is another depth's.

        Example:
            >>> Numbers((0, 4095)).scaled(np.array([-5, 0, 819, 9000], np.int16), "x").tolist()
            [0.0, 0.0, 0.20000000298023224, 1.0]
        """
        self.used = True
        if not np.isfinite(values).all():
            got, hint = advice(values)
            raise DataError(where, expected="numbers", got=got, hint=hint)
        if self.range is None:
            return values
        low, high = self.range
        if values.dtype == np.uint8 and not 0 <= low < high <= _BYTE:
            hint = "give images of the depth that the model was made for, or leave these out"
            raise DataError(where, expected=f"the numbers of {self}", got=are, hint=hint)
        # Whole numbers of 32 bits and doubles are taken off each other before they are rounded
        kind = np.float64 if values.dtype.itemsize >= _EXACT and values.dtype != np.float32 else np.float32
        found = np.subtract(values, low, dtype=kind)
        found /= high - low
        shown: npt.NDArray[np.float32] = np.clip(found, 0, 1, out=found).astype(np.float32, copy=False)
        return shown


_ASKED: ContextVar[Numbers | None] = ContextVar("numbers", default=None)
"""Around a data set, whose samples are asked for by their number alone."""
_PAGES: ContextVar[str] = ContextVar("pages", default=FIRST)


def asked_numbers() -> Numbers | None:
    """The scaling that images are read by here; None where they are read as they are."""
    return _ASKED.get()


def reading_range() -> tuple[float, float] | None:
    """The range of the model that files are read for; None where there is none.

    A reader that turns numbers into grays by itself gives numbers in their unit instead where there is one.
    """
    asked = _ASKED.get()
    return None if asked is None else asked.range


def reads_pages() -> bool:
    """Whether all pages of a file are read for the model, each as a channel; else the first."""
    return _PAGES.get() == BANDS


def mark_scaled() -> None:
    """Says that what is given next was scaled when it was taken."""
    if (asked := _ASKED.get()) is not None:
        asked.used = True


@contextmanager
def scaled_by(how: How | None) -> Iterator[Numbers | None]:
    """Scales what is decoded inside by a range, and reads pages as is said; None leaves all as it is.

    Yields:
        The scaling, which knows whether it was used.
    """
    values = how.range if isinstance(how, Reading) else how
    outer, pages = _ASKED.get(), _PAGES.get()
    # Of one range there is one scaling, so that whoever is outside sees it used
    asked = outer if values is not None and outer is not None and outer.range == values else None
    asked = asked or (None if values is None else Numbers(values))
    token, said_pages = _ASKED.set(asked), _PAGES.set(how.pages if isinstance(how, Reading) else pages)
    try:
        yield asked
    finally:
        _ASKED.reset(token)
        _PAGES.reset(said_pages)


def as_stored(read: Callable[[], T]) -> T:
    """An image for a digest, which is the same for every range that models may have.

    Args:
        read: reads it: as without a range, and where it is no image then, as the numbers that it has.
    """
    if _ASKED.get() is None:
        return read()
    with suppress(DataError):
        return _under(None, read)
    return unscaled(read)


def unscaled(read: Callable[[], T]) -> T:
    """The result of reading that leaves numbers on the scale that they have, whatever that is."""
    return _under(Numbers(None), read)


def _under(asked: Numbers | None, read: Callable[[], T]) -> T:
    token = _ASKED.set(asked)
    try:
        return read()
    finally:
        _ASKED.reset(token)
