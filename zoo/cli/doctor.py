"""`zoo doctor`: what may be wrong with this installation, each with a next step."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click

from zoo.cli._common import counted, emit_json, json_option


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        what: its name.
        found: what is there.
        step: what to do about it; None where it is fine.
    """

    what: str
    found: str
    step: str | None = None


@click.command()
@click.option("--online", is_flag=True, help="Also try to reach the Hub.")
@json_option
def command(online: bool, as_json: bool) -> int:
    """Look at Python, torch, caches, the Hub and the plugins; status 1 where something needs a step."""
    findings = [*_versions(), *_torch(), _cache(), *_hub(online), *_plugins()]
    if as_json:
        emit_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.step is None else 'look'}  {finding.what}: {finding.found}")
            if finding.step:
                click.echo(f"      next: {finding.step}")
    return int(any(finding.step for finding in findings))


def _versions() -> Iterator[Finding]:
    import zoo

    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    checkout = zoo.__version__.startswith("0+")
    yield Finding(
        "zoo",
        zoo.__version__,
        "pip install -e . in its checkout, so that it has a version" if checkout else None,
    )


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except Exception as error:  # a broken installation raises anything
        yield Finding(
            "torch", f"{type(error).__name__}: {error}", "install it as https://pytorch.org/get-started says"
        )
        return
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    yield Finding(
        "torch", f"{torch.__version__}, {torch.get_num_threads()} threads, devices: {', '.join(devices)}"
    )


def _cache() -> Finding:
    from zoo.registry.cache import cache_folder

    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError) as error:
        step = (
            "set ZOO_CACHE to a folder that can be written; until then some plugins are asked at each listing"
        )
        return Finding("cache", str(error), step)
    return Finding("cache", str(folder))


def _hub(online: bool) -> Iterator[Finding]:
    # Its own words for what the environment says, HF_HUB_CACHE and XDG_CACHE_HOME included
    try:
        from huggingface_hub import constants
    except Exception as error:  # a broken installation raises anything
        yield Finding("Hub", f"{type(error).__name__}: {error}", "pip install --upgrade huggingface_hub")
        return
    home, endpoint = constants.HF_HUB_CACHE, constants.ENDPOINT
    if constants.HF_HUB_OFFLINE:
        yield Finding("Hub", f"offline (HF_HUB_OFFLINE is set); files come from {home}")
        return
    if not online:
        yield Finding("Hub", f"{endpoint}, not tried (--online does); files are kept in {home}")
        return
    import urllib.error
    import urllib.request
    from http import HTTPStatus

    step = "check the network and proxy, or set HF_HUB_OFFLINE=1 to use the files that are here"
    if not endpoint.startswith(("http://", "https://")):
        yield Finding("Hub", f"HF_ENDPOINT is {endpoint}", "set HF_ENDPOINT to an http address, or unset it")
        return
    try:
        with urllib.request.urlopen(endpoint, timeout=10):  # noqa: S310 - checked above
            yield Finding("Hub", f"{endpoint} answers; files are kept in {home}")
    # It answers: a status below 500 is not for the network to mend
    except urllib.error.HTTPError as error:
        ill = error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
        yield Finding("Hub", f"{endpoint} answers with status {error.code}", step if ill else None)
    except OSError as error:
        yield Finding("Hub", f"{endpoint} cannot be reached: {error}", step)


def _plugins() -> Iterator[Finding]:
    from zoo.registry.plugins.inspection import inspect
    from zoo.registry.plugins.install_command import way_to_install, way_to_upgrade
    from zoo.spec.component import API

    found = inspect()
    for report in found.reports:
        plugin = report.plugin
        name = f"plugin {plugin.distribution}"
        disable = f"set ZOO_DISABLED_PLUGINS={plugin.distribution}"
        # Of other interfaces the problem says itself who is to be upgraded, the plugin or the core
        others = any(row.get("api", API) != API for row in plugin.rows)
        step = disable if others else f"{way_to_upgrade(plugin.distribution)}, or {disable}"
        for problem in report.problems:
            yield Finding(name, f"{plugin.version}: {problem}", step)
        if not report.problems:
            yield Finding(name, f"{plugin.version}, {counted(len(plugin.rows), 'component')}")
    for (kind, name), owners in found.conflicts.items():
        yield Finding(
            f"{kind} {name}", f"claimed by {', '.join(owners)}", "say its namespace as well, or disable one"
        )
    for line in found.unreadable:
        what, _, step = line.rpartition("; ")
        yield Finding("metadata", what, step)
    for name in found.disabled:
        yield Finding(f"plugin {name}", "disabled by ZOO_PLUGINS or ZOO_DISABLED_PLUGINS")
    wanted = {name.strip() for name in os.environ.get("ZOO_PLUGINS", "").split(",") if name.strip()}
    from zoo.spec.names import normalise

    for name in sorted(
        {normalise(name) for name in wanted} - {report.plugin.distribution for report in found.reports}
    ):
        yield Finding(
            f"plugin {name}",
            "named in ZOO_PLUGINS, not installed",
            f"{way_to_install(name)}, or mend ZOO_PLUGINS",
        )
