"""A model's files as they go out: complete, checked, and without paths of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.compose.foreign.module_files import without_module
from zoo.compose.foreign.torch_module import PlainModel
from zoo.compose.plan import plan
from zoo.hub import config as configs
from zoo.hub.card import card, known_rows
from zoo.hub.claims.licences import warn_contradiction
from zoo.hub.claims.names import warn_other_licence, without_claim
from zoo.hub.folder import assemble, checked, save, steady, verified
from zoo.hub.folder_rules import FILES, readme
from zoo.hub.foreign_files import is_foreign
from zoo.hub.provenance import public
from zoo.hub.readme import Readme, joined, renewed
from zoo.interfaces.blocks.wrapped import inside
from zoo.interfaces.model import Model, ModelLike
from zoo.spec.disk.systems import copy, keeps_mapped
from zoo.spec.disk.temporary import temporary_folder, temporary_writes
from zoo.spec.disk.transaction import current
from zoo.spec.errors import SaveError, ZooError, warn
from zoo.spec.files import CARD_FILE, CONFIG_FILE, CURVES_FILE, HISTORY_FILE
from zoo.spec.recipe import Recipe
from zoo.spec.reference import local_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A model's files, gathered and checked, ready to be pushed.

    Args:
        folder: temporary; holds the files.
        model: as it will be pulled.
        reference: what `zoo.pull` will take, for the card; None for a folder.
        readme: that of the folder which was given, if one was.
        digest: sha256 of the weights.
    """

    folder: Path
    model: Model
    reference: str | None
    readme: Readme | None
    digest: str

    @property
    def files(self) -> dict[str, Path]:
        """Files to push by name; the README once it is written."""
        return {name: self.folder / name for name in FILES if (self.folder / name).is_file()}

    @property
    def optional(self) -> list[str]:
        """Files of the format that this model does not bring."""
        return [name for name in (HISTORY_FILE, CURVES_FILE) if not (self.folder / name).is_file()]

    def renamed(self, old: str, new: str) -> Bundle:
        """The same for a repository that has another name now."""
        return replace(self, reference=self.reference and self.reference.replace(old, new, 1))

    def write_readme(
        self,
        there: Readme | None,
        where: str,
        *,
        was: str | None,
        history: Path | None,
        stays: Collection[str],
    ) -> None:
        """Joins the card with what people wrote, here or there; where both did, what is there stays.

        Args:
            there: the README at the place where the model goes.
            where: how messages call it.
            was: licence of the model that is there.
            history: that of the place, if it stays there.
            stays: files of the place that stay beside those of the bundle.
        """
        here, place = self.folder / HISTORY_FILE, self.reference or str(Path(where).parent)
        warn_other_licence(was, self.model.licence, f"push {place}", command=True)
        there = without_claim(there, was, self.model.licence)
        text = card(
            self.model,
            reference=self.reference,
            history=known_rows(history if history is not None else here),
            curves=CURVES_FILE in stays or (self.folder / CURVES_FILE).is_file(),
        )
        base, other = joined(self.readme, there)
        if other:
            warn(f"the text that people wrote in {where} is not that of your {CARD_FILE}, and was kept")
        with temporary_writes():
            (self.folder / CARD_FILE).write_text(renewed(text, base), encoding="utf-8")


@contextmanager
def bundle(model: ModelLike, *, reference: str | None, licence: str | None) -> Iterator[Bundle]:
    """Gathers a model's files in a temporary folder, and checks that they make a model.

    Args:
        model: or the folder of a saved one.
        reference: what `zoo.pull` will take, for the card; None for a folder.
        licence: for the card; the model's own where None.

    Raises:
        SaveError: the model needs something that only this machine has.
        ZooError: the folder holds no model, or one that cannot be read.
    """
    model = inside(model)
    if isinstance(model, PlainModel):
        raise _no_names(f"a torch module, {type(model.module).__name__}")
    with temporary_folder("zoo-push-") as temporary:
        home = temporary / "model"
        if isinstance(model, Model):
            save(model, home)
            # What `save` wrote is for a folder; the parcel's own is written when the place is known
            (home / CARD_FILE).unlink()
        elif isinstance(model, str | os.PathLike):
            folder = local_path(model)
            if without_module(folder) is not None:
                raise _no_names(f"the folder of a torch module, {folder}")
            readme(folder)  # what cannot be kept is said of the folder's own
            steady(folder, lambda _: _gather(folder, home))
        else:
            expected = "a model from zoo.build, or the folder of a saved one"
            raise SaveError("push", expected=expected, got=type(model).__name__)
        yield _bundle(
            home, os.fspath(model) if not isinstance(model, Model) else "the model", reference, licence
        )


def _no_names(got: str) -> SaveError:
    """The error for a torch module, which nobody could build who pulls it: its code is in no file."""
    expected = "a model that zoo can build from names"
    hint = "its code is in no file; make it a component of a plugin (zoo new), which can be pushed"
    return SaveError("push", expected=expected, got=got, hint=f"{hint}, or hand on its folder and its code")


def _gather(folder: Path, home: Path) -> None:
    """Links or copies the files of the format, and no other."""
    # Of the try before: `steady` begins anew where the folder was saved into meanwhile
    shutil.rmtree(home, ignore_errors=True)
    with temporary_writes():
        home.mkdir()
        for name in FILES:
            file = current(folder, name)
            if not file.is_file() or is_foreign(folder, name):
                continue
            copy(file.resolve(), home / name)  # a later save into the folder makes a new file


def _bundle(home: Path, where: str, reference: str | None, licence: str | None) -> Bundle:
    config = configs.parse(home / CONFIG_FILE, where)
    model = assemble(config, verified(home, config, where, copy=keeps_mapped()), where)
    warn_contradiction(licence or config["licence"], config["weights_licences"], f"push {reference or where}")
    config = public({**config, "licence": licence or config["licence"]})
    _check_portable(config, where)
    # The card is written from the model, so that its recipe must not name local paths either
    model.licence, model.origin = config["licence"], config["origin"]
    model.note_licences(config["weights_licences"])
    model.recipe, model.measured = Recipe.from_dict(config["recipe"]), config["measured"]
    mine = readme(home)
    for name in (CARD_FILE, CONFIG_FILE):  # they may be links to the folder's own
        (home / name).unlink(missing_ok=True)
    with temporary_writes():
        (home / CONFIG_FILE).write_text(configs.dump(config, reference or where), encoding="utf-8")
    return Bundle(folder=home, model=model, reference=reference, readme=mine, digest=config["sha256"])


def _check_portable(config: dict[str, Any], where: str) -> None:
    """Raises SaveError where a part of the model is a folder of this machine."""
    # Paths are cut to their last part here, so that what only this machine has is not found; the weights of
    # the whole are in the parcel, whatever its recipe says of them
    recipe, spec = checked(config, where)
    try:
        plan(recipe.model.model_copy(update={"weights": None}), input_spec=spec, saved=True)
    except ZooError as error:
        raise SaveError(
            f"push {where}",
            expected="a model whose parts everybody can have",
            got=f"one that needs a local path ({error})",
            hint="push that part first, and name it as hf://owner/name",
        ) from error
