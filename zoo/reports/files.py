"""Files of figures and images: their names, their formats, and how they are written."""

from __future__ import annotations

import io
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from PIL import Image

from zoo.registry.extras import require
from zoo.reports.style import DRAWS
from zoo.spec.disk.atomic_write import atomic_write, write_errors
from zoo.spec.errors import SaveError, quote
from zoo.spec.names import encodable, replaced
from zoo.spec.reference import PathLike, local_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


FORMATS = MappingProxyType({".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"})
"""What images are written as, by the end of their names."""


def folder_path(out: PathLike) -> Path:
    """A folder to write into, made if need be.

    Raises:
        SaveError: it cannot be one, or is called like an image.
    """
    folder = local_path(out)
    if is_image(folder) and not folder.is_dir():
        hint = f"say {folder.with_suffix('')}"
        raise SaveError(f"folder {folder}", expected="a folder's name", got="an image's", hint=hint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"folder {folder}", expected="a writable place", got=error.strerror) from error
    return folder


def is_image(out: PathLike) -> bool:
    """Whether a path is called like an image that zoo can write."""
    return Path(out).suffix.lower() in FORMATS


def image_format(path: Path) -> str:
    """Pillow's and matplotlib's name for the format of a file.

    Example:
        >>> image_format(Path("sheet.JPG")), image_format(Path("sheet.png"))
        ('jpeg', 'png')
    """
    return FORMATS[path.suffix.lower()]


def plots_path(out: PathLike) -> Path:
    """A file that matplotlib draws into; otherwise as `image_path`.

    Raises:
        MissingPackageError: matplotlib is not installed; said before work is spent.
        SaveError: it cannot be one.
    """
    require(DRAWS, f"drawing {out}")
    return image_path(out)


def image_path(out: PathLike) -> Path:
    """A file to draw into, whose folder is made.

    Raises:
        SaveError: it cannot be one; said before work is spent.
    """
    path = local_path(out)
    if path.is_dir() or not is_image(path):
        got = "a folder" if path.is_dir() else quote(path.name)
        expected = f"the name of an image, {' '.join(FORMATS)}"
        raise SaveError(f"file {path}", expected=expected, got=got, hint="say sheet.png")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"file {path}", expected="a writable place", got=error.strerror) from error
    return path


def write_figure(figure: Figure, path: Path) -> Path:
    """Writes a figure in the format of the file's name; a crash leaves the old file or the new one.

    Raises:
        SaveError: it cannot be written.
    """
    _spell(figure)
    with write_errors(path), atomic_write(path, durable=False) as staged:
        # Its name ends in something else than a format
        figure.savefig(staged, format=image_format(path), facecolor="white")
    return path


def _spell(figure: Figure) -> None:
    """Puts `?` where a name has what no font can draw: file names that are no UTF-8."""
    from matplotlib.text import Text
    from matplotlib.ticker import ScalarFormatter

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            # Numbers, whose labels take as long to make as all the rest of the figure
            if isinstance(axis.get_major_formatter(), ScalarFormatter):
                continue
            # Drawing takes them from the axis anew
            names = [label.get_text() for label in axis.get_ticklabels()]
            if not all(map(encodable, names)):
                axis.set_ticks(axis.get_ticklocs(), [replaced(name) for name in names])
    for text in figure.findobj(Text):
        if isinstance(text, Text) and not encodable(text.get_text()):
            text.set_text(replaced(text.get_text()))


def figure_bytes(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    _spell(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white")
    return file.getvalue()


_SETTINGS: dict[str, dict[str, Any]] = {
    "png": {"optimize": True},
    # 0 keeps colours at full resolution, which Pillow halves
    "jpeg": {"quality": 95, "subsampling": 0},
    "webp": {"lossless": True},
}


def write_pil(image: Image.Image, path: Path) -> Path:
    """Writes an image in the format of the file's name; a crash leaves the old file or the new one.

    Raises:
        SaveError: it cannot be written.
    """
    with write_errors(path), atomic_write(path, durable=False) as staged:
        name = image_format(path)
        image.save(staged, format=name, **_SETTINGS[name])
    return path
