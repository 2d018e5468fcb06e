"""The kinds of components: one table, read by list, show, new, the contract, recipes and the site.

A new kind is a row here, an interface, rules of its contract and a folder of templates under its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

KindName = Literal["backbone", "head", "model", "augmenter", "loss", "trainer", "dataset", "metric"]
"""Names of the rows of `KINDS`, for editors to complete."""


BLOCKS = "blocks"
"""The option that every backbone has: how much of its chain is kept, from the first block on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Facts on a kind of component.

    Args:
        name: as declarations say it.
        title: of its page, in the plural.
        text: one or two sentences for people.
        argument: section of a recipe that takes it: an argument of `zoo.build` or `zoo.fit`, a flag of
            `zoo fit`.
        call: how it is used in Python, with `{ref}`, `{section}`, and `{weights}` where it may have some.
        command: the same for a shell.
        rules: modules with the rules of its contract.
        summary: of the component that `zoo new` writes.
        declares: further lines of that component's declaration.
        options: JSON schemas of the options that all of them have beside their own, by name.
    """

    name: str
    title: str
    text: str
    argument: str
    call: str
    command: str
    rules: tuple[str, ...]
    summary: str
    declares: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Name of its page on the site.

        Example:
            >>> KINDS["dataset"].page
            'datasets'
        """
        return self.title.lower().replace(" ", "")

    def used(self, ref: str, tag: str | None = None) -> tuple[str, str]:
        """Examples of the component's use, in Python and in a shell.

        Args:
            ref: what it is called by.
            tag: of published weights, if it has any.

        Example:
            >>> KINDS["loss"].used("dice")
            ('zoo.fit(model, data, loss="dice")', 'zoo fit RECIPE --loss dice')
        """
        said, typed = (f', weights="{tag}"', f" --weights {tag}") if tag else ("", "")
        call = self.call.format(ref=ref, section=self.argument, weights=said)
        return call, self.command.format(ref=ref, section=self.argument, weights=typed)


# Filled in by `Kind.used`; words in capitals are for people to replace
_BUILD, _BUILT = 'zoo.build("{ref}"{weights})', "zoo build {ref}{weights}"
_FIT, _FITTED = 'zoo.fit(model, data, {section}="{ref}")', "zoo fit RECIPE --{section} {ref}"

_TABLE = (
    Kind(
        name="backbone",
        title="Backbones",
        text="A backbone turns an image into maps of features, block by block. Give it a head, and choose "
        "which of its blocks to freeze.",
        argument="model",
        call=_BUILD,
        command=_BUILT,
        rules=("zoo.testing.rules_backbone",),
        summary="A row of convolutions.",
        declares=('tags=("cnn", "small")', 'tiny={"channels": [8, 8]}'),
        options={
            BLOCKS: {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "default": None,
                "description": "Blocks that are kept, from the first on, such as block1-3; none keeps all.",
            }
        },
    ),
    Kind(
        name="head",
        title="Heads",
        text="A head turns the features of a backbone into an answer. Its task decides the loss.",
        argument="head",
        call='zoo.build(BACKBONE, head="{ref}")',
        command="zoo build BACKBONE --head {ref}",
        rules=("zoo.testing.rules_head",),
        summary="One of K classes, after a layer norm.",
        declares=('task="multiclass"',),
    ),
    Kind(
        name="model",
        title="Models",
        text="A complete model that is not a backbone with a head.",
        argument="model",
        call=_BUILD,
        command=_BUILT,
        rules=("zoo.testing.rules_model",),
        summary="A class for each pixel, from convolutions at full size.",
        declares=('task="segmentation"', 'tiny={"channels": [4, 4]}'),
    ),
    Kind(
        name="augmenter",
        title="Augmenters",
        text="An augmenter changes the images of a training batch at random.",
        argument="augment",
        call=_FIT,
        command=_FITTED,
        rules=("zoo.testing.rules_augmenter",),
        summary="Mixes images with their negative.",
    ),
    Kind(
        name="loss",
        title="Losses",
        text="A loss says how far an output is from its target. A model's task has a default one.",
        argument="loss",
        call=_FIT,
        command=_FITTED,
        rules=("zoo.testing.rules_loss",),
        summary="Brier score of K logits.",
        declares=('task="multiclass"',),
    ),
    Kind(
        name="trainer",
        title="Trainers",
        text="A trainer decides what one training step does.",
        argument="trainer",
        call=_FIT,
        command=_FITTED,
        rules=("zoo.testing.rules_trainer", "zoo.testing.rules_trainer_steps"),
        summary="Trains on mixtures of two images and of their targets.",
        declares=('paper="https://arxiv.org/abs/1710.09412"', 'tiny={"epochs": 1, "batch_size": 4}'),
    ),
    Kind(
        name="dataset",
        title="Data sets",
        text="A data set by name; folders of images need none.",
        argument="data",
        call='zoo.fit(model, "{ref}")',
        command=_FITTED,
        rules=("zoo.testing.rules_dataset",),
        summary="Drawn bars, across or upright.",
        declares=('task="binary"', 'tiny={"per_class": 4}'),
    ),
    Kind(
        name="metric",
        title="Metrics",
        text="A metric is a figure of a model's answers, measured in training and by evaluate beside those "
        "of the model's task. Where the data leave it undefined, it is left out and the reason said.",
        argument="metrics",
        call='zoo.evaluate(model, data, metrics=["{ref}"])',
        command="zoo evaluate MODEL DATA --metric {ref}",
        rules=("zoo.testing.rules_metric",),
        summary="F-beta score: precision and recall, recall counting more.",
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _TABLE})
"""All kinds by name, in the order in which people see them."""


def with_article(text: str) -> str:
    """The words with their article.

    Example:
        >>> with_article("augmenter"), with_article("backbone or model")
        ('an augmenter', 'a backbone or model')
    """
    return f"{'an' if text[:1] in 'aeiou' else 'a'} {text}"
