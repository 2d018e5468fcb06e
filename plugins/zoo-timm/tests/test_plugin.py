"""What the distribution declares, and that declaring it costs neither torch nor timm."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from pydantic import ValidationError
from timm.data import create_transform, resolve_data_config
from zoo_timm import config, survey
from zoo_timm.plugin import ALIASES, BARE, zoo_components, zoo_namespace
from zoo_timm.table import architectures, refused

from zoo.compose.plan import plan
from zoo.images.prepare import prepare
from zoo.spec.recipe import ModelSection

COMPONENTS = {c.name: c for c in zoo_components()}
ISSUE = (
    "inception_v3",
    "nasnetalarge",
    "densenet121",
    "legacy_xception",
    "convnext_tiny",
    "efficientnet_b0",
    "swin_tiny_patch4_window7_224",
    "vit_tiny_patch16_224",
)


def test_declaring_imports_neither_torch_nor_timm():
    code = (
        "import sys; from zoo_timm import config, plugin; found = plugin.zoo_components(); "
        "[getattr(config, c.config.partition(':')[2]) for c in found]; "
        "sys.exit(bool({'torch', 'timm'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", [*ISSUE, *BARE])
def test_the_named_architectures_are_offered(name):
    assert name in COMPONENTS


def test_names_are_unique_and_those_of_timm_but_for_the_aliases():
    assert max(Counter(c.name for c in zoo_components()).values()) == 1
    assert set(COMPONENTS) == {*architectures(), *ALIASES}
    assert not set(architectures()) & set(refused())


def test_only_the_aliases_are_bare():
    namespace = zoo_namespace()
    assert namespace.name == "timm"
    assert [name for name in COMPONENTS if namespace.claims(name)] == [c for c in COMPONENTS if c in BARE]
    assert not namespace.claims("vgg16")
    assert not namespace.claims("resnet18")


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_options_are_fixed_to_the_architecture_and_take_the_tiny_ones(name):
    component = COMPONENTS[name]
    options = getattr(config, component.config.partition(":")[2])
    architecture = ALIASES.get(name, name)
    assert options(**component.tiny).architecture == architecture
    with pytest.raises(ValidationError):
        options(architecture="another")


def test_imagenet_is_a_tag_of_every_network_of_the_issue():
    weights = [COMPONENTS[name].weights["imagenet"] for name in (*ISSUE, *BARE)]
    assert all(w.classes == 1000 and w.labels == "imagenet-1k" for w in weights)
    assert all(w.repo.startswith("timm/") for w in weights)


def test_preprocessing_is_that_of_the_weights():
    assert COMPONENTS["inception_v3"].weights["tv_in1k"].input.size == (299, 299)
    assert COMPONENTS["vit_tiny_patch16_224"].weights["imagenet"].input.mean == (0.5, 0.5, 0.5)


def test_each_tag_has_timms_crop():
    """As timm resizes and cuts; of the other ways, whole images are what zoo has."""
    others = set()
    for component in COMPONENTS.values():
        for tag, weights in component.weights.items():
            cfg = timm.get_pretrained_cfg(weights.repo.removeprefix("timm/"))
            found = resolve_data_config(pretrained_cfg=cfg.to_dict())
            if found["crop_mode"] == "center" and found["crop_pct"] <= 1:
                assert weights.input.crop == found["crop_pct"], (component.name, tag)
            else:
                assert weights.input.crop is None, (component.name, tag)
                others.add((found["crop_mode"], found["crop_pct"]))
    assert others == {("squash", 1.0), ("squash", 0.9)}


@pytest.mark.parametrize(
    ("mode", "share", "crop"),
    [("center", 0.9, 0.9), ("center", 1.15, None), ("border", 0.9, None), ("squash", 1.0, None)],
)
def test_the_survey_takes_a_crop_from_the_middle_alone(mode, share, crop):
    assert survey.crop(replace(timm.get_pretrained_cfg("resnet18"), crop_mode=mode, crop_pct=share)) == crop


@pytest.mark.parametrize(
    ("name", "tag", "mode"),
    [("resnet18", "a1_in1k", "center"), ("convnext_tiny", "in12k_ft_in1k_384", "squash")],
)
def test_a_published_classifier_sees_timms_pixels(name, tag, mode):
    cfg = timm.get_pretrained_cfg(f"{name}.{tag}")
    config = resolve_data_config(pretrained_cfg=cfg.to_dict())
    assert config["crop_mode"] == mode
    steps = create_transform(**config).transforms[:2]
    spec = plan(ModelSection(name=f"timm:{name}", head="original", weights=tag)).meta_model.input_spec
    for height, width in ((375, 500), (500, 375), (64, 200)):
        image = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
        expected = torch.from_numpy(image).permute(2, 0, 1)
        for step in steps:
            expected = step(expected)
        torch.testing.assert_close(prepare(image, spec), expected.clamp(0, 1), atol=1e-5, rtol=0)


def test_refused_architectures_say_why():
    assert "cait_xxs24_224" in refused()
    with pytest.raises(AttributeError, match="not offered: norm is not given"):
        config.cait_xxs24_224  # noqa: B018 - reading it is the test


def test_the_readme_lists_what_is_refused():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name, reason in refused().items() if f"| `{name}` | {reason} |" not in text] == []


def test_the_table_is_that_of_the_survey():
    names = (Path(config.__file__).parent / "survey.txt").read_text(encoding="utf-8").split()
    assert {*architectures(), *refused()} == set(names)
