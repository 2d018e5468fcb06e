"""Local paths are cut to their last part, in all the places that a config has; all else stays."""

from __future__ import annotations

import pytest

from zoo.hub.provenance import public


def origin(text):
    return public({"recipe": {}, "origin": text})["origin"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("resnet18 imagenet", "resnet18 imagenet"),
        ("hf://me/cats@v1", "hf://me/cats@v1"),
        ("trained on cats", "trained on cats"),
        ("/home/me/my models/cats/model.safetensors", "cats"),
        ("runs/cats/model.safetensors", "cats"),
        ("/weights/vgg16.safetensors", "vgg16.safetensors"),
        ("/model.safetensors", "model.safetensors"),
        (r"C:\Users\me\cats\model.safetensors", "cats"),
        (r"\\server\share\cats", "cats"),
        ("trained on a, starting from trained on b, starting from /x/y/c", "trained on a, starting from "
         "trained on b, starting from c"),
    ],
)  # fmt: skip
def test_origins(text, expected):
    assert origin(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hf://me/cats", "hf://me/cats"),
        ("imagenet", "imagenet"),
        ("/home/me/cats", "file:cats"),
        ("file:/home/me/cats/model.safetensors", "file:cats"),
        ("runs/cats", "file:cats"),
        ("~/cats", "file:cats"),
        ("file:C:/Users/me/cats", "file:cats"),
    ],
)
def test_references(value, expected):
    recipe = {"model": {"name": "net", "weights": value}, "data": value}
    found = public({"recipe": recipe, "origin": None})["recipe"]
    assert found == {"model": {"name": "net", "weights": expected}, "data": expected}


def test_options_deep_inside_and_names_of_classes():
    recipe = {
        "model": {
            "name": "net",
            "classes": ["cats/dogs", "/"],
            "options": {"encoder": {"name": "file:/home/me/ae"}, "act": "a/b", "sizes": [1, None]},
        },
        "augment": [{"name": "paste", "folder": "../backgrounds"}],
    }
    found = public({"recipe": recipe, "origin": None})["recipe"]
    assert found["model"]["classes"] == ["cats/dogs", "/"]
    assert found["model"]["options"] == {
        "encoder": {"name": "file:ae"},
        "act": "a/b",
        "sizes": [1, None],
    }
    assert found["augment"] == [{"name": "paste", "folder": "file:backgrounds"}]
