"""Names of licences: what is one, how the Hub calls it, and what becomes of the one that stands somewhere."""

from __future__ import annotations

import re
from dataclasses import replace

from zoo.hub.readme import Readme
from zoo.spec.errors import SaveError, did_you_mean, quote, warn
from zoo.spec.hints.spoken import argument
from zoo.spec.names import closest

HUB = (
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m",
    "bigscience-bloom-rail-1.0", "bigcode-openrail-m", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd",
    "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "c-uda", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5",
    "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0",
    "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl",
    "lgpl-2.1", "lgpl-3.0", "isc", "lppl-1.3c", "ms-pl", "mpl-2.0", "odc-by", "odbl", "openrail++",
    "osl-3.0", "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib", "pddl", "lgpl-lr",
    "deepfloyd-if-license", "llama2", "gemma", "unknown", "other",
)  # fmt: skip
"""Licences as the front matter of the Hub's cards has them; any other is `other`, with a name beside."""

_NONE = ("unknown", "other")
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*", re.IGNORECASE)
_OWN = re.compile(r"licenseref-", re.IGNORECASE)
_LATER = re.compile(r"(-only|-or-later|\+)$")
_VERSION = re.compile(r"-\d+\.\d+.*")
_STEMS = {_VERSION.sub("", name) for name in HUB}


def check_licence(licence: str | None, where: str) -> None:
    """Refuses what is no name of a licence, and warns of one that is nearly that of another.

    Args:
        licence: as given; None for none.
        where: how messages call what is done.

    Raises:
        SaveError: it is none.

    Example:
        >>> check_licence("Apache 2.0", "push me/cats")
        Traceback (most recent call last):
        zoo.spec.errors.SaveError: push me/cats: licence: expected an SPDX name, got 'Apache 2.0'; did you mean apache-2.0?
    """  # noqa: E501 - a message is one line
    if licence is None:
        return
    own = _OWN.match(licence) or not licence.strip()
    near = [] if own else [name for name in closest(licence, HUB) if name not in _NONE][:3]
    if not _NAME.fullmatch(licence):
        hint = "such as mit; for terms of your own say LicenseRef-NAME"
        hint = did_you_mean(licence, near) if near else hint
        raise SaveError(f"{where}: licence", expected="an SPDX name", got=quote(licence), hint=hint)
    name = licence.lower()
    known = name in _NONE or hub_names(name)["license"] != "other"
    # Of a family that the Hub knows there are other versions too
    version = _VERSION.search(name) and _VERSION.sub("", name) in _STEMS
    if near and not known and not version:
        asked = did_you_mean(licence, near)
        warn(f"{where}: the Hub knows no licence {licence}, so that the card calls it other; {asked}")


def hub_names(licence: str) -> dict[str, str]:
    """Entries of the front matter of a card for a licence.

    Args:
        licence: SPDX name, or anything that a stranger's config says.

    Example:
        >>> hub_names("MIT"), hub_names("GPL-3.0-or-later")
        ({'license': 'mit'}, {'license': 'gpl-3.0'})
        >>> hub_names("LicenseRef-dinov3-license")
        {'license': 'other', 'license_name': 'dinov3-license'}
    """
    name = licence.lower()
    for known in (name, _LATER.sub("", name)):
        if known in HUB:
            return {"license": known}
    name = re.sub(r"[^a-z0-9.-]+", "-", _OWN.sub("", name, count=1)).strip("-")
    return {"license": "other", "license_name": name or "unnamed"}


def warn_other_licence(was: str | None, now: str | None, where: str, *, command: bool = False) -> None:
    """Warns where the licence that stands somewhere goes, or becomes another.

    Args:
        was: of the model that is there.
        now: of the one that takes its place.
        where: how messages call what is done.
        command: whether a command line does it too, which takes the licence.
    """
    if was is None or (now is not None and now.lower() == was.lower()):
        return
    told = f"{where}: the licence {was} that stands there"
    if now is not None:
        warn(f"{told} becomes {now}")
        return
    way = argument("licence", was) if command else f"licence={was!r}"
    warn(f"{told} is said no more, as this model has none; say {way} to keep it")


def without_claim(there: Readme | None, was: str | None, now: str | None) -> Readme | None:
    """A README without the licence that zoo wrote into it for a model which goes; what people wrote stays.

    Args:
        there: the README; None where there is none.
        was: licence of the model that is there.
        now: of the one that takes its place.

    Example:
        >>> front = (("license", "license: mit\\n"), ("language", "language: en\\n"))
        >>> without_claim(Readme(front, "", "", ""), "MIT", None).front
        (('language', 'language: en\\n'),)
    """
    if there is None or was is None or now is not None:
        return there
    names = hub_names(was)
    said = {key: text.partition(":")[2].strip().strip("'\"") for key, text in there.front}
    if said.get("license") != names["license"]:
        return there
    return replace(there, front=tuple(piece for piece in there.front if piece[0] not in names))
