"""Bringing a data set of the Hub: one commit, each file of it verified on arrival."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zoo.hub.sets.choose import Chosen, choose
from zoo.registry import cache
from zoo.spec.disk.reading import read_text
from zoo.spec.errors import DataError
from zoo.spec.reference import HubDataRef
from zoo.weights.download import Snapshot, snapshot

_CARD, _MOST_CARD = "README.md", 1 << 22
_FRONT = re.compile(r"\A\s*---\n([\S\s]*?)\n---[ \t]*(?:\n|\Z)")  # as the Hub itself finds it
_THREADS = 8
_WAYS = "go online, fill the cache that HF_HOME names, or give a folder of your own"

_used: dict[HubDataRef, str] = {}


def bring(ref: HubDataRef, *, tables: Sequence[str], config: str | None = None) -> Path:
    """The folder of a data set of the Hub, in its client's own cache.

    Args:
        ref: repository, and a branch, tag or commit; the newest commit where it says none.
        tables: suffixes of tables that may hold images.
        config: which of its configurations, where it has several.

    Raises:
        DataError: the Hub cannot be reached, has no such repository or revision, or its files are no images.
        OptionError: there is no such configuration.
    """
    where = f"data {ref}"
    found = snapshot(where, ref.repo, ref.revision, hint=_WAYS, sort="dataset", error=DataError)
    names = _names(found)
    card = found.file(_CARD, most=_MOST_CARD) if _CARD in names else None
    front = _FRONT.match(read_text(card, _MOST_CARD)) if card is not None else None
    chosen = choose(names, front[1] if front else "", tables=tables, config=config, where=where)
    _used[ref] = found.commit
    return _fetched(found, chosen)


def pinned(ref: HubDataRef) -> HubDataRef:
    """The data set at the commit that was last read of it; as it is where it was not.

    Args:
        ref: as somebody named it.
    """
    return HubDataRef(ref.repo, _used.get(ref, ref.revision))


def _fetched(found: Snapshot, chosen: Chosen) -> Path:
    pool = ThreadPoolExecutor(_THREADS)
    try:
        paths = list(pool.map(found.file, chosen.files))
    finally:  # also when one is missing: the others are not waited for
        pool.shutdown(cancel_futures=True)
    # The cache lays files out as the repository does
    root = paths[0].parents[chosen.files[0].count("/")]
    return root / chosen.folder


def _names(found: Snapshot) -> list[str]:
    """Names of all files of a commit; remembered, since the cache knows only what was fetched."""
    file = f"hub-sets/{found.repo.replace('/', '--')}-{found.commit[:12]}.json"
    key = [found.repo, found.commit]
    if (known := cache.read(file, key)) is not None:
        return [str(name) for name in known["names"]]
    if found.offline:
        expected = "the Hub or a cached copy"
        raise DataError(f"{found.text} cannot be reached", expected=expected, got="neither", hint=found.hint)
    names = found.names()
    cache.write(file, key, {"names": names})
    return names
