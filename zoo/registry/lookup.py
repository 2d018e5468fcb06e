"""Lookup: from a reference to the one component that it names."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.registry.catalogue import Row
from zoo.registry.hints import MOST_SHOWN, near_names, next_step
from zoo.registry.plugins.discovery import Plugin, discover
from zoo.spec.component import Component
from zoo.spec.errors import (
    AmbiguousNameError,
    BadReferenceError,
    DeclarationError,
    PluginError,
    UnknownComponentError,
    listing,
    meant,
    near,
    quote,
)
from zoo.spec.kinds import KINDS, with_article
from zoo.spec.reference import ComponentRef, parse_reference

Kinds = str | tuple[str, ...] | None
"""One kind, several, or None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One installed component.

    Args:
        component: its declaration.
        plugin: where it comes from.
        ref: the shortest reference that means it alone within its kind.
    """

    component: Component
    plugin: Plugin
    ref: str

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was computed about it: parameters, blocks, taps, the schema of its options."""
        return self.plugin.facts(self.component.kind, self.component.name)

    @property
    def qualified(self) -> str:
        """`namespace:name`, which always means this component."""
        return f"{self.plugin.namespace.name}:{self.component.name}"


@dataclass(frozen=True, slots=True)
class Offer:
    """A component as it lies in a catalogue, not yet checked field by field."""

    plugin: Plugin
    row: Row

    @property
    def name(self) -> str:
        """Without namespace."""
        return str(self.row["name"])

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return str(self.row["kind"])

    @property
    def qualified(self) -> str:
        """With namespace."""
        return f"{self.plugin.namespace.name}:{self.name}"


class Registry:
    """What is installed, as it was when this was made."""

    def __init__(self, plugins: list[Plugin]) -> None:
        self.plugins = tuple(plugins)

    @cached_property
    def offers(self) -> tuple[Offer, ...]:
        """All components of all good plugins."""
        return tuple(Offer(plugin, row) for plugin in self.plugins for row in plugin.rows)

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Offer, ...]]:
        """All components of a name, whatever their namespace."""
        found: dict[str, tuple[Offer, ...]] = {}
        for offer in self.offers:
            found[offer.name] = (*found.get(offer.name, ()), offer)
        return found

    @cached_property
    def clashes(self) -> Mapping[str, tuple[str, ...]]:
        """Namespaces that several distributions claim, with those."""
        claims: dict[str, tuple[str, ...]] = {}
        for plugin in self.plugins:
            if not plugin.error:
                claims[plugin.namespace.name] = (*claims.get(plugin.namespace.name, ()), plugin.distribution)
        return {name: owners for name, owners in claims.items() if len(owners) > 1}

    @cached_property
    def conflicts(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Kinds and bare names that several distributions claim, with those."""
        claims: dict[tuple[str, str], tuple[str, ...]] = {}
        for offers in self.by_name.values():
            for offer in offers if len(offers) > 1 else ():
                if offer.plugin.namespace.claims(offer.name):
                    key = (offer.kind, offer.name)
                    claims[key] = (*claims.get(key, ()), offer.plugin.distribution)
        return {key: owners for key, owners in claims.items() if len(owners) > 1}

    def shortest(self, offer: Offer) -> str:
        """The bare name where it means this component, else the qualified one."""
        bare = offer.plugin.namespace.claims(offer.name)
        return offer.name if bare and (offer.kind, offer.name) not in self.conflicts else offer.qualified

    def entry(self, offer: Offer) -> Entry:
        """The offer, with its fields checked.

        Raises:
            PluginError: the catalogue holds something that is no component, or the namespace is disputed.
        """
        owners = self.clashes.get(offer.plugin.namespace.name)
        if owners:
            raise PluginError(
                f"namespace {quote(offer.plugin.namespace.name)}",
                expected="one distribution that claims it",
                got=listing(owners),
                hint=f"uninstall one, or set ZOO_DISABLED_PLUGINS={owners[-1]}",
            )
        row = dict(offer.row)
        row.pop("facts", None)
        try:
            component = Component.from_dict(row)
        except DeclarationError as error:
            raise PluginError(f"catalogue of {offer.plugin.distribution}: {error}") from error
        return Entry(component=component, plugin=offer.plugin, ref=self.shortest(offer))

    def named(self, wanted: ComponentRef, kind: Kinds = None) -> list[Offer]:
        """The components that a reference may mean."""
        kinds, offers = _kinds(kind), self.by_name.get(wanted.name, ())
        return [offer for offer in offers if offer.kind in kinds and _means(wanted, offer)]

    def find(self, ref: object, kind: Kinds = None) -> Entry:
        """The component that a reference means; see `find` below."""
        wanted = parse_reference(ref)
        if not isinstance(wanted, ComponentRef):
            what = wanted_text(kind)
            raise BadReferenceError("reference", expected=f"the name of {what}", got=quote(str(wanted)))
        named = self.by_name.get(wanted.name, ())
        offers = self.named(wanted, kind)
        if not offers:
            raise self._unknown(wanted, kind, named)
        # Two distributions of one namespace are for `entry` to refuse
        if len({offer.plugin.distribution for offer in offers}) > 1 and not wanted.namespace:
            claims = [f"{offer.qualified} ({offer.kind} of {offer.plugin.distribution})" for offer in offers]
            raise AmbiguousNameError(
                f"{quote(str(wanted))} is claimed by several distributions",
                expected="the name with its namespace",
                got=quote(str(wanted)),
                hint=f"say {' or '.join(claims)}",
            )
        first = self.entry(offers[0])
        if len(offers) > 1:
            several = [offer.kind for offer in offers]
            raise AmbiguousNameError(
                f"{quote(str(wanted))} is the name of several components",
                expected="its kind as well",
                got=f"{' and '.join(several)} of {first.plugin.distribution}",
                hint=f"say kind={several[0]!r}, as in zoo.info({str(wanted)!r}, kind={several[0]!r})",
            )
        return first

    def _unknown(self, wanted: ComponentRef, kind: Kinds, named: tuple[Offer, ...]) -> UnknownComponentError:
        """Why there is none, and what to do."""
        kinds, text = _kinds(kind), quote(str(wanted))
        what = wanted_text(kind)
        rows = self._rows(wanted, kinds)
        other = [offer for offer in named if _means(wanted, offer)]
        if other:
            is_a = " and ".join(f"the {offer.kind} {offer.qualified}" for offer in other)
            steps = [f"{with_article(other[0].kind)} goes to {KINDS[other[0].kind].argument}"]
            if names := near_names(wanted.name, rows):
                steps.append(meant(wanted.name, names))
            elif len(rows) <= MOST_SHOWN:
                steps.append(f"choose from {listing(sorted(ref for ref, _ in rows), MOST_SHOWN)}")
            return UnknownComponentError(
                f"{text} is {is_a}", expected=what, got=with_article(other[0].kind), hint="; ".join(steps)
            )
        elsewhere = [offer.qualified for offer in named if offer.kind in kinds]
        hint = f"it is {' or '.join(elsewhere)}" if elsewhere else next_step(
            wanted, kinds, rows, self.plugins
        )  # fmt: skip
        return UnknownComponentError(f"no {what.partition(' ')[2]} is called {text}", hint=hint)

    def _rows(self, wanted: ComponentRef, kinds: tuple[str, ...]) -> list[tuple[str, Row]]:
        """The components that a wrong reference may have been meant for, by their shortest references."""
        mine = [offer for offer in self.offers if offer.kind in kinds]
        if wanted.namespace:
            mine = [offer for offer in mine if offer.plugin.namespace.name == wanted.namespace]
            return [(offer.qualified, offer.row) for offer in mine]
        return [(self.shortest(offer), offer.row) for offer in mine]


def find(ref: str | ComponentRef | Mapping[str, Any], kind: Kinds = None) -> Entry:
    """The installed component that a reference means.

    Args:
        ref: `name`, `namespace:name`, or a table with a name and options.
        kind: which kind it has to be of, or which kinds.

    Raises:
        UnknownComponentError: there is none; the message names the nearest and the next step.
        AmbiguousNameError: several distributions claim the name, or several kinds have it.
        PluginError: its distribution's catalogue or namespace is at fault.
        BadReferenceError: the reference does not name a component.
    """
    return registry().find(ref, kind)


def entries(kind: Kinds = None) -> Iterator[Entry]:
    """All installed components of a kind, those of plugins at fault left out."""
    now = registry()
    kinds = _kinds(kind)
    for offer in now.offers:
        if offer.kind in kinds and offer.plugin.namespace.name not in now.clashes:
            try:
                yield now.entry(offer)
            except PluginError:  # a malformed row costs that row; it is named when it is asked for
                continue


def recipe_file(ref: str) -> Path:
    """The file of a recipe that a plugin ships, by `name` or `namespace:name`.

    Raises:
        UnknownComponentError: no plugin ships one of that name.
        AmbiguousNameError: several do.
    """
    namespace, _, name = ref.rpartition(":")
    found = {
        f"{plugin.namespace.name}:{key}": file
        for plugin in registry().plugins
        for key, file in plugin.recipes.items()
    }
    fits = [
        key
        for key in found
        if key.endswith(f":{name}") and key.startswith(f"{namespace}:" if namespace else "")
    ]
    if not fits:
        raise UnknownComponentError(f"no plugin ships a recipe {quote(ref)}", hint=near(ref, sorted(found)))
    if len(fits) > 1:
        hint = f"say {' or '.join(fits)}"
        raise AmbiguousNameError(f"recipe {quote(ref)} is shipped by several plugins", hint=hint)
    return found[fits[0]]


def recipe_series(ref: str) -> tuple[Path, ...]:
    """The file of a recipe, or those of all recipes called `ref-...`, in the order of their names.

    Raises:
        UnknownComponentError: no plugin ships one of that name or beginning.
        AmbiguousNameError: several ship one of that very name.
    """
    namespace, _, name = ref.rpartition(":")
    files = {
        (key, plugin.namespace.name): file
        for plugin in registry().plugins
        for key, file in plugin.recipes.items()
        if namespace in ("", plugin.namespace.name)
    }
    series = [files[key] for key in sorted(files) if key[0].startswith(f"{name}-")]
    exact = any(key == name for key, _ in files)
    return tuple(series) if series and not exact else (recipe_file(ref),)


_current: tuple[object, Registry] | None = None


def registry() -> Registry:
    """What is installed now; read again when something was installed or the environment changed.

    Raises:
        PluginError: a plugin is broken and `ZOO_STRICT_PLUGINS` is set.
    """
    global _current  # noqa: PLW0603 - one snapshot a process
    state = _state()
    if _current is None or _current[0] != state:
        _current = (state, Registry(discover()))
    return _current[1]


def reset() -> None:
    """Forgets the snapshot: the next look reads everything again."""
    global _current  # noqa: PLW0603
    _current = None


def _state() -> object:
    # Installing or removing changes the time of the folder that it happens in
    times = []
    for folder in sys.path:
        try:
            times.append((folder, os.stat(folder or ".").st_mtime_ns))  # noqa: PTH116 - may be no path at all
        except (OSError, TypeError):
            times.append((folder, 0))
    # Each of these changes what `discover` finds
    variables = ("ZOO_PLUGINS", "ZOO_DISABLED_PLUGINS", "ZOO_STRICT_PLUGINS", "ZOO_CACHE")
    return times, [os.environ.get(name) for name in variables]


def wanted_text(kind: Kinds) -> str:
    """A kind in words, with its article.

    Example:
        >>> wanted_text(("backbone", "model")), wanted_text("augmenter"), wanted_text(None)
        ('a backbone or model', 'an augmenter', 'a component')
    """
    return with_article(" or ".join(_kinds(kind)) if kind else "component")


def _kinds(kind: Kinds) -> tuple[str, ...]:
    kinds = (*KINDS,) if kind is None else (kind,) if isinstance(kind, str) else tuple(kind)
    for item in kinds:
        if item not in KINDS:
            raise UnknownComponentError(
                "unknown kind", expected=listing(KINDS), got=quote(item), hint=near(item, [*KINDS])
            )
    return kinds


def _means(wanted: ComponentRef, offer: Offer) -> bool:
    if wanted.namespace:
        return offer.plugin.namespace.name == wanted.namespace
    return offer.plugin.namespace.claims(offer.name)
