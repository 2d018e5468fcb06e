"""Packages that only a part of the work needs: whether they are there, and what to install where not."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from types import MappingProxyType

from zoo.registry.plugins.install_command import way_to_install
from zoo.registry.plugins.installed import CORE
from zoo.spec.errors import MissingPackageError

EXTRAS: Mapping[str, str] = MappingProxyType({"accelerate": "accelerate", "matplotlib": "plots"})
"""Modules that an extra of the core brings, with that extra."""

PIP: Mapping[str, str] = MappingProxyType({"cv2": "opencv-python-headless"})
"""Modules that `pip` calls otherwise."""


def present(module: str) -> bool:
    """Whether a top-level module is installed; nothing is imported.

    Example:
        >>> present("json"), present("no_such_module")
        (True, False)
    """
    return importlib.util.find_spec(module) is not None


def way_to_have(module: str) -> str:
    """The command that brings a module: the core's extra that has it, else its own distribution.

    Example:
        >>> way_to_have("cv2")
        'pip install opencv-python-headless'
    """
    if module in EXTRAS:
        return way_to_install(CORE, extra=EXTRAS[module])
    return f"pip install {PIP.get(module, module)}"


def require(module: str, what: str) -> None:
    """Returns where a module is installed.

    Args:
        module: top-level name.
        what: which work needs it, for the message.

    Raises:
        MissingPackageError: it is not; said before any of the work is done.

    Example:
        >>> require("json", "reading a recipe")
    """
    if not present(module):
        name = PIP.get(module, module)
        raise MissingPackageError(what, expected=f"the package {name}", got="none", hint=way_to_have(module))
