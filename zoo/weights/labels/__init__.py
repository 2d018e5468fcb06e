"""Label lists that published weights refer to by name."""

from __future__ import annotations

from importlib import resources

from zoo.spec.errors import DeclarationError, listing, quote


def read_labels(labels: str | tuple[str, ...]) -> tuple[str, ...]:
    """The names themselves, read from the list of that name where a name is given.

    Raises:
        DeclarationError: there is no such list.

    Example:
        >>> len(read_labels("imagenet-1k"))
        1000
    """
    if not isinstance(labels, str):
        return labels
    folder = resources.files(__name__)
    known = sorted(f.name.removesuffix(".txt") for f in folder.iterdir() if f.name.endswith(".txt"))
    if labels not in known:
        raise DeclarationError("label list", expected=listing(known), got=quote(labels))
    return tuple((folder / f"{labels}.txt").read_text(encoding="utf-8").splitlines())
