"""What the distribution declares, and that declaring it costs neither torch nor timm."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError
from zoo_timm import config
from zoo_timm.plugin import ALIASES, BARE, zoo_components, zoo_namespace
from zoo_timm.table import architectures, refused

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
