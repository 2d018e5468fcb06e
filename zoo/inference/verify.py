"""`zoo.verify`: whether two images show the same person or thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.data.batches import Batches
from zoo.inference.given_images import Given, asked_alone, given
from zoo.interfaces.blocks.number_types import fitted
from zoo.interfaces.model import Model, ModelLike
from zoo.runtime.answer_checks import check_answers
from zoo.runtime.arguments import as_model
from zoo.runtime.devices import borrowed
from zoo.runtime.team.shares import check_alike
from zoo.runtime.team.team import Team
from zoo.spec.errors import DataError, OptionError, TrainingError, quote
from zoo.spec.hints.channels import of_trained
from zoo.spec.hints.spoken import spoken

CHOOSES = "val"
"""The split on which a model's threshold is chosen."""

_THRESHOLD = "threshold"
_GIVEN = "given"


@dataclass(frozen=True, slots=True, repr=False)
class Verified:
    """Whether two images show the same.

    Args:
        similarity: cosine of the angle between the two embeddings, in [-1, 1].
        same: whether it is at least the threshold.
        threshold: the cosine from which on two images are taken for the same.
        source: where the threshold comes from: `given`, or `val split`, at whose equal error rate it lies.
    """

    similarity: float
    same: bool
    threshold: float
    source: str

    def __repr__(self) -> str:
        word, relation = ("same", "at least") if self.same else ("different", "below")
        return f"{word}: similarity {self.similarity:.3f}, {relation} {self.threshold:.3f} ({self.source})"


@of_trained()
def verify(
    model: ModelLike,
    a: Any,
    b: Any,
    *,
    threshold: float | None = None,
    device: str | torch.device | None = None,
) -> Verified:
    """Compares two images by their embeddings; what they show need not have been trained on.

    Args:
        model: with an embedding for output, or the folder of one.
        a: an image, as `zoo.predict` takes one.
        b: the other.
        threshold: least cosine of two images of the same, in [-1, 1]; by default the one that `zoo.fit` or
            `zoo.evaluate` has chosen on the val split, and that the model keeps in its metrics.
        device: by default an accelerator if there is one.

    Raises:
        TrainingError: the model's task is another.
        OptionError: there is no threshold.
        DataError: an image cannot be read, or there are several.

    Example:
        >>> import zoo
        >>> head = {"name": "embedding", "dim": 8}
        >>> model = zoo.build("mlp", head=head, in_channels=1, input_size=8, seed=0)
        >>> image = torch.rand(1, 8, 8)
        >>> print(zoo.verify(model, image, image, threshold=0.5))
        same: similarity 1.000, at least 0.500 (given)
    """
    with Team("verify") as team:
        model, _ = as_model(model)
        if model.task is None or not model.task.compares:
            got = f"task {model.task.name}" if model.task is not None else "a feature extractor"
            hint = "zoo list head --search embedding shows heads that give one"
            raise TrainingError("verify", expected="a model whose output is an embedding", got=got, hint=hint)
        least, source = _least(model, threshold)
        values = model.input_spec.reading
        images = [given(source, values=values, where="verify") for source in (a, b)]
        if several := [len(found) for found in images if len(found) != 1]:
            raise DataError("verify", expected="one image and another", got=f"{several[0]} images for one")
        check_alike(team, model)
        chosen = team.device(device)
        with borrowed(model, chosen, inference=True), torch.no_grad(), asked_alone():
            own = ({"vector": _embedding(model, found, chosen)} for found in team.own(images))
            rows = [found["vector"] for found in team.shared(own)]
        # Rounding may leave [-1, 1]
        similarity = float(F.cosine_similarity(rows[0], rows[1]).clamp(-1, 1))
        return Verified(similarity, similarity >= least, least, source)


def _embedding(model: Model, image: Given, device: torch.device) -> Tensor:
    """The embedding of one image, 1 x D."""
    (batch,) = Batches(image, [0], model.input_spec, batch_size=1)
    vector = model.infer(fitted(batch["image"].to(device), model)).cpu().double()
    check_answers(vector, model, "verify", image.name)
    return vector


def known_threshold(model: Model) -> float | None:
    """The threshold that was chosen for a model, if one was."""
    # Figures of other splits have a threshold too, but one chosen on the images that they measure
    return model.metrics.get(CHOOSES, {}).get(_THRESHOLD)


def _least(model: Model, threshold: float | None) -> tuple[float, str]:
    if threshold is not None:
        if not -1 <= threshold <= 1:
            raise OptionError("threshold", expected="a cosine in [-1, 1]", got=str(threshold))
        return float(threshold), _GIVEN
    known = known_threshold(model)
    if known is None:
        typed = spoken().way == "shell"
        call = f"zoo.evaluate(model, data, split={quote(CHOOSES)})"
        call, also = (
            (f"zoo evaluate MODEL DATA --split {CHOOSES}", "--threshold") if typed else (call, "threshold=")
        )
        hint = f"{call} chooses one, or give {also}"
        raise OptionError("verify", expected="a threshold", got="none in the model's metrics", hint=hint)
    return known, f"{CHOOSES} split"
