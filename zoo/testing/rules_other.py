"""The contracts of complete models, augmenters, losses, trainers and data sets."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.compose.build import build
from zoo.compose.instantiate import make
from zoo.compose.parts import default
from zoo.data.masks import check_mask
from zoo.hub.folder import load, save
from zoo.interfaces.augmenter import Augmenter, Batch, Geometric
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.execution import Execution
from zoo.interfaces.head import Head
from zoo.interfaces.loss import OUTPUT, Loss, compute, total
from zoo.interfaces.model import Model
from zoo.interfaces.tasks import Task
from zoo.interfaces.tasks.choice import BY_NAME, DEFAULT, for_logits
from zoo.interfaces.trainer import Trainer
from zoo.registry.lookup import entries
from zoo.registry.snapshot import Entry
from zoo.spec.errors import OptionError, ZooError
from zoo.spec.inputs import InputSpec
from zoo.testing.case import Case


class ModelRules:
    """A complete model."""

    @staticmethod
    def rule_it_runs_and_is_saved_whole(case: Case) -> None:
        """A forward works on an image of the input spec, and a saved copy computes the same."""
        model = _built(case.entry).eval()
        x = model.example_input()
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            save(model, Path(folder) / "model")
            assert torch.equal(load(Path(folder) / "model")(x), model(x))

    @staticmethod
    def rule_sampling_repeats(case: Case) -> None:
        """Where it generates, one seed gives one set of images in [0, 1], two give two."""
        model = _built(case.entry).eval()
        if model.task is not None and model.task.generates:
            one, same, other = (model.sample(3, seed=seed) for seed in (0, 0, 1))
            assert one.shape == (3, model.input_spec.channels, *model.input_spec.size)
            assert 0 <= float(one.min()) <= float(one.max()) <= 1
            assert torch.equal(one, same)
            assert not torch.equal(one, other)

    @staticmethod
    def rule_networks_hold_every_parameter(case: Case) -> None:
        """Each parameter belongs to one of the networks that the model names."""
        model = _built(case.entry)
        inside = {id(p) for network in model.networks.values() for p in network.parameters()}
        assert inside == {id(p) for p in model.parameters()}


def _built(entry: Entry) -> Model:
    """The tiny instance of a complete model, for three classes where its task asks for their number."""
    section = {"name": entry.qualified, **entry.component.tiny}
    try:
        return build(section, seed=0)
    except OptionError as error:
        if "classes" not in str(error):
            raise
        return build(section, classes=3, seed=0)


class AugmenterRules:
    """An augmenter."""

    @staticmethod
    def _batch(channels: int = 3) -> Batch:
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(4, channels, 24, 24, generator=generator)
        mask = torch.randint(0, 5, (4, 24, 24), generator=generator)
        return {"image": image, "mask": mask, "target": torch.arange(4), "index": torch.arange(4)}

    @staticmethod
    def _run(case: Case, batch: Batch) -> Batch:
        augmenter: Augmenter = case.part()
        assert isinstance(augmenter, Augmenter)
        out: Batch = augmenter(batch, [torch.Generator().manual_seed(int(i)) for i in batch["index"]])
        return out

    @staticmethod
    def rule_shape_and_range_stay(case: Case) -> None:
        """Images and masks keep shape and type, images the range [0, 1] too."""
        batch = AugmenterRules._batch()
        out = AugmenterRules._run(case, batch)
        assert out.keys() == batch.keys()
        for name in ("image", "mask"):
            assert out[name].shape == batch[name].shape
            assert out[name].dtype == batch[name].dtype
        assert float(out["image"].min()) >= 0
        assert float(out["image"].max()) <= 1

    @staticmethod
    def rule_draws_decide(case: Case) -> None:
        """The same generators give the same batch."""
        one, two = (AugmenterRules._run(case, AugmenterRules._batch()) for _ in range(2))
        assert all(torch.equal(one[name], two[name]) for name in one)

    @staticmethod
    def rule_the_given_batch_stays(case: Case) -> None:
        """The batch that is handed in is not changed."""
        batch = AugmenterRules._batch()
        given = {name: value.clone() for name, value in batch.items()}
        AugmenterRules._run(case, batch)
        assert all(torch.equal(batch[name], given[name]) for name in given)

    @staticmethod
    def rule_a_sample_stands_alone(case: Case) -> None:
        """A sample comes out alike whatever else is in its batch, unless labels are mixed."""
        batch = AugmenterRules._batch()
        if not case.part().changes_labels:
            whole = AugmenterRules._run(case, batch)
            for i in range(4):
                alone = AugmenterRules._run(case, {name: value[i : i + 1] for name, value in batch.items()})
                assert torch.allclose(alone["image"][0], whole["image"][i], rtol=0, atol=1e-5)
                assert torch.equal(alone["mask"][0], whole["mask"][i])

    @staticmethod
    def rule_labels_stay(case: Case) -> None:
        """Targets stay unless `changes_labels` says otherwise, and indices always."""
        batch = AugmenterRules._batch()
        out = AugmenterRules._run(case, batch)
        assert torch.equal(out["index"], batch["index"])
        assert case.part().changes_labels or torch.equal(out["target"], batch["target"])

    @staticmethod
    def rule_any_number_of_channels(case: Case) -> None:
        """Gray images and those of many channels are augmented, or refused by an error of ours."""
        for channels in (1, 4, 5):
            batch = AugmenterRules._batch(channels)
            try:
                out = AugmenterRules._run(case, batch)
            except ZooError:
                continue
            assert out["image"].shape == batch["image"].shape

    @staticmethod
    def rule_masks_go_along(case: Case) -> None:
        """Where pixels move, the mask moves with them; elsewhere it stays."""
        batch = AugmenterRules._batch()
        moved = AugmenterRules._run(case, batch)["mask"]
        augmenter: Augmenter = case.part()
        if not augmenter.resamples:
            assert torch.equal(moved, batch["mask"])
        if isinstance(augmenter, Geometric):
            steps = torch.arange(24).div(6, rounding_mode="floor")
            batch["mask"] = (steps + steps[:, None]).expand(4, -1, -1).contiguous()
            batch["image"] = batch["mask"][:, None] / 8
            out = AugmenterRules._run(case, batch)
            # Both steps are as wide as six pixels, so that most pixels are far from where two values meet.
            assert float(((out["image"][:, 0] * 8 - out["mask"]).abs() < 0.01).float().mean()) > 0.5


class LossRules:
    """A loss."""

    @staticmethod
    def rule_it_is_a_finite_scalar_with_gradients(case: Case) -> None:
        """On the targets of its task the loss is finite and reaches the output."""
        loss = make("loss", case.reference)
        assert isinstance(loss, Loss)
        output, target = _example(case.entry)
        loss.prepare(output.shape[1], 4)
        verdicts = {name: torch.randn(6, 1, requires_grad=True) for name in loss.needs if name != OUTPUT}
        outputs = {OUTPUT: output, **verdicts}
        value = total(compute(loss, outputs, target, {"image": target, "target": target}))
        torch.autograd.backward(value)
        assert value.ndim == 0
        assert bool(torch.isfinite(value))
        for name in loss.needs or (OUTPUT,):
            grad = outputs[name].grad
            assert grad is not None, name
            assert bool(grad.any()), name


def _example(entry: Entry) -> tuple[Tensor, Tensor]:
    """An output with gradients and a prepared target of the task that a loss is for, six rows each."""
    task = _task(entry)
    output, raw = task.example(4, 6)
    return output.requires_grad_(), task.target(raw, output.shape[1])


def _task(entry: Entry) -> Task:
    """The task that a loss is for: one of the core's, or that of a head or model of its own distribution."""
    name = entry.component.task
    if name is None or name in BY_NAME:
        return BY_NAME[name or DEFAULT]
    for other in (e for kind in ("head", "model") for e in entries(kind)):
        if (other.component.task, other.plugin.distribution) == (name, entry.plugin.distribution):
            task = _built(other).task if other.component.kind == "model" else _headed(other).task
            assert task is not None
            return task
    raise AssertionError(f"no head or model for task {name} in {entry.plugin.distribution}")


def _headed(entry: Entry) -> Model:
    """A head on a small backbone, one of its own distribution if there is one."""
    home = entry.plugin.distribution
    below = sorted(entries("backbone"), key=lambda e: (e.plugin.distribution != home, not e.component.tiny))[
        0
    ]
    head = {"name": entry.qualified, **entry.component.tiny}
    return build({"name": below.qualified, **below.component.tiny}, head=head, classes=4)


class _Net(Model):
    """The smallest model that a trainer can train: one frozen and one trainable block, and a head."""

    def __init__(self) -> None:
        super().__init__(task=for_logits(), input_spec=InputSpec(size=(8, 8)), labels=("a", "b", "c"))
        blocks = [
            Block(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4)),
            Block(conv=nn.Conv2d(4, 4, 3), relu=nn.ReLU()),
        ]
        self.backbone = Backbone(blocks, input_spec=self.input_spec)
        self.head = _Flat(self.backbone)
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


class TrainerRules:
    """A trainer."""

    @staticmethod
    def _model(case: Case) -> Model:
        """A tiny model of the trainer's task from its own distribution; a small classifier without a task."""
        torch.manual_seed(0)
        task, home = case.entry.component.task, case.entry.plugin.distribution
        if task is None:
            return _Net()
        found = [e for e in entries("model") if (e.component.task, e.plugin.distribution) == (task, home)]
        assert found, f"no model for task {task} in {home}"
        return _built(found[0])

    @staticmethod
    def _trainer(case: Case, model: Model) -> Trainer:
        trainer = make("trainer", case.reference)
        assert isinstance(trainer, Trainer)
        torch.manual_seed(0)  # a loss may have weights of its own
        loss = _CrossEntropy() if isinstance(model, _Net) else make("loss", default("loss", model))
        trainer.setup(model, loss, Execution())
        return trainer

    @staticmethod
    def _batch(model: Model) -> Batch:
        spec = model.input_spec
        image = torch.rand(6, spec.channels, *spec.size, generator=torch.Generator().manual_seed(0))
        mask = torch.zeros(6, *spec.size, dtype=torch.int64)
        batch = {"image": image, "mask": mask, "target": torch.arange(6) % 3, "index": torch.arange(6)}
        return model.examples(batch)

    @staticmethod
    def rule_a_step_trains_what_is_trainable(case: Case) -> None:
        """A step logs finite scalars, moves trainable tensors and nothing of a frozen block."""
        model = TrainerRules._model(case)
        before = copy.deepcopy(model.state_dict())
        trainer = TrainerRules._trainer(case, model)
        model.train()
        logs = trainer.step(TrainerRules._batch(model))
        assert logs
        assert all(bool(torch.isfinite(v)) and not v.requires_grad for v in logs.values())
        moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
        assert moved
        blocks = ((path, m) for path, m in model.named_modules() if isinstance(m, Block) and m.frozen)
        assert not moved & {f"{path}.{name}" for path, block in blocks for name in block.state_dict()}

    @staticmethod
    def rule_its_state_goes_on_where_it_was(case: Case) -> None:
        """Model and trainer state restored into a new pair, the next step gives the same tensors."""
        model = TrainerRules._model(case)
        trainer = TrainerRules._trainer(case, model)
        trainer.step(TrainerRules._batch(model))
        twin = copy.deepcopy(model)
        other = TrainerRules._trainer(case, twin)
        other.load_state_dict(copy.deepcopy(trainer.state_dict()))
        for each in (trainer, other):
            torch.manual_seed(1)
            each.step(TrainerRules._batch(model))
        assert all(
            torch.equal(a, b)
            for a, b in zip(model.state_dict().values(), twin.state_dict().values(), strict=True)
        )

    @staticmethod
    def rule_evaluating_changes_nothing(case: Case) -> None:
        """Evaluation gives finite numbers and leaves every tensor alone."""
        model = TrainerRules._model(case)
        trainer = TrainerRules._trainer(case, model)
        before = copy.deepcopy(model.state_dict())
        values = trainer.evaluate([TrainerRules._batch(model)])
        assert values
        assert all(np.isfinite(v) for v in values.values())
        assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


class _CrossEntropy(Loss):
    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(output, target)


class DatasetRules:
    """A data set."""

    @staticmethod
    def _make(case: Case) -> Dataset:
        dataset: Any = case.part()
        assert isinstance(dataset, Dataset)
        return dataset

    @staticmethod
    def rule_samples_are_images_with_targets(case: Case) -> None:
        """An image is H x W x C, uint8 or float32 in [0, 1], and its target is the listed one.

        Without a task, and beside masks, all targets are None.
        """
        data = DatasetRules._make(case)
        assert len(data) == len(data.targets) > 0
        assert (data.task is not None and not data.masks) or set(data.targets) == {None}
        for index in (0, len(data) // 2, len(data) - 1):
            sample = data[index]
            assert sample.image.ndim == 3
            assert sample.image.dtype in (np.uint8, np.float32)
            assert np.array_equal(sample.target, data.targets[index])
            assert (sample.mask is not None) == data.masks
            if sample.mask is not None:
                check_mask(sample.mask, sample.image, data.name(index))
                assert set(np.unique(sample.mask)) <= {*range(len(data.labels)), 255}
            if sample.image.dtype == np.float32:
                assert 0 <= sample.image.min() <= sample.image.max() <= 1

    @staticmethod
    def rule_reading_twice_gives_the_same(case: Case) -> None:
        """Images, keys and fingerprint do not change between instances."""
        one, two = DatasetRules._make(case), DatasetRules._make(case)
        assert np.array_equal(one[0].image, two[0].image)
        assert one.key(0) == two.key(0) != ""
        assert one.fingerprint == two.fingerprint

    @staticmethod
    def rule_labels_cover_the_targets(case: Case) -> None:
        """Class indices lie within the labels."""
        data = DatasetRules._make(case)
        if data.labels and all(isinstance(target, int) for target in data.targets):
            assert {*data.targets} <= set(range(len(data.labels)))
