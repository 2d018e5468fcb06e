"""`zoo.pull`: one commit, verified on arrival, nothing but the format's files, and never code."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import time
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

import zoo
from zoo.spec.errors import (
    BadReferenceError,
    FormatError,
    PluginError,
    UnknownComponentError,
    WeightsError,
    ZooError,
)

from . import server as faults
from .server import Reply

WEIGHTS, CONFIG = "model.safetensors", "config.json"


@pytest.fixture
def saved(tmp_path, make):
    """The files of a saved model."""
    folder = zoo.save(make("mlp"), tmp_path / "saved")
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture
def cats(hub, saved):
    """A repository with a model."""
    hub.commit("me/cats", saved)
    return hub


def edited(files, **changes):
    config = {**json.loads(files[CONFIG]), **changes}
    return {**files, CONFIG: json.dumps(config).encode()}


def got(hub):
    """Files that were downloaded, in order."""
    return [line.rpartition("/")[2] for line in hub.asked if line.startswith("GET") and "/resolve/" in line]


def same(one, other):
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.mark.parametrize("source", ["me/cats", "hf://me/cats", "me/cats@main"])
def test_a_model_comes_back_as_it_was(cats, make, source):
    model = zoo.pull(source)
    assert same(model, make("mlp"))
    assert model.labels == ("a", "b", "c")
    assert not model.training
    assert sorted(got(cats)) == [CONFIG, WEIGHTS]


def test_what_is_in_the_cache_is_not_fetched_again(cats, make):
    zoo.pull("me/cats")
    zoo.pull("me/cats", copy=True)
    assert len(got(cats)) == 2
    cats.stop()
    begun = time.monotonic()
    assert same(zoo.pull("me/cats"), make("mlp"))
    assert time.monotonic() - begun < 5


def test_the_hub_is_not_asked_where_told_so(cats, make, monkeypatch):
    with pytest.raises(WeightsError, match="cannot be reached"):
        zoo.pull("me/cats", local_files_only=True)
    zoo.pull("me/cats")
    asked = len(cats.asked)
    assert same(zoo.pull("me/cats", local_files_only=True), make("mlp"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert same(zoo.pull("me/cats"), make("mlp"))
    assert len(cats.asked) == asked


def test_a_cache_of_ones_own_and_fetching_again(cats, tmp_path, make):
    model = zoo.pull("me/cats", cache_dir=tmp_path / "mine")
    assert (tmp_path / "mine/models--me--cats").is_dir()
    assert not Path(constants.HF_HUB_CACHE).exists()
    assert same(zoo.pull("me/cats", cache_dir=str(tmp_path / "mine"), force_download=True), model)
    assert len(got(cats)) == 4


def test_branches_tags_and_commits(cats, tmp_path, make):
    old = cats.heads["me/cats", "main"]
    folder = zoo.save(make("mlp", seed=1), tmp_path / "new")
    new = cats.commit("me/cats", {p.name: p.read_bytes() for p in folder.iterdir()})
    cats.heads |= {("me/cats", "v1"): old, ("me/cats", "try/2"): old}
    first, second = make("mlp"), make("mlp", seed=1)
    assert same(zoo.pull("me/cats"), second)
    assert same(zoo.pull(f"me/cats@{new}"), second)
    for revision in ("v1", "try/2", old):
        assert same(zoo.pull("me/cats", revision=revision), first)
        assert same(zoo.pull(f"hf://me/cats@{revision}"), first)
    with pytest.raises(WeightsError, match="a branch, tag or commit that is on the Hub, got none"):
        zoo.pull("me/cats@v9")


def test_all_files_come_from_one_commit_whoever_pushes_meanwhile(cats, tmp_path, make):
    other = make("mlp", seed=1, classes=["x", "y", "z"])
    folder = zoo.save(other, tmp_path / "new")
    key = ("GET", next(k[1] for k in cats.routes if "resolve" in k[1]))
    real, pushed = cats.routes[key], []

    def meanwhile(*arguments, **groups):
        reply = real(*arguments, **groups)
        if not pushed:
            pushed.append(cats.commit("me/cats", {p.name: p.read_bytes() for p in folder.iterdir()}))
        return reply

    cats.routes[key] = meanwhile
    model = zoo.pull("me/cats")
    assert pushed
    assert same(model, make("mlp")) and model.labels == ("a", "b", "c")
    model = zoo.pull("me/cats")
    assert same(model, other) and model.labels == ("x", "y", "z")


@pytest.mark.parametrize("after", [0, 1], ids=["config", "weights"])
def test_a_file_that_is_corrupted_on_the_way_is_fetched_once_more(cats, make, after):
    cats.fail(faults.corrupt, after=after)
    assert same(zoo.pull("me/cats"), make("mlp"))
    assert len(got(cats)) == 3


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_file_that_was_corrupted_in_the_cache_is_cured(cats, make, name):
    zoo.pull("me/cats")
    (file,) = Path(constants.HF_HUB_CACHE).rglob(f"snapshots/*/{name}")
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.resolve().write_bytes(content)
    assert same(zoo.pull("me/cats"), make("mlp"))
    assert got(cats)[2:] == [name]


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_damaged_file_is_cured_in_a_cache_without_links_too(windows, cats, make, name):
    zoo.pull("me/cats", copy=True)
    (file,) = Path(constants.HF_HUB_CACHE).rglob(f"snapshots/*/{name}")
    assert not file.is_symlink()
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)
    assert same(zoo.pull("me/cats"), make("mlp"))
    assert got(cats)[2:] == [name]


def test_a_file_that_stays_corrupt_is_refused(cats):
    cats.fail(faults.corrupt, after=1, times=9)
    with pytest.raises(WeightsError, match=r"of me/cats: expected sha256 .*another content, twice"):
        zoo.pull("me/cats")


def test_weights_that_are_not_those_of_the_config_are_refused(hub, saved):
    hub.commit("me/cats", edited(saved, sha256="0" * 64))
    with pytest.raises(WeightsError, match=r"expected sha256 000000000000\.\.\., got another content"):
        zoo.pull("me/cats")


def test_the_hash_is_taken_once(cats, monkeypatch):
    zoo.pull("me/cats")
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
    zoo.pull("me/cats")


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("ran"),)


BOMB = pickle.dumps(Bomb())


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pkl", "weights.ckpt"])
def test_a_repository_with_a_pickle_is_refused_and_not_opened(hub, saved, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    said = "may run code and are never opened; ask for a .safetensors file"
    hub.commit("me/bomb", {name: BOMB})
    with pytest.raises(FormatError, match=f"expected config.json, got {name}; .*{said}"):
        zoo.pull("me/bomb")
    hub.commit("me/bomb", {CONFIG: saved[CONFIG]})
    with pytest.raises(FormatError, match=f"expected model.safetensors, got {name}, config.json; .*{said}"):
        zoo.pull("me/bomb")
    hub.commit("me/bomb", {WEIGHTS: BOMB})
    with pytest.raises(WeightsError):
        zoo.pull("me/bomb")
    assert not Path("ran").exists()
    assert name not in got(hub)


def test_files_beside_the_format_are_not_even_downloaded(hub, saved, tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    others = {"pytorch_model.bin": BOMB, "modeling.py": b"open('ran', 'w')", ".zoo-commit/config.json": b"{"}
    hub.commit("me/cats", {**saved, **others})
    assert same(zoo.pull("me/cats"), make("mlp"))
    assert sorted(got(hub)) == [CONFIG, WEIGHTS]
    cached = {p.name for p in Path(constants.HF_HUB_CACHE).rglob("snapshots/*/*")}
    assert cached == {CONFIG, WEIGHTS}
    assert not Path("ran").exists()


def renamed(**section):
    return lambda files: edited(
        files, recipe={"model": {**json.loads(files[CONFIG])["recipe"]["model"], **section}}
    )


def hashed(files):
    return edited(files, sha256=hashlib.sha256(files[WEIGHTS]).hexdigest())


def raw(text):
    return lambda files: {**files, CONFIG: text}


def torch_file(files):
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, buffer)
    return {**files, WEIGHTS: buffer.getvalue()}


REFUSED = {
    "an unknown component": (renamed(name="mlq"), UnknownComponentError, "mlp", 1),
    "a dotted path": (renamed(name="os.path:join"), ZooError, "os.path", 1),
    "a path": (renamed(name="file:/etc"), ZooError, "/etc", 1),
    "an unknown option": (renamed(options={"depth": 3}), ZooError, "depth", 1),
    "a missing plugin": (
        lambda f: edited(f, plugins={"zoo-quantum": "2.3"}),
        PluginError,
        "its config says that it needs zoo-quantum==2.3: got not installed; zoo does not know zoo-quantum, "
        "so install it only if you trust who says so; .*zoo-quantum 2.3 from where its author offers it$",
        1,
    ),
    "a newer format": (lambda f: edited(f, format=3), FormatError, "got format 3; bring", 1),
    "braces": (raw(b"{" * 100_000), FormatError, "config.json: expected JSON", 1),
    "a huge config": (raw(b" " * (9 << 20)), WeightsError, "at most 8388608 bytes, got 9437184", 0),
    "another library's": (raw(b'{"architectures": ["Bert"]}'), FormatError, "not a model saved by zoo", 1),
    "no text": (raw(b"\xff\xfe"), FormatError, "expected JSON", 1),
    "another network": (renamed(options={"hidden": [16, 9]}), WeightsError, "of another shape", 2),
    "a page": (lambda f: hashed({**f, WEIGHTS: b"<html>"}), WeightsError, "cannot be read", 2),
    "torch's file": (lambda f: hashed(torch_file(f)), WeightsError, "cannot be read", 2),
    "no hash": (lambda f: edited(f, sha256=None), FormatError, "sha256 as 64 .* digits, got None", 1),
    "a hash that is none": (lambda f: edited(f, sha256="abc"), FormatError, "sha256 as 64 hexadecimal", 1),
}  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "message", "downloads"), REFUSED.values(), ids=REFUSED)
@pytest.mark.usefixtures("hub")
def test_what_is_refused_and_how_much_was_fetched(hub, saved, change, kind, message, downloads):  # noqa: PLR0917
    hub.commit("me/cats", change(saved))
    with pytest.raises(kind, match=message) as caught:
        zoo.pull("me/cats")
    assert "\n" not in str(caught.value)
    assert len(got(hub)) == downloads


def test_weights_alone_are_no_model(hub, saved):
    hub.commit("me/cats", {WEIGHTS: saved[WEIGHTS]})
    with pytest.raises(
        FormatError, match=r'got model.safetensors; .*zoo.build\(NAME, weights="hf://me/cats"\)'
    ):
        zoo.pull("me/cats")


GATES = {
    "gated": (Reply.error("GatedRepo", 403), "access to the repository, got a gated one; ask for access at"),
    "private": (Reply.error("RepoNotFound", 401), "got none called me/cats; .*for a private one log in with"),
    "bad token": (
        Reply(401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
        "expected a token that the Hub knows, got 401 .*; log in",
    ),
    "forbidden": (Reply(403, {"X-Error-Message": "no"}), "a token with the right to do this, got 403 no"),
    "too many": (
        Reply(429, {"X-Error-Message": "slow"}),
        "expected fewer requests, got 429 slow; wait some minutes",
    ),
}


@pytest.mark.parametrize(("reply", "message"), GATES.values(), ids=GATES)
@pytest.mark.usefixtures("impatient")
def test_a_hub_that_says_no_is_one_line_with_the_next_step(cats, reply, message):
    cats.gates["me/cats"] = reply
    with pytest.raises(WeightsError, match=message) as caught:
        zoo.pull("me/cats")
    assert "\n" not in str(caught.value)


PASSING = {"a short body": faults.short, "a reset": faults.reset, "an internal error": faults.broken}
TOLD = {
    "a short body": "cannot be reached: expected the Hub or a cached copy|expected the whole file",
    "a reset": "cannot be reached: expected the Hub or a cached copy, got neither",
    "an internal error": "expected an answer, got 500 .*; the trouble is the Hub's own: try again in some",
}
STEPS = {"look": ("GET", "/api/"), "ask": ("HEAD", "/resolve/"), "fetch": ("GET", "/resolve/")}


FAULTS = [(step, fault) for step in STEPS for fault in PASSING if (step, fault) != ("ask", "a short body")]


@pytest.mark.parametrize(("step", "fault"), FAULTS)
@pytest.mark.usefixtures("impatient")
def test_faults_that_pass_are_not_noticed(cats, make, step, fault):
    method, at = STEPS[step]
    cats.fail(PASSING[fault], method, times=2, at=at)
    assert same(zoo.pull("me/cats"), make("mlp"))


@pytest.mark.parametrize(("step", "fault"), FAULTS)
@pytest.mark.usefixtures("impatient")
def test_faults_that_last_are_one_line_unless_the_cache_helps(cats, make, tmp_path, step, fault):
    zoo.pull("me/cats")
    method, at = STEPS[step]
    cats.fail(PASSING[fault], method, times=999, at=at)
    assert same(zoo.pull("me/cats"), make("mlp"))
    with pytest.raises(WeightsError, match=TOLD[fault]) as caught:
        zoo.pull("me/cats", cache_dir=tmp_path / "empty")
    assert "\n" not in str(caught.value)


def test_no_network_and_nothing_cached_is_said_soon(hub):
    hub.stop()
    begun = time.monotonic()
    with pytest.raises(WeightsError, match=r"me/cats cannot be reached.*; go online, or fill the cache"):
        zoo.pull("me/cats")
    assert time.monotonic() - begun < 5


def test_a_folder_of_the_name_is_pointed_at(hub, tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    zoo.save(make("mlp"), "runs/cats")
    with pytest.raises(WeightsError, match='for the folder of that name say "file:runs/cats"'):
        zoo.pull("runs/cats")
    assert same(zoo.pull("file:runs/cats"), make("mlp"))
    assert same(zoo.pull("./runs/cats"), make("mlp"))
    assert same(zoo.pull(tmp_path / "runs/cats"), make("mlp"))


@pytest.mark.parametrize("source", ["cats", "hf://cats", "hf://me/cats@", 3])
def test_what_is_no_place(source):
    with pytest.raises(BadReferenceError, match="owner/name"):
        zoo.pull(source)


def test_a_folder_has_no_revisions(tmp_path):
    with pytest.raises(BadReferenceError, match="expected no revision, got 'v1'"):
        zoo.pull(f"file:{tmp_path}", revision="v1")


def test_a_pulled_model_is_what_verbs_take_by_name(cats, tmp_path):
    from PIL import Image

    Image.new("L", (8, 8)).save(tmp_path / "dark.png")
    (found,) = zoo.predict("hf://me/cats", tmp_path / "dark.png")
    assert found.label in {"a", "b", "c"}


def test_the_ecosystems_names(cats, tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = zoo.Model.from_pretrained("me/cats", revision="main", cache_dir=tmp_path / "cache")
    assert same(model, make("mlp"))
    model.save_pretrained("folder")
    assert same(zoo.Model.from_pretrained("folder"), model)
    assert same(type(model).from_pretrained(Path("folder")), model)

    class Other(zoo.Model):
        pass

    with pytest.raises(FormatError, match="expected a Other, got a ComposedModel"):
        Other.from_pretrained("folder")


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own
def test_pushing_by_the_ecosystems_name(hub, writing, make):
    url = make("mlp").push_to_hub("me/cats", commit_message="hello", private=True, branch="try")
    assert url == f"{hub.url}/me/cats/commit/{hub.heads['me/cats', 'try']}"
    assert (writing.messages, writing.private) == (["hello"], {"me/cats"})
