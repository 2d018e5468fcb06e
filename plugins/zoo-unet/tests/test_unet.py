"""U-Net: agreement with segmentation_models_pytorch, sizes, options, freezing, refusals."""

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn
from zoo_unet.decoder import usual_widths
from zoo_unet.encoder import UNetEncoder
from zoo_unet.sequential_cnn import SequentialCNN
from zoo_unet.unet import UNet

import zoo
from zoo.spec.errors import FreezeError, OptionError

SMALL = {"name": "unet_encoder", "widths": [4, 8, 16]}


def unet(**options):
    return zoo.build("unet", **{"encoder": SMALL, "classes": 3, "seed": 0, **options})


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("size", [(64, 96), (70, 33)])
def test_with_the_peers_weights_it_computes_what_the_peer_does(size):
    torch.manual_seed(0)
    peer = smp.Unet("resnet18", encoder_weights=None, classes=3, decoder_channels=(24, 20, 16, 12, 8))
    peer.segmentation_head[0] = nn.Conv2d(8, 3, 1)  # as in the paper
    own = unet(encoder="resnet18", decoder_widths=[24, 20, 16, 12, 8])
    own.encoder.load_state_dict(own.encoder.convert(peer.encoder.state_dict()))
    for mine, others in ((own.decoder, peer.decoder), (own.head, peer.segmentation_head)):
        values = others.state_dict().values()
        mine.load_state_dict(dict(zip(mine.state_dict(), values, strict=True)))
    x = torch.rand(2, 3, *size)
    padded = nn.functional.pad(x, (0, -size[1] % 32, 0, -size[0] % 32), mode="replicate")
    with torch.no_grad():
        expected = peer.eval()(own.normalise(padded))[:, :, : size[0], : size[1]]
        torch.testing.assert_close(own.eval()(x), expected, rtol=1e-4, atol=1e-5)


def test_the_encoder_has_as_many_parameters_as_the_peers():
    peer = smp.Unet("resnet18", encoder_weights=None)
    own = unet(encoder="resnet18")
    assert count(own.encoder) == count(peer.encoder) == 11_176_512
    assert count(own.decoder) == count(peer.decoder)


def test_the_usual_network_is_the_papers():
    with torch.device("meta"):
        net = UNet(encoder=UNetEncoder(batch_norm=False), classes=2, batch_norm=False)
    pairs = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    widths = [64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024, 512, 512, 256, 256, 128, 128, 64, 64]
    assert [c.out_channels for c in pairs] == widths
    assert net.head.kernel_size == (1, 1)


@pytest.mark.parametrize("size", [(64, 64), (97, 131), (1, 1), (5, 300)])
def test_the_output_has_the_inputs_size(size):
    model = unet(in_channels=1).eval()
    assert model(torch.rand(2, 1, *size)).shape == (2, 3, *size)


def test_padding_repeats_the_border_and_is_cut_off():
    model = unet().eval()
    x = torch.rand(1, 3, 30, 31)
    padded = torch.cat([x, x[:, :, -1:].expand(-1, -1, 2, -1)], 2)
    padded = torch.cat([padded, padded[..., -1:]], 3)
    with torch.no_grad():
        torch.testing.assert_close(model(x), model(padded)[:, :, :30, :31])


def test_without_skips_only_the_coarsest_map_counts():
    model = unet(skips=False).eval()
    assert [info.name for info in model.levels] == ["block3.pair"]
    assert count(model.decoder) < count(unet().decoder)
    x = torch.rand(1, 3, 32, 32)
    seen = {}
    model.decoder.register_forward_pre_hook(lambda _, given: seen.update(state=given[0]))
    with torch.no_grad():
        model(x)
    assert [t.shape for t in seen["state"]] == [(1, 16, 8, 8)]


def test_a_shortcut_adds_its_projection():
    added = count(unet(residual=True).decoder) - count(unet().decoder)
    assert added == (16 + 8) * 16 + (16 + 4) * 16
    plain, residual = (count(UNetEncoder(widths=(4, 8, 8), residual=r)) for r in (False, True))
    assert residual - plain == 3 * 4 + 4 * 8  # none where the channels are alike


def test_a_shortcut_is_added_before_the_last_activation():
    pair = UNetEncoder(in_channels=4, widths=(4,), residual=True).block1.pair.eval()
    x = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(pair(x), (pair.branch(x) + x).relu())


def test_dropout_acts_while_training_only():
    model, x = unet(dropout=0.9), torch.rand(2, 3, 16, 16)
    model.train()
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_decoder_widths_by_resolution():
    assert usual_widths({4: 96, 8: 192, 16: 384, 32: 768}, 32) == (256, 128, 64, 32, 16)
    assert usual_widths({1: 3, 2: 32, 4: 64}, 4) == (32, 16)
    assert usual_widths({1: 8}, 1) == ()
    with pytest.raises(OptionError, match=r"decoder_widths: expected 2 numbers, one for each .* 1/4, got 3"):
        unet(decoder_widths=[8, 8, 8])


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        ("mlp", r"encoder MLP: expected a backbone that takes images of any size, got 256x320"),
        ({"name": "mlp", "input_size": [256, 320]}, r"expected a backbone that makes maps, got a vector"),
        ("timm:vit_tiny_patch16_224", r"any size, got 256x320 \(Input height"),
    ],
)
def test_encoders_of_one_size_or_without_maps_are_refused_in_one_line(encoder, words):
    with pytest.raises(OptionError, match=words) as caught:
        unet(encoder=encoder)
    assert "\n" not in str(caught.value)


def test_a_class_alone_is_no_segmentation():
    with pytest.raises(OptionError, match="needs classes"):
        zoo.build("unet", encoder=SMALL)
    with pytest.raises(OptionError, match="at least 2 classes, got 1; the background is a class too"):
        unet(classes=1)


def test_frozen_parts_stay_and_the_rest_learns():
    with pytest.warns(zoo.ZooWarning, match="have random weights.*name the encoder's weights"):
        model = unet(freeze="encoder.block1-2,decoder").train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(torch.rand(2, 3, 16, 16)).square().mean().backward()
    optimizer.step()
    moved = {k.rpartition(".")[0] for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved
    assert all(k.startswith(("encoder.block3", "head")) for k in moved)
    assert model.frozen == ("encoder.block1", "encoder.block2", "decoder")
    with pytest.raises(FreezeError):
        unet(freeze="encoder.block9")


def test_an_encoder_with_weights_says_how_images_are_normalised():
    model = unet(encoder={"name": "tiny_resnet", "weights": "glyphs"}, freeze="encoder.all")
    backbone = zoo.build("tiny_resnet", weights="glyphs").backbone
    assert model.input_spec == backbone.input_spec
    assert (model.input_spec.channels, model.normalise.spec) == (1, model.input_spec)
    state = backbone.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in model.encoder.state_dict().items())
    with pytest.raises(OptionError, match="expected in_channels=4, got 1"):
        unet(encoder={"name": "tiny_resnet", "in_channels": 1}, in_channels=4)


def test_saved_and_loaded_it_computes_the_same(tmp_path):
    model = unet(encoder={"name": "tiny_resnet", "weights": "glyphs"}, freeze="encoder.block1").eval()
    zoo.save(model, tmp_path / "model")
    same = zoo.load(tmp_path / "model")
    x = torch.rand(1, 1, 33, 50)
    with torch.no_grad():
        assert torch.equal(model(x), same(x))
    assert same.frozen == ("encoder.block1",)
    trained = zoo.build(f"file:{tmp_path / 'model'}", head="multiclass", classes=3)
    assert torch.equal(trained.backbone.block1.conv1.weight, model.encoder.block1.conv1.weight)


def test_rates_by_part(tmp_path):
    rates = {"encoder": 1e-30, "decoder": 1e-2, "head": 1e-2}
    model = unet(classes=4, input_size=32)
    before = {k: v.clone() for k, v in model.named_parameters()}
    zoo.fit(model, {"name": "shapes", "size": 32, "count": 12}, epochs=1, lr=rates, out=tmp_path / "run")
    moved = {k.split(".")[0] for k, v in model.named_parameters() if not torch.allclose(v, before[k])}
    assert moved == {"decoder", "head"}


def test_the_sequential_network_sees_no_further_than_its_convolutions():
    net = SequentialCNN(classes=3, channels=(4, 4)).eval()
    x = torch.rand(1, 3, 15, 15)
    y = x.clone()
    y[..., 7, 7] = 1 - y[..., 7, 7]
    with torch.no_grad():
        rows, columns = (net(x) != net(y)).any(1)[0].nonzero().unbind(1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 9, 5, 9)
