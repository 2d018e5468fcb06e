"""Options of Network in Network, free of torch."""

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
