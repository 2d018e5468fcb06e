"""Claims of a config about what its model needs: marked as such, for anybody may have written them."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.registry.catalogue import known
from zoo.registry.hints import ways
from zoo.registry.plugins.discovery import discover
from zoo.spec.errors import PluginError, listing


def check_plugins(plugins: Mapping[str, str], where: str) -> None:
    """Raises PluginError where a plugin that a config names is not here.

    Args:
        plugins: versions by distribution, as the config says them.
        where: how messages call the model.
    """
    installed = {plugin.distribution for plugin in discover()}
    missing = {name: number for name, number in plugins.items() if name not in installed}
    if not missing:
        return
    names = listing(f"{name}=={number}" for name, number in missing.items())
    step = ways([*missing], versions=missing)
    ours = {row["distribution"] for row in known()}
    if strangers := [name for name in missing if name not in ours]:
        # Told before the command, which stays at the end where it can be copied
        step = f"zoo does not know {listing(strangers)}, so install it only if you trust who says so; {step}"
    raise PluginError(f"{where}: its config says that it needs {names}", got="not installed", hint=step)
