"""Result of `push`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pushed:
    """Result of a push: where the model is, and which files changed.

    Args:
        reference: what `zoo.pull` takes to get exactly this model.
        url: page of the commit; None for a folder.
        commit: id of the commit that holds the model; None for a folder.
        files: those that changed, removed ones among them; empty where all was there already.
    """

    reference: str
    url: str | None
    commit: str | None
    files: tuple[str, ...]

    def __repr__(self) -> str:
        where = self.url or self.reference
        return f"pushed {', '.join(self.files)} to {where}" if self.files else f"nothing changed at {where}"
