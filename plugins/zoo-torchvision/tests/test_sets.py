"""Every set against torchvision's own object of the same files: images, targets, names, splits."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import inspect
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets as theirs
from PIL import Image
from zoo_torchvision import config, sets
from zoo_torchvision.layouts import splits
from zoo_torchvision.plugin import TABLE

import zoo
from zoo.compose.parts import part
from zoo.data.splits import split
from zoo.errors import DataError, OptionError, UnknownComponentError
from zoo.interfaces import Dataset
from zoo.testing import contract

_spec = importlib.util.spec_from_file_location("fakes", Path(__file__).with_name("fakes.py"))
fakes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fakes)

pytestmark = pytest.mark.usefixtures("unchecked")
BY_MASK = ("Cityscapes", "SBDataset", "VOCSegmentation")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder for each set, since some lie at the top of theirs."""
    folder = tmp_path_factory.mktemp("sets")
    for name in fakes.WRITERS:
        fakes.write(folder / name / "data", name)
    return folder


@pytest.fixture
def at(shelf, monkeypatch):
    """Goes to the folder of a set, where `data` is its root."""
    return lambda name: monkeypatch.chdir(shelf / name)


def make(name, root="data", **options) -> Dataset:
    values = getattr(config, TABLE[name][0])(root=str(root), **options).model_dump()
    return getattr(sets, name)(**values)


def options_of(name, **given):
    values = getattr(config, TABLE[name][0])(**given).model_dump()
    return {k: v for k, v in values.items() if k not in ("root", "download")}


def test_every_set_has_its_small_one():
    assert {*fakes.WRITERS} == {*TABLE}


@pytest.mark.parametrize("name", TABLE)
def test_images_targets_and_splits_are_torchvisions(name, at):
    at(name)
    data, options = make(name), options_of(name)
    found = {}
    for i in range(len(data)):
        sample = data[i]
        found.setdefault(data.split_of(i), []).append(sample)
        assert sample.target == data.targets[i]
    for side, arguments in splits(name, options):
        own = getattr(theirs, name)("data", **arguments)
        pairs = [own[i] for i in range(len(own))]
        ours = found.pop(side)
        assert len(ours) == len(pairs)
        # The order of some is the disk's, so that images find their target
        known = {np.asarray(image.convert("RGB")).tobytes(): target for image, target in pairs}
        for sample in ours:
            pixels = sample.image if sample.image.shape[2] == 3 else sample.image.repeat(3, axis=2)
            target = known[np.ascontiguousarray(pixels).tobytes()]
            if sample.mask is not None:
                assert sample.mask.shape == np.asarray(target).shape
            elif name == "CelebA":
                assert sample.target == target.tolist()
            elif name == "CLEVRClassification":
                assert data.labels[sample.target] == str(target)
            else:
                assert sample.target == int(target)
    assert not found


@pytest.mark.parametrize("name", [n for n in TABLE if n not in (*BY_MASK, "PCAM", "FER2013")])
def test_targets_are_known_without_reading_an_image(name, at, monkeypatch):
    at(name)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("an image was opened"))
    data = make(name)
    assert len(data.targets) == len(data)
    assert len({data.key(i) for i in range(len(data))}) == len(data)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("CIFAR10", ("airplane", "automobile")),
        ("Caltech101", ("Faces", "accordion")),
        ("Caltech256", ("001.ak47", "002.american-flag")),
        ("CLEVRClassification", tuple(map(str, range(3, 11)))),
        ("CelebA", ("Bald", "Male", "Young")),
        ("GTSRB", tuple(map(str, range(43)))),
        ("ImageNet", ("tench", "goldfish")),
        ("Imagenette", ("tench", "English springer")),
        ("OxfordIIITPet", ("Abyssinian", "Beagle")),
        ("PCAM", ("normal", "tumor")),
        ("SUN397", ("abbey", "bakery/shop")),
        ("StanfordCars", ("AM General Hummer", "Acura RL")),
        ("STL10", ("airplane", "bird")),
        ("LFWPeople", ("Ada", "Bob")),
    ],
)
def test_labels_are_as_the_set_names_them(name, labels, at):
    at(name)
    data = make(name)
    assert data.labels == labels
    assert data.task.name == {"CelebA": "multilabel"}.get(
        name, "binary" if len(labels) == 2 else "multiclass"
    )
    assert data.numbered == (name == "GTSRB")


def test_a_set_with_several_kinds_of_target_gives_the_one_that_is_asked_for(at):
    at("OxfordIIITPet")
    kinds, masks = (
        make("OxfordIIITPet", target="binary-category"),
        make("OxfordIIITPet", target="segmentation"),
    )
    assert (kinds.labels, kinds.targets, kinds.task.name) == (("Cat", "Dog"), [0, 1, 0, 1], "binary")
    assert (masks.labels, masks.targets, masks.task.name) == (
        ("pet", "background", "border"),
        [None] * 4,
        "segmentation",
    )
    assert np.unique(masks[0].mask).tolist() == [0, 1, 2]
    assert len({d.fingerprint for d in (kinds, masks, make("OxfordIIITPet"))}) == 3
    at("CelebA")
    people = make("CelebA", target="identity")
    assert (people.targets, people.task.name, people.numbered) == ([6, 7, 8, 9, 10, 11], "multiclass", True)
    at("FGVCAircraft")
    assert make("FGVCAircraft", annotation_level="family").labels == ("A family", "B family")
    at("INaturalist")
    assert make("INaturalist", target="kingdom").labels == ("Fungi", "Animalia")


def test_masks_have_the_classes_that_count(at):
    at("Cityscapes")
    data = make("Cityscapes")
    assert (len(data.labels), data.labels[:2], data.labels[13]) == (19, ("road", "sidewalk"), "car")
    wanted = [0, 1, 255, 13, 18, 255, 255]  # of 7, 8, 0, 26, 33, 3, 255 in the files
    assert data[0].mask.ravel()[:7].tolist() == wanted
    assert [Path(data.name(i)).parent.name for i in range(2)] == ["aachen", "bonn"]
    groups = make("Cityscapes", target="categories")
    assert groups.labels == ("flat", "construction", "object", "nature", "sky", "human", "vehicle")
    assert groups[0].mask.ravel()[:5].tolist() == [0, 0, 255, 6, 6]
    for name, values in (("VOCSegmentation", [0, 15, 255]), ("SBDataset", [0, 20, 3])):
        at(name)
        data = make(name)
        assert data[0].mask.ravel()[:3].tolist() == values
        assert (data.labels[15], data.labels[20]) == ("person", "tvmonitor")


def test_emnists_letters_are_counted_from_the_first(tmp_path):
    fakes.mnist("EMNIST", "emnist-letters-train", "emnist-letters-test", targets=(1, 26))(tmp_path)
    data = make("EMNIST", tmp_path, variant="letters")
    assert [data.labels[target] for target in data.targets[:2]] == ["a", "z"]


def test_further_images_are_trained_on_where_asked(at):
    at("SVHN")
    assert len(make("SVHN", extra=True)) == len(make("SVHN")) + 2
    data = make("SVHN", extra=True)
    assert [data.split_of(i) for i in (0, 2, 4)] == ["train", "test", "train"]


def test_the_sets_own_splits_hold_and_a_copy_across_them_does_not_break_them(tmp_path):
    fakes.mnist("MNIST", "train", "t10k", targets=[0, 1] * 20)(tmp_path)
    raw = tmp_path / "MNIST" / "raw"
    (raw / "t10k-images-idx3-ubyte").write_bytes((raw / "train-images-idx3-ubyte").read_bytes())
    data = make("MNIST", tmp_path)
    found = split(data)
    assert {*found.test} == {*range(40, 80)}
    assert {*found.train, *found.val} == {*range(40)}
    assert found.val


def test_files_are_told_where_images_are_such(at):
    at("Food101")
    data = make("Food101")
    assert data.files == [Path(data.name(i)) for i in range(len(data))]
    at("MNIST")
    assert make("MNIST").files is None


def test_a_set_without_splits_is_divided_by_zoo(at):
    at("EuroSAT")
    data = make("EuroSAT")
    assert {data.split_of(i) for i in range(len(data))} == {None}


def test_what_is_missing_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError,
        match=r"torchvision:CIFAR10: expected its files in .*data, got no such folder; download=true",
    ) as error:
        make("CIFAR10")
    assert not (tmp_path / "data").exists()
    assert "\n" not in str(error.value)
    (tmp_path / "data").mkdir()
    with pytest.raises(
        DataError, match="got Dataset not found or corrupted; download=true fetches them, root=FOLDER"
    ):
        make("CIFAR10")
    with pytest.raises(DataError, match=r"get them from https://image-net.org.* and give root=FOLDER"):
        make("ImageNet")
    with pytest.raises(OptionError, match="download"):
        part("dataset", {"name": "torchvision:ImageNet", "download": True})


def test_a_download_that_fails_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(theirs.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(
        DataError, match=r"torchvision:MNIST: expected its files in .*go online, or get them from"
    ):
        make("MNIST", tmp_path, download=True)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """torchvision's addresses of MNIST lead to a web server of this machine, with files of ours."""
    fakes.write(tmp_path / "made", "MNIST")
    raw = tmp_path / "made" / "MNIST" / "raw"
    packed = {f"{path.name}.gz": gzip.compress(path.read_bytes()) for path in raw.iterdir()}
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = packed[Path(self.path).name]
            asked.append(Path(self.path).name)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(theirs.MNIST, "mirrors", [f"http://127.0.0.1:{web.server_port}/"])
    sums = [(name, hashlib.md5(packed[name], usedforsecurity=False).hexdigest()) for name in sorted(packed)]
    monkeypatch.setattr(theirs.MNIST, "resources", sums)
    yield asked
    web.shutdown()
    thread.join()
    web.server_close()


def test_what_is_missing_is_fetched_where_that_is_asked_for_and_once(tmp_path, mirror):
    data = make("MNIST", tmp_path / "new", download=True)
    assert (len(data), {*mirror}) == (8, {name for name, _ in theirs.MNIST.resources})
    assert data.fingerprint == make("MNIST", tmp_path / "made").fingerprint
    count = len(mirror)
    assert make("MNIST", tmp_path / "new", download=True).fingerprint == data.fingerprint
    assert len(mirror) == count


def test_parts_of_other_classes_are_refused(tmp_path):
    fakes.write(tmp_path, "DTD")
    fakes.text(tmp_path / "dtd" / "dtd" / "labels" / "test1.txt", "woven/woven_test.jpg")
    with pytest.raises(DataError, match="split test: expected the classes of the first"):
        make("DTD", tmp_path)


@pytest.mark.parametrize("name", TABLE)
def test_the_installed_torchvision_takes_the_arguments(name):
    own = getattr(theirs, name)
    known = {
        p for c in own.__mro__ if "__init__" in vars(c) for p in inspect.signature(c.__init__).parameters
    }
    assert {key for _, arguments in splits(name, options_of(name)) for key in arguments} <= known
    assert TABLE[name][0] in sets._BY_HAND or "download" in known


def test_near_names_are_offered():
    for text in ("torchvision:oxford_iiit_pet", "torchvision:oxfordiiitpets", "OxfordIIITPet"):
        with pytest.raises(UnknownComponentError, match="torchvision:OxfordIIITPet"):
            zoo.info(text)


def test_a_model_learns_from_one_by_name(at):
    at("Food101")
    model = zoo.build("small_cnn", head="binary", channels=[4, 8], input_size=16, seed=0)
    run = zoo.fit(model, "torchvision:Food101", epochs=1, out=None, workers=0)
    assert model.labels == ("apple_pie", "waffles")
    assert run.history


test_contract = contract(
    "zoo-torchvision",
    silent={
        "root": "the same files elsewhere are the same",
        "download": "what is there is not fetched",
        "Places365.small": "its files lie elsewhere",
    },
)


@pytest.fixture(autouse=True)
def _of_the_contract(request, at):
    if (
        case := getattr(request.node, "callspec", None) and request.node.callspec.params.get("case")
    ) is not None:
        at(case.entry.component.name)
