"""Errors and warnings: one line that says what was expected, what came, and what to do next."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from zoo.spec.names import closest, one_line, stem

_MOST_MEANT, _FEW_MEANT = 16, 8
"""Up to so many names are all said; of more, so many and how to list the others."""


class ZooError(Exception):
    """A mistake that the user can mend.

    Args:
        problem: what is wrong, in a few words.
        expected: what would have been right.
        got: what came instead.
        hint: the next step.

    Example:
        >>> print(ZooError("unknown pool", expected="avg or max", got="'mean'", hint="say pool='avg'"))
        unknown pool: expected avg or max, got 'mean'; say pool='avg'
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem, self.expected, self.got, self.hint = problem, expected, got, hint
        facts = [f"expected {expected}"] if expected else []
        facts += [f"got {got}"] if got else []
        line = f"{problem}: {', '.join(facts)}" if facts else problem
        # One line, whatever a foreign message or a file's name in it holds
        super().__init__(one_line(f"{line}; {hint}" if hint else line))

    # Exceptions are pickled as class and finished text, which would lose the parts; torch's workers hand
    # theirs over so
    def __reduce__(self) -> tuple[object, ...]:
        state = {"expected": self.expected, "got": self.got, "hint": self.hint}
        return _rebuild, (type(self), self.problem, state)


def _rebuild(kind: type[ZooError], problem: str, state: dict[str, str | None]) -> ZooError:
    return kind(problem, **state)


class DeclarationError(ZooError):
    """A plugin declares something that is not a valid component."""


class BadReferenceError(ZooError):
    """A reference does not follow the grammar."""


class UnknownComponentError(ZooError):
    """No installed plugin offers the name."""


class AmbiguousNameError(ZooError):
    """Two distributions claim one bare name."""


class PluginError(ZooError):
    """An installed plugin does not do what it declares."""


class MissingPackageError(ZooError):
    """A package that is needed is not installed."""


class OptionError(ZooError):
    """An option is unknown or has a value that does not fit."""


class RecipeError(ZooError):
    """A recipe cannot be read."""


class FreezeError(ZooError):
    """A freeze spec is malformed or matches nothing."""


class ShapeError(ZooError):
    """Parts do not fit each other, or an input does not fit the model."""


class WeightsError(ZooError):
    """Weights cannot be reached or do not fit the network."""


class FormatError(ZooError):
    """A folder or file is not a model that this version can read."""


class SaveError(ZooError):
    """A model could not be written; what was there before is untouched, unless the text says otherwise."""


class DataError(ZooError):
    """Data cannot be read or used as asked."""


class TrainingError(ZooError):
    """A run cannot be started or went wrong."""


class ZooWarning(UserWarning):
    """Warning of what works, but most likely not as meant."""


_EAR: ContextVar[Callable[[str], bool] | None] = ContextVar("ear", default=None)


@contextmanager
def hearing(ear: Callable[[str], bool]) -> Iterator[None]:
    """Lets warnings of ours be heard before they are shown, inside.

    Args:
        ear: takes the text; where it returns True, the warning is not shown.
    """
    token = _EAR.set(ear)
    try:
        yield
    finally:
        _EAR.reset(token)


@contextmanager
def said_once() -> Iterator[None]:
    """Shows a warning of ours once, inside, however many runs say it.

    Example:
        >>> heard = []
        >>> with hearing(lambda text: heard.append(text) or True), said_once():
        ...     warn("two lists"); warn("two lists")
        >>> heard
        ['two lists']
    """
    outer, said = _EAR.get(), set[str]()

    def ear(text: str) -> bool:
        again = text in said
        said.add(text)
        return again or (outer is not None and outer(text))

    with hearing(ear):
        yield


def warn(message: str) -> None:
    """Warns at the line outside of zoo, and of what enters and leaves its contexts, that led here."""
    if (ear := _EAR.get()) is not None and ear(one_line(message)):
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _room(frame.f_globals) in ("zoo", "contextlib"):
        level, frame = level + 1, frame.f_back
    warnings.warn(one_line(message), ZooWarning, stacklevel=level)


def _room(variables: dict[str, Any]) -> str:
    return str(variables.get("__name__", "")).partition(".")[0]


def quote(value: object) -> str:
    """The value as one short line for an error message."""
    return _short(repr(value))


def reason(error: BaseException | str) -> str:
    """A foreign error as one short line for an error message: unlike a value, without quotes.

    Args:
        error: it, or its text; the name of its class where it has none.

    Example:
        >>> reason(OSError("no\\nspace left")), reason(EOFError()), reason("x" * 99)[-5:]
        ('no space left', 'EOFError', 'xx...')
    """
    return _short(str(error) or type(error).__name__)


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= 80 else line[:77] + "..."


def listing(names: Iterable[str], most: int = 12) -> str:
    """Names as `a, b, c`, cut after `most` of them."""
    items = list(names)
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown or "nothing"


def near(name: str, names: Sequence[str], most: int = 3) -> str:
    """A hint that names the closest valid names, whatever their case and hyphens, or all when they are few.

    Example:
        >>> near("resnet81", ["vgg16", "vgg19", "resnet18"])
        'did you mean resnet18?'
        >>> near("ImageNet", ["a1", "imagenet"])
        'did you mean imagenet?'
    """
    close = closest(name, names, most)
    if close:
        return did_you_mean(name, close)
    return f"choose from {listing(sorted(names))}" if names else "there is none to choose from"


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """The question whether one of these was meant by a name; of many the first ones, and how to see all."""
    if len(names) <= _MOST_MEANT:
        return f"did you mean {' or '.join(names)}?"
    word = stem(names[0]) if len({stem(item) for item in names}) == 1 else name
    shown, rest = ", ".join(names[:_FEW_MEANT]), len(names) - _FEW_MEANT
    return f"did you mean {shown} or one of {rest} more (zoo list --search {word})?"
