"""Plugins that were written for other interfaces than this core has: which ones, and whom to upgrade."""

from __future__ import annotations

from pathlib import Path

from zoo.registry.catalogue import written_again
from zoo.registry.plugins.install_command import way_to_upgrade
from zoo.registry.plugins.installed import CORE, requirements
from zoo.spec.component import API
from zoo.spec.errors import PluginError
from zoo.spec.names import normalise


def version_problem(
    distribution: str, version: str, api: int, folder: Path | None, what: str
) -> PluginError | None:
    """The error of a component for other interfaces than this core's; None where they are the same.

    Args:
        distribution: of the plugin.
        version: of it.
        api: version of the interfaces that the component is written for.
        folder: of the plugin's package.
        what: the component, as messages call it.
    """
    if api == API:
        return None
    newer = api > API
    hint = (
        f"upgrade {CORE}, for it wants {_core_wanted(distribution)}: {way_to_upgrade(CORE)}"
        if newer
        else f"upgrade {distribution}: {way_to_upgrade(distribution)}; "
        f"if it is yours, {written_again(folder)} once it fits"
    )
    age = "a newer" if newer else "an older"
    return PluginError(
        f"plugin {distribution} {version}: {what} was written for {age} {CORE}",
        expected=f"interface version {API}, as the {CORE} here has",
        got=f"{api} of {distribution}",
        hint=hint,
    )


def _core_wanted(distribution: str) -> str:
    """The requirement on the core that a distribution's metadata states."""
    for text in requirements(distribution):
        requirement = text.partition(";")[0].strip()
        if normalise(requirement).startswith(CORE):
            return f"'{requirement}'"
    return CORE
