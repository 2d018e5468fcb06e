"""The model card claims what is known, and nothing else."""

from __future__ import annotations

import json
import re

import pytest
from huggingface_hub import ModelCard

import zoo
from zoo.hub.card import card as card_of
from zoo.interfaces.model import Model
from zoo.spec.inputs import InputSpec


def card(tmp_path, model, **options):
    folder = zoo.save(model, tmp_path / "model", **options)
    return ModelCard.load(folder / "README.md")


def trained(model, **recipe):
    model.recipe = model.recipe.model_copy(update={"trainer": "supervised", "seed": 3, **recipe})
    model.origin = "trained on cats"
    return model


def test_no_licence_is_claimed_that_nobody_gave(tmp_path, make):
    found = card(tmp_path, make("resnet18"))
    assert found.data.license is None
    assert "licen" not in found.content.lower()


def test_a_licence_that_was_given_is_told(tmp_path, make):
    assert card(tmp_path, make("mlp"), licence="MIT").data.license == "mit"


def test_front_matter_names_library_network_and_task(tmp_path, make):
    data = card(tmp_path, make("timm:convnext_atto")).data
    assert data.library_name == "zoo"
    assert data.tags == ["zoo", "convnext_atto", "multiclass"]
    assert data.pipeline_tag == "image-classification"
    assert data.eval_results is None and data.base_model is None


def test_a_feature_extractor_is_called_one(tmp_path, make):
    found = card(tmp_path, make("resnet18", head=None, classes=None))
    assert found.data.pipeline_tag == "image-feature-extraction"
    assert "A feature extractor for PyTorch" in found.text
    assert "zoo.predict" not in found.text


def test_no_pipeline_is_claimed_that_the_hub_has_no_word_for(tmp_path, make):
    assert card(tmp_path, make("mlp", head="regression", classes=1)).data.pipeline_tag is None


def test_no_metrics_are_claimed_that_nobody_measured(tmp_path, make):
    text = card(tmp_path, make("resnet18")).text
    assert "Nothing has been measured" in text
    assert "| metric |" not in text
    assert "accuracy" not in text


def test_measured_metrics_are_told_by_split(tmp_path, make):
    model = make("mlp")
    model.metrics = {"test": {"accuracy": 0.98765, "loss": 0.1}, "val": {"accuracy": 1.0}}
    text = card(tmp_path, model).text
    table = "| metric | test | val |\n| --- | --- | --- |\n| accuracy | 0.9877 | 1 |\n| loss | 0.1 |  |"
    assert table in text
    assert "Nothing has been measured" not in text


def test_figures_go_to_the_hubs_index_where_their_data_are_known(tmp_path, make):
    model = trained(make("mlp"), data="file:/home/me/cats")
    model.metrics = {"test": {"accuracy": 0.75, "loss": 0.1}, "all": {"accuracy": 1.0}}
    assert card(tmp_path, model).data.eval_results is None
    for data, name, kind in (
        ("file:dogs", "dogs", "imagefolder"),
        ({"name": "faces", "per_class": 4}, "faces", "custom"),
    ):
        model.measured = {"test": {"data": data, "count": 8, "hash": "0123456789abcdef"}}
        (result,) = card(tmp_path, model).data.eval_results
        assert (result.task_type, result.dataset_name, result.dataset_type) == (
            "image-classification", name, kind,
        )  # fmt: skip
        assert (result.dataset_split, result.metric_type, result.metric_value) == ("test", "accuracy", 0.75)


def test_the_card_says_what_each_figure_was_measured_on(tmp_path, make):
    model = trained(make("mlp"), data="cats")
    model.metrics = {"val": {"accuracy": 1.0}, "test": {"accuracy": 0.75}, "all": {"accuracy": 0.5}}
    on = {"count": 8, "hash": "0123456789abcdef"}
    model.measured = {"test": {"data": "file:dogs", **on}, "all": {"data": None, **on}}
    text = card(tmp_path, model).text
    assert "- val: it is not recorded on what it was measured\n" in text
    assert "- test: measured on 8 images of dogs, splits `0123456789ab`\n" in text
    assert "- all: measured on 8 images, splits `0123456789ab`\n" in text


def test_what_was_measured_on_is_forgotten_with_the_figures(make):
    model = make("mlp")
    model.metrics = {"val": {"accuracy": 1.0}, "test": {"accuracy": 0.75}}
    on = {"data": "file:dogs", "count": 8, "hash": "0"}
    model.measured = {"val": on, "test": on}
    model.metrics = {**model.metrics, "test": {"accuracy": 0.75}}
    assert model.measured == {"val": on}


def test_the_repository_that_weights_came_from_is_named(tmp_path, make):
    model = make("mlp")
    section = model.recipe.model.model_copy(update={"weights": "hf://me/base@v1"})
    model.recipe = model.recipe.model_copy(update={"model": section})
    assert card(tmp_path, model).data.base_model == "me/base"


def test_labels_plugins_and_summary_are_told(tmp_path, make):
    model = make("mlp", classes=[f"class {i}" for i in range(23)])
    text = card(tmp_path, model).text
    assert "23 labels: class 0, class 1," in text
    assert "class 19 and 3 more" in text
    assert "class 22" not in text
    table, where = str(model.summary()).rsplit("\n", 1)
    assert where == "weights: random"
    assert table in text
    for name, number in model.plugins.items():
        assert f"{name}=={number}" in text


def test_input_and_preprocessing_are_told(tmp_path, make):
    model = make("mlp", in_channels=3)
    model.input_spec = InputSpec(size=(8, 8), range=(0, 255), mean=(1.0,) * 3, std=(2.0,) * 3)
    text = " ".join(card(tmp_path, model).text.split())
    assert "RGB images N x 3 x H x W with values in [0, 1], resized to 8 x 8 (bilinear)" in text
    assert "scaled to [0, 255], normalised with mean 1, 1, 1 and standard deviation 2, 2, 2" in text


def test_the_recipe_in_the_card_trains_again(tmp_path, make):
    model = trained(make("mlp"), data="faces")
    text = card(tmp_path, model).text
    recipe = json.loads(text.partition("```json\n")[2].partition("```")[0])
    assert zoo.Recipe.from_dict(recipe) == model.recipe
    assert "Data: faces. Seed: 3." in text


def test_a_random_model_was_not_trained(tmp_path, make):
    assert "## Training" not in card(tmp_path, make("mlp")).text


def test_history_and_curves_of_a_run_are_told(tmp_path, make):
    model = trained(make("mlp"), data="faces")
    folder = zoo.save(model, tmp_path / "model")
    (folder / "history.json").write_text(
        '[{"epoch": 1, "loss": 0.7, "seconds": 3}, {"epoch": 2, "loss": 0.25, "val_loss": null}]'
    )
    (folder / "curves.png").write_bytes(b"")
    text = card(tmp_path, model).text
    assert "Epochs: 2." in text
    assert "|  | first epoch | last epoch |\n| --- | --- | --- |\n| loss | 0.7 | 0.25 |\n" in text
    assert "![Loss and metrics by epoch](curves.png)" in text
    other = trained(make("mlp", seed=1), data="faces")
    assert "curves.png" not in card(tmp_path, other).text


@pytest.mark.parametrize("history", ["", "{", "[1]", '{"a": 1}', "[" * 100_000])
def test_a_history_that_is_none_is_passed_over(tmp_path, make, history):
    folder = zoo.save(make("mlp"), tmp_path / "model")
    (folder / "history.json").write_text(history)
    assert "Epochs" not in card(tmp_path, make("mlp")).text


@pytest.mark.parametrize("licence", ["apache-2.0", "a: b\nlibrary_name: theirs"])
def test_a_licence_does_not_break_out_of_the_front_matter(tmp_path, make, licence):
    model = make("mlp")
    model.licence = licence  # of a stranger's config
    data = card(tmp_path, model).data
    assert (data.license, data.library_name) == (licence if licence == "apache-2.0" else "other", "zoo")
    assert data.license_name == (None if licence == "apache-2.0" else "a-b-library-name-theirs")


def test_a_label_does_not_break_out_of_the_section(tmp_path, make):
    model = make("mlp", classes=["a\n# b", "<!-- zoo: end -->", "c"])
    folder = zoo.save(model, tmp_path / "model")
    text = (folder / "README.md").read_text()
    assert "a # b" in text
    assert text == (zoo.save(model, folder) / "README.md").read_text()


def test_what_people_wrote_stays_when_a_model_is_saved_again(tmp_path, make):
    folder = zoo.save(make("mlp"), tmp_path / "model")
    file = folder / "README.md"
    text = file.read_text().replace("---\n\n", "---\n\nBefore.\n\n").replace("tags:", "thumbnail: x\ntags:")
    file.write_text(text + "\nAfter.\n")
    zoo.save(make("resnet18"), folder)
    found = ModelCard.load(file)
    assert found.data.tags[1] == "resnet18" and found.data.thumbnail == "x"
    assert found.text.strip().startswith("Before.\n\n<!-- zoo: begin") and found.text.endswith(
        "-->\n\nAfter.\n"
    )
    assert "mlp" not in found.text
    before = file.read_bytes()
    zoo.save(make("resnet18"), folder)
    assert file.read_bytes() == before


def test_how_to_get_it_is_told_where_that_is_known(make):
    model: Model = make("mlp")
    assert 'zoo.load("this-folder")' in card_of(model)
    assert 'zoo.pull("me/cats")' in card_of(model, reference="me/cats")


def test_shell_blocks_of_a_card_hold_commands_alone(tmp_path, make):
    model = make("mlp")
    needed = [*model.plugins]
    model.plugins = {**model.plugins, "zoo-quantum": "2.3"}
    text = card(tmp_path, model).text
    (block,) = re.findall(r"```sh\n(.*?)\n```", text, flags=re.DOTALL)
    assert [line.split()[:2] for line in block.splitlines()] == [["pip", "install"]] * len(needed)
    assert "#" not in block
    assert (
        "zoo-quantum==2.3. Install zoo-quantum 2.3 from where its author offers it. With pip, in the" in text
    )
    model.plugins = {"zoo-quantum": "2.3"}
    assert "```sh" not in card_of(model)


def test_what_strangers_wrote_is_shown_letter_by_letter() -> None:
    names = ["<b>x</b>", "y\x1b[1m"]
    model = zoo.build("small_cnn", channels=[2], head="multiclass", classes=names, input_size=8)
    model.note_origin("x\n\n<script>1</script>\n\n# Heading\n\x1b[31m")
    text = card_of(model)
    assert "<script>" not in text
    assert "\x1b" not in text
    assert "\n# Heading" not in text
    assert "&lt;b&gt;x&lt;/b&gt;, y\ufffd\\[1m" in text
