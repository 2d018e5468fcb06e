"""Libraries that decide which pixels a file gives."""

from __future__ import annotations

import numpy as np
import PIL
import torch
from PIL import features

_DECODERS = ("jpg", "libjpeg_turbo", "webp", "libtiff", "zlib", "jpg_2000", "avif")
"""Libraries that Pillow was built with; two builds of one Pillow may have others."""


def pixel_libraries() -> dict[str, str]:
    """Versions by name of all that decodes and resizes images; where they agree, so do the pixels of a file.

    Example:
        >>> sorted(pixel_libraries())[:2]
        ['numpy', 'pillow']
    """
    found = {"numpy": np.__version__, "pillow": PIL.__version__, "torch": torch.__version__}
    for name in _DECODERS:
        # A Pillow that does not know of one has none
        if name in {*features.codecs, *features.modules, *features.features} and (
            version := features.version(name)
        ):
            found[f"pillow {name}"] = str(version)
    return found
