"""What a newcomer types wrong in the first hour, and the line that puts it right: one test a sentence.

Python and the command line say the same; what differs by the place where one types is tested in both.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import zoo
from zoo.cli import main
from zoo.registry import catalogue
from zoo.registry.plugins.install_command import way_to_install, way_to_upgrade
from zoo.spec.names import closest

SMALL = {"head": "binary", "input_size": 32, "seed": 0}


@pytest.fixture
def run(capsys):
    """Runs `zoo ...` in this process: what it says on standard error where it fails, else its output."""

    def zoo_command(line, status=2):
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(line))
        said = capsys.readouterr()
        assert int(ended.value.code or 0) == status, said.err
        return said.err.strip() if status else said.out

    return zoo_command


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A working folder: class folders `cats-and-dogs`, an image, a saved model `m`, weights."""
    home = tmp_path_factory.mktemp("home")
    draw = np.random.default_rng(0)
    for name, mean in (("cat", 60), ("dog", 190)):
        folder = home / "cats-and-dogs" / name
        folder.mkdir(parents=True)
        for i in range(6):
            pixels = draw.normal(mean, 30, (32, 32, 3)).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(folder / f"{i}.png")
            Image.fromarray(pixels).save(home / "cat.png")
    model = zoo.build("small_cnn", **SMALL)
    model.labels = ("cat", "dog")
    zoo.save(model, home / "m")
    save_file(model.backbone.state_dict(), home / "w.safetensors")
    torch.save(model.backbone.state_dict(), home / "w.pth")
    return home


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(call, *arguments, **options):
    with pytest.raises(zoo.ZooError) as caught:
        call(*arguments, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


# References


def test_a_bare_name_that_is_no_data_set_but_a_folder_is_that_folder(here, tmp_path):
    model = zoo.build("small_cnn", **SMALL)
    run = zoo.fit(model, "cats-and-dogs", epochs=1, out=tmp_path / "run")
    assert run.model.recipe.data == "file:cats-and-dogs"


def test_a_bare_name_that_is_a_data_set_and_a_folder_names_both_spellings(empty, run):
    (empty / "photos" / "cat").mkdir(parents=True)
    model = zoo.build("small_cnn", **SMALL)
    assert said(zoo.fit, model, "photos").endswith("say 'datasets:photos' or './photos'")
    assert said(zoo.evaluate, model, {"name": "photos"}).endswith("say 'datasets:photos' or './photos'")
    for line in ("fit --model small_cnn --head binary --data photos", "data photos"):
        assert run(line).endswith("say 'datasets:photos' or './photos'")
    assert "photos" in run("data datasets:photos", status=0)


def test_what_a_recipe_records_is_not_ambiguous(empty):
    model = zoo.build("small_cnn", **SMALL, in_channels=1)
    run = zoo.fit(model, "faces", epochs=1, out=empty / "run")
    (empty / "faces").mkdir()
    assert json.loads((run.folder / "config.json").read_text())["recipe"]["data"]["name"] == "datasets:faces"
    again = zoo.fit(zoo.load(run.folder), epochs=1, out=empty / "again")  # the folder does not matter
    assert again.images == run.images


def test_a_folder_of_a_part_that_no_folder_can_be_is_not_looked_at(empty):
    for name in ("binary", "vgg16", "bce"):
        (empty / name).mkdir()
    assert zoo.build("vgg16", head="binary", input_size=32).recipe.model.called == "vgg16"


def test_a_saved_model_of_a_component_s_name_is_ambiguous(empty):
    model = zoo.build("small_cnn", **SMALL)
    zoo.save(model, "small_cnn")
    assert said(zoo.build, "small_cnn").endswith("say 'basic:small_cnn' or './small_cnn'")
    assert zoo.build("basic:small_cnn").origin is None
    assert zoo.build("./small_cnn").origin == str(Path("small_cnn/model.safetensors"))
    zoo.load("small_cnn")  # what it says itself is always the component
    zoo.push("small_cnn", "./pushed")


def test_a_saved_model_is_named_bare(here):
    model = zoo.build("m", head="binary")
    assert model.recipe.model.weights == "file:m"
    assert zoo.predict("m", "cat.png")[0].source == "cat.png"
    assert zoo.pull("m").recipe.model.called == "small_cnn"


def test_a_part_is_a_saved_model_by_its_bare_name(here):
    unet = zoo.build("unet", encoder="m", classes=2, input_size=32)
    assert unet.recipe.model.options["encoder"]["weights"] == "file:m"
    assert unet.recipe.model.options["encoder"]["name"] == "basic:small_cnn"


def test_push_takes_a_folder_that_is_there_by_its_bare_name(here, empty):
    zoo.save(zoo.build("small_cnn", **SMALL), "hub")
    assert zoo.push(zoo.build("small_cnn", **SMALL), "hub").reference == "file:hub"
    assert 'say "file:nothere"' in said(zoo.push, zoo.build("small_cnn", **SMALL), "nothere")


def test_data_without_targets_are_refused_in_one_line(empty, run):
    line = said(zoo.fit, zoo.build("small_cnn", **SMALL), "photos")
    assert "expected a class for each image, got images alone" in line
    assert run("fit --model small_cnn --head binary --data photos --set input_size=32").startswith(
        "error: fit: data: expected a class for each image"
    )
    assert "a class for each" in said(zoo.fit, zoo.build("small_cnn", head="multilabel", classes=2), "photos")


def test_a_name_with_spaces_is_a_folder(here):
    (here / "my cats").mkdir(exist_ok=True)
    assert "data my cats: expected" in said(zoo.fit, zoo.build("small_cnn", **SMALL), "my cats")


# Weights


def test_weights_are_a_file_or_folder_by_its_bare_name(here, run):
    for name in ("w.safetensors", "m"):
        assert zoo.build("small_cnn", weights=name).recipe.model.weights == f"file:{name}"
    assert "weights: w.safetensors" in run("build small_cnn --weights w.safetensors", status=0)


def test_weights_that_are_not_there_say_what_was_looked_for(here):
    assert "no file nothere.safetensors" in said(zoo.build, "small_cnn", weights="nothere.safetensors")
    assert "nothing here has that name" in said(zoo.build, "small_cnn", weights="nothere")


def test_a_pickle_is_not_read_and_the_advice_works(here, run):
    line = said(zoo.build, "small_cnn", weights="w.pth")
    assert "a pickle, which may run code" in line
    (command,) = re.findall(r"zoo (convert .*) makes one of it", line)
    (here / "w.safetensors").unlink()
    run(command, status=0)
    model = zoo.build("small_cnn", weights="w.safetensors")
    saved = torch.load("w.pth", weights_only=True)
    assert all(torch.equal(tensor, saved[name]) for name, tensor in model.backbone.state_dict().items())


def test_a_tag_goes_before_a_folder_of_its_name_and_says_so(here, empty):
    zoo.save(zoo.build("tiny_resnet", input_size=32), "glyphs")
    with pytest.warns(zoo.ZooWarning, match="the folder here is './glyphs'"):
        assert zoo.build("tiny_resnet", weights="glyphs").origin == "tiny_resnet glyphs"


def test_a_tag_is_offered_whatever_its_case():
    for name in ("imagnet", "ImageNet"):
        assert said(zoo.build, "vgg16", weights=name).rpartition("; did you mean ")[2].startswith("imagenet")


# Names


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("InceptionV3", "did you mean inception_v3?"),
        ("VGG16", "did you mean vgg16?"),
        ("ResNet-50", "did you mean resnet50?"),
        ("vgg17", "did you mean vgg16 or "),
        ("mobilenet", "mobilenet_v1 or mobilenet_v2 or mobilenet_v3_large or mobilenet_v3_small?"),
    ],
)
def test_a_name_is_offered_in_zoo_s_spelling(name, offered, run):
    assert offered in said(zoo.build, name)
    assert offered in run(f"build {name}")


def test_a_misspelt_family_is_offered_whole():
    assert "efficientnet_b0 or " in said(zoo.build, "efficent")
    names = ["efficientnet_b0", "efficientnet_b1", "timm:efficientvit_b0", "resnet18"]
    assert closest("efficent", names) == ["efficientnet_b0", "efficientnet_b1"]


@pytest.mark.parametrize(
    ("kind", "word", "offered"),
    [
        ("augment", "translation", "shift"),
        ("loss", "CrossEntropy", "cross-entropy"),
        ("loss", "mae", "l1"),
        ("loss", "binary_crossentropy", "bce"),
    ],
)
def test_a_word_of_the_field_offers_the_component_that_declares_it(kind, word, offered):
    model = zoo.build("small_cnn", **SMALL, in_channels=1)
    assert said(zoo.fit, model, "faces", **{kind: word}).endswith(f"did you mean {offered}?")
    assert said(zoo.build, "vgg16", head="softmax").endswith("did you mean multiclass?")


def test_a_name_of_another_kind_says_where_it_goes(empty, run):
    line = "an augmenter goes to augment; did you mean photos?"
    assert said(zoo.fit, zoo.build("small_cnn", **SMALL), "photo").endswith(line)
    assert run("fit --model small_cnn --data photo").endswith(line)
    assert "a head goes to head" in said(zoo.build, "binary")


# Options and arguments


def test_an_argument_among_a_head_s_options_says_where_it_belongs():
    line = said(zoo.build, "vgg16", head={"name": "multiclass", "classes": 10})
    assert line.endswith("it belongs beside: zoo.build(..., classes=10), in a recipe model.classes")
    for name, value in {"in_channels": 1, "input_size": 64, "weights": "imagenet", "freeze": "all"}.items():
        line = said(zoo.build, "vgg16", head={"name": "binary", name: value})
        assert f"zoo.build(..., {name}={value!r}), in a recipe model.{name}" in line


@pytest.mark.filterwarnings("ignore:frozen blocks")
def test_a_table_takes_the_arguments_of_build():
    model = zoo.build({"name": "vgg16", "input_size": 64, "freeze": "all", "width": 0.125}, head="binary")
    section = model.recipe.model
    assert (section.input_size, section.freeze, section.options["width"]) == ((64, 64), "all", 0.125)
    line = said(zoo.build, {"name": "vgg16", "freeze": "block1"}, freeze="all")
    assert "two values for freeze" in line
    assert "two values for width" in said(zoo.build, {"name": "vgg16", "width": 0.125}, width=0.25)


@pytest.mark.parametrize(
    ("inside", "beside"),
    [
        ({"classes": ["a", "b", "c"]}, {"classes": 3}),
        ({"classes": 3}, {"classes": ["a", "b", "c"]}),
        ({"head": {"name": "multiclass"}}, {"head": "multiclass"}),
        ({"head": "multiclass"}, {"head": {"name": "multiclass"}}),
        ({"input_size": [32, 32]}, {"input_size": 32}),
        ({"freeze": "block1, block2"}, {"freeze": ["block1", "block2"]}),
        ({"hidden": [8, 8]}, {"hidden": (8, 8)}),
    ],
)
@pytest.mark.filterwarnings("ignore:frozen blocks")
def test_a_value_may_be_said_in_two_forms_that_mean_the_same(inside, beside):
    usual = {"name": "mlp", "hidden": [8, 8], "head": "multiclass", "classes": ["a", "b", "c"]}
    usual |= {"input_size": 32, "in_channels": 1}
    model = zoo.build({**usual, **inside}, **beside)
    labels = ("a", "b", "c")
    assert (model.labels, model.outputs, model.input_spec.size) == (labels, 3, (32, 32))


def test_two_numbers_of_classes_are_two_values():
    for one, other in ((2, ["a", "b", "c"]), (["a", "b"], ["a", "c"]), (2, 3)):
        line = said(zoo.build, {"name": "vgg16", "classes": one}, head="multiclass", classes=other)
        assert "two values for classes" in line


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"pretrained": True}, "zoo calls it weights: zoo.build(..., weights='imagenet')"),
        ({"num_classes": 10}, "zoo calls it classes: zoo.build(..., classes=10)"),
        ({"in_chans": 1}, "zoo calls it in_channels: zoo.build(..., in_channels=1)"),
        ({"img_size": 64}, "zoo calls it input_size: zoo.build(..., input_size=64)"),
        ({"augment": "flip"}, "it belongs beside: zoo.fit(model, data, augment=...)"),
    ],
)
def test_an_argument_of_another_library_is_translated(given, expected):
    assert expected in said(zoo.build, "resnet18", **given)


def test_an_argument_of_the_trainer_in_another_library_is_translated(empty):
    model = zoo.build("small_cnn", **SMALL, in_channels=1)
    assert said(zoo.fit, model, "faces", learning_rate=0.1).endswith("zoo calls it lr")
    assert said(zoo.fit, model, "faces", epoch=1).endswith("did you mean epochs?")
    assert "zoo.build(..., freeze='all')" in said(zoo.fit, model, "faces", freeze="all")


def test_a_flag_of_another_library_is_translated(run):
    assert "zoo calls it --weights" in run("build resnet18 --pretrained")
    assert "zoo calls it --classes" in run("build resnet18 --num-classes 10")
    assert "zoo calls it --weights" in run("fit --model small_cnn --pretrained")
    assert "zoo calls it --lr" in run("fit --model small_cnn --learning-rate 0.1")
    assert "zoo calls it --set trainer.schedule=..." in run(
        "fit --model small_cnn --head binary --scheduler x"
    )


def test_a_verb_of_another_library_is_translated(run):
    assert run("train --model small_cnn").startswith("error: no command is called 'train'; zoo calls it fit")
    with pytest.raises(AttributeError, match="zoo calls it fit"):
        _ = zoo.train


def test_numbers_may_be_texts():
    assert zoo.build("small_cnn", head="multiclass", classes="10", input_size="32").outputs == 10
    assert "150 and 200 for height and width" in said(zoo.build, "small_cnn", input_size=(3, 150, 150))
    assert "a tag, a file, a folder" in said(zoo.build, "small_cnn", weights=True)


@pytest.mark.parametrize("spec", ["blocks1-4", "Block 1-4", "layers 1 to 4", "1-4", 4])
def test_a_freeze_spec_is_offered(spec):
    assert said(zoo.build, "vgg16", freeze=spec).endswith('did you mean "block1-4"?')


def test_a_part_s_option_may_be_said_of_the_whole():
    model = zoo.build("srgan", scale=2)
    assert model.networks["generator"].recipe.model.options["scale"] == 2
    assert model.recipe.model.options["generator"]["scale"] == 2
    line = said(zoo.build, "srgan", scale=2, generator={"name": "srresnet", "scale": 4})
    assert "two values for scale" in line


def test_a_part_s_option_survives_saving(tmp_path):
    generator = {"name": "srresnet", "width": 8, "blocks": 1}
    model = zoo.build("srgan", scale=2, generator=generator, input_size=32)
    assert zoo.load(zoo.save(model, tmp_path / "pair")).networks["generator"].scale == 2


# Listing


def test_showing_a_name_of_two_kinds_shows_both(run):
    text = run("show srgan", status=0)
    assert "kind:            model" in text
    assert "kind:            trainer" in text
    both = json.loads(run("show srgan --json", status=0))
    assert [data["kind"] for data in both] == ["model", "trainer"]
    assert json.loads(run("show srgan --kind trainer --json", status=0))["kind"] == "trainer"
    assert json.loads(run("show vgg16 --json", status=0))["kind"] == "backbone"
    assert "zoo.info('srgan', kind='model')" in said(zoo.info, "srgan")


def test_listing_what_is_no_kind_says_what_it_is(run):
    assert "expected backbone, head" in run("list nothere")
    assert run("list nothere").endswith("zoo.list(search=...)")
    assert run("list vgg16").endswith("'vgg16' is a component: zoo show vgg16")
    assert run("list heads").endswith("did you mean head?")
    assert run("list rotation").endswith("components have the word: zoo list --search rotation")


# Order and places


def test_arguments_in_the_wrong_order_are_turned_round(here, run):
    assert run("evaluate ./cats-and-dogs m").endswith("say zoo evaluate m ./cats-and-dogs")
    assert run("predict cat.png m").endswith("say zoo predict m cat.png")
    assert said(zoo.evaluate, "cats-and-dogs", "m").endswith("say zoo.evaluate('m', 'cats-and-dogs')")
    assert said(zoo.predict, "cat.png", zoo.load("m")).endswith("say zoo.predict(model, 'cat.png')")
    assert said(zoo.fit, "cats-and-dogs", zoo.load("m")).endswith("say zoo.fit(model, 'cats-and-dogs')")


def test_a_component_in_the_place_of_a_saved_model_says_how_to_get_one(empty, run):
    hint = "'vgg16' is the backbone vgg:vgg16, which zoo.build makes and zoo.fit trains"
    assert said(zoo.load, "vgg16").endswith(hint)
    assert said(zoo.fit, "vgg16", "faces").endswith(hint)
    assert said(zoo.push, "vgg16", "./hub").endswith(hint)
    assert run("predict vgg16 x.png").endswith(hint)
    assert "expected a folder with config.json, got no such folder" in said(zoo.load, "nothere")
    assert "say --model vgg16" in run("fit vgg16 --data faces")


@pytest.mark.parametrize("end", ["png", "jpg", "jpeg", "webp"])
def test_images_are_written_in_the_format_of_their_name(here, tmp_path, end, run):
    zoo.predict("m", "cat.png", out=tmp_path / f"predicted.{end}")
    run(f"augment cat.png --augment flip --out {tmp_path}/augmented.{end}", status=0)
    for name in ("predicted", "augmented"):
        with Image.open(tmp_path / f"{name}.{end}") as image:
            assert image.format == {"png": "PNG", "webp": "WEBP"}.get(end, "JPEG")


def test_an_image_name_where_a_folder_is_wanted_is_refused(here, tmp_path):
    line = said(zoo.evaluate, "m", "cats-and-dogs", split="all", out=tmp_path / "o.jpg")
    assert "expected a folder's name, got an image's" in line
    assert ".png .jpg .jpeg .webp" in said(zoo.predict, "m", "cat.png", out=tmp_path / "o.gif")


def test_a_model_called_with_a_file_says_what_takes_files(home):
    assert said(zoo.load(home / "m"), "cat.png").endswith("zoo.predict takes files and images")


def test_an_unknown_device_names_the_usual_ones(here):
    assert 'say "cpu", "cuda"' in said(zoo.predict, "m", "cat.png", device="gpu")


# Installation


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """Writes what the core knows of distributions, as an installed copy or a checkout would have it."""

    def write(*, checkout, **distribution):
        root = tmp_path / "root"
        (root / "zoo" / "registry").mkdir(parents=True)
        row = {"format": 1, "distribution": "zoo-far", "components": [], **distribution}
        text = json.dumps({"format": 1, "distributions": [row]})
        (root / "zoo" / "registry.json").write_text(text)
        if checkout:
            (root / "pyproject.toml").write_text("")
            (root / "plugins" / "zoo-far").mkdir(parents=True)
        monkeypatch.setattr(catalogue, "__file__", str(root / "zoo" / "registry" / "catalogue.py"))
        catalogue.known.cache_clear()
        return root

    yield write
    monkeypatch.undo()
    catalogue.known.cache_clear()


def test_an_index_is_named_only_for_what_is_published(registry):
    registry(checkout=False, published=True, where="plugins/zoo-far")
    assert way_to_install("zoo-far", extra="all", version="2.3") == "pip install 'zoo-far[all]==2.3'"
    assert way_to_upgrade("zoo-far") == "pip install --upgrade zoo-far"


def test_what_is_not_published_is_installed_from_the_checkout(registry, monkeypatch):
    root = registry(checkout=True, where="plugins/zoo-far")
    assert way_to_install("zoo-far") == f"pip install {root}/plugins/zoo-far"
    monkeypatch.chdir(root)
    assert way_to_install("zoo-far") == "pip install ./plugins/zoo-far"
    assert way_to_install("zoo-far", extra="all") == "pip install './plugins/zoo-far[all]'"


def test_without_the_checkout_its_place_in_it_is_named(registry):
    registry(checkout=False, where="plugins/zoo-far")
    assert way_to_install("zoo-far") == "pip install ./plugins/zoo-far  # in the checkout of zoo"


def test_a_stranger_s_distribution_is_not_looked_for_on_an_index(registry):
    registry(checkout=False)
    for name in ("zoo-far", "zoo-quantum"):
        assert "pip" not in way_to_install(name, version="2.3") + way_to_upgrade(name)


def test_none_of_ours_is_published_and_all_have_a_place():
    catalogue.known.cache_clear()
    for row in catalogue.known():
        assert "published" not in row
        assert (Path(catalogue.__file__).parents[2] / row["where"] / "pyproject.toml").is_file()


def test_an_empty_weights_and_a_label_twice_are_refused(run):
    assert "a tag, a file, a folder or hf://owner/name" in said(zoo.build, "small_cnn", weights="")
    assert "each label once" in said(zoo.build, "small_cnn", head="multiclass", classes=["a", "b", "a"])
    assert "did you mean --batch-size?" in run("fit --model small_cnn --batch_size 5")
    assert "zoo calls it fit" in run("trian --model small_cnn")
    assert "did you mean weights, an argument of zoo.build?" in said(zoo.build, "small_cnn", weight="x")
    assert "freeze spec 'al' matches nothing" in said(zoo.build, "small_cnn", freeze="al")
    assert "did you mean all?" in said(zoo.build, "small_cnn", freeze="al")
