"""Options of what the plugin offers, free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo import Options

Width = Annotated[int, Field(ge=1, le=4096)]


class NINOptions(Options):
    """The defaults are those of the paper's network for CIFAR-10."""

    channels: Annotated[
        tuple[Width, Width, Width], Field(description="Channels of each of the three blocks.")
    ] = (192, 192, 192)
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout rate after the first two blocks.")] = 0.5


class TrianglesOptions(Options):
    """Drawn triangles."""

    size: Annotated[int, Field(ge=16, le=1024, description="Height and width in pixels.")] = 48
    count: Annotated[int, Field(ge=1, le=100_000, description="Number of images.")] = 200
