"""What the base classes of the contracts do where a subclass says nothing else."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.interfaces import Augmenter, Dataset, Execution, Loss, Metric, Model, Sample, Task, TorchMetric
from zoo.interfaces.adversarial import Pair
from zoo.interfaces.augmenter import Chain, check_batch, uniform
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.blocks.summary import summarise
from zoo.interfaces.draws import draws, generator, mix
from zoo.interfaces.geometry import warp as warping
from zoo.interfaces.geometry.places import warp_points
from zoo.interfaces.head import Head
from zoo.interfaces.loss import compute, needs_of, total
from zoo.interfaces.normalise import Normalise
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.interfaces.trainer import Trainer
from zoo.spec.errors import FormatError, MissingPackageError, OptionError, ShapeError
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import ModelSection, Recipe

SPEC = InputSpec(channels=2, size=(4, 6), mean=(0.0,) * 2, std=(1.0,) * 2)


class Net(Model):
    """Adds one; says whether its forward was called."""

    def __init__(self, task: Task | None = None, labels: tuple[str, ...] = ()) -> None:
        super().__init__(task=task, input_spec=SPEC, labels=labels)

    @property
    def outputs(self) -> int:
        return 2

    def forward(self, x: Any) -> Tensor:
        return x + 1


# -- models --------------------------------------------------------------------------------------------


def test_a_model_that_says_nothing_has_no_prefix_no_latent_and_makes_no_images() -> None:
    model = Net()
    assert (model.prefix, model.prefix_outputs, [*model.prefix_tensors()]) == ((), (), [])
    for call, words in [
        (lambda: model.run_prefix(torch.zeros(1)), "Net has no frozen prefix; freeze its first blocks"),
        (lambda: model.encode(torch.zeros(1)), "Net has no latent; choose a model with one"),
        (lambda: model.decode(torch.zeros(1)), "Net makes no images of latents"),
        (lambda: model.sample(3), "Net does not generate images; choose a generative model"),
        (lambda: model.read(torch.zeros(1, 2)), "expected a model with a head, got a feature extractor"),
    ]:
        with pytest.raises(ShapeError, match=words):
            call()


def test_a_model_is_called_for_its_answers_and_reads_them_by_its_labels() -> None:
    model = Net(BY_NAME["multiclass"], ("cat", "dog"))
    assert model.example_input().shape == (2, 2, 4, 6)
    assert model.example_input(5).shape == (5, 2, 4, 6)
    assert model.infer(torch.zeros(1, 2)).tolist() == [[1, 1]]
    assert [found.label for found in model.read(torch.tensor([[0.0, 3.0], [2.0, 1.0]]))] == ["dog", "cat"]
    batch = {"image": torch.zeros(1, 2, 4, 6)}
    assert model.examples(batch) is batch
    assert Net().examples(batch) is batch
    assert Net(BY_NAME["reconstruction"]).examples(batch)["target"] is batch["image"]


def test_figures_and_what_they_were_measured_on_go_together() -> None:
    model = Net()
    model.note_figures("val", {"accuracy": 0.5}, {"count": 3})
    model.note_figures("test", {"accuracy": 0.25}, {"count": 4})
    assert model.metrics == {"val": {"accuracy": 0.5}, "test": {"accuracy": 0.25}}
    assert model.measured == {"val": {"count": 3}, "test": {"count": 4}}
    model.metrics["val"] = {"accuracy": 0.5}  # the same figures, but nobody knows of what
    assert model.measured == {"test": {"count": 4}}
    model.measured = {"val": {"count": 9}, "train": {"count": 1}}
    assert model.measured == {"val": {"count": 9}}
    assert (model.licence, model.origin, model.plugins, model.labels) == (None, None, {}, ())


def test_only_the_normalising_that_a_model_holds_follows_its_spec() -> None:
    model = Net()
    model.own, model.inside = Normalise(SPEC), Net()
    model.inside.deep = Normalise(SPEC)
    model.input_spec = InputSpec(channels=2, size=(4, 6), range=(-1, 3), mean=(1.0, 0.0), std=(2.0, 4.0))
    x = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 2, 1, 2)
    assert model.own(x)[0, :, 0].tolist() == [[-1, 1], [-0.25, 0.75]]
    assert model.inside.deep(x)[0, :, 0].tolist() == [[0, 1], [0, 1]]
    assert model.own.state_dict() == {}
    assert {*dict(model.own.to(torch.float64).named_buffers())} == {"scale", "offset"}
    assert model.own.offset.dtype == torch.float64


def test_a_summary_says_what_goes_in_or_comes_out_and_shows_a_head_without_parameters() -> None:
    class WithHead(Net):
        def __init__(self, task: Task) -> None:
            super().__init__(task)
            self.head = Head(task=task, inputs=(), outputs=2)
            self.normalise = Normalise(SPEC)
            self.body = nn.Linear(3, 2)
            self.body.bias.requires_grad_(False)

    for name, role in (("multiclass", "input"), ("generation", "makes")):
        model = WithHead(BY_NAME[name])
        model.recipe = Recipe(model=ModelSection(name="net", head="linear"))
        found = summarise(model)
        assert [(r.name, r.shape, r.parameters, r.trainable) for r in found.rows] == [
            ("head", "2", 0, 0), ("body", "", 8, 6),
        ]  # fmt: skip
        assert (found.parameters, found.trainable) == (8, 6)
        assert found.notes == (f"{role} 2x4x6 in [0, 1]", "weights: random")
        assert found.title == "net with head linear"
        assert repr(found).splitlines() == [
            "net with head linear",
            "-" * 36,
            "block  output  parameters  trainable",
            "-" * 36,
            "head        2           0          0",
            "body                    8          6",
            "-" * 36,
            "total                   8          6",
            f"{role} 2x4x6 in [0, 1]",
            "weights: random",
        ]


def test_a_summary_shows_networks_that_are_frozen_and_warns_of_blocks_that_would_learn() -> None:
    model = Net()
    model.body, model.empty = Block(conv=nn.Conv2d(2, 3, 1)), nn.Identity()
    model.recipe = Recipe(model=ModelSection(name="net"))
    model.body.freeze()
    found = summarise(model)
    assert [(r.name, r.shape, r.parameters, r.trainable, r.frozen) for r in found.rows] == [
        ("body", "", 9, 0, True)
    ]
    assert (found.title, len(found.notes)) == ("net", 2)
    model.body.conv.bias.requires_grad_(True)
    assert (
        "warning: zoo.fit will refuse it: frozen body: expected nothing in it that can train"
        in (summarise(model).notes[-1])
    )


def test_a_recipe_that_nobody_gave_is_missed() -> None:
    with pytest.raises(AttributeError):
        _ = Net().recipe


def test_a_pair_asks_its_generator() -> None:
    class Critic(Net):
        outputs = 1  # type: ignore[assignment]

    class Maker(Net):
        any_size = crops = True

        def infer(self, x: Tensor) -> Tensor:
            return x + 7

        def examples(self, batch: Any) -> Any:
            return {**batch, "seen": True}

        def sample(self, count: int, *, seed: int | None = None) -> Tensor:
            return torch.full((count,), float(seed or 0))

    pair = Pair(generator=Maker(BY_NAME["generation"], ("a",)), discriminator=Critic(BY_NAME["binary"]))
    assert (pair.any_size, pair.crops, pair.outputs, pair.labels) == (True, True, 2, ("a",))
    assert (pair.task, pair.input_spec) == (BY_NAME["generation"], SPEC)
    assert float(pair.infer(torch.zeros(()))) == 7
    assert float(pair(torch.zeros(()))) == 1
    assert pair.examples({}) == {"seen": True}
    assert pair.example_input().shape[0] == 2
    assert pair.sample(2, seed=5).tolist() == [5, 5]
    with pytest.raises(ShapeError, match="expected a model with one logit, got no head"):
        Pair(generator=Maker(), discriminator=Critic())


# -- the Hub's methods ---------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What `zoo.save`, `push`, `load` and `pull` are called with; the model that comes is a `Net`."""
    calls: list[tuple[Any, ...]] = []

    def stand_in(name: str, result: Any) -> None:
        monkeypatch.setattr(zoo, name, lambda *a, **k: calls.append((name, *a, k)) or result)

    stand_in("save", None)
    stand_in("push", SimpleNamespace(url="https://hub/owner/name"))
    stand_in("load", Net())
    stand_in("pull", Net())
    return calls


def test_the_hubs_methods_are_zoos_functions(hub: list[tuple[Any, ...]], tmp_path: Any) -> None:
    model = Net()
    model.save_pretrained(tmp_path)
    assert hub.pop() == ("save", model, tmp_path, {})
    told = {"commit_message": "m", "private": True, "token": "t", "branch": "b"}
    assert model.push_to_hub("owner/name", **told) == "https://hub/owner/name"  # type: ignore[arg-type]
    assert hub.pop() == (
        "push", model, "hf://owner/name", {"revision": "b", "message": "m", "private": True, "token": "t"},
    )  # fmt: skip
    assert type(Model.from_pretrained(tmp_path)) is Net
    assert hub.pop() == ("load", tmp_path, {})
    assert type(Net.from_pretrained("owner/name")) is Net
    asked = {"revision": None, "token": None, "cache_dir": None, "local_files_only": False,
             "force_download": False}  # fmt: skip
    assert hub.pop() == ("pull", "owner/name", asked)
    more = {"revision": "r", "token": "t", "cache_dir": "c", "local_files_only": True, "force_download": True}
    Net.from_pretrained("owner/name", **more)  # type: ignore[arg-type]
    assert hub.pop() == ("pull", "owner/name", more)


def test_a_model_of_another_class_is_not_taken_for_one(hub: list[tuple[Any, ...]]) -> None:
    with pytest.raises(FormatError, match="owner/name: expected a Pair, got a Net"):
        Pair.from_pretrained("owner/name")
    assert len(hub) == 1


# -- losses and trainers -------------------------------------------------------------------------------


class Needy(Loss):
    needs = ("discriminator_logits",)

    def forward(self, output: Any, target: Any) -> Any:
        return {
            "discriminator_logits": output["discriminator_logits"],
            "target": target["target"],
            "other": target["other"],
        }


def test_a_loss_gets_the_output_alone_or_all_that_it_needs() -> None:
    outputs = {"output": torch.tensor(3.0), "discriminator_logits": torch.tensor(4.0)}
    batch = {"target": torch.tensor(9.0), "other": torch.tensor(2.0)}
    mse = compute(nn.MSELoss(), outputs, torch.tensor(1.0), batch)
    assert float(mse) == 4  # type: ignore[arg-type]
    found = compute(Needy(), outputs, torch.tensor(1.0), batch)
    assert {k: float(v) for k, v in found.items()} == {  # type: ignore[union-attr]
        "discriminator_logits": 4, "target": 1, "other": 2,
    }  # fmt: skip
    assert (needs_of(Needy()), needs_of(nn.MSELoss())) == (("discriminator_logits",), ())
    assert float(total(found)) == 7
    one = torch.tensor(5.0)
    assert total(one) is one
    assert total({"only": one}) is one


def test_a_plain_loss_prepares_opposes_and_moves_nothing() -> None:
    loss = Loss()
    loss.prepare(3, None)
    loss.advance(0.5, 2)
    assert (loss.needs, loss.learns, [*loss.parameters()]) == ((), False, [])
    assert loss.oppose(nn.Identity(), torch.zeros(1), torch.zeros(1)) is None


def test_one_process_shares_nothing_and_numbers_of_several_are_dealt_in_turn() -> None:
    execution, net, x = Execution(4), nn.Linear(1, 1), torch.ones(2)
    assert (execution.steps, execution.fused, execution.processes, execution.process) == (4, True, 1, 0)
    assert (Execution().steps, Execution(fused=False).fused) == (1, False)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    assert execution.wrap(net) is net
    assert execution.wrap_optimizer(optimizer) is optimizer
    assert execution.gather(x, {"a": x}) == (x, {"a": x})
    assert execution.add(x) is x
    assert execution.state_dict() == {}
    with execution.precision(), execution.partial(net):
        execution.begin(2)
    assert execution.images == 2
    execution.processes, execution.process = 3, 1
    assert execution.drawn(torch.arange, 2).tolist() == [1, 4]


def test_a_trainer_that_says_nothing_watches_the_loss() -> None:
    assert (Trainer.monitor, Trainer.higher_is_better, Trainer.early_stopping) == ("val_loss", False, None)
    assert (Trainer.schedule, dict(Trainer.charts), Trainer.takes_prefix) == (None, {}, False)


# -- metrics -------------------------------------------------------------------------------------------


class Own(Metric):
    name, forms = "own", ("binary", "vectors")

    def measure(self, task: Task, outputs: int) -> Any:
        return None


def test_a_metric_is_refused_for_answers_that_it_does_not_fit() -> None:
    assert Own().higher_is_better is True
    assert Own().missing(None) is None  # type: ignore[arg-type]
    Own().check(BY_NAME["binary"])
    Own().check(BY_NAME["embedding"])
    words = "metric own: expected a task whose answers are binary or vectors, got regression, whose answers "
    with pytest.raises(OptionError, match=words + "are values"):
        Own().check(BY_NAME["regression"])
    stranger = Task()
    stranger.name = "spotting"
    with pytest.raises(OptionError, match="got spotting, whose answers are of its own form"):
        Own().check(stranger)


def test_a_metric_object_has_the_name_of_its_class_and_its_direction() -> None:
    from torchmetrics import MeanSquaredError
    from torchmetrics.classification import BinaryAUROC

    assert [TorchMetric(m).name for m in (BinaryAUROC(), MeanSquaredError())] == [
        "binary_auroc", "mean_squared_error",
    ]  # fmt: skip
    assert (
        TorchMetric(BinaryAUROC()).higher_is_better,
        TorchMetric(MeanSquaredError()).higher_is_better,
    ) == (
        True,
        False,
    )

    class MulticlassMine(BinaryAUROC):
        """Called by its user as if it were for several classes."""

    TorchMetric(MulticlassMine()).check(BY_NAME["binary"])
    with pytest.raises(OptionError, match="expected a task whose answers are binary, got multiclass"):
        TorchMetric(MulticlassMine()).check(BY_NAME["multiclass"])


# -- data and draws ------------------------------------------------------------------------------------


class Wide(Dataset):
    """An image whose shape is a longer text than a digest takes beside the pixels."""

    targets = (0,)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.zeros((10_000_000, 0, 1_000_000), dtype=np.uint8), 0)


def test_data_that_say_nothing_have_numbers_for_names_and_no_groups() -> None:
    data = Wide()
    assert (data.name(7), data.split_of(0), data.group_of(0)) == ("wide[7]", None, None)
    assert (data.task, data.labels, data.masks, data.fingerprint) == (None, (), False, None)
    assert len(data.key(0)) == 32


def test_a_generator_is_seeded_by_the_mixed_parts() -> None:
    assert generator("a", 1).initial_seed() == mix("a", 1)
    assert [g.initial_seed() for g in draws(3, 4, [5, 6])] == [mix("sample", 3, 4, i) for i in (5, 6)]


def test_every_row_of_uniform_numbers_comes_from_its_own_generator() -> None:
    numbers = uniform([generator(1), generator(2)], 3)
    for row, seed in zip(numbers, (1, 2), strict=True):
        assert row.tolist() == torch.rand(3, generator=generator(seed), dtype=torch.float64).tolist()


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"index": torch.zeros(2)}, "expected floating image N x C x H x W in .*, got no image"),
        ({"image": torch.zeros(2, 3, 4)}, r"got torch.float32 2 x 3 x 4"),
        ({"image": torch.zeros(2, 3, 4, 4, dtype=torch.uint8)}, r"got torch.uint8 2 x 3 x 4 x 4"),
        ({"image": torch.zeros(2, 3, 4, 4), "index": torch.zeros(3)}, "batch: index: expected 2 rows, got 3"),
    ],
)
def test_what_is_no_batch_is_refused(batch: dict[str, Tensor], words: str) -> None:
    check_batch({"image": torch.zeros(2, 3, 4, 4), "index": torch.zeros(2)})
    with pytest.raises(ShapeError, match=words):
        check_batch(batch)


def test_an_augmenter_that_interpolates_does_not_move_places_unless_it_says_so() -> None:
    class Bends(Augmenter):
        resamples = True

    assert (Augmenter().moves_places, Bends().moves_places) == (True, False)
    assert (Chain([Augmenter()]).moves_places, Chain([Augmenter(), Bends()]).moves_places) == (True, False)
    assert (Augmenter().changes_labels, Augmenter().resamples) == (False, False)


# -- warping without OpenCV ----------------------------------------------------------------------------


def test_a_run_that_opencv_warped_needs_it_on_the_cpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    warping.check_resampler("cv2 4.9", "cpu", "the run")
    monkeypatch.setattr(warping, "has_opencv", lambda: False)
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert warping.resampler("cpu") == f"torch {torch.__version__} grid_sample"
    warping.check_resampler("torch 2 grid_sample", "cpu", "the run")
    warping.check_resampler("cv2 4.9", "cuda", "the run")
    with pytest.raises(MissingPackageError, match=r"the run, whose images cv2 4\.9 warped"):
        warping.check_resampler("cv2 4.9", "cpu", "the run")


def test_points_are_moved_into_an_image_of_another_size_and_keep_their_type() -> None:
    points = torch.tensor([[[3.0, 1.0], [0.0, 0.0]]], dtype=torch.float16)
    half = torch.diag(torch.tensor([2.0, 2.0, 1.0]))[None]  # an output of half the size
    moved = warp_points(points, half, (4, 8), (2, 4))
    assert moved.dtype == torch.float16
    # (x - 3.5) / 2 + 1.5 and (y - 1.5) / 2 + 0.5
    assert moved.tolist() == [[[1.25, 0.25], [-0.25, -0.25]]]
    given = {"image": torch.rand(1, 1, 3, 3), "index": torch.arange(1)}
    out = warping.warp(given, torch.eye(3, dtype=torch.float64)[None], warping.Fill())
    assert torch.equal(out["image"], given["image"])
    assert out["image"] is not given["image"]
    assert out["index"] is given["index"]
