"""Figures measured of a saved model, kept in its folder and card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.hub.folder import save, steady
from zoo.hub.folder_rules import read_config, readme
from zoo.interfaces.model import Model
from zoo.spec.errors import SaveError


@dataclass(frozen=True, slots=True)
class SavedFigures:
    """A saved model that figures are added to once they are measured.

    Args:
        folder: of the model.
        digest: sha256 of the weights that are measured.
    """

    folder: Path
    digest: str

    @classmethod
    def of(cls, folder: Path) -> SavedFigures:
        """The figures of a folder; asked for before its model is read.

        Raises:
            FormatError: the folder holds no saved model.
            SaveError: its README cannot be kept, so that its card could not be written.
        """
        found = cls(folder, steady(folder, lambda config: str(config["sha256"])))
        readme(folder)
        return found

    def add(self, model: Model, split: str) -> None:
        """Writes the figures that a model has of a split beside those that its folder has now.

        Raises:
            SaveError: other weights were saved there meanwhile, or the folder cannot be written.
        """
        now = read_config(self.folder)
        if now["sha256"] != self.digest:
            raise SaveError(
                f"figures of {self.folder}",
                expected="the weights that were measured",
                got="others, saved meanwhile",
                hint="measure again",
            )
        # Another split may have been measured and kept while this one was
        on = {**now["measured"], split: model.measured[split]}
        model.metrics = {**now["metrics"], split: model.metrics[split]}
        model.measured = on
        save(model, self.folder)
