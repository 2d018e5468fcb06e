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
from zoo.reports.files import is_image
from zoo.spec.disk.atomic_write import way_to_write
from zoo.spec.disk.paths import in_the_way
from zoo.spec.disk.systems import no_name
from zoo.spec.disk.transaction import current, transaction
from zoo.spec.disk.unfinished import unfinished_run
from zoo.spec.display import size
from zoo.spec.errors import FormatError, SaveError, listing
from zoo.spec.files import CARD_FILE, CONFIG_FILE, CURVES_FILE, HISTORY_FILE, WEIGHTS_FILE

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
    return configs.parse(current(folder, CONFIG_FILE), str(folder))


def check_target(folder: Path) -> dict[str, Any] | None:
    """The config of the model that is in a folder; None where it is new or holds none.

    Raises:
        SaveError: it is no folder, or its files of these names are not a model's.
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
        return read_config(folder)
    except FormatError as error:
        by_hand = "; if they are a damaged model, remove them by hand and save again"
        raise SaveError(
            f"cannot save to {folder}",
            expected="a new folder or one that holds a saved model",
            got=f"other files named {listing(ours)}",
            hint=f"choose another folder{by_hand if error.hint == configs.DAMAGED else ''}",
        ) from error


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


def place_files(files: Mapping[str, Path], folder: Path, *, remove: Iterable[str] = ()) -> Path:
    """Copies files into a folder, all or none.

    Args:
        files: by name.
        folder: where they go.
        remove: names of files there that belong to another model.

    Raises:
        SaveError: the folder cannot be written.
    """
    try:
        check_space(folder, sum(path.stat().st_size for path in files.values()))
        with transaction(folder) as staging:
            for name, path in files.items():
                shutil.copyfile(path, staging / name)
        # Behind the commit: a crash in between leaves a history too many, and not a model without its files
        for name in remove:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise unwritten(folder, error) from error
    return folder


def unwritten(folder: Path, error: OSError) -> SaveError:
    """The error for a folder that could not be written."""
    if error.errno in (errno.EEXIST, errno.ENOTDIR) and (found := in_the_way(folder)) is not None:
        hint = "choose another folder"
        return SaveError(f"cannot save to {folder}", expected="a place for a folder", got=found, hint=hint)
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # of the rename that commits
        hint = "the other's model is there; save again, or choose another folder"
        return SaveError(f"cannot save to {folder}", got="another save at the same time", hint=hint)
    step = "choose another folder"
    if (way := way_to_write(error)) == "free space":
        step = f"{way} or {step}"
    elif no_name(error):
        step = f"{way}"
    return SaveError(
        f"cannot save to {folder}",
        got=error.strerror or str(error),
        hint=f"what was there before is untouched; {step}",
    )
