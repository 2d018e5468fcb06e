"""Push and pull of autoencoders, bit for bit, and of models whose encoder comes from one on the Hub."""

from __future__ import annotations

import pytest
import torch

import zoo

from .test_there_and_back import one_thread, there_and_back, trained  # noqa: F401 - a fixture among them

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


def build(**options: object) -> zoo.Model:
    encoder = {"name": "conv_encoder", "channels": [4, 8]}
    return zoo.build("autoencoder", encoder=encoder, in_channels=1, input_size=8, seed=0, **options)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")  # frozen blocks with random weights
@pytest.mark.usefixtures("writing", "one_thread")
def test_plain_and_variational_ones_come_back_bit_for_bit(hub, tmp_path):
    facts = {"metrics": {"test": {"psnr": 17.5}}, "origin": "trained on digits"}
    models = {
        "me/map": trained(build(), **facts),
        "me/plot": trained(build(latent=2, variational=True, freeze="encoder.block1"), **facts),
        "me/vit": trained(
            zoo.build("autoencoder", encoder={"name": "timm:vit_tiny_patch16_224",
                      "arguments": {"depth": 2, "embed_dim": 12}}, latent=3, input_size=32, seed=0),
        ),
    }  # fmt: skip
    found, expected = there_and_back(hub, tmp_path, models)
    assert found == expected
    assert found[1][3] == ["encoder.block1"]


@pytest.mark.usefixtures("writing")
def test_an_encoder_on_the_hub_is_a_backbone_by_reference(hub):
    first = trained(build(latent=2))
    zoo.push(first, "me/ae")
    model = zoo.build("hf://me/ae", head="multiclass", classes=10, freeze="all", seed=0)
    state, own = model.backbone.state_dict(), first.encoder.state_dict()
    assert all(torch.equal(state[name], own[name]) for name in own)
    assert model.origin == "hf://me/ae"
    zoo.push(model, "me/classifier")
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(zoo.pull("me/classifier")(x), model.eval()(x))


@pytest.mark.usefixtures("writing")
def test_what_is_pushed_names_no_folder_of_the_machine(hub, tmp_path):
    zoo.save(build(), tmp_path / "ae")
    model = zoo.build("autoencoder", encoder=f"file:{tmp_path}/ae", latent=2, seed=0)
    zoo.push(model, "me/second")
    again = zoo.pull("me/second")
    assert again.recipe.model.options["encoder"]["weights"] == "file:ae"
    assert str(tmp_path) not in str(again.recipe) + str(again.origin)
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(again(x), model.eval()(x))
