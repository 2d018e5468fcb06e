"""A run's folder: what was asked for, from where it started, and its checkpoint."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from copy import copy as shallow_copy
from pathlib import Path
from typing import Any

import torch

from zoo.compose.foreign.module_files import identity, warn_other_layers
from zoo.compose.foreign.torch_module import PlainModel
from zoo.compose.formats import FORMAT
from zoo.data.section import WithOptions
from zoo.hub.folder import load, save
from zoo.interfaces.blocks.freezing_state import freezing_state, restore_freezing
from zoo.interfaces.model import Model
from zoo.runtime.processes import Precision
from zoo.spec.disk.atomic_write import write_errors
from zoo.spec.disk.history import write_json
from zoo.spec.errors import OptionError, TrainingError, listing
from zoo.spec.files import RUN_FILE, WEIGHTS_FILE
from zoo.spec.hints.next_steps import how_to_begin_anew, how_to_resume
from zoo.training.own_metrics import METRICS, check_metrics, metrics_again
from zoo.training.record.checkpoint import (
    BEFORE_FILE,
    CHECKPOINT_FILE,
    keep_checkpoint,
    newest_numbers,
    read_newest,
)
from zoo.training.record.resuming import Lengthening, as_epochs
from zoo.training.record.run_facts import read_facts, versions, warn_of_changes
from zoo.training.setup import Setup
from zoo.weights.tensor_files import read, write

START_FOLDER = "start"
FUSED = "fused"
"""What `kernels` of a run says where its optimizers use torch's fused ones; version 0.1 said nothing."""
_STATE_FILE = "state.safetensors"


class RunFolder:
    """Record of a run in its folder, which `zoo.fit` writes and resuming reads.

    Args:
        folder: of the run.
        facts: what was asked for, as plain data.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self.folder, self.facts = folder, dict(facts)

    @classmethod
    def begin(cls, folder: Path, setup: Setup, facts: Mapping[str, Any], resampler: str | None) -> RunFolder:
        """Keeps the model as it is at the start, and then what was asked for: from now on it can be resumed.

        Raises:
            SaveError: the disk says no.
        """
        model, start = setup.model, folder / START_FOLDER
        if isinstance(model, PlainModel):
            start.mkdir()
            write(start / _STATE_FILE, model.state_dict())
            facts = {**facts, "module": identity(model.module)}
        else:
            begun = shallow_copy(model)
            begun.metrics = {}  # of weights that training replaces
            save(begun, start)
        known = {
            "format": FORMAT,
            "finished": False,
            "epochs": setup.trainer.epochs,
            "origin": model.origin,
            "weights_licences": model.weights_licences,
            "versions": versions(setup.model, resampler),
            "kernels": FUSED,
            "recipe": setup.recipe.to_dict(),
            "data": setup.data,
            "labels": list(setup.dataset.labels),
            "objects": list(setup.objects),
            "figures": setup.figures,
            "freezing": freezing_state(model),
            "fixed": [name for name, p in model.named_parameters() if not p.requires_grad],
        }
        run_folder = cls(folder, {**known, **facts})
        run_folder._write()  # last: a folder with this file can be resumed
        return run_folder

    @classmethod
    def read(cls, folder: Path) -> RunFolder:
        """The run in a folder.

        Raises:
            TrainingError: there is no run in it.
            FormatError: its file is damaged, or of a newer format.
        """
        return cls(folder, read_facts(folder))

    def lengthening(self, epochs: Any) -> Lengthening | None:
        """The further epochs that are asked for; None to go on to the end as it was planned.

        Args:
            epochs: asked for; None for those of the run.

        Raises:
            TrainingError: it is finished and gets no more epochs, or it cannot go on.
        """
        run = f"resume {self.folder}"
        anew = f"{how_to_begin_anew(self.folder, self.facts)} begins a new run from its best weights"
        finished, before = self.facts["finished"], self.facts.get("epochs")
        numbers = newest_numbers(self.folder, self._otherwise())
        done = numbers["epoch"] - 1 if numbers else 0  # it names the next epoch
        if finished and not numbers:
            expected, got = f"a run with its last {CHECKPOINT_FILE}", "a finished one without it"
            raise TrainingError(run, expected=expected, got=got, hint=anew)
        if finished and epochs is None:
            hint = f"{self.again(2 * done)} goes on longer, {anew}"
            raise TrainingError(run, expected="an unfinished run", got="a finished one", hint=hint)
        if epochs is None or (epochs == before and not finished):
            return None
        if before is None:
            hint = f"{self.again()} without epochs; {anew}"
            raise TrainingError(run, expected="a run that says how many epochs it has", got="none", hint=hint)
        return Lengthening(before, as_epochs(str(self.folder), epochs, done), done, finished)

    def lengthen(self, lengthening: Lengthening, trainer: Any) -> None:
        """Lengthens the run from now on; `record` writes it down.

        Args:
            lengthening: how much.
            trainer: value of the recipe's section.
        """
        facts = self.facts
        facts["recipe"] = {**facts["recipe"], **({} if trainer is None else {"trainer": trainer})}
        times = [*facts.get("lengthened", []), lengthening.to_dict()]
        facts |= {"finished": False, "epochs": lengthening.epochs, "lengthened": times}

    def record(self) -> None:
        """Writes what was asked for, as it is now.

        Raises:
            SaveError: the disk says no.
        """
        self._write()

    @property
    def lengthened(self) -> int | None:
        """Epochs that were behind when the run was last lengthened; None where it never was."""
        times = self.facts.get("lengthened")
        return times[-1]["after"] if times else None

    def check_given(self, parts: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Raises unless just those parts are given that a file cannot hold.

        Raises:
            OptionError: something is given that the run knows already.
            TrainingError: an object that it was begun with is missing.
        """
        objects = self.facts["objects"]
        known = [name for name, value in parts.items() if value is not None and name not in objects]
        if known := [*known, *(name for name, value in settings.items() if value is not None)]:
            hint = "leave it out, or begin a new run"
            expected = "nothing that the run was begun with"
            raise OptionError(f"resume {self.folder}", expected=expected, got=listing(known), hint=hint)
        if missing := [name for name in objects if parts[name] is None and name != METRICS]:
            expected = f"the {listing(missing)} of the run, which no file holds"
            raise TrainingError(f"resume {self.folder}", expected=expected, got="none", hint=self.again())
        if METRICS in objects:
            check_metrics(str(self.folder), self.facts["figures"], parts[METRICS])

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Options that were given at resuming; metric objects join the metrics that the run knows."""
        if METRICS not in self.facts["objects"]:
            return {**given}
        return {**given, METRICS: metrics_again(str(self.folder), self.facts["figures"], given[METRICS])}

    @property
    def settings(self) -> tuple[int, Precision, bool]:
        """Seed, precision, and whether unreadable images are left out."""
        facts = self.facts
        return facts["recipe"]["seed"], facts["precision"], facts["skip_unreadable"]

    @property
    def fused(self) -> bool:
        """Whether the run's optimizers use fused kernels where there are any."""
        return bool(self.facts.get("kernels") == FUSED)

    def parts(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Data, augmenter, loss and trainer: objects as given, else by the names that the run knows."""
        named = {name: self.facts["recipe"].get(name) for name in given} | {"data": self.facts["data"]}
        parts = {name: named[name] if value is None else value for name, value in given.items()}
        if "data" in self.facts["objects"] and named["data"]:
            parts["data"] = WithOptions(given["data"], named["data"])
        return parts

    def model(self, given: Any) -> Any:
        """The model as it was at the start; `given` where zoo did not build it, to be filled by `take_up`.

        Of a finished run it is the trained one: what training changes is in the checkpoint.
        """
        if given is not None:
            return given
        if not self.facts["finished"] and (self.folder / START_FOLDER).is_dir():
            return load(self.folder / START_FOLDER, copy=True)  # not mapped, as the end of a run removes it
        model = load(self.folder, copy=True)
        model.note_origin(self.facts["origin"])
        model.metrics = {}  # of the best epoch, and the run goes on
        return model

    def take_up(
        self, model: Model, splits: str, resampler: str | None, device: torch.device
    ) -> dict[str, Any] | None:
        """Puts a model where the run began; returns the newest checkpoint, None where there is none yet.

        Args:
            model: from `model`, in training made ready for.
            splits: digest of the data's splits now.
            resampler: what warps images, if anything does.
            device: that computes.

        Raises:
            TrainingError: the data have changed, or it is another module.
            FormatError: the checkpoint is damaged.
        """
        if splits != self.facts["recipe"].get("data_hash"):
            hint = "bring the data back as they were, or begin a new run"
            raise TrainingError(f"resume {self.folder}", expected="the same images", got="others", hint=hint)
        if isinstance(model, PlainModel):
            self._fill(model)
        # Runs of 0.1 have no more than the fixed parameters; their blocks are frozen as the model says.
        if "freezing" in self.facts:
            restore_freezing(model, self.facts["freezing"])
        else:
            fixed = set(self.facts["fixed"])
            for name, parameter in model.named_parameters():
                parameter.requires_grad_(name not in fixed)
        warn_of_changes(self.facts, model, resampler, device)
        return read_newest(self.folder, self._otherwise())

    def _otherwise(self) -> str:
        """The way on where no checkpoint is whole."""
        if not self.facts["finished"] and (self.folder / START_FOLDER).is_dir():
            return f"begins anew without it: rm {shlex.quote(str(self.folder / CHECKPOINT_FILE))}"
        return f"{how_to_begin_anew(self.folder, self.facts)} begins a new run from its best weights"

    def again(self, epochs: int | None = None) -> str:
        """See `zoo.spec.hints.next_steps.how_to_resume`."""
        return how_to_resume(self.folder, self.facts, epochs)

    def _fill(self, model: PlainModel) -> None:
        """Fills a module that zoo did not build with the values that it had."""
        start = self.folder / START_FOLDER / _STATE_FILE
        try:
            if start.exists():
                model.load_state_dict(read(start, copy=True))
            else:
                model.module.load_state_dict(read(self.folder / WEIGHTS_FILE, copy=True))
        except RuntimeError as error:
            where, got = f"resume {self.folder}", str(error).splitlines()[-1].strip()
            raise TrainingError(where, expected="the module that was trained", got=got) from None
        if "module" in self.facts:  # version 0.1 noted none
            warn_other_layers(model.module, self.facts["module"]["layers"], f"resume {self.folder}")

    def keep(self, state: Mapping[str, Any]) -> None:
        """Writes a checkpoint.

        Raises:
            SaveError: the disk says no.
        """
        with write_errors(f"a checkpoint to {self.folder}", self.again()):
            keep_checkpoint(self.folder, state)

    def finish(self) -> None:
        """Says that the run is over, and removes the model of the start; the last checkpoint stays.

        Raises:
            SaveError: the disk refuses the first; what it lets nobody remove is no harm to a finished run.
        """
        self.facts["finished"] = True  # first: a crash in between leaves a finished run, with its start
        self._write()
        with suppress(OSError):
            (self.folder / BEFORE_FILE).unlink(missing_ok=True)
        shutil.rmtree(self.folder / START_FOLDER, ignore_errors=True)

    def discard(self) -> None:
        """Removes all that this class wrote."""
        for name in (RUN_FILE, CHECKPOINT_FILE, BEFORE_FILE):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / START_FOLDER, ignore_errors=True)

    def _write(self) -> None:
        with write_errors(self.folder / RUN_FILE):
            write_json(self.folder / RUN_FILE, self.facts)
