"""Labels whose meaning an image loses when it is mirrored or turned: signs that are read, left and right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from zoo.interfaces.geometry.orientation import Orientation
from zoo.spec.errors import listing, quote

_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SIGN = re.compile(r"(?:(?:digit|letter|number|character|char)[\W_]*)?([^\W_])", re.IGNORECASE)
_NAMED_DIGIT = re.compile(rf"(?:(\d)[\W_]+)?({'|'.join(_NAMES)})", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W_]")

_ALIKE_MIRRORED = frozenset("018AHIMOTUVWXYilovwx")
_ALIKE_FLIPPED = frozenset("0138BCDEHIKOXclox")
_MIRROR_PAIRS, _FLIPPED_PAIRS = ("bd", "pq"), ("bp", "dq", "MW")
_HALF_TURNS = ("69", "bq", "dp", "nu", "MW")
_QUARTER_TURNS = ("NZ", "nz")

_SIDES = (("left", "right"), ("l", "r"), ("east", "west"), ("links", "rechts"), ("gauche", "droite"),
          ("izquierda", "derecha"), ("port", "starboard"), ("leftward", "rightward"))  # fmt: skip
_LONE = ("left", "right")
"""Sides that are told without the other one among the labels too, where their other words leave no doubt."""
_TURNING = frozenset(
    ["arrow", "bend", "curve", "hard", "keep", "lane", "sharp", "slight", "swipe", "turn", "turning"]
)
_BETWEEN = frozenset(["ahead", "center", "centre", "forward", "middle", "straight"])
_ENDS = (("up", "down"), ("top", "bottom"), ("upper", "lower"), ("north", "south"), ("upward", "downward"))
_SENSES = (("clockwise", "counterclockwise"), ("clockwise", "anticlockwise"))
_AXES = (("horizontal", "vertical"),)
_QUARTER, _NEARLY_HALF = 90, 135
_FEWEST = 2
_SHOWN, _TOLD = 3, 2


def misread(labels: Sequence[str], orientation: Orientation) -> str:
    """Says which labels no longer hold for an image that is not upright; nothing where all do.

    Args:
        labels: names of classes, or of labels.
        orientation: in which images come.

    Example:
        >>> misread(["cats", "dogs"], Orientation(mirrored=True))
        ''
        >>> misread(["left eye", "right eye"], Orientation(mirrored=True))
        "mirrored, 'left eye' is 'right eye'"
        >>> misread(["6", "8", "9"], Orientation(turned=180))
        "turned, '6' is '9'"
        >>> misread(["turn-left", "straight"], Orientation(mirrored=True))
        "mirrored, 'turn-left' is the other side, which no label is"
    """
    signs = _signs(labels)
    known = {words: label for label in labels if (words := _words(label))}
    told: list[str] = []
    swapped = orientation.mirrored or orientation.flipped
    if orientation.mirrored:
        told += _signs_told("mirrored", signs, _MIRROR_PAIRS, _ALIKE_MIRRORED)
        told += [_pair("mirrored", known, _SIDES) or _lone(known)]
    if orientation.flipped:
        told += _signs_told("upside down", signs, _FLIPPED_PAIRS, _ALIKE_FLIPPED)
        told += [_pair("upside down", known, _ENDS)]
    told += [_pair("mirrored", known, _SENSES)] if swapped else []
    if orientation.turned >= _QUARTER:
        # Turned so far, a 6 looks more like a 9 than like itself
        pairs = _QUARTER_TURNS + (_HALF_TURNS if orientation.turned >= _NEARLY_HALF else ())
        told += [_sign_pair("turned", signs, pairs), _pair("turned", known, (*_SIDES, *_ENDS, *_AXES))]
    return "; ".join([*filter(None, told)][:_TOLD])


def _signs(labels: Sequence[str]) -> dict[str, str]:
    """The labels that stand for one sign each, by that sign; nothing where most labels do not."""
    found = {sign: label for label in labels if (sign := _sign(label))}
    return found if len(found) >= _FEWEST and 2 * len(found) >= len(labels) else {}


def _sign(label: str) -> str:
    text = label.strip()
    if (match := _SIGN.fullmatch(text)) is not None:
        return match[1]
    if (match := _NAMED_DIGIT.fullmatch(text)) is None:
        return ""
    # As data sets name them: 7 - seven
    return match[1] or str(_NAMES.index(match[2].lower()))


def _signs_told(how: str, signs: dict[str, str], pairs: Sequence[str], alike: Iterable[str]) -> list[str]:
    """Says which sign becomes another of them, and which of the others are no longer themselves."""
    swapped = {sign for pair in pairs if all(sign in signs for sign in pair) for sign in pair}
    return [_sign_pair(how, signs, pairs), _other(how, signs, {*alike} | swapped)]


def _other(how: str, signs: dict[str, str], alike: set[str]) -> str:
    """Says which signs are no longer themselves."""
    changed = [quote(label) for sign, label in signs.items() if sign not in alike]
    if not changed:
        return ""
    verb = "is another sign or none" if len(changed) == 1 else "are other signs or none"
    return f"{how}, {listing(changed, most=_SHOWN)} {verb}"


def _sign_pair(how: str, signs: dict[str, str], pairs: Iterable[str]) -> str:
    found = next((pair for pair in pairs if all(sign in signs for sign in pair)), None)
    return f"{how}, {quote(signs[found[0]])} is {quote(signs[found[1]])}" if found else ""


def _words(label: str) -> tuple[str, ...]:
    """The words of a label."""
    return tuple(word.lower() for word in _WORDS.findall(label))


def _lone(known: dict[tuple[str, ...], str]) -> str:
    """Says which label is of a side whose other side is no label: of turns, or beside a middle."""
    middle = any(_BETWEEN & {*words} for words in known)
    for words, label in known.items():
        rest = [word for word in words if word not in _LONE]
        if len(words) - len(rest) == 1 and ({*rest} <= _TURNING | _BETWEEN if rest else middle):
            return f"mirrored, {quote(label)} is the other side, which no label is"
    return ""


def _pair(how: str, known: dict[tuple[str, ...], str], pairs: Iterable[tuple[str, str]]) -> str:
    """Says which label becomes another of them where two words change places."""
    for pair in pairs:
        swap = dict(zip(pair, reversed(pair), strict=True))
        for words, label in known.items():
            # The letters l and r alone are signs
            if words in ((pair[0],), (pair[1],)) and len(pair[0]) == 1:
                continue
            other = tuple(swap.get(word, word) for word in words)
            if other != words and other in known:
                return f"{how}, {quote(label)} is {quote(known[other])}"
    return ""
