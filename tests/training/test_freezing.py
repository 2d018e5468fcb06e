"""Frozen is what the blocks say: in what is saved, in what is resumed, and in what is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo
from zoo.builtin.supervised import Supervised
from zoo.interfaces.model import Model
from zoo.spec.errors import TrainingError
from zoo.testing import killed_after
from zoo.training.feature_cache import FeatureCache

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
SHORT: dict[str, Any] = {"epochs": 3, "batch_size": 6, "lr": 0.01, "checkpoint_every": 0}

pytestmark = pytest.mark.filterwarnings("ignore:frozen:zoo.ZooWarning")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("zoo.training.feature_cache.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "features"


class Thawing(Supervised):
    """Unfreezes the second block after the first epoch, and freezes it again after the third."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._made = False

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        super().end_epoch(epoch, values)
        if epoch == 1:
            self.model.unfreeze("block2")
            self._take_in()
        elif epoch == 3:
            self.model.freeze("block2")

    def _take_in(self) -> None:
        self._made = True
        self.optimizer.add("late", self.model.backbone.block2.parameters(), lr=1e-3)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "made": self._made}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["made"]:
            self._made = True
            self.optimizer.add("late", self.model.backbone.block2.parameters(), lr=1e-3)
        super().load_state_dict({k: v for k, v in state.items() if k != "made"})


def same(one: Model, two: Model) -> bool:
    a, b = one.state_dict(), two.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_blocks_frozen_through_the_backbone_are_saved_as_frozen(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    model.freeze("block1")
    model.backbone.freeze("block2")
    zoo.save(model, tmp_path / "m")
    assert zoo.load(tmp_path / "m").frozen == model.frozen == ("block1", "block2")
    assert json.loads((tmp_path / "m" / "config.json").read_text())["recipe"]["model"]["freeze"] == "block1-2"
    model.backbone.block1.unfreeze()
    assert model.recipe.model.freeze == "block2"
    zoo.save(model, tmp_path / "m")
    again = zoo.load(tmp_path / "m")
    assert again.frozen == ("block2",)
    again.unfreeze()
    assert all(p.requires_grad for p in again.parameters())


@pytest.mark.parametrize("at", [2, 7])
def test_a_model_frozen_through_its_backbone_resumes_as_unbroken(
    make_model: Make, tmp_path: Path, at: int
) -> None:
    def model() -> Model:
        made = make_model()
        made.freeze("block1")
        made.backbone.freeze("block2")
        return made

    whole = zoo.fit(model(), FACES, out=tmp_path / "whole", **SHORT)
    with killed_after(at):
        zoo.fit(model(), FACES, out=tmp_path / "cut", **SHORT)
    resumed = zoo.fit(resume=tmp_path / "cut")
    assert same(whole.model, resumed.model)
    assert resumed.model.frozen == ("block1", "block2")


def test_a_frozen_discriminator_is_saved_and_resumed(tmp_path: Path) -> None:
    def model() -> Model:
        head = {"name": "binary", "pool": "flatten"}
        discriminator = {"name": "dcgan_discriminator", "channels": [4, 8, 8], "head": head}
        generator = {"name": "dcgan_generator", "width": 4, "latent": 6}
        parts = {"generator": generator, "discriminator": discriminator}
        pair = zoo.build("dcgan", **parts, in_channels=1, input_size=16, seed=0)
        pair.discriminator.freeze("block1")
        return pair

    zoo.save(model(), tmp_path / "m")
    again = zoo.load(tmp_path / "m")
    assert again.frozen == ("discriminator.block1",)
    assert again.discriminator.frozen == ("block1",)
    options = {"epochs": 2, "batch_size": 8, "checkpoint_every": 0}
    data = {"name": "digits", "per_class": 4}
    whole = zoo.fit(model(), data, out=tmp_path / "whole", **options)
    with killed_after(1):
        zoo.fit(model(), data, out=tmp_path / "cut", **options)
    assert same(whole.model, zoo.fit(resume=tmp_path / "cut").model)


@pytest.mark.parametrize(
    ("at", "augment"),
    [
        pytest.param(
            at, augment, marks=[] if (at, augment) in ((6, "noise"), (4, None)) else pytest.mark.slow
        )
        for at in (2, 4, 6, 9, 11)
        for augment in ("noise", None)
    ],
)
def test_a_trainer_that_unfreezes_and_freezes_resumes_as_unbroken(
    make_model: Make, tmp_path: Path, at: int, augment: str | None
) -> None:
    def begin(folder: str) -> Any:
        model, trainer = make_model(freeze="block1-2"), Thawing(epochs=4, batch_size=6, lr=0.01)
        return zoo.fit(
            model, FACES, trainer=trainer, augment=augment, out=tmp_path / folder, checkpoint_every=0
        )

    whole = begin("whole")
    with killed_after(at):
        begin("cut")
    resumed = zoo.fit(resume=tmp_path / "cut", trainer=Thawing(epochs=4, batch_size=6, lr=0.01))
    assert same(whole.model, resumed.model)
    assert not torch.equal(_first(make_model()), _first(whole.model))


def _first(model: Model) -> torch.Tensor:
    return next(model.backbone.block2.parameters())


class ThawingOnce(Thawing):
    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        if epoch != 3:
            super().end_epoch(epoch, values)


def test_what_a_trainer_unfroze_is_trainable_in_what_it_saves(make_model: Make, tmp_path: Path) -> None:
    trainer = ThawingOnce(epochs=3, batch_size=6, lr=0.01)
    run = zoo.fit(make_model(freeze="block1-2"), FACES, trainer=trainer, out=tmp_path / "run")
    assert run.model.frozen == zoo.load(run.folder).frozen == ("block1",)
    assert run.model.recipe.model.freeze == "block1"
    asked = json.loads((run.folder / "run.json").read_text())["recipe"]["model"]["freeze"]
    assert asked == "block1-2"


def test_the_best_epoch_before_a_block_was_unfrozen_has_the_block_as_it_was(
    make_model: Make, tmp_path: Path
) -> None:
    class Worse(ThawingOnce):
        def evaluate(self, batches: Any) -> dict[str, float]:
            self._seen = getattr(self, "_seen", 0) + 1
            return {**super().evaluate(batches), "loss": float(self._seen)}

    trainer = Worse(epochs=3, batch_size=6, lr=0.01)
    run = zoo.fit(make_model(freeze="block1-2"), FACES, trainer=trainer, out=tmp_path / "run")
    assert run.best_epoch == 1
    assert torch.equal(_first(run.model), _first(make_model()))
    one = zoo.fit(make_model(freeze="block1-2"), FACES, trainer=Worse(epochs=1, batch_size=6, lr=0.01),
                  out=tmp_path / "one")  # fmt: skip
    assert same(run.model, one.model)


def test_features_of_blocks_that_were_unfrozen_are_not_used_again(make_model: Make, tmp_path: Path) -> None:
    def losses(**options: Any) -> list[float]:
        trainer = Thawing(epochs=4, batch_size=6, lr=0.05)
        run = zoo.fit(make_model(freeze="block1-2"), FACES, trainer=trainer, **options)
        return [row[name] for row in run.history for name in ("loss", "val_loss")]

    plain = losses(cache=False, out=tmp_path / "plain")
    assert losses(cache=True, out=tmp_path / "cached") == pytest.approx(plain, rel=1e-4)


def test_features_of_blocks_whose_weights_were_changed_are_stale(make_model: Make, tmp_path: Path) -> None:
    from zoo.data.sources.torch_dataset import TorchData

    data = TorchData([(torch.rand(1, 16, 16).numpy().transpose(1, 2, 0), 0)])
    data.fingerprint = "one"
    model = make_model(freeze="block1")
    cache = FeatureCache(model, data, torch.device("cpu"))
    assert cache.fresh
    weight = next(model.backbone.block1.parameters())
    with torch.no_grad():
        weight.copy_(weight.clone())
    assert cache.fresh, "the values are the same"
    with torch.no_grad():
        weight.add_(1)
    assert not cache.fresh
    with torch.no_grad():
        weight.sub_(1)
    assert not cache.fresh


def test_a_frozen_block_made_trainable_by_hand_is_refused(make_model: Make, tmp_path: Path) -> None:
    model = make_model(freeze="block1")
    for parameter in model.parameters():
        parameter.requires_grad = True
    words = (
        r'frozen block1: .* \S+.requires_grad = True; model.unfreeze\("block1"\) .*requires_grad_\(False\)'
    )
    with pytest.raises(TrainingError, match=words) as caught:
        zoo.fit(model, FACES, out=tmp_path / "run", **SHORT)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    assert "zoo.fit will refuse it: frozen block1" in str(model.summary())
    model.unfreeze("block1")
    zoo.fit(model, FACES, out=tmp_path / "run", **SHORT)


def test_a_frozen_block_put_in_training_mode_by_hand_does_not_move(make_model: Make, tmp_path: Path) -> None:
    model = make_model(freeze="block1")
    before = {name: value.clone() for name, value in model.backbone.block1.state_dict().items()}
    for child in model.backbone.block1.children():
        child.train()
    zoo.fit(model, FACES, out=tmp_path / "run", augment="noise", **SHORT)
    assert all(torch.equal(value, before[k]) for k, value in model.backbone.block1.state_dict().items())


class Meddling(Supervised):
    """Does something in its fifth step, which is in the second epoch."""

    def step(self, batch: Any) -> Any:
        self._at = getattr(self, "_at", 0) + 1
        if self._at == 5:
            self.meddle(self.model)
        return super().step(batch)


@pytest.mark.parametrize(
    ("what", "cache", "words"),
    [
        (lambda m: m.backbone.block1.requires_grad_(True), None, "frozen block1"),
        (
            lambda m: [c.train() for c in m.backbone.block1.children()],
            None,
            "frozen block1: .*in training mode",
        ),
        (lambda m: m.unfreeze("block2"), True, "got block1 frozen within the step; do it in end_epoch"),
        (lambda m: m.head.requires_grad_(True), None, "requires_grad set on head"),
    ],
)
def test_what_a_step_makes_trainable_behind_the_blocks_back_is_refused(  # noqa: PLR0917 - fixtures
    make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: Any, cache: Any, words: str
) -> None:
    monkeypatch.setattr(Meddling, "meddle", staticmethod(what), raising=False)
    model = make_model(freeze="block1-2")
    model.head.requires_grad_("head" not in words)
    with pytest.raises(TrainingError, match=words):
        zoo.fit(model, FACES, trainer=Meddling(epochs=3, batch_size=6), cache=cache, out=tmp_path / "run",
                checkpoint_every=0)  # fmt: skip


def test_a_run_killed_before_its_first_checkpoint_knows_what_unfreezing_restores(
    make_model: Make, tmp_path: Path
) -> None:
    def model() -> Model:
        made = make_model()
        _first(made).requires_grad_(False)
        made.freeze("block1-2")
        return made

    trainer = ThawingOnce(epochs=3, batch_size=6, lr=0.01)
    with killed_after(1):
        zoo.fit(model(), FACES, trainer=trainer, out=tmp_path / "cut", checkpoint_every=0)
    (tmp_path / "cut" / "checkpoint.safetensors").unlink()
    resumed = zoo.fit(resume=tmp_path / "cut", trainer=ThawingOnce(epochs=3, batch_size=6, lr=0.01))
    assert [p.requires_grad for p in resumed.model.backbone.block2.parameters()][:2] == [False, True]
    assert torch.equal(_first(resumed.model), _first(make_model()))


@pytest.mark.parametrize("freeze", ["none", "block1", "all"])
def test_a_rate_for_a_part_that_is_frozen_whole_is_not_used(
    make_model: Make, tmp_path: Path, freeze: str
) -> None:
    model = make_model(freeze=freeze)
    run = zoo.fit(model, FACES, **{**SHORT, "lr": {"backbone": 1e-5, "head": 1e-3}}, out=tmp_path / "run")
    assert len(run.history) == 3
