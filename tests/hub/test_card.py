"""The model card claims what is known, and nothing else."""

from __future__ import annotations

import pytest
from huggingface_hub import ModelCard

import zoo


def card(tmp_path, model, **options):
    folder = zoo.save(model, tmp_path / "model", **options)
    return ModelCard.load(folder / "README.md")


def test_no_licence_is_claimed_that_nobody_gave(tmp_path, make):
    found = card(tmp_path, make("resnet18"))
    assert found.data.license is None
    assert "licen" not in found.content.lower()


def test_a_licence_that_was_given_is_told(tmp_path, make):
    assert card(tmp_path, make("mlp"), licence="MIT").data.license == "mit"


def test_front_matter_names_library_network_and_task(tmp_path, make):
    data = card(tmp_path, make("timm:convnext_atto")).data
    assert data.library_name == "zoo"
    assert data.tags == ["zoo", "timm:convnext_atto", "multiclass"]


def test_no_metrics_are_claimed_that_nobody_measured(tmp_path, make):
    text = card(tmp_path, make("resnet18")).text
    assert "Nothing has been measured" in text
    assert "| metric |" not in text
    assert "accuracy" not in text


def test_measured_metrics_are_told_by_split(tmp_path, make):
    model = make("mlp")
    model.metrics = {"test": {"accuracy": 0.98765, "loss": 0.1}}
    text = card(tmp_path, model).text
    assert (
        "Measured on the test split:\n\n| metric | value |\n|---|---|\n| accuracy | 0.9877 |\n| loss | 0.1 |"
        in text
    )
    assert "Nothing has been measured" not in text


def test_labels_plugins_and_summary_are_told(tmp_path, make):
    model = make("mlp", classes=[f"class {i}" for i in range(23)])
    text = card(tmp_path, model).text
    assert "Labels: class 0, class 1," in text
    assert "class 19 and 3 more" in text
    assert str(model.summary()) in text
    for name, number in model.plugins.items():
        assert f"{name} {number}" in text


@pytest.mark.parametrize("licence", ["apache-2.0", "a: b\nlibrary_name: theirs"])
def test_a_licence_does_not_break_out_of_the_front_matter(tmp_path, make, licence):
    data = card(tmp_path, make("mlp"), licence=licence).data
    assert (data.license, data.library_name) == (licence, "zoo")
