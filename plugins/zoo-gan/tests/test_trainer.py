"""What a step of each side changes, the average, the warnings, and what a resumed run needs."""

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from zoo_gan.health import Watch, balance, spread
from zoo_gan.trainer import GAN

import zoo
from zoo.compose.instantiate import make
from zoo.compose.parts import recorded
from zoo.data.sources.torch_dataset import TorchData
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.spec.errors import OptionError, TrainingError
from zoo.testing import check_resuming

GENERATOR = {"name": "dcgan_generator", "width": 8, "latent": 8}
DISCRIMINATOR = {"name": "dcgan_discriminator", "channels": [8, 16], "head": "binary"}


def pair(**options: Any) -> Model:
    parts = {"generator": GENERATOR, "discriminator": DISCRIMINATOR, **options}
    return zoo.build("dcgan", in_channels=1, input_size=8, seed=0, **parts)


def adversarial(**options: Any) -> Loss:
    loss: Loss = make("loss", {"name": "adversarial", **options})
    return loss


def started(model: Model, loss: Loss | None = None, **options: Any) -> GAN:
    trainer = GAN(**options)
    trainer.setup(model, loss or adversarial(), Execution(steps=2))
    model.train()
    return trainer


def batch(count: int = 8, seed: int = 0) -> dict[str, Tensor]:
    image = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    return {"image": image, "index": torch.arange(count)}


def moved(network: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


KINDS = ["minimax", "non-saturating", "least-squares", "hinge", "wasserstein"]


@pytest.mark.parametrize("kind", KINDS)
def test_neither_step_changes_anything_of_the_other_network(kind: str) -> None:
    model = pair()
    trainer = started(model, adversarial(kind=kind, gradient_penalty=0))
    generator, discriminator = model.networks.values()
    before = copy.deepcopy([generator.state_dict(), discriminator.state_dict()])
    trainer.execution.begin(8)
    trainer._oppose(batch())
    assert not moved(generator, before[0])
    changed = moved(discriminator, before[1])
    assert "backbone.block2.norm.running_mean" in changed
    # Moving all logits at once changes nothing in hinge and Wasserstein games.
    assert set(dict(discriminator.named_parameters())) - {"head.last.bias"} <= changed
    before[1] = copy.deepcopy(discriminator.state_dict())
    trainer._deceive(batch())
    assert not moved(discriminator, before[1])
    assert all(p.grad is None for p in discriminator.parameters())
    assert all(p.requires_grad for p in discriminator.parameters())
    changed = moved(generator, before[0])
    assert "project.bn.running_mean" in changed
    assert {"project.fc.weight", "picture.conv.weight"} <= changed


def test_one_step_is_the_formula_worked_out_by_hand() -> None:
    model = pair()
    twin = copy.deepcopy(model).train()
    trainer = started(model, optimizer="sgd", lr={"generator": 0.1, "discriminator": 0.2})
    torch.manual_seed(5)
    trainer.step(batch())
    generator, discriminator = twin.networks.values()
    state = copy.deepcopy(generator.state_dict())
    torch.manual_seed(5)
    fake = generator(torch.randn(8, 8)).detach()
    generator.load_state_dict(state)
    entropy = nn.BCEWithLogitsLoss()
    real, made = discriminator(batch()["image"]), discriminator(fake)
    (entropy(real, torch.ones(8, 1)) + entropy(made, torch.zeros(8, 1))).backward()
    with torch.no_grad():
        for p in discriminator.parameters():
            p.sub_(0.2 * p.grad)
    kept = copy.deepcopy(discriminator.state_dict())
    entropy(discriminator(generator(torch.randn(8, 8))), torch.ones(8, 1)).backward()
    discriminator.load_state_dict(kept)
    with torch.no_grad():
        for p in generator.parameters():
            p.sub_(0.1 * p.grad)
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-5, atol=1e-7)


def test_the_generator_waits_for_its_turn() -> None:
    model = pair()
    trainer = started(model, discriminator_steps=3)
    before = copy.deepcopy(model.networks["generator"].state_dict())
    for turn in (1, 2, 3):
        logged = trainer.step(batch())
        assert ("loss_generator" in logged) == bool(moved(model.networks["generator"], before)) == (turn == 3)


def test_micro_batches_change_nothing_but_batch_norm() -> None:
    parts = {"discriminator": {"name": "mlp", "hidden": [8], "head": "binary"}}
    ends = []
    for size in (None, 3):
        model = pair(**parts)
        trainer = started(model, micro_batch_size=size, optimizer="sgd", lr=0.1, clip_norm=0.5)
        torch.manual_seed(0)
        latents = torch.randn(8, 8)
        model.networks["generator"].eval()  # no statistics of a batch
        given = iter([*latents.split(size or 8)] * 2)
        trainer._latents = lambda _, given=given: next(given)  # type: ignore[method-assign]
        logged = trainer.step(batch())
        ends.append((model.state_dict(), logged))
    (one, a), (two, b) = ends
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one)
    assert {k: float(v) for k, v in a.items()} == pytest.approx({k: float(v) for k, v in b.items()}, rel=1e-4)


def test_gradients_are_clipped_for_each_network_alone() -> None:
    model = pair()
    before = copy.deepcopy(model.state_dict())
    started(model, optimizer="sgd", lr=1.0, clip_norm=1e-3).step(batch())
    for name, network in model.networks.items():
        steps = [p.detach() - before[f"{name}.{key}"] for key, p in network.named_parameters()]
        assert 0 < float(torch.cat([s.flatten() for s in steps]).norm()) <= 1.001e-3


def test_the_model_holds_the_average_and_the_trainer_what_is_trained() -> None:
    plain, averaged = pair(), pair()
    one, two = started(plain, ema=None), started(averaged, ema=0.9)
    expected = {k: v.clone() for k, v in averaged.networks["generator"].state_dict().items()}
    for turn in range(3):
        for trainer in (one, two):
            torch.manual_seed(turn)
            trainer.step(batch(seed=turn))
        decay = min(0.9, (1 + turn) / (10 + turn))
        trained = plain.networks["generator"].state_dict()
        for name, value in expected.items():
            if value.is_floating_point():
                expected[name] = decay * value + (1 - decay) * trained[name]
    held = averaged.networks["generator"].state_dict()
    assert all(torch.equal(v, trained[k]) for k, v in two.trained.state_dict().items())
    for name, value in expected.items():
        if value.is_floating_point():
            torch.testing.assert_close(held[name], value, rtol=1e-5, atol=1e-7)
    assert not torch.equal(held["project.fc.weight"], trained["project.fc.weight"])


def test_wrong_models_losses_and_options_are_refused_before_work() -> None:
    with pytest.raises(TrainingError, match=r"expected a generator and a discriminator, got ComposedModel"):
        started(zoo.build("small_cnn", head="binary", seed=0))
    with pytest.raises(TrainingError, match=r"a loss that a discriminator takes part in, got L1"):
        started(pair(), make("loss", "l1"))
    with pytest.raises(OptionError, match="lr: unknown part"):
        started(pair(), lr={"generator": 1e-4, "discriminater": 1e-4})
    frozen = pair()
    with pytest.warns(zoo.ZooWarning, match="random weights"):
        for stage in ("project", "picture"):
            frozen.freeze(f"generator.{stage}")
    with pytest.raises(TrainingError, match="expected something to train, got all frozen"):
        started(frozen)
    for options, message in (
        ({"early_stopping": 3}, "monitor='val_diversity' beside early_stopping"),
        ({"schedule": "plateau"}, "monitor='val_diversity' beside early_stopping"),
        ({"optimizer": "sgd", "betas": (0.5, 0.9)}, "betas of .* and adamax, not of sgd"),
    ):
        with pytest.raises(OptionError, match=message):
            make("trainer", {"name": "gan", **options})


def test_balance_is_the_area_under_the_roc_curve() -> None:
    from sklearn.metrics import roc_auc_score

    torch.manual_seed(0)
    real, fake = torch.randn(40, 1).round(decimals=1) + 0.5, torch.randn(30, 1).round(decimals=1)
    expected = roc_auc_score([1] * 40 + [0] * 30, torch.cat([real, fake])[:, 0].numpy())
    assert float(balance(real, fake)) == pytest.approx(expected, abs=1e-6)


def test_spread_is_the_mean_distance_whatever_the_contrast() -> None:
    from scipy.spatial.distance import pdist

    images = torch.rand(7, 3, 4, 4)
    likeness = 1 - pdist(images.flatten(1).numpy(), "correlation")
    expected = np.sqrt(2 - 2 * likeness).mean()
    assert float(spread(images)) == pytest.approx(expected, rel=1e-5)
    assert float(spread(images / 10 + 0.5)) == pytest.approx(expected, rel=1e-4)
    assert float(spread(torch.full((3, 1, 4, 4), 0.3))) == pytest.approx(0, abs=1e-3)


class Constant(nn.Module):
    """In the place of a tanh: the same image for every latent vector."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 0 + 0.3


def figures(trainer: GAN, epochs: int = 6) -> None:
    for epoch in range(1, epochs + 1):
        steps = [trainer.step(batch(32, seed=i)) for i in range(2)]
        values = {k: float(torch.stack([s[k] for s in steps]).mean()) for k in steps[0]}
        trainer.end_epoch(epoch, {"epoch": epoch, **values})


def test_a_generator_of_one_image_is_warned_of_once() -> None:
    model = pair()
    model.networks["generator"].picture.tanh = Constant()
    with pytest.warns(zoo.ZooWarning, match=r"has collapsed: for 5 epochs .* 0% as much") as said:
        figures(started(model), epochs=12)
    assert len(said) == 1


def test_a_discriminator_that_has_won_is_warned_of() -> None:
    model = pair()
    trainer = started(model, lr={"generator": 1e-9, "discriminator": 1e-2})
    with pytest.warns(zoo.ZooWarning, match="the discriminator has won: for 5 epochs it has told 100.0% of"):
        figures(trainer, epochs=60)


def test_the_watch_waits_and_forgets() -> None:
    watch, healthy = Watch(), {"loss_discriminator": 1.3, "balance": 0.8, "diversity": 0.9}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            for _ in range(4):
                watch.look({**healthy, "diversity": 0.1})
            watch.look(healthy)
        twin = Watch()
        for _ in range(4):
            watch.look({**healthy, "diversity": 0.1})
        twin.load_state_dict(watch.state_dict())
    with pytest.warns(zoo.ZooWarning, match="collapsed"):
        twin.look({**healthy, "diversity": 0.1})


def run(out: Path, **options: Any) -> Any:
    settings = {"epochs": 2, "batch_size": 16, "samples": 4, "out": out, **options}
    return zoo.fit(pair(), {"name": "digits", "per_class": 6}, **settings)


def test_a_healthy_run_is_quiet_and_draws_the_same_latents_each_epoch(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = run(tmp_path / "run", ema=0.9, lr=1e-3, epochs=8)
    row = done.history[-1]
    assert {"balance", "diversity", "val_balance", "val_diversity", "loss_real", "loss_fake"} <= set(row)
    assert done.best_epoch == 8
    names = [f"epoch-{i:04}.png" for i in range(1, 9)]
    assert sorted(p.name for p in (tmp_path / "run" / "samples").iterdir()) == names
    assert (tmp_path / "run" / "curves.png").exists()
    assert torch.equal(zoo.sample(tmp_path / "run", 4, seed=0), done.model.sample(4, seed=0))
    assert done.model.networks["generator"].origin == "trained on digits"


RESUMED: list[dict[str, Any]] = [
    {"ema": 0.9, "schedule": "cosine", "discriminator_steps": 2},
    {"loss": {"name": "adversarial", "kind": "wasserstein"}, "clip_norm": 1.0, "ema": 0.9},
]


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 4, 7])
@pytest.mark.parametrize("options", RESUMED)
def test_a_killed_run_ends_as_an_unbroken_one(tmp_path: Path, at: int, options: dict[str, Any]) -> None:
    parts = {"discriminator": {**DISCRIMINATOR, "norm": "layer"}} if "loss" in options else {}
    data = {"name": "digits", "per_class": 6}
    settings = {"epochs": 3, "batch_size": 16, "samples": 4, "checkpoint_every": 0, **options}
    check_resuming(lambda out: zoo.fit(pair(**parts), data, out=out, **settings), tmp_path, after=[at])


@pytest.mark.slow
def test_a_finished_run_goes_on_for_longer_as_one_that_was_longer_from_the_start(tmp_path: Path) -> None:
    options = {"ema": 0.9, "discriminator_steps": 2, "schedule": {"name": "step", "every": 2}}
    whole = run(tmp_path / "whole", epochs=4, **options)
    run(tmp_path / "short", epochs=2, **options)
    longer = zoo.fit(resume=tmp_path / "short", epochs=4)
    a, b = whole.model.state_dict(), longer.model.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert longer.best_epoch == 4


@pytest.mark.slow
def test_a_stretched_schedule_is_told_for_each_network(tmp_path: Path) -> None:
    run(tmp_path / "run", schedule="linear", lr={"generator": 1e-4, "discriminator": 4e-4})
    said = "learning rate generator 5e-05, discriminator 0.0002: the linear schedule is stretched"
    with pytest.warns(zoo.ZooWarning, match=said):
        zoo.fit(resume=tmp_path / "run", epochs=4)


def test_data_without_classes_and_a_last_batch_of_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = TorchData([(rng.random((8, 8, 1), dtype=np.float32), 0.0) for _ in range(13)])
    done = zoo.fit(pair(), data, epochs=1, batch_size=4, samples=4, out=tmp_path / "run")
    assert np.isfinite(done.history[-1]["diversity"])


def test_what_is_recorded_of_its_optimizer_is_what_it_takes() -> None:
    own = recorded("trainer", "gan:gan")
    assert (own["optimizer"]["betas"], own["betas"]) == ([0.5, 0.999], None)
    assert recorded("trainer", own) == own
    assert make("trainer", own).options.settled_optimizer.values["betas"] == (0.5, 0.999)
    sgd = recorded("trainer", {"name": "gan:gan", "optimizer": "sgd", "momentum": 0.9})
    assert make("trainer", sgd).options.settled_optimizer.values["momentum"] == 0.9


class Part(Execution):
    """One process of two, each of which has half of the images."""

    def __init__(self, process: int, everyone: torch.Tensor) -> None:
        super().__init__(steps=2)
        self.process, self.processes, self.everyone = process, 2, everyone

    def gather_rows(self, values: torch.Tensor) -> tuple[torch.Tensor, int]:
        return self.everyone, self.process * len(values)


def test_processes_measure_together_what_one_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each looks at its own images, and at as many of those that one process would have made."""
    whole = batch(8)
    alone = GAN()
    alone.setup(pair(), adversarial(), Execution())
    expected, seen = alone.evaluate([whole]), list[torch.Tensor]()
    for process in (0, 1):
        trainer = GAN()
        trainer.setup(pair(), adversarial(), Part(process, whole["image"]))
        judge = trainer.pair.discriminator
        judge.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
        own = slice(4 * process, 4 * process + 4)
        found = trainer.evaluate([{key: value[own] for key, value in whole.items()}])
        assert found["diversity"] == expected["diversity"]
    assert torch.equal(torch.cat(seen[::2]), whole["image"])
    assert torch.equal(torch.cat(seen[1::2]), pair().sample(8, seed=0))


def test_a_loss_that_compares_images_which_belong_to_nothing_is_refused() -> None:
    parts = {"content": {"loss": "l1", "weight": 1.0}, "game": {"loss": "adversarial", "weight": 1.0}}
    with pytest.raises(TrainingError, match=r"which compares them in content; loss=\"adversarial\""):
        started(pair(), make("loss", {"name": "perceptual", "parts": parts}))
    state = torch.random.get_rng_state()
    started(pair(), make("loss", {"name": "perceptual", "parts": {"game": parts["game"]}}))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_an_augmenter_that_changes_the_real_images_alone_is_refused(tmp_path: Path) -> None:
    data = TorchData([(torch.rand(1, 8, 8), 0) for _ in range(8)])
    with pytest.raises(TrainingError, match="fit: augment: expected none: GAN trains a model to make images"):
        zoo.fit(pair(), data, loss="adversarial", trainer="gan", augment="flip", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
