import copy
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zoo
from zoo.builtin.supervised import Supervised
from zoo.interfaces.augmenter import Augmenter, Batch
from zoo.interfaces.execution import Execution
from zoo.interfaces.loss import Loss
from zoo.interfaces.model import Model
from zoo.interfaces.trainer import Trainer
from zoo.spec.disk.history import read_history
from zoo.spec.errors import DataError, OptionError, ShapeError, TrainingError, UnknownComponentError

Make = Callable[..., Model]
FACES = {"name": "faces", "per_class": 12}
SHORT = {"epochs": 2, "batch_size": 6}


def state(model: Model) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def fitted(model: Model, out: Path, data: Any = FACES, **options: Any) -> Model:
    zoo.fit(model, data, out=out, **{**SHORT, **options})
    return model


class Speckle(Augmenter):
    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        noise = [torch.rand(x.shape, generator=g) for x, g in zip(batch["image"], draws, strict=True)]
        return {**batch, "image": (batch["image"] + 0.1 * torch.stack(noise)).clamp(0, 1)}


def test_a_run_leaves_a_model_with_figures_history_curves_and_splits(
    make_model: Make, tmp_path: Path
) -> None:
    model = make_model()
    run = zoo.fit(model, FACES, out=tmp_path / "run", **SHORT)
    names = {file.name for file in run.folder.iterdir()}
    assert names >= {
        "model.safetensors",
        "config.json",
        "README.md",
        "history.json",
        "curves.png",
        "splits.json",
    }
    assert [row["epoch"] for row in read_history(run.folder)] == [1, 2]
    assert set(run.history[0]) >= {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    best = min(run.history, key=lambda row: row["val_loss"])
    assert run.best_epoch == best["epoch"]
    assert model.metrics["val"]["loss"] == run.metrics["loss"] == best["val_loss"]
    assert model.labels == ("no face", "face")
    assert model.origin == "trained on faces"
    assert not model.training
    assert "best epoch" in str(run)


def test_the_recipe_says_how_it_was_trained(make_model: Make, tmp_path: Path) -> None:
    model = fitted(make_model(), tmp_path / "run", seed=3)
    assert model.recipe.seed == 3
    assert model.recipe.data == {**FACES, "name": "datasets:faces"}
    assert model.recipe.trainer == {**model.recipe.trainer, "name": "core:supervised", **SHORT}
    assert model.recipe.loss == {"name": "core:bce", "positive_weight": 1.0, "label_smoothing": 0.0}


def test_splits_are_recorded_disjoint_and_with_their_hash(make_model: Make, tmp_path: Path) -> None:
    fitted(make_model(), tmp_path / "run")
    record = json.loads((tmp_path / "run" / "splits.json").read_text())
    keys = [{item["key"] for item in record[name]} for name in ("train", "val", "test")]
    assert [len(k) for k in keys] == [16, 4, 4]
    assert len(set.union(*keys)) == 24
    assert record["hash"]


def test_paths_stay_out_of_the_saved_model(make_model: Make, photos: Path, tmp_path: Path) -> None:
    fitted(make_model(in_channels=3), tmp_path / "run", photos, epochs=1)
    text = (tmp_path / "run" / "config.json").read_text() + (tmp_path / "run" / "README.md").read_text()
    assert str(photos.parent) not in text
    assert '"file:photos"' in text
    assert str(photos) in (tmp_path / "run" / "splits.json").read_text()


def test_the_best_epochs_weights_are_kept(make_model: Make, tmp_path: Path) -> None:
    class Ranked(Supervised):
        """Calls the second epoch the best, whatever it learns."""

        def evaluate(self, batches: Any) -> dict[str, float]:
            self._epoch = getattr(self, "_epoch", 0) + 1
            found = super().evaluate(batches)
            return {**found, "truth": found["loss"], "loss": abs(self._epoch - 2.0)}

    model = make_model()
    trainer = Ranked(epochs=4, batch_size=6, lr=0.05)
    run = zoo.fit(model, FACES, trainer=trainer, out=tmp_path / "run")
    assert (run.best_epoch, len(run.history)) == (2, 4)
    assert run.metrics["truth"] == run.history[1]["val_truth"] != run.history[3]["val_truth"]
    measured = zoo.evaluate(model, FACES, split="val").metrics
    assert measured["loss"] == pytest.approx(run.metrics["truth"], rel=1e-5)
    assert same(state(zoo.load(run.folder)), state(model))
    assert zoo.load(run.folder).metrics["val"] == run.metrics


def test_one_seed_gives_one_result_and_another_seed_another(make_model: Make, tmp_path: Path) -> None:
    one, two, other = (fitted(make_model(), tmp_path / str(i), seed=seed) for i, seed in enumerate((1, 1, 2)))
    assert same(state(one), state(two))
    assert not same(state(one), state(other))


def test_workers_change_no_tensor_with_augmentation_and_dropout(make_model: Make, tmp_path: Path) -> None:
    alone = fitted(make_model(), tmp_path / "0", augment=Speckle())
    helped = fitted(make_model(), tmp_path / "2", augment=Speckle(), workers=2)
    plain = fitted(make_model(), tmp_path / "p")
    assert same(state(alone), state(helped))
    assert not same(state(alone), state(plain))


class Lossy(Augmenter):
    def forward(self, batch: Batch, draws: list[torch.Generator]) -> Batch:
        return {**batch, "target": batch["target"][1:]}


def test_an_augmenter_that_loses_targets_is_refused(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="batch: target: expected 6 rows, got 5"):
        fitted(make_model(), tmp_path / "run", augment=Lossy())


def test_the_callers_random_states_are_left_alone(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    expected = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    fitted(model, tmp_path / "run")
    assert (torch.rand(1), np.random.rand(), random.random()) == expected


def test_frozen_blocks_are_bit_identical_after_training(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    with pytest.warns(zoo.ZooWarning, match="random weights"):
        model.freeze("block1-2")
    before = copy.deepcopy(state(model))
    model.train()
    fitted(model, tmp_path / "run", lr=0.01)
    after = state(model)
    frozen = {name for name in after if ".block1." in name or ".block2." in name}
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert frozen
    assert any("running_mean" in name for name in frozen)
    assert not moved & frozen
    assert any(".block3." in name for name in moved)
    assert any(name.startswith("head.") for name in moved)


def test_training_goes_on_from_a_saved_folder(make_model: Make, tmp_path: Path) -> None:
    model = fitted(make_model(), tmp_path / "one")
    run = zoo.fit(str(tmp_path / "one"), FACES, out=tmp_path / "two", **SHORT)
    assert run.model.origin == "trained on faces 2 times"
    assert not same(state(model), state(run.model))


def test_what_is_not_given_is_taken_from_the_recipe(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    update = {"data": FACES, "trainer": {"name": "supervised", "epochs": 3, "batch_size": 8}, "seed": 5}
    model.recipe = model.recipe.model_copy(update=update)
    run = zoo.fit(model, epochs=1, out=tmp_path / "run")
    assert len(run.history) == 1
    trainer = model.recipe.trainer
    assert (trainer["name"], trainer["epochs"], trainer["batch_size"]) == ("core:supervised", 1, 8)
    assert model.recipe.seed == 5


def test_runs_are_numbered(make_model: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [str(zoo.fit(make_model(), FACES, epochs=1).folder) for _ in range(2)]
    assert folders == ["runs/tiny_resnet-1", "runs/tiny_resnet-2"]


def test_dark_and_bright_photos_are_told_apart(photos: Path, make_model: Make, tmp_path: Path) -> None:
    model = make_model(in_channels=3)
    run = zoo.fit(model, photos, out=tmp_path / "run", epochs=4, batch_size=6, lr=0.01)
    assert run.metrics["accuracy"] == 1
    assert zoo.evaluate(model, photos).metrics["accuracy"] == 1


class Stopping(Trainer):
    """Does nothing, and is interrupted in an epoch."""

    epochs, batch_size = 5, 8

    def __init__(self, stop: int) -> None:
        self.stop, self.ended = stop, 0

    def setup(self, model: Model, loss: Loss | None, execution: Execution) -> None:
        self.model = model

    def step(self, batch: Batch) -> dict[str, Tensor]:
        if self.ended + 1 == self.stop:
            raise KeyboardInterrupt
        with torch.no_grad():
            self.model.head.last.bias.fill_(self.ended + 1)
        return {"loss": torch.tensor(1.0)}

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        return {"loss": 1 / (self.ended + 1)}

    def end_epoch(self, epoch: int, values: dict[str, float]) -> None:
        self.ended = epoch

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {}


def test_an_interrupted_run_saves_its_best_epoch(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, trainer=Stopping(3), out=tmp_path / "run")
    assert run.interrupted
    assert len(run.history) == 2
    assert zoo.load(run.folder).head.last.bias.tolist() == [2.0]
    assert "interrupted after 2 epochs" in str(run)


def test_a_run_interrupted_at_once_saves_what_there_is(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(), FACES, trainer=Stopping(1), out=tmp_path / "run")
    assert run.best_epoch is None
    assert "val" not in zoo.load(run.folder).metrics


class Exploding(Loss):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        self.calls += 1
        return output.mean() * (float("nan") if self.calls == 2 else 1)


def test_a_loss_that_is_no_number_names_epoch_and_step_and_leaves_nothing(
    make_model: Make, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"epoch 1, step 2 of 3.*got nan; lower lr"):
        zoo.fit(make_model(), FACES, loss=Exploding(), out=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()


def test_everything_frozen_is_an_error_before_any_work(make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    for p in model.parameters():
        p.requires_grad_(False)
    with pytest.raises(TrainingError, match="nothing to train"):
        zoo.fit(model, FACES, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"data": "digits"}, DataError, "number of classes: expected 2, as the model has, got 10"),
        ({"data": None}, DataError, "fit: expected data, got none"),
        ({"data": "facse"}, UnknownComponentError, "did you mean faces"),
        ({"data": "./nowhere"}, DataError, "expected a folder, got nothing there"),
        ({"epoch": 3}, OptionError, "no option 'epoch'.*did you mean epochs"),
        ({"augment": "phto"}, UnknownComponentError, "phto"),
        ({"loss": "bec"}, UnknownComponentError, "did you mean bce"),
        ({"trainer": "supervized"}, UnknownComponentError, "did you mean supervised"),
        ({"device": "tpu9"}, OptionError, "expected a device of this machine"),
        ({"lr": {"backbon": 1e-3}}, OptionError, "unknown part: expected backbone, head"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    make_model: Make, tmp_path: Path, change: dict[str, Any], kind: type[Exception], words: str
) -> None:
    given = {"data": FACES, "epochs": 1, **change}
    with pytest.raises(kind, match=words) as caught:
        zoo.fit(make_model(), given.pop("data"), out=tmp_path / "run", **given)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_feature_extractor_cannot_be_fitted(make_model: Make, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="expected a model with a head, got a feature extractor"):
        zoo.fit(make_model(head=None), FACES, out=tmp_path / "run")


def test_labels_in_another_order_are_matched_by_name(make_model: Make, tmp_path: Path) -> None:
    run = zoo.fit(make_model(classes=("face", "no face")), FACES, epochs=1, out=tmp_path / "run")
    assert run.model.labels == ("face", "no face")
    assert json.loads((run.folder / "run.json").read_text())["labels"] == ["face", "no face"]


def test_a_full_folder_is_not_written_to(make_model: Make, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(TrainingError, match="expected a new or empty folder"):
        zoo.fit(make_model(), FACES, out=tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


def test_a_plain_torch_module_is_a_loss(make_model: Make, tmp_path: Path) -> None:
    model = fitted(make_model(), tmp_path / "run", loss=nn.BCEWithLogitsLoss(), epochs=1)
    assert model.recipe.loss is None


def test_a_broken_image_is_named_and_leaves_nothing(make_model: Make, photos: Path, tmp_path: Path) -> None:
    for file in (photos / "dark").glob("*.png"):
        file.write_bytes(file.read_bytes()[:70])
    with pytest.raises(DataError, match=r"dark/\d+\.png: expected a readable image"):
        zoo.fit(make_model(in_channels=3), photos, out=tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()


def test_a_recipe_is_built_for_the_classes_of_its_data(tmp_path: Path) -> None:
    recipe = zoo.Recipe.from_dict(
        {
            "model": {"name": "mlp", "head": "multiclass", "in_channels": 1, "input_size": 8},
            "data": {"name": "digits", "per_class": 4},
        }
    )
    one, two = (zoo.fit(recipe, epochs=1, out=tmp_path / name) for name in ("one", "two"))
    assert one.model.labels == tuple("0123456789") == tuple(zoo.load(tmp_path / "one").recipe.model.classes)
    assert all(
        torch.equal(a, b)
        for a, b in zip(one.model.state_dict().values(), two.model.state_dict().values(), strict=True)
    )


def test_a_new_option_goes_before_what_a_trained_model_records(make_model: Make, tmp_path: Path) -> None:
    first = zoo.fit(make_model(), FACES, optimizer="sgd", momentum=0.9, epochs=1, out=tmp_path / "a")
    again = zoo.fit(zoo.load(first.folder), FACES, momentum=0.5, out=tmp_path / "b")
    assert again.model.recipe.trainer["optimizer"]["momentum"] == 0.5
    other = zoo.fit(zoo.load(first.folder), FACES, optimizer="adam", out=tmp_path / "c")
    assert other.model.recipe.trainer["optimizer"]["name"] == "adam"
    assert other.model.recipe.trainer["epochs"] == 1
