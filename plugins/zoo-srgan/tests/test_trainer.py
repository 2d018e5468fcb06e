"""The trainer: phases, what a step leaves alone, degradations, averages, what a run writes."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

import zoo
from zoo.cli import main
from zoo.compose.instantiate import make
from zoo.interfaces.augmenter import Batch
from zoo.interfaces.execution import Execution
from zoo.interfaces.model import Model
from zoo.spec.errors import OptionError, TrainingError

GENERATOR: dict[str, Any] = {"name": "srresnet", "scale": 2, "width": 4, "blocks": 1, "input_size": 32}
JUDGE: dict[str, Any] = {
    "name": "srgan_discriminator", "width": 4, "input_size": 32,
    "head": {"name": "binary", "pool": "flatten", "hidden": [4], "activation": "leaky-relu"},
}  # fmt: skip
LOSS = {"name": "perceptual", "parts": {"l1": 1.0, "adversarial": 0.1}}
PHOTOS = {"name": "photos", "size": 32, "per_photo": 2}
SMALL = {"batch_size": 6, "lr": 1e-3}

pytestmark = pytest.mark.filterwarnings("ignore:the generator meets:zoo.ZooWarning")


def pair(**options: Any) -> Model:
    return zoo.build("srgan", **{"generator": GENERATOR, "discriminator": JUDGE, "seed": 0, **options})


def alone(**options: Any) -> Model:
    return zoo.build(**{**GENERATOR, "seed": 0, **options})


def trainer(model: Model, loss: Any = LOSS, steps: int = 1, **options: Any) -> Any:
    made = make("trainer", {"name": "srgan", **SMALL, **options})
    made.setup(model.train(), make("loss", loss), Execution(steps))
    return made


def batch(model: Model, seed: int = 0) -> Batch:
    image = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
    return model.examples({"image": image, "index": torch.arange(6)})


def state(network: torch.nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(network.state_dict())


def moved(before: Mapping[str, Tensor], network: torch.nn.Module) -> set[str]:
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


def test_each_networks_step_changes_nothing_of_the_other_one() -> None:
    model = pair()
    made = trainer(model)
    given = batch(model)
    made.execution.begin(6)
    before = state(model.generator), state(model.discriminator)
    made._oppose(given)
    assert moved(before[0], model.generator) == set()
    assert {"backbone.block1.bn2.running_mean", "head.last.weight"} <= moved(before[1], model.discriminator)
    before = state(model.generator), state(model.discriminator)
    made._improve(given)
    assert moved(before[1], model.discriminator) == set()
    assert {"body.bn.running_mean", "last.conv.weight"} <= moved(before[0], model.generator)
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_before_the_game_the_mean_squared_error_alone_trains_the_generator_alone() -> None:
    model = pair()
    made = trainer(model, epochs=3, pretrain_epochs=1)
    before = state(model.discriminator)
    given = batch(model)
    expected = F.mse_loss(copy.deepcopy(model.generator)(given["image"]), given["target"])
    logged = made.step(given)
    assert set(logged) == {"loss"}
    torch.testing.assert_close(logged["loss"], expected.detach())
    assert moved(before, model.discriminator) == set()
    made.end_epoch(1, {"epoch": 1})
    logged = made.step(given)
    assert set(logged) == {"loss", "loss_l1", "loss_adversarial", "loss_discriminator", "real", "fake"}
    torch.testing.assert_close(logged["loss"], logged["loss_l1"] + logged["loss_adversarial"])
    assert moved(before, model.discriminator)


def test_the_first_step_of_the_game_is_that_of_the_formulas() -> None:
    model = pair()
    twin = copy.deepcopy(model)
    given = batch(model)
    made = trainer(model)
    made.step(given)
    judge, generator = twin.discriminator.train(), twin.generator.train()
    theirs = torch.optim.Adam(judge.parameters(), lr=1e-3)
    fake = generator(given["image"]).detach()
    (F.softplus(-judge(given["target"])).mean() + F.softplus(judge(fake)).mean()).backward()
    theirs.step()
    ours = torch.optim.Adam(generator.parameters(), lr=1e-3)
    output = generator(given["image"])
    (F.l1_loss(output, given["target"]) + 0.1 * F.softplus(-judge(output)).mean()).backward()
    ours.step()
    for name, value in twin.generator.named_parameters():
        torch.testing.assert_close(model.generator.get_parameter(name), value, msg=name)
    for name, value in twin.discriminator.named_parameters():
        torch.testing.assert_close(model.discriminator.get_parameter(name), value, msg=name)


def test_a_batch_in_parts_gives_the_step_of_the_whole_batch() -> None:
    ends = []
    for size in (None, 4):
        head = {**JUDGE, "batch_norm": False}
        model = pair(generator={**GENERATOR, "batch_norm": False}, discriminator=head)
        made = trainer(model, optimizer="sgd", micro_batch_size=size)
        logged = made.step(batch(model))
        ends.append((logged, state(model)))
    for name, value in ends[0][0].items():
        torch.testing.assert_close(ends[1][0][name], value, msg=name)
    for name, value in ends[0][1].items():
        torch.testing.assert_close(ends[1][1][name], value, msg=name)


def test_the_model_holds_the_average_and_the_trainer_what_is_trained() -> None:
    model = alone()
    made = trainer(model, "mse", ema=0.5)
    averaged = dict(state(model))
    for number in range(3):
        made.step(batch(model, number))
        decay = min(0.5, (1 + number) / (10 + number))
        for name, value in made.trained.state_dict().items():
            averaged[name] = (
                averaged[name] * decay + value * (1 - decay) if value.is_floating_point() else value
            )
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, averaged[name], msg=name)
    assert moved(state(model), made.trained)


def test_small_images_are_degraded_in_training_and_never_in_measuring() -> None:
    model = alone()
    given = batch(model)
    seen: list[Tensor] = []
    made = trainer(model, "mse", degrade=["blur", {"name": "noise", "std": 0.1}])
    model.first.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    for _ in range(2):
        torch.manual_seed(0)
        made.step(given)
    assert torch.equal(seen[0], seen[1])  # the same global state, the same draws: a run can be resumed
    assert 0.05 < float((seen[0] - given["image"]).std()) < 0.3
    made.evaluate([given])
    assert torch.equal(seen[2], given["image"])
    with pytest.raises(OptionError, match="augmenters that move no pixels"):
        trainer(model, "mse", degrade=["rotate"])


def test_a_loss_or_model_that_does_not_fit_is_one_line() -> None:
    with pytest.raises(OptionError, match="one with an adversarial part, got MSE"):
        trainer(pair(), "mse")
    trainer(pair(), "mse", epochs=2, pretrain_epochs=2)
    with pytest.raises(OptionError, match="Perceptual needs discriminator_logits"):
        trainer(alone(), LOSS)
    with pytest.raises(OptionError, match="pretrain_epochs of at most epochs=2"):
        trainer(pair(), LOSS, epochs=2, pretrain_epochs=3)
    with pytest.raises(TrainingError, match="a model for super-resolution, got binary"):
        trainer(zoo.build("mlp", head="binary"), "mse")
    with pytest.raises(OptionError, match="lr: unknown part"):
        trainer(alone(), "mse", lr={"discriminator": 1e-3, "generator": 1e-3})
    with pytest.raises(OptionError, match="a measured monitor beside early_stopping"):
        trainer(alone(), "mse", monitor="epoch", early_stopping=2)


def test_rates_by_network_and_schedules_of_their_own_length() -> None:
    model = pair()
    made = trainer(
        model, epochs=4, pretrain_epochs=2, lr={"generator": 1e-3, "discriminator": 1e-4}, schedule="linear"
    )
    rates = []
    for epoch in range(1, 5):
        made.step(batch(model))
        made.end_epoch(epoch, {"epoch": epoch})
        rates.append(
            (
                made.rates["generator"],
                made.rates["discriminator"],
            )
        )
    assert [r for r, _ in rates] == pytest.approx([7.5e-4, 5e-4, 2.5e-4, 0])
    assert [r for _, r in rates] == pytest.approx([1e-4, 1e-4, 5e-5, 0])


@pytest.mark.filterwarnings("ignore:the content loss:zoo.ZooWarning")
def test_a_generator_is_trained_drawn_measured_and_goes_on_in_a_pair(tmp_path: Path) -> None:
    run = zoo.fit(alone(bicubic_skip=True), PHOTOS, epochs=2, out=tmp_path / "one", **SMALL)
    assert run.model.recipe.loss == "core:mse"
    assert run.best_epoch == max(run.history, key=lambda row: row["val_psnr"])["epoch"]
    files = {p.relative_to(run.folder).as_posix() for p in run.folder.rglob("*.png")}
    assert files == {"curves.png", "images/epoch-0001.png", "images/epoch-0002.png"}
    figures = zoo.evaluate(run.model, PHOTOS)
    assert {"loss", "psnr", "ssim", "psnr_bicubic", "ssim_bicubic"} <= set(figures.metrics)

    model = pair(generator=f"file:{run.folder}", input_size=32)
    before = state(model.generator)
    assert all(torch.equal(value, run.model.state_dict()[name]) for name, value in before.items())
    content = {"name": "content", "network": {"name": "vgg11", "width": 0.125}, "tap": "block1"}
    loss = {"name": "perceptual", "parts": {"content": {"loss": content}, "adversarial": 1e-3}}
    second = zoo.fit(model, PHOTOS, loss=loss, epochs=2, out=tmp_path / "two", **SMALL)
    assert second.best_epoch == 2
    assert {"val_loss_content", "val_loss_adversarial", "real", "fake"} <= set(second.history[0])
    figures = zoo.evaluate(tmp_path / "two", PHOTOS)  # its loss needs a verdict
    assert "loss" not in figures.metrics
    assert zoo.load(tmp_path / "two").generator.scale == 2
    restored = zoo.load(tmp_path / "two")
    x = model.example_input()
    with torch.no_grad():
        assert torch.equal(restored(x), second.model(x))


def test_whole_images_are_measured_not_crops_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for i, size in enumerate([(60, 41), (50, 70)]):
        pixels = torch.rand(*size, 3, generator=torch.Generator().manual_seed(i)) * 255
        Image.fromarray(pixels.byte().numpy()).save(folder / f"{i}.png")
    seen: list[tuple[int, ...]] = []
    model = alone()
    model.register_forward_pre_hook(lambda _, x: seen.append(tuple(x[0].shape)))
    figures = zoo.evaluate(model, folder, split="all")
    assert seen == [(1, 3, 30, 20), (1, 3, 25, 35)]
    assert figures.on.count == 2


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA"])
def test_predict_writes_the_enlarged_image(tmp_path: Path, mode: str) -> None:
    pixels = torch.full((23, 31, 3), 128, dtype=torch.uint8).numpy()
    Image.fromarray(pixels).convert(mode).save(tmp_path / "small.png")
    model = alone(bicubic_skip=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        (found,) = zoo.predict(model, tmp_path / "small.png", out=tmp_path / "large.png")
    assert ["transparency" in str(item.message) for item in said] == [True] * mode.endswith("A")
    assert found.label == "62x46 pixels"
    with Image.open(tmp_path / "large.png") as image:
        assert (image.size, image.mode) == ((62, 46), "RGB")
        assert image.getextrema() == ((128, 128),) * 3  # a new network with the skip is bicubic enlargement


def test_several_images_go_into_a_folder(tmp_path: Path) -> None:
    images = [torch.rand(3, 20, 20), torch.rand(1, 10, 30)]
    zoo.predict(alone(), images, out=tmp_path / "large")
    sizes = []
    for path in sorted((tmp_path / "large").iterdir()):
        with Image.open(path) as image:
            sizes.append(image.size)
    assert sizes == [(40, 40), (60, 20)]


def test_the_command_line_enlarges_and_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zoo.save(alone(bicubic_skip=True), tmp_path / "model")
    Image.new("L", (17, 9), 200).save(tmp_path / "small.png")
    for arguments in (
        [
            "predict",
            str(tmp_path / "model"),
            str(tmp_path / "small.png"),
            "--out",
            str(tmp_path / "large.png"),
        ],
        ["evaluate", str(tmp_path / "model"), str(tmp_path), "--split", "all"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code
    out = capsys.readouterr().out
    assert "34x18 pixels" in out
    assert "psnr_bicubic" in out
    with Image.open(tmp_path / "large.png") as image:
        assert image.size == (34, 18)


class Part(Execution):
    """One process of two."""

    def __init__(self, process: int) -> None:
        super().__init__(steps=2)
        self.process, self.processes = process, 2


def test_processes_degrade_their_images_by_draws_of_their_own() -> None:
    model, degraded = alone(), []
    for execution in (Part(0), Part(1), Execution()):
        made = make("trainer", {"name": "srgan", **SMALL, "degrade": ["noise"]})
        made.setup(model.train(), make("loss", "mse"), execution)
        torch.manual_seed(0)
        same = model.examples(
            {"image": torch.full((6, 3, 32, 32), 0.5), "index": torch.zeros(6, dtype=torch.long)}
        )
        degraded.append(made._degraded({k: v[: 6 // execution.processes] for k, v in same.items()})["image"])
    first, second, whole = degraded
    assert torch.equal(first, whole[0::2])
    assert torch.equal(second, whole[1::2])
    assert not torch.equal(first, second)
