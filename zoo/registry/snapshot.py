"""Snapshot of the registry: what is installed, and which component a reference names in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zoo.registry.catalogue import Row
from zoo.registry.hints import MOST_SHOWN, near_names, next_step, still_there
from zoo.registry.plugins.discovery import Plugin
from zoo.spec.component import Component
from zoo.spec.errors import (
    AmbiguousNameError,
    BadReferenceError,
    DeclarationError,
    PluginError,
    UnknownComponentError,
    did_you_mean,
    listing,
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
        """Computed facts: parameters, blocks, taps, the schema of its options."""
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
        """Name without namespace."""
        return str(self.row["name"])

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return str(self.row["kind"])

    @property
    def qualified(self) -> str:
        """Name with namespace."""
        return f"{self.plugin.namespace.name}:{self.name}"


class Registry:
    """A snapshot of what is installed, as it was when this was made."""

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
        """The components that a reference may mean; those that left its namespace where there is no other."""
        kinds = checked_kinds(kind)
        offers = [offer for offer in self.by_name.get(wanted.name, ()) if offer.kind in kinds]
        found = [offer for offer in offers if _means(wanted, offer)]
        return found or [
            offer
            for offer in offers
            if wanted.namespace in offer.plugin.namespace.formerly and not still_there(wanted, offer.kind)
        ]

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
        moved = wanted.namespace not in (None, offers[0].plugin.namespace.name)
        if len({offer.plugin.distribution for offer in offers}) > 1 and (moved or not wanted.namespace):
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
        kinds, text = checked_kinds(kind), quote(str(wanted))
        what = wanted_text(kind)
        rows = self._rows(wanted, kinds)
        other = [offer for offer in named if _means(wanted, offer)]
        if other:
            is_a = " and ".join(f"the {offer.kind} {offer.qualified}" for offer in other)
            steps = [f"{with_article(other[0].kind)} goes to {KINDS[other[0].kind].argument}"]
            if names := near_names(wanted.name, rows):
                steps.append(did_you_mean(wanted.name, names))
            elif len(rows) <= MOST_SHOWN:
                steps.append(f"choose from {listing(sorted(ref for ref, _ in rows), MOST_SHOWN)}")
            return UnknownComponentError(
                f"{text} is {is_a}", expected=what, got=with_article(other[0].kind), hint="; ".join(steps)
            )
        elsewhere = [offer.qualified for offer in named if offer.kind in kinds]
        known = any(still_there(wanted, kind) for kind in kinds) if wanted.namespace else False
        hint = f"it is {' or '.join(elsewhere)}" if elsewhere and not known else next_step(
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


def wanted_text(kind: Kinds) -> str:
    """A kind in words, with its article.

    Example:
        >>> wanted_text(("backbone", "model")), wanted_text("augmenter"), wanted_text(None)
        ('a backbone or model', 'an augmenter', 'a component')
    """
    return with_article(" or ".join(checked_kinds(kind)) if kind else "component")


def checked_kinds(kind: Kinds) -> tuple[str, ...]:
    """The kinds that are meant, all of them for None.

    Raises:
        UnknownComponentError: there is no such kind.
    """
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
