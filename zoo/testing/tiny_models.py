"""Tiny models for rules that need one: of the component's distribution, or of none."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.compose.build import build
from zoo.compose.idle_options import is_idle
from zoo.compose.plan import plan
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.head import Head
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.records.fields import Fields, settled_fields
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import for_logits
from zoo.registry.lookup import entries
from zoo.registry.snapshot import Entry
from zoo.spec.errors import OptionError
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import ModelSection


def built(entry: Entry) -> Model:
    """The tiny instance of a complete model, for three classes where its task asks for their number."""
    section = {"name": entry.qualified, **entry.component.tiny}
    try:
        return build(section, seed=0)
    except OptionError as error:
        # Whether a model needs their number is only known by asking
        if "classes" not in str(error):
            raise
        return build(section, classes=3, seed=0)


def headed(entry: Entry) -> Model:
    """A head on a small backbone, one of its own distribution if there is one."""
    home = entry.plugin.distribution
    # Of its own distribution first, then one whose options make it small
    below = min(entries("backbone"), key=lambda e: (e.plugin.distribution != home, not e.component.tiny))
    head = {"name": entry.qualified, **entry.component.tiny}
    planned = plan(ModelSection(name=below.qualified, options=below.component.tiny))
    # What is tiny of the published classifier is nothing to another head
    sizes = {k: v for k, v in below.component.tiny.items() if not is_idle(planned, k)}
    return build({"name": below.qualified, **sizes}, head=head, classes=4)


class Net(Model):
    """The smallest model that a trainer can train: one frozen and one trainable block, and a head.

    Args:
        modes: with a batch norm and a dropout that train, so that the two modes of the model differ.
    """

    def __init__(self, *, modes: bool = False) -> None:
        super().__init__(task=for_logits(), input_spec=InputSpec(size=(8, 8)), labels=("a", "b", "c"))
        more = {"norm": nn.BatchNorm2d(4), "drop": nn.Dropout()} if modes else {}
        blocks = [
            Block(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4)),
            Block(conv=nn.Conv2d(4, 4, 3), relu=nn.ReLU(), **more),
        ]
        self.backbone = Backbone(blocks, input_spec=self.input_spec)
        self.head = _Flat(self.backbone)
        # With a norm inside, whose statistics a careless step would move
        self.backbone.freeze("block1")

    @property
    def outputs(self) -> int:
        return 3

    @property
    def freezable(self) -> dict[str, Backbone | Block]:
        return {"": self.backbone}

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(x))
        return logits


class _Flat(Head):
    def __init__(self, backbone: Backbone) -> None:
        super().__init__(task=for_logits(), inputs=backbone.block_infos()[-1:], outputs=3)
        self.fc = nn.Linear(4, 3)

    def forward(self, *features: Tensor) -> Tensor:
        logits: Tensor = self.fc(features[0].mean((2, 3)))
        return logits


class CrossEntropy(Loss):
    """The loss of `Net`."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(output, target)


def random_fields(model: Model, fields: Fields, count: int) -> Batch:
    """Random further images and targets, as many as a batch has examples.

    Args:
        model: whose fields there are.
        fields: of a trainer, besides.
        count: of the examples.
    """
    settled = settled_fields(model.fields, fields, model.input_spec)
    draw = torch.Generator().manual_seed(1)
    return {
        name: kind.example(3, count)[1]
        if isinstance(kind, Task)
        else torch.rand(count, kind.channels, *kind.size, generator=draw)
        for name, kind in settled.items()
    }
