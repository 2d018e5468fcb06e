import pytest

import zoo
from zoo.spec.errors import OptionError


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (
            "vgg16",
            {"head": "binary", "dropout": 0.3},
            r"option dropout=0\.3: .* got head='binary'; leave it out, or",
        ),
        (
            "vgg16",
            {"hidden": 64, "input_size": 64},
            'option hidden=64: expected head="original", .* got no head',
        ),
        ("efficientnet_b0", {"head": "binary", "dropout": 0.5}, "option dropout"),
        ("mobilenet_v2", {"head": "binary", "dropout": 0.5}, "option dropout"),
        ("dcgan", {"classes": 3, "input_size": 16}, "build: classes: expected no classes: .* got classes=3"),
        ("dcgan", {"classes": ["a", "b"], "input_size": 16}, "expected no classes"),
    ],
)
def test_an_option_that_does_nothing_here_is_refused(
    name: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        zoo.build(name, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {"head": "binary", "dropout": 0.3, "hidden": [8], "input_size": 8}),
        ("small_cnn", {"head": "original", "classes": 2, "dropout": 0.3, "hidden": 8, "input_size": 32}),
        ("unet", {"encoder": "tiny_resnet", "classes": 3, "input_size": 32}),
        ("tiny_resnet", {"head": "multiclass", "classes": 3, "input_size": 32}),
    ],
)
def test_an_option_that_does_something_is_taken(name: str, options: dict[str, object]) -> None:
    assert zoo.build(name, **options, seed=0).outputs > 0
