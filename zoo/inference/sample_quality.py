"""Quality of generated images, measured by a network that had no part in making them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo.compose.composed_model import ComposedModel
from zoo.data.batches import Batches
from zoo.interfaces.blocks.feature_info import as_map
from zoo.interfaces.blocks.number_types import fitted, widened
from zoo.interfaces.model import Model, ModelLike
from zoo.interfaces.tasks import names_for
from zoo.interfaces.tasks.analysis import Findings
from zoo.interfaces.tasks.descriptions import ImageGrid
from zoo.metrics.frechet import frechet
from zoo.metrics.neighbours import precision_recall
from zoo.runtime.answer_checks import check_answers
from zoo.runtime.arguments import BATCH_SIZE, as_model
from zoo.runtime.devices import borrowed
from zoo.runtime.progress import watched
from zoo.runtime.team.team import Team, Values
from zoo.spec.display import MOST_ROWS, Table, counted, more
from zoo.spec.errors import ShapeError, TrainingError, warn

_MOST_DRAWN = 100


class FeatureExtractor:
    """A model with a head, through whose eyes images are seen.

    Args:
        model: in inference mode; trained on images like those to be judged.

    Raises:
        TrainingError: it has no head, or was not trained.
    """

    def __init__(self, model: Model) -> None:
        if not isinstance(model, ComposedModel) or model.head is None:
            got = model.recipe.model.called
            hint = 'zoo.build("tiny_resnet", head="multiclass") and zoo.fit make one'
            raise TrainingError("features", expected="a model with a head", got=got, hint=hint)
        self.model, self.head = model, model.head

    def extract(self, batches: Iterable[Tensor]) -> tuple[Tensor, Tensor | None]:
        """The head's inputs, pooled to N x D, and N x classes probabilities where its task has them.

        Args:
            batches: of images N x C x H x W in [0, 1]; they are resized to what the model is for.
        """
        return self.joined(self.each(batches))

    def each(self, batches: Iterable[Tensor]) -> Iterator[Values]:
        """Features of each batch: `seen`, the head's inputs, and `said`, what it makes of them."""
        for images in batches:
            found = self.model.features(fitted(self._fitted(widened(images)), self.model))
            # N x D: the channels of all taps side by side
            maps = [as_map(x, info) for x, info in zip(found, self.head.inputs, strict=True)]
            seen = torch.cat([m.mean(dim=(2, 3)) for m in maps], dim=1).float().cpu()
            yield {"seen": seen, "said": self.model.predict_head(found).float().cpu()}

    def joined(self, parts: Iterable[Values]) -> tuple[Tensor, Tensor | None]:
        """Features of all batches, as `extract` returns them, of what `each` yields."""
        rows = [(part["seen"], part["said"]) for part in parts]
        seen, said = (torch.cat(column) for column in zip(*rows, strict=True))
        task = self.model.task
        assert task is not None  # noqa: S101 - there is a head
        return seen, task.probabilities(said)

    def _fitted(self, images: Tensor) -> Tensor:
        spec = self.model.input_spec
        if images.shape[1] != spec.channels:
            expected, hint = (
                f"images of {counted(spec.channels, 'channel')}",
                "train one for the images' channels",
            )
            raise ShapeError("features", expected=expected, got=str(images.shape[1]), hint=hint)
        if tuple(images.shape[2:]) == spec.size:
            return images
        # Torch refuses both arguments for `nearest`
        smooth = {} if spec.interpolation == "nearest" else {"antialias": True, "align_corners": False}
        return F.interpolate(images, spec.size, mode=spec.interpolation, **smooth).clamp(0, 1)

    def shares(self, probabilities: Tensor) -> dict[str, float]:
        """The share of images by the class that they are taken for."""
        count = probabilities.shape[1]
        found = probabilities.argmax(dim=1).bincount(minlength=count).double() / len(probabilities)
        return dict(zip(names_for(self.model.labels, count), found.tolist(), strict=True))


def measure_samples(
    model: Model,
    features: ModelLike | None,
    real: Batches | tuple[()],
    *,
    count: int,
    seed: int,
    team: Team,
    device: torch.device,
    progress: bool = True,
) -> tuple[dict[str, float], Findings]:
    """Figures of the images that a model generates, see `compare`, and a grid of these images.

    Args:
        model: generates.
        features: a model with a head, or the folder of one.
        real: images of the data, this process' share.
        count: how many to generate; the first process does that.
        seed: of the generated ones.
        team: of the processes, each of which gets all figures.
        device: to compute on.
        progress: whether to show a bar where it takes longer.

    Raises:
        TrainingError: `features` is missing, or has no head.
        ShapeError: the model does not generate.
    """
    if features is None:
        hint = 'features="runs/classifier", trained on data like these'
        raise TrainingError(
            "evaluate", expected="a model to look at generated images with", got="none", hint=hint
        )
    classifier, _ = as_model(features)
    with (
        borrowed(classifier, device, inference=True),
        borrowed(model, device, inference=True),
        torch.no_grad(),
    ):
        extractor = FeatureExtractor(classifier)

        def generated() -> Values:
            made = widened(model.sample(count, seed=seed))
            check_answers(made, model, "evaluate", lambda i: f"image {i}")
            rows = [*extractor.each(torch.split(made, BATCH_SIZE))]
            both = {name: torch.cat([row[name] for row in rows]) for name in ("seen", "said")}
            return {"drawn": made[:_MOST_DRAWN].cpu(), **both}

        # No share of them can be drawn alone
        found = team.from_first(generated)
        batches = watched(real, "looking at real images", progress and team.first)
        # Real images go through batch by batch; of them the features alone are kept
        own = extractor.each(batch["image"].to(device) for batch in batches)
        seen, _ = extractor.joined(team.shared(own))
        figures = _figures(extractor, seen, *extractor.joined([found]))
    shares = figures.pop("classes", {})
    return figures, Findings(
        more={"samples": count, **({"classes": shares} if shares else {})},
        tables=(_share_table(shares),) if shares else (),
        drawings={"samples": ImageGrid({"": found["drawn"]})},
    )


def _share_table(shares: Mapping[str, float]) -> Table:
    """Classes in their order, or of very many the commonest ones."""
    rows = [*shares.items()]
    if len(rows) > MOST_ROWS:
        rows = sorted(rows, key=lambda item: -item[1])[:MOST_ROWS]
    cells = [[label, f"{share:.1%}"] for label, share in rows]
    return Table(["TAKEN FOR", "SHARE"], cells, [1], more(len(shares), len(rows), "classes"))


def compare(
    extractor: FeatureExtractor, real: Iterable[Tensor], made: Tensor, *, batch_size: int = BATCH_SIZE
) -> dict[str, Any]:
    """Generated images against real ones.

    Args:
        extractor: of the features that are compared.
        real: batches of images N x C x H x W in [0, 1].
        made: images M x C x H x W in [0, 1].
        batch_size: generated images at a time.

    Returns:
        `frechet`, `precision`, `recall` and, where the extractor knows classes, `classes`, the share of each.

    Raises:
        DataError: there are too few.
    """
    features, _ = extractor.extract(real)
    return _figures(extractor, features, *extractor.extract(torch.split(made, batch_size)))


def _figures(
    extractor: FeatureExtractor, features: Tensor, others: Tensor, said: Tensor | None
) -> dict[str, Any]:
    """Figures of the features of real images, and of generated ones with what they are taken for."""
    precision, recall = precision_recall(features, others)
    least, size = min(len(features), len(others)), features.shape[1]
    # A covariance of so few rows has no full rank
    if least <= size:
        warn(
            f"{least} images are few for the Frechet distance of {size} features, which comes out too "
            f"large; take more than {size}"
        )
    figures: dict[str, Any] = {"frechet": frechet(features, others), "precision": precision, "recall": recall}
    return figures | ({"classes": extractor.shares(said)} if said is not None else {})
