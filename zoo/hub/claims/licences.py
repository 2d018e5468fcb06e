"""Licences of a model and of the weights that it started from, and whether they contradict each other."""

from __future__ import annotations

import re
from collections.abc import Mapping

from zoo.spec.errors import listing, warn

_NO_TRADE = "no commercial use"
_NO_CHANGE = "no changed versions"
_ALIKE = "the same licence for what is made of it"
_OWN = "terms of its own"

# By words of SPDX's and the Hub's names
_WORDS = {
    _NO_TRADE: re.compile(r"(^|-)nc(-|$)|non-?commercial|research|apple-amlr", re.IGNORECASE),
    _NO_CHANGE: re.compile(r"(^|-)nd(-|$)", re.IGNORECASE),
    _ALIKE: re.compile(
        r"(^|-)sa(-|$)|^(a|l)?gpl|^gfdl|^mpl|^epl|^eupl|^osl|^cecill|^cddl|^odbl|^lppl|^ofl", re.IGNORECASE
    ),
}
_FREE = re.compile(
    r"^(apache|mit|bsd|isc|zlib|unlicense|wtfpl|cc0|cc-by|0bsd|afl|artistic|bsl|boost|ecl|etalab|ms-pl|ncsa|"
    r"odc-by|pddl|postgresql|python|psf|cdla-permissive|hpnd|x11|openssl|blueoak|upl)",
    re.IGNORECASE,
)


def restrictions(licence: str) -> frozenset[str]:
    """Terms of a licence for whoever hands the weights on, beyond naming their authors.

    Args:
        licence: SPDX name, or the Hub's; one that is not known has terms of its own.

    Example:
        >>> sorted(restrictions("CC-BY-NC-4.0")), sorted(restrictions("Apache-2.0"))
        (['no commercial use'], [])
        >>> sorted(restrictions("LicenseRef-dinov3-license"))
        ['terms of its own']
    """
    found = {words for words, pattern in _WORDS.items() if pattern.search(licence)}
    return frozenset(found or (() if _FREE.match(licence) else {_OWN}))


def strictest(licences: Mapping[str, str]) -> list[tuple[str, str]]:
    """Sources of weights and their licences, those that ask the most first.

    Example:
        >>> strictest({"a": "MIT", "b": "GPL-3.0", "c": "CC-BY-NC-4.0"})[0]
        ('c', 'CC-BY-NC-4.0')
    """
    order = (_NO_TRADE, _NO_CHANGE, _OWN, _ALIKE)

    def rank(item: tuple[str, str]) -> tuple[bool, ...]:
        asked = restrictions(item[1])
        return tuple(words not in asked for words in order)

    return sorted(licences.items(), key=rank)


def contradicts(given: str, of_weights: str) -> frozenset[str]:
    """Terms of the licence of weights that the one given for a model made of them does not keep.

    Args:
        given: for the model.
        of_weights: that it started from.

    Example:
        >>> sorted(contradicts("mit", "CC-BY-NC-4.0")), sorted(contradicts("gpl-3.0", "Apache-2.0"))
        (['no commercial use'], [])
    """
    asked, kept = restrictions(of_weights), restrictions(given)
    # Nobody here can say what other terms allow
    if given.lower() == of_weights.lower() or _OWN in kept:
        return frozenset()
    lost = asked - kept
    # Who must pass on the same freedoms may take none away
    return lost | ({_ALIKE} if _ALIKE in asked and _NO_TRADE in kept - asked else set())


def warn_contradiction(given: str | None, licences: Mapping[str, str], where: str) -> None:
    """Warns where a licence does not go with those of the weights that a model started from.

    Args:
        given: for the model; None for none.
        licences: by source of weights.
        where: how messages call what is done.
    """
    if given is None:
        return
    found = [(source, own, lost) for source, own in strictest(licences) if (lost := contradicts(given, own))]
    if not found:
        return
    source, own, lost = found[0]
    others = listing([f"{name} under {text}" for name, text, _ in found[1:]], 3)
    more = f"; so do those of {others}" if found[1:] else ""
    asks = f"{own} asks for {listing(sorted(lost))}"
    step = f'say licence="{own.lower()}", or start from other weights'
    warn(f"{where}: licence {given} contradicts that of the weights of {source}: {asks}{more}; {step}")
