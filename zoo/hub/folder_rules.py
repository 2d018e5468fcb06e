"""Folders that models are written to: what may be there, whether it fits, all files or none."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo.compose.foreign.module_files import without_module
from zoo.hub import config as configs
from zoo.hub.claims.names import warn_other_licence, without_claim
from zoo.hub.readme import Readme, read, renewed
from zoo.reports.files import is_image
from zoo.spec.disk.atomic_write import way_to_write
from zoo.spec.disk.paths import in_the_way
from zoo.spec.disk.places import OccupiedError, check_places
from zoo.spec.disk.systems import no_name
from zoo.spec.disk.transaction import UnfinishedError, current, transaction
from zoo.spec.disk.unfinished import unfinished_run
from zoo.spec.display import size
from zoo.spec.errors import FormatError, SaveError, listing
from zoo.spec.files import CARD_FILE, CONFIG_FILE, CURVES_FILE, FOLDS_FILE, HISTORY_FILE, WEIGHTS_FILE

FILES = (WEIGHTS_FILE, CONFIG_FILE, CARD_FILE, HISTORY_FILE, CURVES_FILE)
"""All that the format knows; the last two only where the model was trained here."""


def read_config(folder: Path) -> dict[str, Any]:
    """The checked `config.json` of a model folder.

    Raises:
        FormatError: it is missing, as in a run that has not ended, not JSON, not ours, or of a newer format.
    """
    if not current(folder, CONFIG_FILE).exists():
        if (error := without_module(folder)) is not None:
            raise error
        if (run := unfinished_run(folder)) is not None:
            problem, expected = f"{folder} is not a saved model", f"a folder with {CONFIG_FILE}"
            raise FormatError(problem, expected=expected, got=run[0], hint=run[1])
        if (folder / FOLDS_FILE).is_file():
            problem, hint = f"{folder} is not a saved model", f"say {folder / 'fold-1'}, or another of them"
            raise FormatError(problem, expected="one", got="a folder of folds", hint=hint)
    return configs.parse(current(folder, CONFIG_FILE), str(folder))


def readme(folder: Path) -> Readme | None:
    """The README of a folder, in its parts; None where it has none.

    Raises:
        SaveError: it cannot be read, or not be kept beside what zoo writes there.
    """
    while True:
        file = current(folder, CARD_FILE)
        found = read(file, str(folder / CARD_FILE))
        # Whoever saves or loads may have moved it meanwhile from where a commit waits: it is no less there
        if found is not None or file.parent == folder:
            return found


def check_target(folder: Path, *, run: bool = False) -> dict[str, Any] | None:
    """The config of the model that is in a folder; None where it is new or holds none.

    Args:
        folder: where a model goes.
        run: whether its run ends there, which loses nothing for a README.

    Raises:
        SaveError: it is no folder, its files of these names are not a model's, or its README cannot be kept.
    """
    if folder.exists() and not folder.is_dir():
        raise SaveError(f"cannot save to {folder}", expected="a folder", got="a file")
    if is_image(folder) and not folder.is_dir():
        hint = f"say {folder.with_suffix('')}"
        raise SaveError(f"cannot save to {folder}", expected="a folder's name", got="an image's", hint=hint)
    ours = [n for n in (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE) if (folder / n).exists()]
    if not ours:
        return None
    try:
        found = read_config(folder)
    except FormatError as error:
        by_hand = "; if they are a damaged model, remove them by hand and save again"
        raise SaveError(
            f"cannot save to {folder}",
            expected="a new folder or one that holds a saved model",
            got=f"other files named {listing(ours)}",
            hint=f"choose another folder{by_hand if error.hint == configs.DAMAGED else ''}",
        ) from error
    if not run:
        readme(folder)
    return found


def check_space(folder: Path, needed: int) -> None:
    """Raises SaveError where the disk of a folder can be written, but has no room for so many bytes."""
    # A folder that is not there yet is made on the disk of the nearest one that is
    home = folder
    while not home.exists():
        home = home.parent
    if not os.access(home, os.W_OK):
        return  # to be told why by what is written, which no room would mend
    free = shutil.disk_usage(home).free
    if free < needed:
        problem, hint = f"cannot save to {folder}", "what was there before is untouched; free space"
        expected = f"{size(needed)} of disk space"
        raise SaveError(problem, expected=expected, got=f"{size(free)} free", hint=hint)


def place_files(files: Mapping[str, Path | str], folder: Path, *, remove: Iterable[str] = ()) -> Path:
    """Copies files into a folder, all or none.

    Args:
        files: by name; or their text.
        folder: where they go.
        remove: names of files there that belong to another model.

    Raises:
        SaveError: the folder cannot be written.
    """
    try:
        check_space(folder, sum(path.stat().st_size for path in files.values() if isinstance(path, Path)))
        with transaction(folder) as staging:
            for name, given in files.items():
                if isinstance(given, str):
                    (staging / name).write_text(given, encoding="utf-8")
                else:
                    shutil.copyfile(given, staging / name)
    except OSError as error:
        raise unwritten(folder, error) from error
    # Behind the commit: a crash in between leaves a history too many, and not a model without its files
    for path in (folder / name for name in remove if not (folder / name).is_dir()):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            got = f"{error.strerror or error} for {path.name}"
            hint = f"the new model is there; remove {path.name}, which is of the one before"
            raise SaveError(f"cannot finish saving to {folder}", got=got, hint=hint) from error
    return folder


def write_card(
    file: Path, text: str, folder: Path, licences: tuple[str | None, str | None], *, run: bool
) -> str | None:
    """Writes the card with what people wrote; at the end of a run returns why, where that cannot be kept.

    Args:
        file: to write.
        text: of the card.
        folder: of the model, whose README is renewed.
        licences: of the model that is there, and of the one that takes its place.
        run: whether it is the end of a run.

    Raises:
        SaveError: the README cannot be kept.
        OSError: the disk says no.
    """
    warn_other_licence(*licences, f"save {folder}")
    try:
        text = renewed(text, without_claim(readme(folder), *licences))
        check_places(folder, [file.name])
    except (SaveError, OccupiedError) as error:
        if not run:
            raise
        return str(error.strerror if isinstance(error, OccupiedError) else error)
    file.write_text(text, encoding="utf-8")
    return None


def unwritten(folder: Path, error: OSError) -> SaveError:
    """The error for a folder that could not be written."""
    if error.errno in (errno.EEXIST, errno.ENOTDIR) and (found := in_the_way(folder)) is not None:
        hint = "choose another folder"
        return SaveError(f"cannot save to {folder}", expected="a place for a folder", got=found, hint=hint)
    if isinstance(error, UnfinishedError):
        hint = "zoo.load reads the new model; the next save or load finishes it once the disk lets it"
        return SaveError(f"cannot finish saving to {folder}", got=error.strerror, hint=hint)
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # of the rename that commits
        hint = "the other's model is there; save again, or choose another folder"
        return SaveError(f"cannot save to {folder}", got="another save at the same time", hint=hint)
    step = "choose another folder"
    if isinstance(error, OccupiedError):
        step = f"take that away, or {step}"
    if (way := way_to_write(error)) == "free space":
        step = f"{way} or {step}"
    elif no_name(error):
        step = f"{way}"
    return SaveError(
        f"cannot save to {folder}",
        got=error.strerror or str(error),
        hint=f"what was there before is untouched; {step}",
    )
