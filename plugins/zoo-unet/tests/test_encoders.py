"""Every backbone as encoder: a training step, the input's size back, gray images too."""

import pytest
import torch

import zoo
from zoo.registry.lookup import entries

MAPLESS = {"mlp"}
PLUGINS = ("basic", "vgg", "resnet", "mobilenet", "efficientnet", "unet")
OURS = {
    # Without what only the published classifier looks at
    entry.qualified: {key: value for key, value in entry.component.tiny.items() if key != "hidden"}
    for entry in entries("backbone")
    if entry.plugin.distribution in {f"zoo-{name}" for name in PLUGINS}
    and entry.component.name not in MAPLESS
}
TIMM = {
    "timm:convnext_atto": {},
    "timm:mobilenetv3_small_100": {},
    "timm:efficientnet_b0": {},
    "timm:regnetx_004": {},
    "timm:densenet121": {"arguments": {"block_config": [2, 2, 2, 2]}},
    "timm:swin_tiny_patch4_window7_224": {
        "arguments": {"strict_img_size": False, "depths": [1, 1, 2, 1], "embed_dim": 24}
    },
    "timm:vit_tiny_patch16_224": {"arguments": {"dynamic_img_size": True, "depth": 2}},
}


def test_all_of_ours_are_there():
    assert len(OURS) >= 33
    assert {name.split(":")[0] for name in OURS} == {*PLUGINS}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OURS, *TIMM])
def test_it_trains_and_gives_the_inputs_size_back(name):
    encoder = {"name": name, **(OURS | TIMM)[name]}
    model = zoo.build("unet", encoder=encoder, classes=3, seed=0).train()
    before = {k: v.clone() for k, v in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    output = model(torch.rand(2, 3, 64, 64))
    assert output.shape == (2, 3, 64, 64)
    torch.nn.functional.cross_entropy(output, torch.randint(3, (2, 64, 64))).backward()
    optimizer.step()
    moved = {k.split(".")[0] for k, v in model.named_parameters() if not torch.equal(v, before[k])}
    assert moved == {"encoder", "decoder", "head"}
    assert all(p.isfinite().all() for p in model.parameters())
    gray = zoo.build("unet", encoder=encoder, classes=3, in_channels=1, seed=0).eval()
    with torch.no_grad():
        assert gray(torch.rand(1, 1, 97, 131)).shape == (1, 3, 97, 131)
        assert gray(torch.rand(2, 1, 64, 64)).shape == (2, 3, 64, 64)
