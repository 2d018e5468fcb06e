"""Answers of a model to a split, scored and analysed; several processes share the images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import nn

from zoo.data.batches import Batches
from zoo.inference.asking.views import answered
from zoo.inference.measuring.by_source import SourceScores
from zoo.inference.verify import CHOOSES
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.geometry.places import plain_tensors
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import names_for
from zoo.interfaces.tasks.analysis import Findings
from zoo.runtime.devices import borrowed, to_device
from zoo.runtime.progress import watched
from zoo.runtime.team.team import Team, Values
from zoo.trainers.score import Score

_MOST_MISTAKES = 24


def measure(
    model: Model,
    dataset: Dataset,
    batches: Batches | tuple[()],
    score: Score,
    *,
    split: str,
    team: Team,
    device: torch.device,
    progress: bool,
    tta: str | None = None,
) -> tuple[dict[str, float], Findings]:
    """Loss and metrics over batches, and the error analysis of the model's task.

    Args:
        model: to be measured.
        dataset: names the images and the classes.
        batches: of this process.
        score: adds up loss and metrics.
        split: that is measured on.
        team: of the processes, each of which gets all figures.
        device: of this process.
        progress: whether to show a bar where it takes longer.
        tta: views of each image; see `zoo.inference.asking.views`.
    """
    task, loss = score.task, score.loss
    count = task.classes(model.outputs)
    found_labels = dataset.labels if len(dataset.labels) == count else ()  # classes do not name one value
    labels = model.labels or found_labels if task.named else ()
    analysis = task.analysis(names_for(labels, count), _MOST_MISTAKES)
    by_source = SourceScores(dataset, task, model.outputs, labels)
    lent = nn.Identity() if loss is None else loss
    with (
        borrowed(model, device, inference=True),
        borrowed(lent, device, inference=True),
        torch.no_grad(),
    ):
        own = _answered(model, watched(batches, "measuring", progress and team.first), device, tta)
        # In the order of one process and on its device, so that the figures are the same to the last digit
        for found in team.shared(own):
            there = {name: found[name].to(device) for name in ("output", "target") if name in found}
            score.add(there["output"], {**there, "index": found["index"]})
            by_source.add(there, found["index"])
            height, width = found["size"]
            analysis.add(there["output"], there["target"], found["index"], (height, width))
        figures = score.values()
    if score.lost:
        return figures, Findings()
    # Thresholds are chosen on this split: it is measured at those that it gives
    known = split != CHOOSES and model.figures_hold().get(CHOOSES) is not False
    findings = analysis.findings(dataset.name, model.metrics.get(CHOOSES, {}) if known else {})
    return figures | dict(findings.metrics), by_source.into(findings)


def _answered(
    model: Model, batches: Iterable[Batch], device: torch.device, tta: str | None
) -> Iterator[Values]:
    """The model's outputs to batches, and what they are measured by."""
    for batch in batches:
        ready = plain_tensors(model.examples(to_device(batch, device)))
        output = answered(model, ready["image"], tta)
        target = {"target": ready["target"]} if "target" in ready else {}
        size = [*ready["image"].shape[2:]]
        yield {"output": output, **target, "index": batch["index"].cpu(), "size": size}
