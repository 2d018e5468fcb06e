"""Loading: imports the one plugin that a build needs, and checks that it keeps what it declared."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.registry.catalogue import written_again
from zoo.registry.plugins.interface_version import version_problem
from zoo.spec.component import Component, Namespace
from zoo.spec.errors import PluginError, listing, near, quote

if TYPE_CHECKING:
    from zoo.registry.plugins.discovery import Plugin
    from zoo.registry.snapshot import Entry
    from zoo.spec.options import Options


_CORE_FILES = str(Path(__file__).resolve().parents[1]) + os.sep


@dataclass(frozen=True, slots=True)
class HookResults:
    """Declarations that the hooks of one plugin returned."""

    components: tuple[Component, ...]
    namespace: Namespace | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A component as its plugin's code declares it, ready to be resolved."""

    component: Component
    plugin: Plugin


@contextmanager
def guarded(
    what: str, module: str, *, errors: bool = False, but: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Runs a plugin's code inside: where it would end the process, that is an error of the plugin's.

    Args:
        what: the beginning of the message, which goes on with what was raised.
        module: of the plugin.
        errors: whether exceptions are told so too; else they go on as they are.
        but: those that go on in any case.

    Raises:
        PluginError: something else was raised.
    """
    try:
        yield
    except KeyboardInterrupt:  # the user's
        raise
    except BaseException as error:
        if isinstance(error, but) or (isinstance(error, Exception) and not errors):
            raise
        raise PluginError(f"{what} {_cause(error, module)}") from error


@cache
def declare(module: str, distribution: str) -> HookResults:
    """Imports a plugin's module and calls its hooks, and no other plugin's.

    Raises:
        PluginError: the import or a hook raises, or what comes back are not components.
    """
    import pluggy

    from zoo.registry import hookspec

    where = f"plugin {distribution}"
    with guarded(f"{where} failed to import:", module, errors=True):
        code = importlib.import_module(module)
    # A manager of its own: pluggy loses every plugin's answer when one of several raises.
    manager = pluggy.PluginManager("zoo")
    manager.add_hookspecs(hookspec)
    with guarded(f"{where}: its hook raised", module, errors=True):
        manager.register(code, name=distribution)
        # `firstresult` answers None both without a hook and for a hook that returns None
        implemented = bool(manager.hook.zoo_components.get_hookimpls())
        components = manager.hook.zoo_components()
        namespace = manager.hook.zoo_namespace()
    if not implemented:
        raise PluginError(
            f"{where} does not implement zoo_components",
            expected="a function of that name in its module, marked with @zoo.hookimpl",
            got=f"{module} without one",
        )
    return HookResults(_checked_components(components, where), _checked_namespace(namespace, where))


def load(entry: Entry) -> Loaded:
    """Loads the plugin of a component that was found, and gives the component as the code declares it.

    Raises:
        PluginError: the plugin does not load, lacks the component, points elsewhere than its catalogue
            says, or was written for other interfaces than this core has.
    """
    plugin, wanted = entry.plugin, entry.component
    where = f"plugin {plugin.distribution} {plugin.version}"
    # First: what was written for other interfaces may not even import
    # By what the catalogue says, since code that says nothing says what the core at hand has
    parts = (plugin.distribution, plugin.version, wanted.api, plugin.folder, quote(wanted.name))
    if problem := version_problem(*parts):
        raise problem
    declared = declare(plugin.module, plugin.distribution)
    for component in declared.components:
        if (component.kind, component.name) == (wanted.kind, wanted.name):
            break
    else:
        names = [c.name for c in declared.components if c.kind == wanted.kind]
        raise PluginError(
            f"{where}: its catalogue lists the {wanted.kind} {quote(wanted.name)}, its code does not",
            expected=listing(names),
            got=quote(wanted.name),
            hint=written_again(plugin.folder),
        )
    if component.target != wanted.target:
        raise PluginError(
            f"{where}: target of {quote(wanted.name)}",
            expected=f"{wanted.target} as in its catalogue",
            got=component.target,
            hint=written_again(plugin.folder),
        )
    return Loaded(component, plugin)


def resolve_target(component: Component) -> Any:
    """The class or function that builds the component.

    Raises:
        PluginError: its module or a dependency of it is missing, or lacks the name.
    """
    return _resolve(component.target, f"{component.kind} {quote(component.name)}")


def resolve_config(component: Component) -> type[Options] | None:
    """The options class of the component, if it has one.

    Raises:
        PluginError: it cannot be imported, or is no subclass of `zoo.Options`.
    """
    if component.config is None:
        return None
    from zoo.spec.options import Options

    where = f"options of {component.kind} {quote(component.name)}"
    found = _resolve(component.config, where)
    if not (isinstance(found, type) and issubclass(found, Options)):
        raise PluginError(where, expected="a subclass of zoo.Options", got=quote(found))
    return found


def _resolve(dotted: str, where: str) -> Any:
    name, _, attribute = dotted.partition(":")
    try:
        with guarded(f"{where}: importing {name} raised", name, errors=True, but=(ModuleNotFoundError,)):
            module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The module itself or a package above it; else an import inside of it failed
        own = error.name is not None and (name == error.name or name.startswith(f"{error.name}."))
        problem = "no such module" if own else "a module that it needs is missing"
        hint = (
            "install the plugin again"
            if own
            else f"install what has {(error.name or '').partition('.')[0]}, which it should depend on"
        )
        raise PluginError(f"{where}: {problem}", expected=quote(dotted), got=str(error), hint=hint) from error
    try:
        # A module may have a `__getattr__`, which is code too
        with guarded(f"{where}: {quote(attribute)} of {name} raised", name):
            return getattr(module, attribute)
    except AttributeError:
        hint = near(attribute, [key for key in vars(module) if not key.startswith("_")])
        raise PluginError(f"{where}: {name} has no {quote(attribute)}", hint=hint) from None


def _checked_components(components: Any, where: str) -> tuple[Component, ...]:
    if not isinstance(components, list | tuple):
        raise PluginError(f"{where}: zoo_components", expected="a list of Component", got=quote(components))
    seen = set()
    for component in components:
        if not isinstance(component, Component):
            raise PluginError(
                f"{where}: zoo_components", expected="a list of Component", got=quote(component)
            )
        key = (component.kind, component.name)
        if key in seen:
            raise PluginError(
                f"{where}: {key[0]} {quote(key[1])}", expected="each name once per kind", got="two"
            )
        seen.add(key)
    return tuple(components)


def _checked_namespace(answer: Any, where: str) -> Namespace | None:
    if answer is not None and not isinstance(answer, Namespace):
        raise PluginError(f"{where}: zoo_namespace", expected="a Namespace or None", got=quote(answer))
    return answer


def _cause(error: BaseException, module: str) -> str:
    """An exception as one line, with the last line of the plugin's code that led to it.

    Args:
        error: it.
        module: of the plugin.
    """
    import traceback

    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename[0] != "<"]
    frames = [
        f for f in frames if f.filename != importlib.__file__ and not f.filename.startswith(_CORE_FILES)
    ]
    # A declaration is refused in the core, options in pydantic: both are mended where they were written
    frames = [f for f in frames if f.filename.startswith(_code_of(module))] or frames
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}{place}" if text else f"{type(error).__name__}{place}"


def _code_of(module: str) -> tuple[str, ...]:
    """Beginnings of the paths of a package's files; of a single module its file."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    if spec is None:
        return ()
    return tuple(f"{place}{os.sep}" for place in spec.submodule_search_locations or ()) or (
        spec.origin or "-",
    )
