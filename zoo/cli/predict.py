"""`zoo predict`: what a model sees in pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from zoo.cli._common import emit_json, json_option, table

if TYPE_CHECKING:
    from zoo.training.predict import Predicted

_INPUT = "-"


@click.command("predict")
@click.argument("model")
@click.argument("pictures", nargs=-1)
@click.option(
    "--files-from", type=click.File("r"), help="File with a path on each line; - for standard input."
)
@click.option("--top", type=click.IntRange(min=1), default=1, show_default=True, help="Classes to show.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Draw the pictures with their labels or masks: sheet.png; a folder takes each mask or picture.",
)
@click.option("--device", help="cpu, cuda, ...  [default: an accelerator if there is one]")
@click.option("--workers", default=0, show_default=True, help="Processes that read pictures.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read, with a warning.")
@json_option
def command(
    *,
    model: str,
    pictures: tuple[str, ...],
    files_from: IO[str] | None,
    top: int,
    out: Path | None,
    device: str | None,
    workers: int,
    skip_unreadable: bool,
    as_json: bool,
) -> None:
    """Say what a saved MODEL sees in PICTURES: files, folders, or - for one picture on standard input.

    \b
    zoo predict runs/cats holiday/ --top 3 --out sheet.png
    curl -s https://example.org/cat.jpg | zoo predict runs/cats -
    find . -name '*.jpg' -newer last | zoo predict runs/cats --files-from - --json
    """
    from zoo.training.common import check_order
    from zoo.training.verbs import predict

    check_order("predict", model, pictures, "zoo {} {} {}")

    sources = [_picture(name) for name in pictures] + _listed(files_from)
    if not sources:
        raise click.UsageError("no picture is given", click.get_current_context())
    options = {"device": device, "workers": workers, "skip_unreadable": skip_unreadable, "out": out}
    found = predict(model, sources, **options)  # type: ignore[arg-type]  # of several types
    if as_json:
        emit_json([item.to_dict() for item in found])
        return
    click.echo(describe(found, top))
    if out is not None:
        click.echo(f"\nwritten: {out}")


def describe(found: Sequence[Predicted], top: int = 1) -> str:
    """Predictions as a table for people.

    Example:
        >>> from zoo.training.predict import Predicted
        >>> item = Predicted("a.png", "cat", 0.7, {"dog": 0.1, "cat": 0.7, "cow": 0.2})
        >>> print(describe([item], 2))
        PICTURE  LABEL  SCORE
        a.png    cat    70.0%
                 cow    20.0%
    """
    rows: list[list[str]] = []
    for item in found:
        rows.append([item.source, item.label, _number(item.score, item.score is not None)])
        if top > 1:
            share = item.score is not None or item.mask is not None
            best = [["", label, _number(v, share)] for label, v in item.top(top).items() if v or not share]
            # Where the answer is the best class, it is not said twice.
            rows += best[1:] if best and best[0][1] == item.label else best
    return table(rows, ["PICTURE", "LABEL", "SCORE"], right=[2])


def _number(value: float | None, share: bool) -> str:
    return "" if value is None else f"{value:.1%}" if share else f"{value:.4g}"


def _picture(name: str) -> Any:
    """A path as it is, standard input as an open file."""
    from zoo.spec.errors import DataError

    if name != _INPUT:
        return name
    if sys.stdin.isatty():
        hint = "zoo predict MODEL - < picture.jpg"
        raise DataError("standard input", expected="a picture", got="a terminal", hint=hint)
    return sys.stdin.buffer


def _listed(file: IO[str] | None) -> list[str]:
    """Paths, one on each line."""
    if file is None:
        return []
    return [line.rstrip("\n") for line in file if line.strip()]
