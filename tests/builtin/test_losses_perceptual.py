"""Content and perceptual losses: against torchvision's features, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

import zoo
from zoo.builtin.config import PartOfLoss
from zoo.builtin.losses import MSE
from zoo.builtin.losses_adversarial import Adversarial
from zoo.builtin.losses_content import Content
from zoo.builtin.losses_perceptual import Perceptual
from zoo.compose.instantiate import make
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.loss import Loss, fixed_left_out, total
from zoo.spec.errors import OptionError, ShapeError, UnknownComponentError

GLYPHS = {"name": "tiny_resnet", "weights": "glyphs"}
"""A gray network with batch norm whose weights lie in its plugin."""

CONTENT = {"name": "content", "network": GLYPHS, "tap": "block2"}


def images(channels: int = 3, size: int = 32) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    one, two = torch.rand(2, 2, channels, size, size, generator=generator)
    return one, two


@pytest.mark.slow
def test_vgg19_features_before_and_after_the_activation_equal_torchvisions(tmp_path) -> None:
    reference = torchvision.models.vgg19(weights=None).eval()
    save_file(reference.state_dict(), tmp_path / "vgg19.safetensors")
    taps = {"block5.conv4": 1.0, "block5.relu4": 1.0, "block2.conv2": 1.0}
    network = {"name": "vgg19", "weights": f"file:{tmp_path / 'vgg19.safetensors'}"}
    loss = make("loss", {"name": "content", "network": network, "tap": taps})
    one, two = images(size=64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

    def theirs(x: Tensor, layers: int) -> Tensor:
        found: Tensor = reference.features[:layers]((x - mean.view(3, 1, 1)) / std.view(3, 1, 1))
        return found

    # Counted from the published network's list: fourth convolution before the fifth pooling, its ReLU,
    # second convolution before the second pooling. torchvision's ReLUs work in place: a slice ends before.
    with torch.no_grad():
        ours = loss.features(one)
        for name, layers in (("block5.conv4", 35), ("block5.relu4", 36), ("block2.conv2", 8)):
            torch.testing.assert_close(ours[name], theirs(one, layers), rtol=1e-5, atol=1e-5)
        expected = sum((theirs(one, n) - theirs(two, n)).square().mean() for n in (35, 36, 8))
        torch.testing.assert_close(loss(one, two), expected, rtol=1e-4, atol=0)


def test_the_network_is_frozen_whatever_train_says_and_gradients_reach_the_image() -> None:
    loss = make("loss", CONTENT).train()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    one, two = images(channels=1)
    loss(one.requires_grad_(), two.requires_grad_()).backward()
    assert one.grad is not None
    assert bool(one.grad.any())
    assert two.grad is None  # of the true image there is nothing to learn
    assert all(p.grad is None and not p.requires_grad for p in loss.parameters())
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())
    assert fixed_left_out(loss) == {}


def test_scale_distance_and_weights_of_taps_are_what_they_say() -> None:
    one, two = images(channels=1)
    mse = make("loss", CONTENT)(one, two)
    scaled = make("loss", {**CONTENT, "scale": 1 / 12.75})(one, two)
    torch.testing.assert_close(scaled, mse / 12.75**2)
    first = make("loss", {**CONTENT, "tap": "block1"})(one, two)
    both = make("loss", {**CONTENT, "tap": {"block1": 0.5, "block2": 2}})(one, two)
    torch.testing.assert_close(both, 0.5 * first + 2 * mse)
    l1 = make("loss", {**CONTENT, "distance": "l1"})
    features = [l1.features(x)["block2"] for x in (one, two)]
    torch.testing.assert_close(l1(one, two), (features[0] - features[1]).abs().mean())


def test_the_input_spec_is_applied_inside_and_gray_is_repeated() -> None:
    colour = {**CONTENT, "network": {**GLYPHS, "in_channels": 3}}
    loss = make("loss", colour)
    gray, other = images(channels=1)
    repeated = loss(gray.repeat(1, 3, 1, 1), other.repeat(1, 3, 1, 1))
    torch.testing.assert_close(loss(gray, other), repeated)
    assert loss.network.input_spec.mean == (0.5, 0.5, 0.5)
    by_hand = loss.network.taps((gray.repeat(1, 3, 1, 1) - 0.5) / 0.5, ["block2"])["block2"]
    torch.testing.assert_close(loss.features(gray)["block2"], by_hand)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x * 255, "values in .0, 1., got a target from 0"),
        (lambda x: x * 2 - 1, "values in .0, 1., got a target from -"),
        (
            lambda x: x.repeat(1, 5, 1, 1),
            "expected N x 1 x H x W, or gray, got 2 x 5 x 32 x 32; .*in_channels = 5",
        ),
        (lambda x: x[0], "got 1 x 32 x 32"),
    ],
)
def test_another_range_and_other_channels_are_refused(change: Any, words: str) -> None:
    one, two = images(channels=1)
    with pytest.raises(ShapeError, match=words):
        make("loss", CONTENT)(change(one), change(two))


def test_an_output_in_another_range_is_refused_and_a_stray_value_is_not() -> None:
    one, two = images(channels=1)
    loss = make("loss", CONTENT)
    with pytest.raises(ShapeError, match="got an output with mean 12"):
        loss(one * 255, two)
    one[0, 0, 0, 0] = -3
    assert torch.isfinite(loss(one, two))
    with pytest.raises(ShapeError, match="output and target alike"):
        loss(one, two[:1])


def test_too_small_images_and_unknown_taps_are_one_line() -> None:
    with pytest.warns(zoo.ZooWarning):
        loss = make("loss", {"name": "content", "network": {"name": "vgg19", "width": 0.125}})
    with pytest.raises(ShapeError, match=r"VGG cannot take 8x8 images.*choose an earlier tap"):
        loss(*images(size=8))
    with pytest.raises(ShapeError, match=r"unknown tap.*did you mean"):
        make("loss", {**CONTENT, "tap": "blok2"})


def test_random_weights_are_said_with_the_tag_that_would_load_published_ones() -> None:
    with pytest.warns(zoo.ZooWarning, match=r'random weights.*weights="imagenet" loads the published ones'):
        make("loss", {"name": "content", "network": {"name": "vgg19", "width": 0.125}})
    with pytest.warns(zoo.ZooWarning, match=r"random weights.*load weights first"):
        Content(network=Backbone([Block(conv=nn.Conv2d(3, 4, 3))]), tap="block1")


def test_a_trained_run_is_a_network_for_it(tmp_path) -> None:
    model = zoo.build("tiny_resnet", head="binary", channels=[4, 8], units=1, in_channels=1, seed=0)
    zoo.save(model, tmp_path / "run")
    loss = make("loss", {"name": "content", "network": f"file:{tmp_path / 'run'}", "tap": "block2"})
    one, two = images(channels=1)
    assert float(loss(one, two)) > 0
    assert torch.equal(loss.network.block1.conv1.weight, model.backbone.block1.conv1.weight)


# -- perceptual --------------------------------------------------------------------------------------------


def perceptual(**parts: Any) -> Any:
    return make("loss", {"name": "perceptual", "parts": parts})


def test_it_is_the_weighted_sum_of_its_parts_and_shows_each_share() -> None:
    one, two = images(channels=1)
    loss = perceptual(mse=2.0, l1={"weight": 0.5}, content={"weight": 0.006, "loss": CONTENT})
    shares = loss(one, two)
    expected = {
        "mse": 2 * (one - two).square().mean(),
        "l1": 0.5 * (one - two).abs().mean(),
        "content": 0.006 * make("loss", CONTENT)(one, two),
    }
    torch.testing.assert_close(shares, expected)
    torch.testing.assert_close(total(shares), sum(expected.values()))
    assert loss.needs == ()


def test_two_of_a_kind_have_names_of_their_own() -> None:
    near = {"weight": 1.0, "loss": {**CONTENT, "tap": "block1"}}
    far = {"weight": 1.0, "loss": CONTENT}
    assert set(perceptual(near=near, far=far)(*images(channels=1))) == {"near", "far"}


def test_any_losses_add_up_such_as_those_of_classes() -> None:
    logits, target = torch.randn(4, 3, requires_grad=True), torch.tensor([0, 1, 2, 0])
    loss = perceptual(**{"cross-entropy": 1.0, "smooth": {
        "weight": 0.5, "loss": {"name": "cross-entropy", "label_smoothing": 0.1}}})  # fmt: skip
    plain = nn.functional.cross_entropy(logits, target)
    smooth = nn.functional.cross_entropy(logits, target, label_smoothing=0.1)
    torch.testing.assert_close(total(loss(logits, target)), plain + 0.5 * smooth)


def test_it_depends_on_the_number_of_epochs_where_a_schedule_in_it_does() -> None:
    class Moving(Loss):
        def advance(self, position: float, epochs: int) -> None:
            """Nobody knows how."""

    assert not MSE().stretches
    assert Moving().stretches
    assert not perceptual(mse=2.0, l1={"weight": 1.0, "schedule": {"name": "step", "every": 2}}).stretches
    moving = {"weight": 1.0, "schedule": "linear"}
    assert perceptual(mse=2.0, l1=moving).stretches
    inner = {"weight": 1.0, "loss": {"name": "perceptual", "parts": {"l1": moving}}}
    assert perceptual(mse=2.0, inner=inner).stretches


def test_a_weight_follows_its_schedule_up_and_down() -> None:
    one, two = images(channels=1)
    loss = perceptual(
        mse={"weight": 4.0, "schedule": {"name": "linear", "end": 0.5}},
        l1={"weight": 1.0, "schedule": {"name": "constant", "warmup": 2}},
    )
    seen = {}
    for position in (0.0, 1.0, 2.0, 4.0):
        loss.advance(position, 4)
        seen[position] = (loss.weights["mse"], loss.weights["l1"])
    assert seen == {0.0: (4.0, 0.0), 1.0: (3.5, 0.5), 2.0: (3.0, 1.0), 4.0: (2.0, 1.0)}
    torch.testing.assert_close(loss(one, two)["mse"], 2 * (one - two).square().mean())


class Picky(Loss):
    """Needs more than output and target, and remembers what it was told."""

    needs = ("extra", "discriminator_logits")

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, output: Any, target: Any) -> dict[str, Tensor]:
        return {"a": output["extra"].mean() * self.weight, "b": target["image"].mean()}

    def prepare(self, outputs: int, classes: int | None) -> None:
        self.told.append((outputs, classes))

    def advance(self, position: float, epochs: int) -> None:
        self.told.append((position, epochs))


def test_needs_are_joined_and_all_that_a_loss_is_told_reaches_the_parts() -> None:
    losses = {"mse": (MSE(), 1.0), "adversarial": (Adversarial(smoothing=0.1), 0.5), "picky": (Picky(), 0.25)}
    loss = Perceptual(
        parts={k: PartOfLoss(weight=w).model_copy(update={"loss": v}) for k, (v, w) in losses.items()}
    )
    assert loss.needs == ("discriminator_logits", "extra")
    one, two = images()
    outputs = {"output": one, "discriminator_logits": torch.zeros(2, 1), "extra": torch.full((2,), 8.0)}
    shares = loss(outputs, {"target": two, "image": torch.full((2, 3), 4.0)})
    assert {k: float(v.detach()) for k, v in shares.items() if k.startswith("picky")} == {
        "picky_a": 2.0,
        "picky_b": 1.0,
    }
    assert float(shares["adversarial"]) == pytest.approx(0.5 * 0.693147, abs=1e-6)
    loss.prepare(3, None)
    loss.advance(0.5, 2)
    assert loss.parts["picky"].told == [(3, None), (0.5, 2)]
    assert [p for p in loss.parameters() if p.requires_grad] == [loss.parts["picky"].weight]


def test_the_discriminator_plays_against_the_game_in_it_without_its_weight() -> None:
    real, fake = images()
    judge = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 1))
    alone = make("loss", "adversarial").oppose(judge, real, fake)
    within = perceptual(mse=1.0, adversarial=1e-3).oppose(judge, real, fake)
    torch.testing.assert_close(within, alone)
    assert perceptual(mse=1.0).oppose(judge, real, fake) is None


@pytest.mark.parametrize(
    ("parts", "error", "words"),
    [
        ({}, OptionError, "bad parts"),
        ({"mze": 1.0}, UnknownComponentError, "no loss is called 'mze'; did you mean mse"),
        ({"mse": -1.0}, OptionError, r"bad parts\.mse\.weight: .*greater than or equal to 0, got -1"),
        ({"mse": {"schedule": "plateau"}}, OptionError, "a schedule of time alone, not plateau"),
        ({"mse": {"wieght": 1}}, OptionError, r"parts\.mse\.wieght"),
        ({"adversarial": 1.0, "other": {"loss": "adversarial"}}, OptionError, "at most one game"),
    ],
)
def test_bad_parts_are_one_line(parts: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        perceptual(**parts)


def test_a_sum_with_a_part_that_learns_is_left_out_where_other_data_are_measured(tmp_path) -> None:
    loss = {"name": "perceptual", "parts": {"arcface": 1.0}}
    head = {"name": "embedding", "dim": 6}
    model = zoo.build("mlp", hidden=[16], head=head, in_channels=1, input_size=8, seed=0)
    run = zoo.fit(model, {"name": "digits", "per_class": 12}, loss=loss, epochs=1, out=tmp_path / "run")
    found = zoo.evaluate(run.model, {"name": "faces", "per_class": 4}, split="all")
    assert "loss" not in found.metrics
    outer = {"name": "perceptual", "parts": {"perceptual": {"weight": 1.0, "loss": loss}}}
    plain = {"name": "perceptual", "parts": {"mse": 1.0}}
    assert [make("loss", spec).learns for spec in (outer, plain)] == [True, False]
