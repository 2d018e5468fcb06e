"""Options of timm's networks, free of torch and of timm.

Each architecture of the survey has a class of its own under its name, `zoo_timm.config:convnext_tiny`, made
on first use: the fields that its network takes, and `architecture` fixed to it.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from zoo import Options
from zoo_timm.table import Row, architectures, refused

NAME = "timm's name of the network."

Pixels = Annotated[int, Field(ge=1)]


class TimmOptions(Options):
    """Options of every network of timm."""

    architecture: str = Field(description=NAME)
    arguments: dict[str, Any] = Field(
        default={}, description="Further arguments of the network's class in timm, e.g. depths or act_layer."
    )


class DropPath(TimmOptions):
    """A network with residual branches that can be dropped in training."""

    drop_path_rate: float | None = Field(
        default=None, ge=0, lt=1, description="Rate of dropped residual branches; timm's own where not given."
    )


class Sized(TimmOptions):
    """A network that is bound to one size of images."""

    input_size: tuple[Pixels, Pixels] | None = Field(
        default=None, description="Height and width of the images; the published ones where not given."
    )


class SizedDropPath(Sized, DropPath):
    """A network that is bound to one size and has residual branches that can be dropped."""


def _base(row: Row) -> type[TimmOptions]:
    if row["sized"]:
        return SizedDropPath if row["drop_path"] else Sized
    return DropPath if row["drop_path"] else TimmOptions


@cache
def options_for(architecture: str) -> type[TimmOptions]:
    """The options class of a surveyed architecture.

    Raises:
        KeyError: it is not offered.
    """
    row = architectures()[architecture]
    # A recipe that names another network under this name is refused
    fixed: Any = (Literal[architecture], Field(default=architecture, description=NAME))
    return create_model(
        architecture, __base__=_base(row), __module__=__name__, __doc__=row["summary"], architecture=fixed
    )


def __getattr__(name: str) -> type[TimmOptions]:
    # Python asks for what the module does not have (PEP 562): no class is made before it is wanted
    if name in architectures():
        return options_for(name)
    reason = refused().get(name)
    what = f"{name} is not offered: {reason}" if reason else f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(what)
