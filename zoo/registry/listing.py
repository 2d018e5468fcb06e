"""Listing: what there is, as small rows, and everything known about one component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.registry.catalogue import known, read_namespace
from zoo.registry.hints import ways
from zoo.registry.lookup import registry
from zoo.registry.snapshot import Entry, Kinds, checked_kinds
from zoo.spec.component import Namespace
from zoo.spec.display import count, html_page, html_table, more, table
from zoo.spec.errors import UnknownComponentError, ZooError, quote
from zoo.spec.kinds import KINDS, KindName
from zoo.spec.names import closest
from zoo.spec.reference import ComponentRef, parse_reference

_HEADER = ("name", "kind", "parameters", "summary")
_MOST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One component in a list.

    Args:
        ref: the shortest reference that means it.
        name: without namespace.
        namespace: of its distribution.
        kind: one of `zoo.spec.kinds.KINDS`.
        summary: one line.
        distribution: where it comes from.
        parameters: how many it has, where that is known.
        tags: words to filter by.
        task: what a head or model is for.
        weights: tags of published weights.
        installed: whether it can be built now.
    """

    ref: str
    name: str
    namespace: str
    kind: str
    summary: str
    distribution: str
    parameters: int | None
    tags: tuple[str, ...]
    task: str | None
    weights: tuple[str, ...]
    installed: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        data = {key: getattr(self, key) for key in self.__slots__}
        return data | {"tags": [*self.tags], "weights": [*self.weights]}


class Rows(list[Row]):
    """Components; prints as a table, cut after forty, and where there are none says where some come from.

    Args:
        rows: the components.
        step: what is said where there are none.

    Example:
        >>> len(str(list_components("head")).splitlines()) == len(list_components("head")) + 1
        True
    """

    def __init__(self, rows: Iterable[Row] = (), *, step: str = "") -> None:
        super().__init__(rows)
        self.step = step

    def table(self) -> str:
        """All of them as a table; those that are not installed have a star."""
        return table(self._cells(len(self)), [name.upper() for name in _HEADER], right=[2])

    def __repr__(self) -> str:
        if not self and self.step:
            return self.step
        shown = table(self._cells(_MOST_SHOWN), [name.upper() for name in _HEADER], right=[2])
        return "\n".join(filter(None, [shown, more(len(self), _MOST_SHOWN, "components")]))

    def _repr_html_(self) -> str:
        if not self and self.step:
            return html_page("", html_table([], _HEADER), self.step)
        shown = html_table(self._cells(_MOST_SHOWN), _HEADER, right=[2])
        return html_page("", shown, more(len(self), _MOST_SHOWN, "components"))

    def _cells(self, most: int) -> list[list[str]]:
        return [
            [row.ref + ("" if row.installed else " *"), row.kind, count(row.parameters), row.summary]
            for row in self[:most]
        ]


def list_components(
    kind: KindName | tuple[KindName, ...] | None = None,
    *,
    search: str | None = None,
    tag: str | None = None,
    installed: bool = True,
) -> Rows:
    """The components there are, by kind and name; available as `zoo.list`.

    Args:
        kind: one kind, several, or all.
        search: words that must all occur in name, summary, tags or task, whatever their case.
        tag: a tag that they must carry.
        installed: False adds those of known distributions that are not installed.

    Raises:
        UnknownComponentError: there is no such kind.

    Example:
        >>> all(row.kind == "head" for row in list_components("head"))
        True
    """
    try:
        kinds = checked_kinds(kind)
    except UnknownComponentError as error:
        raise _no_kind(error, kind) from None
    words = search.lower().split() if search else []
    rows = [row for row in _rows(installed) if row.kind in kinds and (tag is None or tag in row.tags)]
    if words:
        rows = [row for row in rows if all(word in _text(row) for word in words)]
    order = {name: position for position, name in enumerate(KINDS)}
    # Names kept to a namespace, as the hundreds of timm, come behind those that are reached bare
    found = sorted(rows, key=lambda row: (order[row.kind], ":" in row.ref, row.ref))
    return Rows(found, step="" if found else _step(kinds, narrowed=bool(words or tag)))


def _step(kinds: tuple[str, ...], *, narrowed: bool) -> str:
    """What to do where a list is empty: the plugins that bring such components, and how to install them."""
    what = f"no {' or '.join(kinds)}" if len(kinds) < len(KINDS) else "no component"
    if narrowed and any(offer.kind in kinds for offer in registry().offers):
        return f"{what} fits; zoo list --all also searches plugins that are not installed"
    present = {plugin.distribution for plugin in registry().plugins}
    rows = ((data["distribution"], row["kind"]) for data in known() for row in data["components"])
    away = sorted({name for name, kind in rows if kind in kinds and name not in present})
    if not away:
        return f"{what} is installed, and no known plugin has one; zoo new writes a plugin"
    return f"{what} is installed; some come from {ways(away)}"


def _no_kind(error: UnknownComponentError, kind: Kinds) -> UnknownComponentError:
    """What to say of a kind that there is not: it may be a component's name, or a word to search for."""
    word = kind if isinstance(kind, str) else ""
    if near := closest(word, KINDS)[:1]:
        hint = f"did you mean {near[0]}?"
    elif any(word in (offer.name, offer.qualified) for offer in registry().offers):
        hint = f"{quote(word)} is a component: zoo show {word}"
    elif found := [row for row in _rows(True) if word and word.lower() in _text(row)]:
        have = "1 component has" if len(found) == 1 else f"{len(found)} components have"
        hint = f"{have} the word: zoo list --search {word}"
    else:
        hint = "zoo list --search WORD looks for a word, in Python zoo.list(search=...)"
    return UnknownComponentError(error.problem, expected=error.expected, got=error.got, hint=hint)


def info(name: str, kind: KindName | tuple[KindName, ...] | None = None) -> dict[str, Any]:
    """Facts on one component, all that the catalogue has, as plain data; available as `zoo.info`.

    Args:
        name: reference to an installed component.
        kind: which kind it has to be of.

    Raises:
        ZooError: as `zoo.registry.find`.
    """
    return _facts(registry().find(name, kind))


def info_of_all(name: str) -> list[dict[str, Any]]:
    """Facts of a component, as `info` gives it, for each kind that has the name in one distribution.

    Args:
        name: reference to an installed component.

    Raises:
        ZooError: as `zoo.registry.find`, but for a name of several kinds.
    """
    now = registry()
    offers = now.named(ref, None) if isinstance(ref := parse_reference(name), ComponentRef) else []
    # Of several distributions the name is ambiguous, which `info` says
    if len(offers) > 1 and len({offer.plugin.distribution for offer in offers}) == 1:
        return [_facts(now.entry(offer)) for offer in offers]
    return [info(name)]


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "ref": entry.ref,
        "qualified": entry.qualified,
        "distribution": entry.plugin.distribution,
        "version": entry.plugin.version,
        **entry.component.to_dict(),
        "facts": dict(entry.facts),
    }


def _rows(installed: bool) -> Iterable[Row]:
    now = registry()
    for offer in now.offers:
        plugin = offer.plugin
        yield _row(offer.row, now.shortest(offer), plugin.namespace, plugin.distribution, True)
    if installed:
        return
    present = {plugin.distribution for plugin in now.plugins}
    for data in known():
        distribution = data["distribution"]
        # An installed version says itself what it offers, whatever the registry knows of another
        if distribution in present:
            continue
        try:
            space = read_namespace(data, distribution)
        except ZooError:  # hints only: a damaged one is left out
            continue
        for row in data["components"]:
            ref = row["name"] if space.claims(row["name"]) else f"{space.name}:{row['name']}"
            yield _row(row, ref, space, distribution, False)


def _row(row: Mapping[str, Any], ref: str, space: Namespace, distribution: str, installed: bool) -> Row:
    parameters = row.get("facts", {}).get("parameters")
    return Row(
        ref,
        row["name"],
        space.name,
        row["kind"],
        row["summary"],
        distribution,
        parameters if isinstance(parameters, int) else None,
        tuple(row.get("tags", ())),
        row.get("task"),
        tuple(row.get("weights", ())),
        installed,
    )


def _text(row: Row) -> str:
    return " ".join((row.ref, row.kind, row.summary, *row.tags, row.task or "")).lower()
