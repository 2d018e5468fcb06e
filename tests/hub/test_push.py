"""`zoo.push` to a Hub, through the real client: one commit, what changed, nobody's work lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch

import zoo
from zoo.spec.errors import BadReferenceError, SaveError, ZooError, ZooWarning

from . import server as faults
from .server import Reply

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

ALL = ("model.safetensors", "config.json", "README.md", "history.json", "curves.png")


@pytest.fixture
def run(tmp_path, make):
    """The folder of a run: the model, its history, and what stays at home."""
    model = make("mlp")
    model.metrics = {"val": {"accuracy": 0.5}}
    folder = zoo.save(model, tmp_path / "run")
    (folder / "history.json").write_text('[{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.5}]')
    (folder / "curves.png").write_bytes(b"\x89PNG image")
    (folder / "splits.json").write_text('{"data": "/home/me/cats"}')
    (folder / "checkpoint.safetensors").write_bytes(b"large")
    (folder / "start").mkdir()
    return folder


def files(hub, repo="me/cats", revision="main"):
    return hub.find(repo, revision)[1]


def count(hub, repo="me/cats"):
    return len(hub.repos[repo]) - 1  # the first commit is the Hub's


def posts(hub):
    return [line.split()[1] for line in hub.asked if line.startswith(("POST", "PUT"))]


def test_a_folder_arrives_as_one_commit_with_the_formats_files_and_no_other(hub, writing, run):
    pushed = zoo.push(run, "me/cats", message="first")
    assert set(files(hub)) == {*ALL, ".gitattributes"}
    assert files(hub)["model.safetensors"] == (run / "model.safetensors").read_bytes()
    assert files(hub)["curves.png"] == (run / "curves.png").read_bytes()
    assert writing.messages == ["first"]
    assert pushed.files == ALL
    assert pushed.commit == hub.find("me/cats")[0]
    assert pushed.reference == f"hf://me/cats@{pushed.commit}"
    assert pushed.url == f"{hub.url}/me/cats/commit/{pushed.commit}"
    assert str(pushed).startswith("pushed model.safetensors, config.json")


def test_a_model_arrives_without_a_folder(hub, writing, make):
    pushed = zoo.push(make("mlp"), "hf://me/cats")
    assert set(files(hub)) == {*ALL[:3], ".gitattributes"}
    assert pushed.files == ALL[:3]


def test_the_same_again_changes_nothing(hub, writing, run):
    first = zoo.push(run, "me/cats")
    again = zoo.push(run, "me/cats")
    assert (again.files, again.commit, count(hub)) == ((), first.commit, 1)
    assert str(again).startswith("nothing changed at ")
    assert zoo.push(zoo.load(run), "me/cats").files == ()


def test_new_figures_do_not_send_the_weights_again(hub, writing, run):
    zoo.push(run, "me/cats")
    model = zoo.load(run)
    model.metrics["test"] = {"accuracy": 0.75}
    zoo.save(model, run)
    sent = len(posts(hub))
    assert zoo.push(run, "me/cats").files == ("config.json", "README.md")
    assert not any("/lfs/" in path for path in posts(hub)[sent:])
    assert "| accuracy | 0.5 | 0.75 |" in files(hub)["README.md"].decode()


def test_history_and_curves_of_other_weights_do_not_stay(hub, writing, run, make):
    zoo.push(run, "me/cats")
    same = zoo.push(zoo.load(run), "me/cats")
    assert same.files == () and "curves.png" in files(hub)
    other = zoo.push(make("mlp", seed=1), "me/cats")
    assert other.files == ALL
    assert set(files(hub)) == {*ALL[:3], ".gitattributes"}
    assert "curves.png" not in files(hub)["README.md"].decode()
    assert count(hub) == 2


def test_a_branch_is_made_and_the_others_stay(hub, writing, make):
    zoo.push(make("mlp"), "me/cats")
    before = hub.find("me/cats")
    pushed = zoo.push(make("mlp", seed=1), "me/cats", revision="try-1")
    assert hub.find("me/cats") == before
    assert hub.find("me/cats", "try-1")[0] == pushed.commit
    assert 'zoo.pull("me/cats@try-1")' in files(hub, revision="try-1")["README.md"].decode()
    assert zoo.push(make("mlp", seed=2), "me/cats@try-1").files
    assert hub.find("me/cats") == before


def test_a_new_repository_is_private_where_asked(hub, writing, make):
    zoo.push(make("mlp"), "me/secret", private=True)
    zoo.push(make("mlp"), "me/open")
    assert writing.private == {"me/secret"}


def test_a_model_meant_to_be_private_does_not_go_into_a_public_repository(hub, writing, make):
    zoo.push(make("mlp"), "me/cats")
    with pytest.raises(SaveError, match="expected a private repository, got a public repository; change"):
        zoo.push(make("mlp", seed=1), "me/cats", private=True)
    assert count(hub) == 1


OTHERS = {
    "another library's model": {
        "config.json": b'{"architectures": ["Bert"]}',
        "pytorch_model.bin": b"pickle",
    },
    "files": {"notes.txt": b"mine"},
    "a model of a later version": {"config.json": b'{"format": 99, "zoo": "9.0"}', "model.safetensors": b""},
    "a config without end": {"config.json": b"{" * 100_000},
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_repository_that_holds_something_else_is_left_alone(hub, writing, make, content):
    hub.commit("me/cats", content)
    message = f"expected an empty repository or one that holds a model .*, got one with {min(content)}"
    with pytest.raises(SaveError, match=message):
        zoo.push(make("mlp"), "me/cats")
    assert len(hub.repos["me/cats"]) == 1


def test_an_empty_repository_keeps_its_front_matter(hub, writing, make):
    hub.commit("me/cats", {".gitattributes": b"", "README.md": b"---\nlicense: mit\nlanguage: en\n---\n"})
    zoo.push(make("mlp"), "me/cats")
    text = files(hub)["README.md"].decode()
    assert "license: mit\nlanguage: en\n" in text
    assert "# mlp with head multiclass" in text


def test_what_people_wrote_on_the_hub_stays(hub, writing, run):
    zoo.push(run, "me/cats")
    text = files(hub)["README.md"].decode()
    edited = text.replace("tags:", "language: en\ntags:").replace("# mlp", "# my words are lost\n# mlp")
    hub.commit("me/cats", {"README.md": f"{edited}\n## By hand\n\nÜbrigens: mine.\n".encode()})
    model = zoo.load(run)
    model.metrics = {"test": {"accuracy": 0.75}}
    assert zoo.push(model, "me/cats").files == ("config.json", "README.md")
    text = files(hub)["README.md"].decode()
    assert text.endswith("## By hand\n\nÜbrigens: mine.\n")
    assert "language: en" in text and "my words are lost" not in text
    assert "| accuracy | 0.75 |" in text
    assert zoo.push(model, "me/cats").files == ()


def test_what_people_wrote_at_home_goes_along(hub, writing, run):
    zoo.push(run, "me/cats")
    with (run / "README.md").open("a") as file:
        file.write("\n## Mine\n")
    assert zoo.push(run, "me/cats").files == ("README.md",)
    assert files(hub)["README.md"].decode().endswith("## Mine\n")
    hub.commit("me/cats", {"README.md": files(hub)["README.md"].replace(b"## Mine", b"## Theirs")})
    with pytest.warns(ZooWarning, match="in README.md of me/cats is not that of your README"):
        zoo.push(run, "me/cats")
    assert files(hub)["README.md"].decode().endswith("## Theirs\n")


def test_front_matter_that_is_none_is_said_and_left(hub, writing, make):
    zoo.push(make("mlp"), "me/cats")
    hub.commit("me/cats", {"README.md": b"---\na: [\n---\nMine"})
    with pytest.raises(ZooError, match=r"README.md of me/cats: expected YAML between.*mend it first"):
        zoo.push(make("mlp", seed=1), "me/cats")
    assert count(hub) == 2


def test_a_readme_there_that_is_no_utf_8_is_said_and_left(hub, writing, make):
    zoo.push(make("mlp"), "me/cats")
    hub.commit("me/cats", {"README.md": "Modèle.".encode("latin-1")})
    with pytest.raises(
        SaveError, match=r"README.md of me/cats: expected a README .*, got no UTF-8 at byte 3"
    ):
        zoo.push(make("mlp", seed=1), "me/cats")
    assert count(hub) == 2


def test_a_licence_is_claimed_where_given(hub, writing, make):
    model = make("mlp")
    zoo.push(model, "me/cats", licence="MIT")
    assert b"license: mit" in files(hub)["README.md"]
    assert json.loads(files(hub)["config.json"])["licence"] == "MIT"
    assert model.licence is None


def test_no_path_of_this_machine_goes_out(hub, writing, tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = zoo.save(make("mlp"), tmp_path / "my runs" / "source")
    model = make("mlp", weights=f"file:{source}")
    assert str(tmp_path) in model.origin
    model.recipe = model.recipe.model_copy(
        update={"data": f"file:{tmp_path}/cats", "augment": [{"name": "paste", "folder": f"{tmp_path}/bg"}]}
    )
    model.origin = f"trained on cats, starting from {model.origin}"
    before = (model.origin, model.recipe)
    zoo.push(model, "me/cats")
    for folder in (zoo.save(model, tmp_path / "run"), "run"):
        zoo.push(folder, "me/cats")
        for name in ("config.json", "README.md"):
            text = files(hub)[name].decode()
            assert str(tmp_path) not in text and str(Path.home()) + "/" not in text
    config = json.loads(files(hub)["config.json"])
    assert config["recipe"]["model"]["weights"] == "file:source"
    assert config["recipe"]["data"] == "file:cats"
    assert config["recipe"]["augment"] == [{"name": "paste", "folder": "file:bg"}]
    assert config["origin"] == "trained on cats, starting from source"
    assert (model.origin, model.recipe) == before
    assert json.loads((tmp_path / "run/config.json").read_text())["origin"] == model.origin


def test_a_folder_whose_weights_are_damaged_is_not_pushed(hub, writing, run):
    weights = run / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ZooError, match=r"expected sha256 .*damaged or another model's"):
        zoo.push(run, "me/cats")
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("what", "where", "error", "message"),
    [
        ("nowhere", "me/cats", ZooError, "nowhere is not a saved model"),
        (torch.nn.Linear(1, 1), "me/cats", SaveError, "a model from zoo.build, or the folder"),
        (
            None,
            "cats",
            BadReferenceError,
            'expected "owner/name".*for the folder of that name say "file:cats"',
        ),
        (None, "hf://cats", BadReferenceError, "hf://owner/name"),
        (None, 3, BadReferenceError, "owner/name"),
        (None, "me/a..b", SaveError, r"owner/name of letters, digits, - _ and \., got 'me/a\.\.b'"),
    ],
)
@pytest.mark.usefixtures("writing")
def test_what_cannot_be_pushed(hub, make, what, where, error, message):  # noqa: PLR0917
    with pytest.raises(error, match=message):
        zoo.push(make("mlp") if what is None else what, where)
    assert hub.repos == {}


def test_one_revision_and_a_message_that_says_something(hub, writing, make):
    with pytest.raises(BadReferenceError, match="expected one revision"):
        zoo.push(make("mlp"), "me/cats@one", revision="two")
    with pytest.raises(SaveError, match="expected a message"):
        zoo.push(make("mlp"), "me/cats", message=" ")
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("hf_reader", "403 you have read access only; make one at .*/settings/tokens"),
        (False, "401 .*hf auth login"),
    ],
)
def test_without_the_right_to_write(hub, writing, make, token, message):
    with pytest.raises(SaveError, match=message) as caught:
        zoo.push(make("mlp"), "me/cats", token=token)
    assert "\n" not in str(caught.value)
    zoo.push(make("mlp"), "me/cats")
    with pytest.raises(SaveError, match=message):
        zoo.push(make("mlp", seed=1), "me/cats", token=token)
    assert count(hub) == 1


def test_a_token_that_is_given_counts(hub, writing, make, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    assert zoo.push(make("mlp"), "me/cats", token="hf_writer").files


def test_no_network_is_said_soon(hub, writing, make):
    hub.stop()
    begun = time.monotonic()
    with pytest.raises(SaveError, match='cannot be reached; go online, or push to a folder: "file:FOLDER"'):
        zoo.push(make("mlp"), "me/cats")
    assert time.monotonic() - begun < 5


def test_an_answer_that_is_lost_after_the_commit_landed_is_found(hub, writing, make):
    zoo.push(make("mlp"), "me/cats")
    writing.lose = 1
    pushed = zoo.push(make("mlp", seed=1), "me/cats")
    assert pushed.commit == hub.find("me/cats")[0]
    assert count(hub) == 2


def test_a_request_that_is_lost_is_made_again(hub, writing, make):
    zoo.push(make("mlp"), "me/cats")
    real = hub.routes["POST", "/api/models/(?P<repo>[\\w.-]+/[\\w.-]+)/commit/(?P<revision>[^/]+)"]
    key, lost = next(k for k, route in hub.routes.items() if route == real), []

    def lose(*arguments, **groups):
        if not lost:
            return lost.append(True)
        return real(*arguments, **groups)

    hub.routes[key] = lose
    assert zoo.push(make("mlp", seed=1), "me/cats").commit == hub.find("me/cats")[0]
    assert count(hub) == 2


def test_who_pushed_meanwhile_is_not_overwritten(hub, writing, make):
    zoo.push(make("mlp"), "me/cats")
    key = next(k for k in hub.routes if "preupload" in k[1])
    real = hub.routes[key]

    def meanwhile(*arguments, **groups):
        hub.commit("me/cats", {"README.md": b"theirs"})
        return real(*arguments, **groups)

    hub.routes[key] = meanwhile
    with pytest.raises(SaveError, match="nobody else to push meanwhile, got 412 A commit has happened"):
        zoo.push(make("mlp", seed=1), "me/cats")
    assert files(hub)["README.md"] == b"theirs"


PASSING = {"an internal error": faults.broken, "a reset connection": faults.reset}
TOLD = {
    faults.broken: "me/cats: expected an answer, got 500 internal error; nothing changed there; the trouble",
    faults.reset: "me/cats cannot be reached: expected the Hub, got no answer .*; nothing changed there; go",
}
STEPS = {
    "look": ("GET", "/revision/"),
    "ask": ("POST", "preupload"),
    "batch": ("POST", "batch"),
    "send": ("PUT", "/lfs/"),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.usefixtures("writing", "impatient")
def test_faults_on_the_way_are_waited_out(hub, make, fault, step):
    zoo.push(make("mlp"), "me/cats")
    hub.fail(fault, step[0], times=2, at=step[1])
    pushed = zoo.push(make("mlp", seed=1), "me/cats")
    assert (pushed.commit, count(hub)) == (hub.find("me/cats")[0], 2)


@pytest.mark.parametrize("step", [*STEPS.values(), ("POST", "/commit/")], ids=[*STEPS, "commit"])
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.usefixtures("writing", "impatient")
def test_faults_that_last_are_one_line_and_what_was_there_stays(hub, make, fault, step):
    zoo.push(make("mlp"), "me/cats")
    before = hub.find("me/cats")
    hub.fail(fault, step[0], times=99, at=step[1])
    if step[1] == "/commit/":  # the fault takes the answer; this one takes the commit too
        key = next(k for k in hub.routes if "/commit/" in k[1])
        hub.routes[key] = lambda *_, **__: Reply(200)
    with pytest.raises(SaveError, match=TOLD[fault]) as caught:
        zoo.push(make("mlp", seed=1), "me/cats")
    assert "\n" not in str(caught.value)
    assert hub.find("me/cats") == before


def test_a_hub_that_leaves_after_the_commit_leaves_the_question_open(hub, writing, make, impatient):
    zoo.push(make("mlp"), "me/cats")
    writing.lose = 1
    hub.fail(faults.reset, at="/revision/", after=1, times=99)
    with pytest.raises(SaveError, match="connection was lost; push again: what has arrived is not"):
        zoo.push(make("mlp", seed=1), "me/cats")
    hub._faults.clear()
    assert zoo.push(make("mlp", seed=1), "me/cats").files == ()
