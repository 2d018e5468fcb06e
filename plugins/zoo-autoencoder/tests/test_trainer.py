"""The trainer: noise, divergence and losses against references, and runs from `zoo.fit`."""

from __future__ import annotations

import copy
import statistics

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.overrides import TorchFunctionMode
from zoo_autoencoder.losses import PixelBCE
from zoo_autoencoder.model import divergence
from zoo_autoencoder.trainer import AutoencoderTrainer

import zoo
from zoo.builtin.losses import L1, MSE
from zoo.compose.instantiate import make
from zoo.experiments.phases import unseen
from zoo.interfaces.execution import Execution
from zoo.runtime.data_arguments import as_dataset
from zoo.spec.errors import OptionError, ShapeError, TrainingError

SMALL = {"name": "conv_encoder", "channels": [4, 8], "batch_norm": False}
DIGITS = {"name": "digits", "per_class": 12}


def build(**options):
    return zoo.build("autoencoder", encoder=SMALL, in_channels=1, input_size=8, seed=0, **options)


def batch(count=6):
    image = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    return {"image": image, "target": image, "index": torch.arange(count)}


def ready(model, loss=None, **options):
    trainer = AutoencoderTrainer(**options)
    trainer.setup(model, loss or MSE(), Execution())
    model.train()
    return trainer


def test_the_divergence_is_torchs():
    g = torch.Generator().manual_seed(0)
    mean, spread = torch.randn(5, 3, 2, 2, generator=g), torch.randn(5, 3, 2, 2, generator=g)
    expected = kl_divergence(Normal(mean, (spread / 2).exp()), Normal(0.0, 1.0)).sum((1, 2, 3))
    torch.testing.assert_close(divergence(mean, spread), expected)


def test_pixel_bce_is_torchs():
    g = torch.Generator().manual_seed(0)
    output, target = torch.rand(3, 1, 4, 4, generator=g), torch.rand(3, 1, 4, 4, generator=g)
    torch.testing.assert_close(PixelBCE()(output, target), nn.functional.binary_cross_entropy(output, target))
    sure = torch.tensor([[[[0.0, 1.0]]]])
    assert float(PixelBCE()(sure, sure)) == 0
    assert bool(torch.isfinite(PixelBCE()(sure, 1 - sure)))
    with torch.autocast("cpu", torch.bfloat16):
        assert PixelBCE()(output.bfloat16(), target).dtype == torch.float32
    with pytest.raises(ShapeError, match="alike, got 3 x 1 x 4 x 4 and 1 x 4 x 4"):
        PixelBCE()(output, target[0])


@pytest.mark.parametrize("loss", [MSE, L1, PixelBCE])
def test_a_step_is_torchs_own_with_the_noise_of_the_global_generator(loss):
    model = build()
    twin = copy.deepcopy(model).train()
    trainer = ready(model, loss(), optimizer="sgd", lr=0.1, noise=0.3, mask=0.25)
    plain, data = torch.optim.SGD(twin.parameters(), lr=0.1), batch()
    for step in range(2):
        torch.manual_seed(step)
        logs = trainer.step(data)
        torch.manual_seed(step)
        noisy = (data["image"] + 0.3 * torch.randn(6, 1, 8, 8)).clamp(0, 1)
        noisy = torch.where(torch.rand(6, 1, 8, 8) < 0.25, 0.0, noisy)
        expected = loss()(twin(noisy), data["image"])
        plain.zero_grad()
        expected.backward()
        plain.step()
        torch.testing.assert_close(logs["loss"], expected.detach())
    for one, two in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize(("beta", "weight"), [(None, 1.0), (0.0, 0.0), (4.0, 4.0)])
def test_the_loss_of_a_variational_model_is_restoring_plus_beta_divergence(beta, weight):
    model = build(latent=2, variational=True)
    twin, data = copy.deepcopy(model).train(), batch()
    torch.manual_seed(3)
    logs = ready(model, beta=beta).step(data)
    torch.manual_seed(3)
    mean, spread = twin.code(data["image"])
    drawn = mean + torch.randn(mean.shape) * (spread / 2).exp()
    restored = nn.functional.mse_loss(twin.decode(drawn, (8, 8)), data["image"])
    nats = kl_divergence(Normal(mean, (spread / 2).exp()), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(logs["loss_reconstruction"], restored.detach())
    torch.testing.assert_close(logs["loss_kl"], (weight * nats / 64).detach())
    torch.testing.assert_close(logs["loss"], (restored + weight * nats / 64).detach())


def test_masked_pixels_are_lost_in_all_channels_and_as_many_as_said():
    trainer = AutoencoderTrainer(mask=0.25)
    image = torch.ones(50, 3, 16, 16)
    seen = trainer.corrupted(image, torch.zeros(0), torch.rand(50, 1, 16, 16))
    assert torch.equal(seen[:, :1].expand_as(seen), seen)
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    assert float(1 - seen.mean()) == pytest.approx(0.25, abs=0.01)


def test_micro_batches_give_the_gradients_of_the_whole():
    found = []
    for size in (None, 3):
        model = build()
        trainer = ready(model, optimizer="sgd", lr=0.1, noise=0.2, micro_batch_size=size)
        for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.eval()  # which would see other batches
        torch.manual_seed(0)
        found.append((trainer.step(batch(7))["loss"], *model.parameters()))
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two)
    variational = build(latent=2, variational=True)
    logs = ready(variational, micro_batch_size=4).step(batch(7))
    torch.testing.assert_close(logs["loss"], logs["loss_reconstruction"] + logs["loss_kl"])


def test_validation_noise_is_the_same_each_time_in_any_batch():
    model = build()
    trainer = ready(model, noise=0.4)
    data = batch()
    one = trainer.evaluate([data])
    torch.manual_seed(9)
    halves = [{k: v[part] for k, v in data.items()} for part in (slice(2), slice(2, None))]
    two = trainer.evaluate(halves)
    assert one == pytest.approx(two, rel=1e-5)
    other = trainer.evaluate([{**data, "index": data["index"] + 1}])
    assert other["psnr_noisy"] != one["psnr_noisy"]
    assert model.training


def test_psnr_is_scikit_images():
    model, data = build(), batch()
    trainer = ready(model, noise=0.4, mask=0.1)
    values = trainer.evaluate([data])
    sheet = trainer.draw()["images"].columns
    assert list(sheet) == ["original", "noisy", "restored"]
    for name, column in (("psnr", "restored"), ("psnr_noisy", "noisy")):
        pairs = zip(sheet["original"].numpy(), sheet[column].numpy(), strict=True)
        expected = statistics.fmean(peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs)
        assert values[name] == pytest.approx(expected, abs=1e-3)
    with torch.no_grad():
        restored = model.eval()(sheet["noisy"])
    torch.testing.assert_close(restored, sheet["restored"])
    assert values["loss"] == pytest.approx(float(nn.functional.mse_loss(restored, data["image"])), rel=1e-5)


def test_without_noise_there_is_none():
    trainer = ready(build())
    assert "psnr_noisy" not in trainer.evaluate([batch()])
    assert list(trainer.draw()["images"].columns) == ["original", "restored"]


def test_beside_a_variational_model_its_divergence_is_measured():
    model = build(latent=2, variational=True)
    values = ready(model, beta=0.5).evaluate([batch(4), batch(2)])
    mean, spread = (x.detach() for x in model.eval().code(torch.cat([batch(4)["image"], batch(2)["image"]])))
    nats = float(divergence(mean, spread).mean())
    assert values["kl"] == pytest.approx(nats, rel=1e-5)
    assert values["loss_kl"] == pytest.approx(0.5 * nats / 64, rel=1e-5)
    assert values["loss"] == pytest.approx(values["loss_reconstruction"] + values["loss_kl"])


def test_what_does_not_fit_is_said_before_any_work():
    with pytest.raises(
        OptionError, match="beta: expected a variational model, got a plain one; leave it out"
    ):
        ready(build(), beta=1.0)
    classifier = zoo.build("conv_encoder", head="multiclass", classes=3)
    with pytest.raises(TrainingError, match="expected a model that restores images, got task multiclass"):
        ready(classifier)
    model = build(latent=2, freeze="none")
    for p in model.parameters():
        p.requires_grad_(False)
    with pytest.raises(TrainingError, match="nothing to train"):
        ready(model)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"noise": -0.1}, "noise"),
        ({"noise": 2}, "noise"),
        ({"mask": 1}, "mask"),
        ({"beta": -1}, "beta"),
        ({"nois": 0.1}, "did you mean noise"),
        ({"monitor": "val_accuracy"}, "val_psnr"),
    ],
)
def test_a_bad_option_is_one_line(options, words, tmp_path):
    with pytest.raises(OptionError, match=words) as caught:
        zoo.fit(build(), DIGITS, epochs=1, out=tmp_path / "run", **options)
    assert "\n" not in str(caught.value)


def test_a_rate_by_part_and_a_frozen_encoder(tmp_path):
    model = build(latent=2)
    model.origin = "trained"
    model.freeze("encoder")
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    rates = {"bottleneck": 1e-2, "expand": 1e-2, "decoder": 1e-3}
    run = zoo.fit(model, DIGITS, epochs=1, lr=rates, noise=0.2, out=tmp_path / "run")
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())
    assert run.model.frozen == ("encoder.block1", "encoder.block2")


def test_a_run_takes_the_tasks_own_trainer_and_loss_and_draws_its_images(tmp_path):
    model = build(latent=2, variational=True)
    run = zoo.fit(model, DIGITS, epochs=2, noise=0.3, beta=0.1, out=tmp_path / "run")
    assert model.recipe.trainer["name"] == "autoencoder:autoencoder"
    assert model.recipe.loss == "core:mse"
    names = {"val_loss", "val_psnr", "val_psnr_noisy", "val_loss_reconstruction", "val_loss_kl", "loss_kl"}
    assert names <= set(run.history[-1])
    assert run.history[0]["val_psnr_noisy"] == run.history[1]["val_psnr_noisy"]
    images = sorted(file.name for file in (tmp_path / "run" / "images").iterdir())
    assert images == ["epoch-0001.png", "epoch-0002.png"]
    assert model.labels == ()  # those of the digits are none of its outputs
    again = zoo.load(tmp_path / "run")
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(again(x), model(x))


def test_images_without_targets_and_without_classes_will_do(tmp_path):
    model = zoo.build("autoencoder", encoder=SMALL, input_size=16, seed=0)
    run = zoo.fit(model, {"name": "photos", "size": 32, "per_photo": 2}, epochs=1, out=tmp_path / "run")
    assert run.metrics["psnr"] > 0


@pytest.mark.parametrize("counts", [{"": 12}, {"cats": 12}, {"cats": 44, "dogs": 3}], ids=str)
def test_folders_of_any_layout_will_do_and_rare_classes_are_no_matter(counts, tmp_path, recwarn):
    rng = np.random.default_rng(0)
    for label, count in counts.items():
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (10, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{i}.png")
    model = zoo.build("autoencoder", encoder=SMALL, latent=2, input_size=8, seed=0)
    run = zoo.fit(model, tmp_path / "data", epochs=1, out=tmp_path / "run")
    assert sum(run.images.values()) == sum(counts.values())
    assert not recwarn.list


def test_precision_is_the_runs(tmp_path):
    model = build(latent=2, variational=True)
    run = zoo.fit(model, DIGITS, epochs=1, precision="bf16", noise=0.1, beta=0.1, out=tmp_path / "run")
    assert all(np.isfinite(value) for value in run.metrics.values())
    run = zoo.fit(build(), DIGITS, epochs=1, precision="bf16", loss="pixel-bce", out=tmp_path / "bce")
    assert np.isfinite(run.metrics["loss"])


def test_evaluating_gives_psnr_and_error_of_what_is_restored():
    model = build()
    figures = zoo.evaluate(model, DIGITS, split="all")
    digits = as_dataset(DIGITS)
    clean = [digits[i].image / 255 for i in range(len(digits))]
    found = zoo.predict(model, [digits[i].image for i in range(len(digits))])
    restored = [np.moveaxis(np.asarray(item.image), 0, -1) for item in found]
    ratios = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(clean, restored, strict=True)]
    assert figures.metrics["psnr"] == pytest.approx(statistics.fmean(ratios), abs=1e-3)
    errors = [np.abs(a - b).mean() for a, b in zip(clean, restored, strict=True)]
    assert figures.metrics["mae"] == pytest.approx(statistics.fmean(errors), abs=1e-5)
    assert figures.on.count == 120


def test_prediction_writes_the_restored_images(tmp_path):
    model = build()
    (found,) = zoo.predict(model, batch(1)["image"], out=tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as image:
        pixels = np.asarray(image)
    assert np.array_equal(pixels, np.rint(np.asarray(found.image)[0] * 255).astype(np.uint8))
    zoo.predict(model, batch(3)["image"], out=tmp_path / "several")
    assert len(list((tmp_path / "several").iterdir())) == 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
def test_it_denoises_by_more_than_four_decibels(tmp_path):
    model = zoo.build("autoencoder", in_channels=1, input_size=8, seed=0)
    run = zoo.fit(model, "digits", noise=0.4, epochs=8, lr=2e-3, schedule="one-cycle", out=tmp_path / "run")
    assert run.metrics["psnr"] - run.metrics["psnr_noisy"] >= 4


@pytest.mark.slow
def test_with_fifty_labels_a_frozen_trained_encoder_beats_the_same_network_from_scratch(tmp_path):
    head = {"name": "multiclass", "pool": "flatten"}
    labels = {"epochs": 20, "batch_size": 10, "lr": 2e-3, "monitor": "loss"}
    few = {"name": "digits", "per_class": 7}
    scores: dict[str, list[float]] = {"frozen": [], "scratch": []}
    for seed in range(2):
        rest, (train, _) = unseen(zoo.Recipe(model={"name": "conv_encoder"}, data=few), seed)
        assert train == 50
        model = zoo.build("autoencoder", in_channels=1, input_size=8, seed=seed)
        rate = {"batch_size": 64, "lr": 4e-3, "schedule": "one-cycle"}
        zoo.fit(model, "digits", seed=seed, noise=0.4, epochs=8, **rate, out=tmp_path / f"ae{seed}")
        common = {"head": head, "classes": 10, "seed": seed}
        arms = {
            "frozen": zoo.build(f"file:{tmp_path}/ae{seed}", freeze="all", **common),
            "scratch": zoo.build("conv_encoder", in_channels=1, input_size=8, **common),
        }
        for name, arm in arms.items():
            zoo.fit(arm, few, seed=seed, **labels, out=tmp_path / f"{name}{seed}")
            scores[name].append(zoo.evaluate(arm, rest, split="all").metrics["accuracy"])
    assert statistics.fmean(scores["frozen"]) > statistics.fmean(scores["scratch"])


class NoDoubles(TorchFunctionMode):
    """An accelerator without double precision: only what was brought to the CPU before becomes double."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.double:
            assert getattr(args[0], "home", False), "double precision off the CPU"
        found = func(*args, **(kwargs or {}))
        if func is torch.Tensor.cpu:
            found.home = True
        return found


def test_the_divergence_is_measured_where_there_is_no_double_precision():
    trainer = ready(build(latent=2, variational=True))
    expected = trainer.evaluate([batch()])
    with NoDoubles():
        assert trainer.evaluate([batch()]) == expected


def test_the_chart_of_the_parts_has_what_training_logs():
    parts = {"mse": 1.0, "l1": 0.5}
    for loss in (MSE(), make("loss", {"name": "perceptual", "parts": parts})):
        trainer = ready(build(latent=2, variational=True), loss)
        logged = {name for name in trainer.step(batch()) if name.startswith("loss_")}
        drawn = {name for name in trainer.charts["parts of the loss"] if not name.startswith("val_")}
        assert drawn == logged
        measured = {f"val_{name}" for name in trainer.evaluate([batch()])}
        assert {f"val_{name}" for name in drawn} <= measured


class Part(Execution):
    """One process of several."""

    def __init__(self, process, processes):
        super().__init__()
        self.process, self.processes = process, processes


def noise_of(process, processes, count):
    """What a step of one process spoils its images with, and the noise of its latents."""
    seen = []
    trainer = AutoencoderTrainer(noise=0.3, mask=0.2)
    trainer.setup(build(latent=2, variational=True), MSE(), Part(process, processes))
    trainer.corrupted = lambda image, *draws: seen.extend(draws) or image
    restore = trainer.model.restore

    def noted(x, noise):
        seen.append(noise(torch.zeros(count, 2)))
        return restore(x, noise)

    trainer.model.restore = noted
    trainer.model.train()
    torch.manual_seed(0)
    trainer.step(batch(count))
    return seen


def test_processes_draw_together_what_one_would():
    whole, *parts = noise_of(0, 1, 6), noise_of(0, 2, 3), noise_of(1, 2, 3)
    for one, *several in zip(whole, *parts, strict=True):
        assert torch.equal(one[0::2], several[0])
        assert torch.equal(one[1::2], several[1])
        assert not torch.equal(*several)
