"""`zoo augment`: draws what augmenters make of an image."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

_DATA = "data."


@click.command("augment")
@click.argument("words", nargs=-1, metavar="IMAGE|FOLDER")
@click.option("--augment", "names", multiple=True, help="An augmenter; again for a chain.")
@click.option(
    "--each",
    is_flag=True,
    help="Draw each augmenter by itself, in a labelled row of its own; all without any.",
)
@click.option(
    "--count", type=click.IntRange(1, 200), help="Variants.  [default: 11; 5 of each with --each or FOLDER]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random draws.")
@click.option("--size", type=click.IntRange(min=1), help="Longer side of a drawn image.  [default: 200]")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Set an option; of several augmenters say NAME.OPTION=VALUE; of IMAGE as a model reads it "
    "model.value_range=[0,4095]; of FOLDER what belongs together data.group=REGEX.",
)
@click.option(
    "--in-channels",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Channels that a model takes of IMAGE.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Image file, or for FOLDER a new folder.  [default: IMAGE-AUGMENTER.png]",
)
def command(
    *,
    words: tuple[str, ...],
    names: tuple[str, ...],
    each: bool,
    count: int | None,
    seed: int,
    size: int | None,
    sets: tuple[str, ...],
    in_channels: int | None,
    out: Path | None,
) -> None:
    """Draw what augmenters make of IMAGE, or write variants of the training images of FOLDER.

    \b
    zoo augment cat.jpg --augment photo --set strength=1.5
    zoo augment cat.jpg --augment rotate --augment noise --set noise.std=0.1
    zoo augment cat.jpg --each --augment rotate --augment flip --augment scaling --augment brightness
    zoo augment scan.tif --augment rotate --set 'model.value_range=[0, 4095]'
    zoo augment photos/ --augment photo --out photos-augmented/ --count 5
    """
    from zoo.cli._look import look_of
    from zoo.data.section import read_by_suffix
    from zoo.inference.augment import as_tensor, augment
    from zoo.registry.listing import list_components
    from zoo.reports.files import image_path
    from zoo.reports.image_grids import draw_rows, draw_variants
    from zoo.spec.disk.paths import need_folder
    from zoo.spec.errors import DataError, SaveError

    every = each and not names and len(words) == 1
    names = tuple(row.ref for row in list_components("augmenter")) if every else names
    image = Path(the_image(words, names))
    of_data = [text for text in sets if text.strip().startswith(_DATA)]
    rest = [text for text in sets if text not in of_data]
    own, look = look_of(rest, in_channels, ("value_range", "pages", "in_channels"))
    chain = references(names, own)
    if read_by_suffix(image):
        hint = "give one image, or a folder of class folders, or of images and masks"
        raise DataError(
            f"table {image}", expected="images", got="a table, which is not written out", hint=hint
        )
    if image.is_dir():
        drawn = each or size is not None
        seen = look.values is not None or look.channels is not None
        _write_folder(image, chain, out, of_data, count=count or 5, seed=seed, drawn=drawn, seen=seen)
        return
    if of_data:
        raise click.UsageError(f"--set {of_data[0]} belongs to a FOLDER", click.get_current_context())
    name = f"{image.stem}-{'each' if every else '-'.join(names).replace(':', '-')}.png"
    if out is None:
        need_folder(f"file {name}", "--out")
    path = image_path(out or name)
    # Before the work; an image in its own place would be lost
    if path.resolve() == image.resolve():
        raise SaveError(f"file {path}", expected="another file than the image", got="the same")
    original = as_tensor(image, size or 200, look.values, look.channels)
    # Of four bands the last is no alpha here any more
    how: Any = {"seed": seed, "in_channels": len(original)}
    if each:
        draw_rows(original, _rows(original, chain, skips=every, count=count or 5, **how), path)
    else:
        draw_variants(original, augment(original, chain, count=count or 11, **how), path)
    click.echo(f"grid: {path}")


def _rows(original: Any, chain: list[dict[str, Any]], *, skips: bool, **how: Any) -> dict[str, Any]:
    """The variants of each augmenter by itself; with `skips` one that does not fit the image is named."""
    from zoo.inference.augment import augment
    from zoo.spec.errors import ZooError

    rows: dict[str, Any] = {}
    for one in chain:
        try:
            rows[one["name"]] = augment(original, one, **how)
        except ZooError as error:
            if not skips:
                raise
            click.echo(f"left out: {one['name']}: {error}")
    return rows


def _write_folder(
    folder: Path,
    chain: list[dict[str, Any]],
    out: Path | None,
    of_data: Sequence[str],
    *,
    count: int,
    seed: int,
    drawn: bool,
    seen: bool,
) -> None:
    """Writes a folder with variants of its training images.

    Raises:
        UsageError: it is not said where, or an option is given that only drawing has.
    """
    from zoo.cli._recipe import apply
    from zoo.inference.offline.augmented_folder import augment_folder

    if drawn or out is None:
        problem = "--each and --size belong to one IMAGE" if drawn else "of a FOLDER say --out, a new folder"
        raise click.UsageError(problem, click.get_current_context())
    if seen:
        # Its images keep their numbers, and so must the variants beside them
        problem = "what a model reads of images belongs to one IMAGE; of a FOLDER zoo fit --augment does"
        raise click.UsageError(problem, click.get_current_context())
    options = apply({"data": {}}, of_data)["data"]
    made = augment_folder(folder, chain, out=out, count=count, seed=seed, options=options)
    click.echo(f"{made}\nwritten: {made.folder}")


def the_image(words: Sequence[str], names: Sequence[str]) -> str:
    """The one image of a line; people give the augmenter in its place, or without its flag.

    Args:
        words: that stand without a flag.
        names: of augmenters.

    Raises:
        UsageError: it is not one image and augmenters; the line that it was meant for is said.
    """
    from zoo.images.decode import is_image as called_so

    def is_image(word: str) -> bool:
        return called_so(Path(word)) or Path(word).is_file()

    if len(words) == 1 and names and (is_image(words[0]) or not any(map(is_image, names))):
        return words[0]
    images = [word for word in (*words, *names) if is_image(word)]
    # A folder is no augmenter, unless it is called like one that is meant
    folders = [word for word in words if not is_image(word) and Path(word).is_dir() and not images]
    chain = [word for word in (*names, *words) if not is_image(word) and word not in folders]
    images += folders
    said = " ".join(f"--augment {shlex.quote(name)}" for name in chain) or "--augment NAME"
    line = f"zoo augment {shlex.quote(images[0]) if images else 'IMAGE'} {said}"
    also = "" if chain else " (zoo list augmenter)"
    raise click.UsageError(
        f"expected one IMAGE and augmenters; say {line}{also}", click.get_current_context()
    )


def references(names: Sequence[str], sets: Sequence[str]) -> list[dict[str, Any]]:
    """The augmenters as a recipe has them.

    Args:
        names: of augmenters.
        sets: `option=value` where there is one augmenter, else `name.option=value`.

    Raises:
        RecipeError: it is not said whose option is meant.

    Example:
        >>> references(["rotate", "noise"], ["noise.std=0.1"])
        [{'name': 'rotate'}, {'name': 'noise', 'std': 0.1}]
    """
    from zoo.cli._recipe import apply
    from zoo.spec.errors import RecipeError, listing, near, quote

    tables: dict[str, Any] = {name: {"name": name} for name in names}
    typed = []
    for text in sets:
        if "=" not in text:
            raise RecipeError("--set", expected="option=value", got=quote(text))
        first, dot, _ = text.partition("=")[0].partition(".")
        if first not in tables and (dot or len(tables) > 1):
            expected = f"{listing(tables)}, a dot and an option" if len(tables) > 1 else "option=value"
            hint = near(first, [*tables]) if dot else None
            raise RecipeError(f"--set {text}", expected=expected, got=quote(first), hint=hint)
        # Of a single augmenter the option alone will do
        typed.append(text if first in tables else f"{next(iter(tables))}.{text}")
    tables = apply(tables, typed)
    return [tables[name] for name in names]
