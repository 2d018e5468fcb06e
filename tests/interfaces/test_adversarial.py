import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import zoo
from zoo.builtin.losses_adversarial import Adversarial
from zoo.interfaces.adversarial import Pair
from zoo.spec.errors import ShapeError
from zoo.trainers import Opponent, resting, untouched


def discriminator() -> nn.Sequential:
    """With all that keeps something of what passes through."""
    torch.manual_seed(0)
    return nn.Sequential(
        spectral_norm(nn.Conv2d(1, 4, 3)),
        nn.BatchNorm2d(4),
        nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(4 * 6 * 6, 1),
    )


def test_untouched_leaves_every_tensor_and_lets_gradients_through() -> None:
    network = discriminator()
    network[5].bias.requires_grad_(False)
    before, x = copy.deepcopy(network.state_dict()), torch.rand(4, 1, 8, 8, requires_grad=True)
    with untouched(network):
        network(x).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    assert [p.requires_grad for p in network.parameters()].count(False) == 1
    assert x.grad is not None
    assert bool(x.grad.any())


def test_without_it_the_same_pass_moves_running_statistics() -> None:
    network = discriminator()
    before = copy.deepcopy(network.state_dict())
    network(torch.rand(4, 1, 8, 8))
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {"1.running_mean", "2.running_mean", "0.parametrizations.weight.0._u"} <= moved


def test_untouched_normalises_by_the_batch_as_in_training() -> None:
    network, x = discriminator(), torch.rand(4, 1, 8, 8)
    twin = copy.deepcopy(network)
    with untouched(network):
        assert torch.equal(network(x), twin(x))


def test_resting_gives_each_module_its_mode_back() -> None:
    network = discriminator()
    network[1].eval()
    with resting(network):
        assert not network.training
        assert not network(torch.rand(1, 1, 8, 8)).requires_grad
    assert network.training
    assert not network[1].training


def test_the_opponent_is_the_loss_with_what_was_said() -> None:
    network, (real, fake) = discriminator().eval(), torch.rand(2, 4, 1, 8, 8).unbind()
    loss = Adversarial(kind="hinge", gradient_penalty=1.0)
    with pytest.warns(zoo.ZooWarning, match="batch norm"):
        parts, said_real, said_fake = Opponent(network, loss)(real, fake)
    assert set(parts) == {"real", "fake", "penalty"}
    assert torch.equal(said_real, network(real))
    assert torch.equal(said_fake, network(fake))
    assert not said_real.requires_grad


def test_a_pair_speaks_for_its_generator() -> None:
    pair = zoo.build("dcgan", in_channels=1, input_size=16, seed=0)
    assert isinstance(pair, Pair)
    assert list(pair.networks) == ["generator", "discriminator"]
    assert torch.equal(pair.sample(3, seed=1), pair.networks["generator"].sample(3, seed=1))
    z = pair.example_input(2)
    assert torch.equal(pair.eval()(z), pair.generator(z))
    with pytest.warns(zoo.ZooWarning, match="random weights"):
        pair.freeze("discriminator.block1")
    assert pair.frozen == ("discriminator.block1",)
    assert not pair.discriminator.backbone.blocks["block1"].conv.weight.requires_grad


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"discriminator": "small_cnn"}, r"expected a model with one logit, got no head"),
        (
            {"discriminator": {"name": "small_cnn", "head": "multiclass", "classes": 3}},
            "expected a model with one logit, got 3 outputs",
        ),
        (
            {"generator": {"name": "dcgan_generator", "in_channels": 3}},
            "expected one for images of 3 channels, got 1",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused(parts: dict[str, object], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        zoo.build("dcgan", in_channels=1, input_size=16, **parts)
