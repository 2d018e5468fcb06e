"""Licences of weights: from the plugin through build, fit, save, push and pull, and on with a stranger."""

from __future__ import annotations

import json
import re
import warnings
from contextlib import nullcontext
from pathlib import Path

import pytest
import timm
from huggingface_hub import ModelCard
from safetensors.torch import save as to_bytes

import zoo
from zoo.hub.claims.licences import contradicts, strictest
from zoo.hub.config import parse
from zoo.hub.provenance import public
from zoo.spec.errors import SaveError, ZooWarning
from zoo.spec.published_weights import Weights
from zoo.spec.reference import parse_reference
from zoo.weights.fitting import Source, stored
from zoo.weights.licences import licences_of

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

NET = {"depths": [1, 1, 1, 1], "dims": [8, 16, 24, 32]}
TAG = "convnextv2_atto imagenet"
NC = "CC-BY-NC-4.0"
DATA = {"name": "faces", "per_class": 8}
FIT = {"epochs": 1, "progress": False}


@pytest.fixture
def published(hub):
    """timm's ConvNeXt V2, whose weights allow no commercial use, in small."""
    net = timm.create_model("convnextv2_atto", **NET)
    hub.commit("timm/convnextv2_atto.fcmae_ft_in1k", {"model.safetensors": to_bytes(net.state_dict())})
    return hub


def started():
    given = {"arguments": NET, "input_size": 32, "weights": "imagenet"}
    return zoo.build("timm:convnextv2_atto", head="binary", seed=0, **given)


def told(folder):
    return json.loads((Path(folder) / "config.json").read_text())["weights_licences"]


@pytest.mark.usefixtures("writing")
def test_the_licence_of_weights_goes_with_them_wherever_they_go(published, tmp_path):
    model = started()
    assert model.weights_licences == {TAG: NC}
    assert f"licence of the weights: {NC}" in str(model.summary())
    run = zoo.fit(model, DATA, out=tmp_path / "run", **FIT)
    assert json.loads((tmp_path / "run/run.json").read_text())["weights_licences"] == {TAG: NC}
    assert run.model.weights_licences == told(tmp_path / "run") == {TAG: NC}
    said = f"Licences of the weights that it started from: {NC} ({TAG.replace('_', chr(92) + '_')})"
    front = ModelCard((tmp_path / "run/README.md").read_text())
    assert front.data.license is None  # none is claimed of the model
    assert said.replace("\\", "") in front.text.replace("\\", "")
    assert f"{NC} asks for no commercial use." in front.text
    words = f"licence apache-2.0 contradicts that of the weights of {TAG}: {NC} asks for no commercial use"
    with pytest.warns(ZooWarning, match=words):
        zoo.push(tmp_path / "run", "me/cats", licence="apache-2.0")
    # A stranger's turn
    pulled = zoo.pull("me/cats", copy=True)
    assert (pulled.licence, pulled.weights_licences) == ("apache-2.0", {TAG: NC})
    again = zoo.fit(pulled, DATA, out=tmp_path / "again", **FIT)
    with pytest.warns(ZooWarning, match="licence apache-2.0 contradicts"):  # the one that it was pulled under
        zoo.push(again.model, "you/cats")
    with (
        pytest.warns(ZooWarning, match=f"licence mit contradicts that of the weights of {TAG}"),
        pytest.warns(ZooWarning, match="the licence apache-2.0 that stands there becomes mit"),
    ):
        zoo.push(again.folder, "you/cats", licence="mit")
    assert zoo.pull("you/cats").weights_licences == {TAG: NC}
    # And as a backbone of another model: under the licence of the whole, and of what that began with
    onward = zoo.build("hf://you/cats", head="multiclass", classes=3, seed=0)
    assert onward.weights_licences == {"hf://you/cats": "mit", TAG: NC}


@pytest.mark.parametrize(
    ("licence", "step"),
    [
        ("foo bar", "got 'foo bar'; such as mit; for terms of your own say LicenseRef-NAME"),
        ("my own words; <b>", "got 'my own words; <b>'; such as mit"),
        ("", "got ''; such as mit"),
        ("Apache 2.0", "got 'Apache 2.0'; did you mean apache-2.0?"),
        ("LicenseRef-x y", "got 'LicenseRef-x y'; such as mit"),
    ],
)
def test_what_is_no_name_of_a_licence_is_refused_before_any_work(tmp_path, make, licence, step):
    (tmp_path / "run").mkdir()
    for what, call in (
        ("push", lambda: zoo.push(make("mlp"), f"file:{tmp_path}/hub", licence=licence)),
        ("save", lambda: zoo.save(make("mlp"), tmp_path / "model", licence=licence)),
    ):
        with pytest.raises(SaveError, match=re.escape(f"licence: expected an SPDX name, {step}")) as caught:
            call()
        assert str(caught.value).startswith(f"{what} {tmp_path}")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("licence", "front", "asked"),
    [
        ("MIT", {"license": "mit"}, None),
        ("GPL-3.0-only", {"license": "gpl-3.0"}, None),
        ("openrail++", {"license": "openrail++"}, None),
        ("other", {"license": "other"}, None),
        ("EUPL-1.2", {"license": "other", "license_name": "eupl-1.2"}, None),
        ("LicenseRef-Mine", {"license": "other", "license_name": "mine"}, None),
        ("apache2", {"license": "other", "license_name": "apache2"}, "did you mean apache-2.0?"),
        ("gpl-3", {"license": "other", "license_name": "gpl-3"}, "did you mean gpl-3.0?"),
    ],
)
def test_a_card_names_a_licence_as_the_hub_does(tmp_path, make, licence, front, asked):
    with pytest.warns(ZooWarning, match=re.escape(asked)) if asked else nullcontext():
        folder = zoo.save(make("mlp"), tmp_path / "model", licence=licence)
    data = vars(ModelCard((folder / "README.md").read_text()).data)
    assert {k: v for k, v in data.items() if k.startswith("license") and v is not None} == front
    assert zoo.load(folder).licence == licence


@pytest.mark.usefixtures("writing")
@pytest.mark.parametrize("place", ["file:hub", "me/cats", "save"])
def test_a_licence_that_stands_there_does_not_go_unsaid(tmp_path, hub, make, monkeypatch, place):
    monkeypatch.chdir(tmp_path)

    def put(licence=None):
        if place == "save":
            return (zoo.save(make("mlp"), "hub", licence=licence) / "README.md").read_text()
        zoo.push(make("mlp"), place, licence=licence)
        return hub.find("me/cats")[1]["README.md"].decode() if place == "me/cats" else readme.read_text()

    readme = tmp_path / "hub" / "README.md"
    assert "license: other\nlicense_name: mine\n" in put("LicenseRef-mine")
    put("licenseref-MINE")  # the same
    with pytest.warns(ZooWarning, match="the licence licenseref-MINE that stands there becomes mit$"):
        text = put("mit")
    assert "license: mit\n" in text and "license_name" not in text
    lost = "the licence mit that stands there is said no more, as this model has none; say licence='mit' to"
    with pytest.warns(ZooWarning, match=lost) as caught:
        assert "license" not in put().partition("zoo: begin")[0]
    assert [warning.filename for warning in caught] == [__file__]
    put()  # nothing is lost any more
    put("mit")


@pytest.mark.usefixtures("published")
def test_a_resumed_run_and_a_saved_folder_know_them_too(tmp_path):
    folder = zoo.save(started(), tmp_path / "saved")
    assert zoo.load(folder).weights_licences == told(folder) == {TAG: NC}
    with pytest.warns(ZooWarning, match="save .*: licence MIT contradicts that of the weights"):
        zoo.save(zoo.load(folder), tmp_path / "mine", licence="MIT")
    zoo.fit(started(), DATA, out=tmp_path / "run", **FIT)
    assert zoo.fit(resume=tmp_path / "run", epochs=2, progress=False).model.weights_licences == {TAG: NC}


def test_parts_bring_the_licences_of_their_own_weights(tmp_path, make):
    base = make("tiny_resnet")
    base.weights_licences = {"base": NC}
    folder = zoo.save(base, tmp_path / "base", licence="cc-by-nc-4.0")
    encoder = {"name": f"file:{folder}"}
    model = zoo.build("unet", encoder=encoder, classes=["ground", "leaf"], input_size=32, seed=0)
    expected = {str(folder / "model.safetensors"): "cc-by-nc-4.0", "base": NC}
    assert model.weights_licences == expected
    assert zoo.load(zoo.save(model, tmp_path / "whole")).weights_licences == expected
    zoo.push(model, f"file:{tmp_path}/out")  # without the path of this machine
    assert told(tmp_path / "out") == {"base": "cc-by-nc-4.0", "another base": NC}


def test_random_weights_have_none_and_an_old_config_too(make, tmp_path):
    folder = zoo.save(make("mlp"), tmp_path / "m")
    assert told(folder) == {}
    config = json.loads((folder / "config.json").read_text())
    del config["weights_licences"]
    (folder / "config.json").write_text(json.dumps(config))
    assert zoo.load(folder).weights_licences == {}
    assert "Licences of the weights" not in (folder / "README.md").read_text()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.save(zoo.load(folder), tmp_path / "mine", licence="mit")


@pytest.mark.parametrize("odd", [["MIT"], {"net": 3}, "MIT"])
def test_licences_that_are_none_are_refused(make, tmp_path, odd):
    folder = zoo.save(make("mlp"), tmp_path / "m")
    config = {**json.loads((folder / "config.json").read_text()), "weights_licences": odd}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(zoo.ZooError, match="expected weights_licences as licences by source"):
        parse(folder / "config.json", "m")


@pytest.mark.parametrize(
    ("given", "of_weights", "lost"),
    [
        ("apache-2.0", NC, {"no commercial use"}),
        ("mit", "cc-by-nc-sa-4.0", {"no commercial use", "the same licence for what is made of it"}),
        ("mit", "LicenseRef-fair-noncommercial-research-license", {"no commercial use"}),
        ("cc-by-nc-4.0", NC, set()),
        ("cc-by-nc-sa-4.0", NC, set()),
        ("gpl-3.0", "Apache-2.0", set()),
        ("mit", "Apache-2.0", set()),
        ("mit", "BSD-3-Clause", set()),
        ("mit", "GPL-3.0", {"the same licence for what is made of it"}),
        ("agpl-3.0", "GPL-3.0", set()),
        ("cc-by-nc-sa-4.0", "GPL-3.0", {"the same licence for what is made of it"}),
        ("mit", "LicenseRef-dinov3-license", {"terms of its own"}),
        ("other", "LicenseRef-dinov3-license", set()),
        ("licenseref-dinov3-license", "LicenseRef-dinov3-license", set()),
        ("mit", "CC-BY-ND-4.0", {"no changed versions"}),
        ("mit", "openrail", {"terms of its own"}),
    ],
)
def test_what_a_licence_loses_of_another(given, of_weights, lost):
    assert contradicts(given, of_weights) == lost


@pytest.mark.filterwarnings("error")
def test_of_several_sources_the_strictest_is_named(make, tmp_path):
    model = make("mlp")
    model.weights_licences = {"one": "MIT", "two": "GPL-3.0", "three": NC, "four": "LicenseRef-x"}
    assert [source for source, _ in strictest(model.weights_licences)] == ["three", "four", "two", "one"]
    words = (
        f"of the weights of three: {NC} asks for no commercial use; so do those of four under LicenseRef-x"
    )
    with pytest.warns(ZooWarning, match=words):
        zoo.push(model, f"file:{tmp_path}/out", licence="mit")
    text = (tmp_path / "out/README.md").read_text()
    assert text.index("(three)") < text.index("(four)") < text.index("(two)") < text.index("(one)")
    zoo.push(model, f"file:{tmp_path}/other")  # nothing is claimed, so nothing contradicts


@pytest.mark.parametrize(
    ("card", "found"),
    [
        (b"---\nlicense: cc-by-nc-4.0\n---\nMine.\n", {"hf://me/x": "cc-by-nc-4.0"}),
        (b"---\nlicense: other\nlicense_name: mine\n---\n", {"hf://me/x": "mine"}),
        (b"---\nlicense: [a, b]\n---\n", {}),
        (b"---\na: [\n---\n", {}),
        (b"nothing", {}),
    ],
)
def test_weights_of_a_repository_are_under_what_its_card_says(hub, card, found):
    hub.commit("me/x", {"model.safetensors": b"", "README.md": card})
    assert licences_of(stored(parse_reference("hf://me/x"))) == found


def test_licences_of_a_source_are_the_publishers_or_those_of_the_folder(tmp_path, make):
    weights = Weights(repo="me/x", licence="MIT")
    assert licences_of(Source("net tag", None, weights, weights.input, weights)) == {"net tag": "MIT"}
    model = make("mlp")
    model.weights_licences = {"base": NC}
    folder = zoo.save(model, tmp_path / "m")
    started = make("mlp", weights=f"file:{folder}")
    assert started.weights_licences == {"base": NC}
    model.licence = "GPL-3.0"
    zoo.save(model, folder)
    assert make("mlp", weights=f"file:{folder}").weights_licences == {
        str(folder / "model.safetensors"): "GPL-3.0",
        "base": NC,
    }


def test_local_paths_in_sources_are_cut():
    given = {"/home/me/a/net": "MIT", "/home/you/net": NC, "/mnt/net": "MIT", "resnet18 imagenet": "MIT"}
    found = public({"recipe": {}, "origin": None, "weights_licences": given})["weights_licences"]
    assert found == {"net": "MIT", "another net": NC, "resnet18 imagenet": "MIT"}


def test_every_tag_that_timm_lists_under_no_commercial_use_says_so():
    catalogue = Path(zoo.__file__).parents[1] / "plugins/zoo-timm/src/zoo_timm/catalogue.json"
    rows = json.loads(catalogue.read_text())["components"]
    tags = [
        (row["name"], tag, weights)
        for row in rows
        for tag, weights in row.get("weights", {}).items()
        if tag != "imagenet"
    ]
    nc = 0
    for name, tag, weights in tags:
        known = timm.get_pretrained_cfg(f"{name}.{tag}")
        if known is not None and known.license and "nc" in known.license.split("-"):
            assert weights["licence"] == NC, (name, tag)
            nc += 1
    assert nc >= 25
