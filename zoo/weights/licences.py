"""Licences of the weights that a model starts from, as far as plugin, folder or repository say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.spec.disk.reading import read_text
from zoo.spec.files import CARD_FILE
from zoo.weights.client import quiet
from zoo.weights.download import fetch_beside
from zoo.weights.fitting import Source

_MOST_BYTES = 8 << 20


def licences_of(source: Source) -> dict[str, str]:
    """Licence by source of weights: theirs, and those of the weights that they started from in their turn.

    Args:
        source: of weights; where nothing is known of it, there are none.
    """
    config = source.config if source.declared is None else None
    if config is not None:
        own, before = config.get("licence"), read_licences(config)
    else:
        own, before = source.published.licence if source.published else None, {}
        if own is None and source.path is None and source.declared is None:
            own = _of_repository(source)
    return {**({source.text: own} if isinstance(own, str) else {}), **before}


def read_licences(facts: Mapping[str, Any]) -> dict[str, str]:
    """The licences that the config of a saved model tells; none where it has none or something else."""
    found = facts.get("weights_licences")
    if not isinstance(found, dict):
        return {}
    return {str(key): text for key, text in found.items() if isinstance(text, str)}


def _of_repository(source: Source) -> str | None:
    """The licence that the front matter of a repository's card names; None where it cannot be read."""
    from huggingface_hub import RepoCard

    assert source.place is not None  # noqa: S101 - without a path there is a place
    try:
        card = fetch_beside(source.text, source.place, CARD_FILE, installs=source.installs)
        with quiet():
            front = vars(RepoCard(read_text(card, _MOST_BYTES)).data) if card is not None else {}
    except Exception:  # whatever the reader of YAML says of somebody's card; the weights are still of use
        return None
    named = front.get("license_name") if front.get("license") == "other" else front.get("license")
    return named if isinstance(named, str) else None
