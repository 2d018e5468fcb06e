"""`zoo predict`: what a model sees in images."""

from __future__ import annotations

import errno
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from zoo.cli._common import emit_json, json_option
from zoo.registry.environment import processes

if TYPE_CHECKING:
    from zoo.inference.asking.views import Views
    from zoo.interfaces.model import Model

_INPUT = "-"


@click.command("predict")
@click.argument("model")
@click.argument("images", nargs=-1)
@click.option("--files-from", metavar="FILENAME", help="File with a path on each line; - for standard input.")
@click.option("--top", type=click.IntRange(min=1), help="Classes to show.  [default: 1]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Draw the images with their labels or masks: sheet.png; a folder takes each mask or image.",
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read images.")
@click.option(
    "--tta",
    type=click.Choice(["flip", "d4"]),
    help="Average over views: each image and its mirror image, or all eight turns and mirror images.",
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read, with a warning.")
@json_option
def command(
    *,
    model: str,
    images: tuple[str, ...],
    files_from: str | None,
    top: int | None,
    out: Path | None,
    device: str | None,
    workers: int,
    tta: Views | None,
    skip_unreadable: bool,
    as_json: bool,
) -> None:
    """Say what a saved MODEL sees in IMAGES: files, folders, or - for one image on standard input.

    \b
    zoo predict runs/cats holiday/ --top 3 --out sheet.png
    curl -s https://example.org/cat.jpg | zoo predict runs/cats -
    find . -name '*.jpg' -newer last | zoo predict runs/cats --files-from - --json
    """
    from zoo.inference.predict import predict
    from zoo.inference.predictions import describe
    from zoo.runtime.arguments import check_order

    check_order("predict", model, images, "zoo {} {} {}")

    sources = [_image(name) for name in images] + _listed(files_from)
    if not sources:
        raise click.UsageError("no image is given beside the model", click.get_current_context())
    options = {
        "device": device,
        "workers": workers,
        "tta": tta,
        "skip_unreadable": skip_unreadable,
        "out": out,
    }
    # Read once, where it is asked before the work
    asked = model if top is None else _of_classes(model)
    found = predict(asked, sources, **options)  # type: ignore[arg-type]  # of several types
    if as_json:
        emit_json([item.to_dict() for item in found])
        return
    click.echo(describe(found, top or 1))
    if out is not None:
        click.echo(f"\nwritten: {out}")


def _of_classes(place: str) -> Model:
    """The model, whose answers can be put in order; raises OptionError where they are values."""
    from zoo.runtime.arguments import as_model
    from zoo.spec.errors import OptionError

    model, _ = as_model(place)
    if model.task is not None and model.task.form == "values":
        raise OptionError("--top", expected="a model of classes", got="one of values", hint="leave it out")
    return model


def _image(name: str) -> Any:
    """A path as it is, standard input as an open file."""
    from zoo.spec.errors import DataError

    if name != _INPUT:
        return _pipe(name) or name
    _check_reader()
    if sys.stdin is None or sys.stdin.isatty():
        hint = "zoo predict MODEL - < image.jpg"
        raise DataError("standard input", expected="an image", got="a terminal", hint=hint)
    return sys.stdin.buffer


def _pipe(name: str) -> IO[bytes] | None:
    """A pipe that the shell names, as in `zoo predict MODEL <(command)`; others may wait for ever."""
    if not name.startswith(("/dev/fd/", "/dev/stdin", "/proc/self/fd/")) or not Path(name).is_fifo():
        return None
    _check_reader()
    return click.get_current_context().with_resource(Path(name).open("rb"))


def _check_reader() -> None:
    """Raises where several processes would each read a part of standard input."""
    from zoo.spec.errors import DataError

    if (count := processes()[1]) > 1:
        hint = "write it into a file first"
        raise DataError("standard input", expected="one process that reads it", got=str(count), hint=hint)


def _listed(name: str | None) -> list[str]:
    """Paths, one on each line: bytes of the file system, which need be no letters.

    Raises:
        DataError: the list cannot be read, or is too long.
    """
    from zoo.spec.disk.lists import lines_of
    from zoo.spec.disk.paths import file_name
    from zoo.spec.errors import DataError

    if name is None:
        return []
    where = "standard input" if name == _INPUT else f"--files-from {name}"
    if name == _INPUT:
        _check_reader()
    try:
        # A pipe too, as of <(find ...), and so up to a ceiling: what is no list may have no end
        with Path(name).open("rb") if name != _INPUT else nullcontext(_bytes_in()) as file:
            lines = [line.removesuffix(b"\n").removesuffix(b"\r") for line in lines_of(file)]
    except OSError as error:
        got = error.strerror or str(error)
        raise DataError(where, expected="a list of paths that can be read", got=got) from error
    except ValueError as error:
        hint = "give the folders themselves, or the list in parts"
        raise DataError(where, expected="a path on each line", got=str(error), hint=hint) from error
    # Blanks at the ends stay: they may be part of a file's name
    return [file_name(line) for line in lines if line.strip()]


def _bytes_in() -> IO[bytes]:
    if sys.stdin is None:  # closed by whoever began this process
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.buffer
