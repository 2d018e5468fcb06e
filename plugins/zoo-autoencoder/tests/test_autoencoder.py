"""The model: any backbone as encoder, latents of every shape, and what fits of it elsewhere."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn

import zoo
from zoo.spec.errors import FreezeError, OptionError, ShapeError, ZooWarning

SMALL = {"name": "conv_encoder", "channels": [4, 8]}


def same(one, two):
    a, b = one.state_dict(), two.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_encoder_halves_in_each_block():
    model = zoo.build("conv_encoder", in_channels=1, input_size=(9, 13))
    assert [info.shape for info in model.backbone.block_infos()] == ["32x5x7", "64x3x4"]
    assert [info.reduction for info in model.backbone.pyramid()] == [1, 2, 4]
    plain = zoo.build({"name": "conv_encoder", "batch_norm": False})
    assert not any(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
    assert plain.backbone.block1.conv1.bias is not None


@pytest.mark.parametrize("latent", ["map", 2, 7])
@pytest.mark.parametrize("variational", [False, True])
@pytest.mark.parametrize(("channels", "size"), [(1, (8, 8)), (3, (9, 14))])
def test_images_come_back_in_their_size_through_a_latent(latent, variational, channels, size):
    options = {"latent": latent, "variational": variational, "encoder": SMALL}
    model = zoo.build("autoencoder", **options, in_channels=channels, input_size=size, seed=0).eval()
    x = torch.rand(3, channels, *size)
    z = model.encode(x)
    assert z.shape == ((3, latent) if latent != "map" else (3, 8, -(-size[0] // 4), -(-size[1] // 4)))
    assert model.latent_shape == z.shape[1:]
    out = model(x).detach()
    assert out.shape == x.shape
    assert 0 <= float(out.min()) <= float(out.max()) <= 1
    assert torch.equal(model.decode(z), out)


@pytest.mark.parametrize(
    ("encoder", "size"),
    [
        ("tiny_resnet", (32, 32)), ("small_cnn", (33, 41)), ({"name": "vgg16", "width": 0.125}, (70, 64)),
        ({"name": "resnet18", "width": 0.125}, (64, 97)),
        ({"name": "mobilenet_v2", "width": 0.125}, (64, 64)),
        ({"name": "timm:vit_tiny_patch16_224", "arguments": {"depth": 2, "embed_dim": 12}}, (32, 32)),
        ({"name": "timm:swin_tiny_patch4_window7_224",
          "arguments": {"depths": [1, 1, 1, 1], "embed_dim": 8}}, (32, 32)),
        ({"name": "timm:convnext_atto",
          "arguments": {"depths": [1, 1, 1, 1], "dims": [8, 16, 24, 32]}}, (64, 64)),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("latent", ["map", pytest.param(3, marks=pytest.mark.slow)])
def test_any_backbone_is_an_encoder_in_training_too(encoder, size, latent):
    model = zoo.build("autoencoder", encoder=encoder, latent=latent, input_size=size, seed=0)
    x = torch.rand(2, 3, *size)
    model(x).sub(x).square().mean().backward()
    assert all(p.grad is not None for p in model.decoder.parameters())
    assert any(bool(p.grad.any()) for p in model.encoder.parameters() if p.grad is not None)


def test_the_decoder_mirrors_widths_and_reductions():
    model = zoo.build("autoencoder", encoder={"name": "resnet18", "width": 0.5}, input_size=64)
    encoder = {info.reduction: info.channels for info in model.encoder.pyramid((64, 64))}
    found = [step[0].out_channels for step in model.decoder if isinstance(step, nn.Sequential)]
    assert found == [encoder[16], encoder[8], encoder[4], encoder[2], encoder[2] // 2]


def test_images_of_any_size_pass_through_a_map_and_of_one_through_a_vector():
    model = zoo.build("autoencoder", encoder=SMALL, input_size=16).eval()
    for size in ((16, 16), (5, 9), (97, 131)):
        assert model(torch.rand(1, 3, *size)).shape[2:] == size
    assert model.decode(torch.rand(1, 8, 3, 5)).shape[2:] == (12, 20)
    model = zoo.build("autoencoder", encoder=SMALL, input_size=16, latent=2).eval()
    with pytest.raises(ShapeError, match=r'expected 16x16, got 8x16.*latent="map"'):
        model(torch.rand(1, 3, 8, 16))


def test_images_are_normalised_by_the_encoders_input_spec():
    encoder = {"name": "vgg16", "width": 0.125}
    model = zoo.build("autoencoder", encoder=encoder, input_size=32, seed=0).eval()
    spec, x = model.encoder.input_spec, torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (spec.mean, spec.std))
    assert spec.std != (1.0, 1.0, 1.0)
    torch.testing.assert_close(model.encode(x), model.encoder((x - mean) / std), atol=1e-5, rtol=1e-5)


def test_a_variational_one_draws_in_training_and_takes_the_mean_else():
    model = zoo.build("autoencoder", encoder=SMALL, latent=2, variational=True, input_size=8, seed=0)
    x = torch.rand(4, 3, 8, 8)
    model.eval()
    assert torch.equal(model(x), model.decode(model.encode(x)))
    model.train()
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.eval()  # so that the draw is all that differs
    mean, spread = model.code(x)
    torch.manual_seed(5)
    drawn = mean + torch.randn(mean.shape) * spread.exp().sqrt()
    torch.manual_seed(5)
    torch.testing.assert_close(model(x), model.decode(drawn, (8, 8)))
    assert not torch.equal(model(x), model(x))


def test_samples_repeat_and_leave_the_model_as_it_was():
    model = zoo.build("autoencoder", encoder=SMALL, latent=2, variational=True, input_size=8, seed=0).train()
    model.encoder.block1.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    one, two, other = (model.sample(3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert one.shape == (3, 3, 8, 8)
    assert not one.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training
    assert not model.encoder.block1.training
    torch.manual_seed(1)
    assert torch.equal(model.sample(3), one)
    maps = zoo.build("autoencoder", encoder=SMALL, variational=True, input_size=8, seed=0)
    assert maps.sample(2, seed=0).shape == (2, 3, 8, 8)


def test_a_plain_one_says_why_it_does_not_sample():
    with pytest.raises(ShapeError, match=r"plain autoencoder does not generate.*variational=True"):
        zoo.build("autoencoder", encoder=SMALL).sample(1)


def test_freezing_reaches_every_part():
    with pytest.warns(ZooWarning, match="random"):
        model = zoo.build("autoencoder", encoder=SMALL, latent=2, freeze="encoder.block1,decoder")
    assert set(model.networks) == {"encoder", "bottleneck", "expand", "decoder"}
    assert model.frozen == ("encoder.block1", "decoder")
    assert not any(p.requires_grad for p in model.decoder.parameters())
    assert model.recipe.model.freeze == "encoder.block1,decoder.all"
    assert not model.train().decoder.training
    assert set(zoo.build("autoencoder", encoder=SMALL).networks) == {"encoder", "decoder"}
    with pytest.raises(FreezeError, match="encoder, decoder"):
        zoo.build("autoencoder", encoder=SMALL, freeze="block1")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"encoder": "mlp"}, ShapeError, "expected a backbone that ends in a map, got MLP"),
        ({"encoder": "autoencoder"}, OptionError, "expected a backbone, got the model autoencoder"),
        ({"latent": 0}, OptionError, "latent: expected a number from 1 on, or map, got 0"),
        ({"latent": "vector"}, OptionError, "or map, got 'vector'"),
        ({"classes": 10}, OptionError, "expected no classes, got classes=10; leave them out"),
        ({"head": "binary"}, OptionError, "complete model"),
        ({"encoder": SMALL, "latnt": 2}, OptionError, "did you mean latent"),
    ],
)
def test_a_mistake_is_one_line(options, error, words):
    with pytest.raises(error, match=words) as caught:
        zoo.build("autoencoder", **options)
    assert "\n" not in str(caught.value)


def test_latents_of_another_shape_are_refused():
    model = zoo.build("autoencoder", encoder=SMALL, latent=2, input_size=8)
    with pytest.raises(ShapeError, match="latent: expected N x 2, got 4 x 3"):
        model.decode(torch.rand(4, 3))


@pytest.fixture
def trained(tmp_path):
    """An autoencoder with moved statistics, in a folder."""
    model = zoo.build("autoencoder", encoder=SMALL, latent=3, in_channels=1, input_size=8, seed=0)
    for _ in range(3):
        model(torch.rand(8, 1, 8, 8))
    zoo.save(model.eval(), tmp_path / "ae")
    return model


def test_the_trained_encoder_is_a_backbone_by_reference(trained, tmp_path, recwarn):
    trained.origin = "trained on digits"
    zoo.save(trained, tmp_path / "ae")
    model = zoo.build(f"file:{tmp_path}/ae", head="multiclass", classes=10, freeze="all", seed=0)
    assert not recwarn.list
    assert same(model.backbone, trained.encoder)
    assert model.recipe.model.called == "conv_encoder"
    assert model.frozen == ("block1", "block2")
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(model.eval().features(x)[0], trained.encoder(trained.normalise(x)))
    assert model(x).shape == (2, 10)


def test_its_encoder_is_another_autoencoders_when_the_folder_is_gone_too(trained, tmp_path):
    model = zoo.build("autoencoder", encoder=f"file:{tmp_path}/ae", latent=2, freeze="encoder", seed=1).eval()
    assert same(model.encoder, trained.encoder)
    zoo.save(model, tmp_path / "second")
    shutil.rmtree(tmp_path / "ae")
    again = zoo.load(tmp_path / "second")
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(again(x), model(x))
    assert again.frozen == ("encoder.block1", "encoder.block2")
    head = zoo.build(f"file:{tmp_path}/second", head="binary", seed=0)
    assert same(head.backbone, trained.encoder)


@pytest.mark.parametrize("latent", ["map", 2])
@pytest.mark.parametrize("variational", [False, True])
def test_saved_and_loaded_it_computes_the_same(latent, variational, tmp_path):
    options = {"encoder": SMALL, "latent": latent, "variational": variational}
    model = zoo.build("autoencoder", **options, in_channels=1, input_size=8, seed=0)
    model(torch.rand(8, 1, 8, 8))
    zoo.save(model.eval(), tmp_path / "ae")
    again, x = zoo.load(tmp_path / "ae"), torch.rand(3, 1, 8, 8)
    assert torch.equal(again(x), model(x))
    assert torch.equal(again.encode(x), model.encode(x))
    assert again.recipe == model.recipe
