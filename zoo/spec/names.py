"""Names as people type them: which of the valid ones a wrong one was meant for."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

_LIKE = 0.6
"""Share of letters in common from which on two names are alike; difflib's own cutoff."""
_FAMILY = 3
"""Letters from which on a beginning is taken for a family's."""

BESIDE_FIGURES = (
    "loss", "epoch", "seconds", "split", "images", "on", "labels", "confusion", "per_class", "worst",
    "left_out",
)  # fmt: skip
"""What stands beside figures in a history or an evaluation."""


def is_taken(figure: str) -> bool:
    """Whether no metric may be called so, since a history or an evaluation has another value of the name.

    Example:
        >>> [name for name in ("loss", "val_recall", "recall") if is_taken(name)]
        ['loss', 'val_recall']
    """
    return figure in BESIDE_FIGURES or figure.startswith(("loss_", "val_"))


def one_line(text: str) -> str:
    """A text in one line, in which a terminal finds no orders.

    Example:
        >>> one_line("cat\\n\\x1b[31mred")
        'cat \ufffd[31mred'
    """
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in line)


def plain(name: str) -> str:
    """A name without what people spell differently: case, hyphens, underscores, spaces.

    Example:
        >>> plain("Inception_V3") == plain("inception-v3") == "inceptionv3"
        True
    """
    return re.sub(r"[\W_]+", "", name).lower()


def stem(name: str) -> str:
    """The letters that a name begins with, which the sizes of one network share.

    Example:
        >>> stem("efficientnet_b0"), stem("timm:vgg16_bn")
        ('efficientnet', 'vgg')
    """
    found = re.match(r"[a-z]+", name.rpartition(":")[2].lower())
    return found[0] if found else ""


def spelt_otherwise(name: str, names: Iterable[str]) -> list[str]:
    """The valid names that are a wrong one in another spelling, else the family whose beginning it is.

    Names without a namespace go before all others.

    Example:
        >>> names = ["vgg16", "timm:vgg16", "inception_v3", "mobilenet_v1", "mobilenet_v2"]
        >>> [spelt_otherwise(name, names) for name in ("VGG-16", "mobilenet", "vgg17")]
        [['vgg16'], ['mobilenet_v1', 'mobilenet_v2'], []]
    """
    wanted, bodies = plain(name.rpartition(":")[2]), _bodies(names)
    same = [item for item, body in bodies.items() if body == wanted]
    if same or len(wanted) < _FAMILY:
        return _bare_first(same)
    return _bare_first([item for item, body in bodies.items() if body.startswith(wanted)])


def closest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The valid names that a wrong one may have been meant for, the likeliest first.

    What is spelt otherwise goes before all; then the family whose letters are nearest; then the `most` that
    are spelt alike, of equal ones those of the nearest number.

    Args:
        name: as typed.
        names: valid ones, with or without namespace.
        most: how many that are merely spelt alike.

    Example:
        >>> names = ["vgg16", "vgg19", "inception_v3", "efficientnet_b0", "efficientnet_b1"]
        >>> closest("InceptionV3", names), closest("vgg17", names)
        (['inception_v3'], ['vgg16', 'vgg19'])
        >>> closest("efficent", names)
        ['efficientnet_b0', 'efficientnet_b1']
    """
    wanted, bodies = plain(name.rpartition(":")[2]), _bodies(names)
    found = spelt_otherwise(name, bodies)
    if found or not wanted:
        return found
    alike = {item: _ratio(wanted, body) for item, body in bodies.items()}
    stems = {item: _ratio(wanted, stem(item)) for item in bodies}
    best, top = (max(shares.values(), default=0.0) for shares in (alike, stems))
    # Letters without a number, nearer to a family than to any full name: a family misspelt
    if wanted.isalpha() and top > max(best, _LIKE):
        chosen = next(stem(item) for item in bodies if stems[item] == top)
        return _bare_first([item for item in bodies if stem(item) == chosen])
    # A name of a namespace counts only where no bare one is the same
    bare = {body for item, body in bodies.items() if ":" not in item}
    fitting = [
        item for item in bodies if alike[item] >= _LIKE and (":" not in item or bodies[item] not in bare)
    ]
    return sorted(fitting, key=lambda item: (-alike[item], abs(_size(bodies[item]) - _size(wanted))))[:most]


def likeness(name: str, names: Sequence[str]) -> float:
    """Share of letters in common of a wrong name and the nearest of several; 0 where there is none.

    Example:
        >>> likeness("resnet17", ["tiny_resnet"]) < likeness("resnet17", ["resnet18", "resnet101"])
        True
    """
    wanted = plain(name.rpartition(":")[2])
    return max((_ratio(wanted, plain(item.rpartition(":")[2])) for item in names), default=0.0)


def _bodies(names: Iterable[str]) -> dict[str, str]:
    """What is compared of each name, those without a namespace first."""
    known = sorted(dict.fromkeys(names), key=lambda item: (":" in item, item))
    return {item: plain(item.rpartition(":")[2]) for item in known}


def _bare_first(names: Sequence[str]) -> list[str]:
    """The names without a namespace, where there are some: the others are the same networks elsewhere."""
    bare = [item for item in names if ":" not in item]
    return bare or [*names]


def _size(body: str) -> int:
    """The first number in a name."""
    found = re.search(r"\d+", body)
    return int(found[0]) if found else 0


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def in_order(classes: Iterable[object] | Mapping[Any, Any]) -> tuple[str, ...]:
    """Names of classes in the order of their numbers.

    Args:
        classes: names in order, or a table of number and name, whichever is the key.

    Raises:
        ValueError: it has no order, or a table has other numbers than 0, 1, 2 ...

    Example:
        >>> in_order(["dog", "cat"]), in_order({"dog": 1, "cat": 0}), in_order({0: "cat", 1: "dog"})
        (('dog', 'cat'), ('cat', 'dog'), ('cat', 'dog'))
    """
    if isinstance(classes, set | frozenset):
        text = "names in an order, which a set has not: a list, such as sorted(classes)"
        raise ValueError(text)  # noqa: TRY004 - what pydantic and callers make one line of
    if not isinstance(classes, Mapping):
        return tuple(map(str, classes))
    wanted = [*range(len(classes))]
    by_number = {n: name for name, n in classes.items()} if _are(wanted, classes.values()) else classes
    if not _are(wanted, by_number):
        raise ValueError("a table of the numbers 0, 1, 2 ... and a name for each")
    return tuple(str(by_number[n]) for n in wanted)


def _are(wanted: list[int], numbers: Iterable[Any]) -> bool:
    found = [*numbers]
    # Numbers of numpy are no int, and True is one
    if any(isinstance(n, bool | str) or not hasattr(n, "__index__") for n in found):
        return False
    return sorted(found) == wanted


def folder_label(name: str) -> str:
    """The name of a folder as a label: where it is no UTF-8, as Windows and old archives wrote it (Latin-1).

    Letters are composed (NFC), as people type them; macOS and its archives may hold them taken apart.

    Args:
        name: as the file system gives it, with surrogates for bytes that are no UTF-8.

    Example:
        >>> folder_label("caf\\udce9"), folder_label("café"), folder_label("cafe\\u0301")
        ('café', 'café', 'café')
    """
    return composed(name if encodable(name) else os.fsencode(name).decode("latin-1"))


def composed(label: str) -> str:
    """A label with its letters composed (NFC), which is how two of them are compared.

    Example:
        >>> composed("cafe\\u0301") == "caf\\u00e9"
        True
    """
    return unicodedata.normalize("NFC", label)


def encodable(text: str) -> bool:
    """Whether UTF-8 can hold a text, which is so but for surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def replaced(text: str) -> str:
    """A text with `?` for each letter that UTF-8 has not, for files that people read.

    Example:
        >>> replaced("caf\\udce9")
        'caf?'
    """
    return text.encode(errors="replace").decode()


def normalise(name: str) -> str:
    """A distribution's name as PEP 503 writes it.

    Example:
        >>> normalise("Zoo_VGG")
        'zoo-vgg'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def named_in(variable: str) -> frozenset[str]:
    """The distributions that an environment variable names, with commas between."""
    parts = os.environ.get(variable, "").split(",")
    return frozenset(normalise(part.strip()) for part in parts if part.strip())


def takes_part(distribution: str) -> bool:
    """Whether `ZOO_PLUGINS` and `ZOO_DISABLED_PLUGINS` let a distribution take part.

    Args:
        distribution: its name, in any spelling.
    """
    name, only = normalise(distribution), named_in("ZOO_PLUGINS")
    return name not in named_in("ZOO_DISABLED_PLUGINS") and (not only or name in only)


def column_name(value: Any) -> Any:
    """The name of a column: a whole number, as TOML and frames have them, is the text of it.

    Raises:
        ValueError: it is true or false, which a file may write otherwise.

    Example:
        >>> column_name(2019), column_name("age"), column_name(None)
        ('2019', 'age', None)
    """
    if isinstance(value, bool):
        # The text of a ValueError stands behind `expected`
        raise ValueError('the name of a column, one such as true within quotes: "true"')  # noqa: TRY004
    return str(value) if isinstance(value, int) else value
