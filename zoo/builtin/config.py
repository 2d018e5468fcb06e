"""Options of the core's own components; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from zoo import AnySchedule, Balanced, MeasuredOptions, Options, PartOf, Plateau, Positive, RefValue, Schedule

ClassWeights = Annotated[tuple[Positive, ...] | Literal["balanced"] | None, Balanced()]
_WEIGHTS = "one weight a class, in their order; balanced makes all classes of the training images count alike"


class PooledOptions(Options):
    """Options of the pooling heads."""

    pool: Literal["avg", "max", "avgmax", "token", "token+avg", "flatten"] | None = Field(
        None,
        description="how a map becomes a vector; avgmax puts both side by side, token takes a transformer's "
        "class token, token+avg puts the others' mean beside it. By default the network's own, token or avg",
    )
    hidden: tuple[PositiveInt, ...] = Field(
        (), description="widths of the hidden layers, each followed by the activation and dropout"
    )
    activation: Literal["relu", "leaky-relu"] = Field(
        "relu", description="of the hidden layers; leaky-relu has the slope 0.2 that discriminators take"
    )
    dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the values dropped in front of the last layer"
    )
    taps: tuple[str, ...] = Field(
        (), description="blocks or taps to take, pooled and put side by side; nothing means the last map"
    )

    @field_validator("taps", "hidden", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        # `taps="block3"` can only mean that one; a bool is no width
        return (value,) if isinstance(value, str) or type(value) is int else value


class EmbeddingOptions(PooledOptions):
    """Options of the embedding head."""

    dim: PositiveInt = Field(128, description="length of the vector")
    normalise: bool = Field(True, description="scale each vector to length one")


class BCEOptions(Options):
    """Options of the binary cross-entropy."""

    positive_weight: Annotated[Positive | Literal["balanced"], Balanced(pair=True)] = Field(
        1.0, description="weight of the second class against the first; balanced makes both count alike"
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of each target spread over both answers; 0.1 makes it 0.05 and 0.95",
    )


class CrossEntropyOptions(Options):
    """Options of the cross-entropy."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    class_weights: ClassWeights = Field(None, description=_WEIGHTS)


class FocalOptions(Options):
    """Options of the focal loss."""

    gamma: float = Field(
        2.0, ge=0, le=20, description="0 is the cross-entropy; the larger, the less do sure pixels count"
    )
    class_weights: ClassWeights = Field(None, description=_WEIGHTS)


class DiceOptions(Options):
    """Options of the Dice loss."""

    smooth: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="pixels added to numerator and denominator"
    )
    class_weights: ClassWeights = Field(None, description=_WEIGHTS)


class ArcFaceOptions(Options):
    """Options of the additive angular margin."""

    margin: float = Field(0.5, ge=0, lt=1.57, description="added to the true class' angle, in radians")
    scale: Positive = Field(64.0, description="what the cosines are multiplied with; smaller for few classes")


class CosFaceOptions(Options):
    """Options of the additive cosine margin."""

    margin: float = Field(0.35, ge=0, lt=2, description="taken from the cosine of the true class")
    scale: Positive = Field(64.0, description="what the cosines are multiplied with; smaller for few classes")


class AdversarialOptions(Options):
    """Options of the adversarial loss."""

    kind: Literal["minimax", "non-saturating", "least-squares", "hinge", "wasserstein"] = Field(
        "non-saturating", description="of the game; minimax is the first paper's log(1 - D(G))"
    )
    gradient_penalty: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="weight of the penalty on the discriminator's gradient; by default 10 for wasserstein, "
        "none for the others",
    )
    smoothing: float = Field(
        0.0, ge=0, lt=1, description="how far the target of real images lies below 1 for the discriminator"
    )

    @model_validator(mode="after")
    def _smoothing_applies(self) -> AdversarialOptions:
        if self.smoothing and self.kind in ("hinge", "wasserstein"):
            raise ValueError(f"smoothing 0 in a game without probabilities, such as {self.kind}")
        return self


class ContentOptions(Options):
    """Options of the content loss."""

    network: Annotated[RefValue, PartOf("backbone")] = Field(
        "vgg19", description="whose features are compared: any backbone, with its weights"
    )
    tap: str | Annotated[dict[str, Positive], Field(min_length=1)] = Field(
        "block5.conv4",
        description="block or step of the network, or several with their weights. SRGAN's VGG5,4 is vgg19's "
        "block5.conv4 before the activation, block5.relu4 after it",
    )
    scale: Positive = Field(
        1.0, description="factor of the features; SRGAN's 1/12.75 is as good as a weight of 0.006 with mse"
    )
    distance: Literal["mse", "l1"] = Field("mse", description="mean squared or mean absolute difference")


class PartOfLoss(Options):
    """A part of a sum of losses."""

    weight: float = Field(1.0, ge=0, allow_inf_nan=False, description="factor of the part")
    loss: Annotated[RefValue | None, PartOf("loss")] = Field(
        None, description="which one, with its options; by default the one that the part is called after"
    )
    schedule: AnySchedule = Field(
        Schedule(),
        description="what the weight is multiplied with in time, such as linear, or {name = 'constant', "
        "warmup = 2} to rise from nothing in two epochs",
    )

    @model_validator(mode="after")
    def _moves_with_time(self) -> PartOfLoss:
        if isinstance(self.schedule, Plateau):
            raise ValueError("a schedule of time alone, not plateau")  # noqa: TRY004 - pydantic's own
        return self


class PerceptualOptions(Options):
    """Options of the sum of losses."""

    parts: Annotated[dict[str, PartOfLoss], Field(min_length=1)] = Field(
        {
            "content": PartOfLoss(weight=0.006, loss="content"),
            "adversarial": PartOfLoss(weight=1e-3, loss="adversarial"),
        },
        description="weight of each loss by its name, or a table with weight, loss and schedule: {mse = 1.0, "
        "content = {weight = 0.006, loss = {name = 'content', network = 'resnet18'}}}",
    )

    @field_validator("parts", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A number is a weight, and a part without a loss is called after it."""
        if not isinstance(value, Mapping):
            return value
        # Before validation, so that files may say `mse = 1.0`
        parts = {k: {"weight": v} if isinstance(v, int | float) else v for k, v in value.items()}
        return {
            k: {**v, "loss": v.get("loss") or k} if isinstance(v, Mapping) else v for k, v in parts.items()
        }


class SupervisedOptions(MeasuredOptions):
    """Options of the supervised trainer."""


class TableOptions(Options):
    """Options of a table of labels."""

    path: str = Field(
        description="the table, or a folder with metadata.csv or metadata.jsonl beside its images"
    )
    image: str | None = Field(None, description="column of the images; by default found by its name or cells")
    target: tuple[str, ...] = Field(
        (), description="column of what is to be learnt, or several; by default found by its name"
    )
    group: str | None = Field(None, description="column of what stays in one split, such as patients")
    split: str | None = Field(
        None,
        description="column of train, val and test, by default found by its name; or of the numbers of folds",
    )
    order: str | None = Field(
        None, description="column of what comes first, such as a date: the last images are the test"
    )
    separator: str | None = Field(None, min_length=1, description="sign between several labels in a cell")
    folder: str | None = Field(
        None, description="where image paths are read from; by default the table's folder"
    )

    @field_validator("target", mode="before")
    @classmethod
    def _one_column(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value
