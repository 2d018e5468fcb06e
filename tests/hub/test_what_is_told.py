"""What a saved model tells of itself, where it may be put, and what is refused: each on both sides."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import ModelCard

from zoo.hub import bundle as bundles
from zoo.hub import card as cards
from zoo.hub import pull as pulls
from zoo.hub import reproduce
from zoo.hub.address import parse_place
from zoo.hub.card import card, known_rows
from zoo.hub.config import MOST_BYTES, dump, parse
from zoo.hub.folder_rules import FILES, check_space, check_target, place_files
from zoo.hub.provenance import public
from zoo.hub.readme import BEGIN, END, Readme, renewed
from zoo.hub.readme import parse as taken_apart
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.disk.transaction import COMMITTED, STAGING, transaction
from zoo.spec.display import counted
from zoo.spec.errors import BadReferenceError, FormatError, SaveError, TrainingError, ZooError
from zoo.spec.inputs import InputSpec
from zoo.spec.reference import HubRef, PathRef

CONFIG: dict[str, Any] = {
    "format": 2, "zoo": "1.0", "recipe": {}, "input": {}, "plugins": {"zoo-core": "1.0"}, "sha256": "0" * 64,
}  # fmt: skip


# -- the config ------------------------------------------------------------------------------------------


def config(tmp_path: Path, content: Any) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(content))
    return tmp_path / "config.json"


def test_what_a_config_leaves_out_is_empty(tmp_path: Path) -> None:
    found = parse(config(tmp_path, CONFIG), "m")
    nothing: dict[str, Any] = {"labels": [], "metrics": {}, "measured": {}, "weights_licences": {}}
    assert found == {**CONFIG, **nothing, "origin": None, "licence": None}


ON = {"data": None, "count": 1, "hash": "h"}


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("recipe", [{}], ["x", None]),
        ("input", [{}], ["x", None]),
        ("plugins", [{"a": "1"}, {"a.b-c": "1.0+x"}],
         [{}, [], {"a": "1; rm"}, {"a b": "1"}, {"a": "1", "-": "1"}]),
        ("labels", [[], ["a"]], ["a", [1], ["a", None]]),
        ("origin", [None, "a"], [1, []]),
        ("licence", [None, "MIT"], [1, []]),
        ("metrics", [{}, {"val": {}}, {"val": {"f1": 1, "loss": 0.5}}],
         [[], {"val": 1}, {"val": {"f1": "1"}}]),
        ("measured", [{}, {"val": ON}, {"val": {**ON, "data": "d"}}, {"val": {**ON, "data": {"name": "d"}}}],
         [[], {"val": 1}, {"val": {**ON, "data": 1}}, {"val": {**ON, "count": "1"}},
          {"val": {**ON, "hash": 1}}, {"val": ON, "test": {}}]),
        ("sha256", ["a" * 64], [None, "a" * 63, "a" * 65, "g" * 64, 1]),
    ],
)  # fmt: skip
def test_each_field_of_a_config_is_looked_at(
    tmp_path: Path, key: str, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        assert parse(config(tmp_path, {**CONFIG, key: value}), "m")[key] == value
    for value in bad:
        with pytest.raises(FormatError, match=f"m/config.json: expected {key} as "):
            parse(config(tmp_path, {**CONFIG, key: value}), "m")
        with pytest.raises(SaveError, match=f"cannot save to m: expected {key} as "):
            dump({**CONFIG, key: value}, "m")


@pytest.mark.parametrize("content", [[], {}, {**CONFIG, "format": "2"}, {"format": 2}, {"zoo": "1"}, 7])
def test_the_config_of_another_program_is_told_apart(tmp_path: Path, content: Any) -> None:
    with pytest.raises(
        FormatError, match="m is not a model saved by zoo: expected format and zoo in its config"
    ):
        parse(config(tmp_path, content), "m")


def test_a_config_of_just_the_largest_size_is_read_and_written(tmp_path: Path) -> None:
    room = MOST_BYTES - len(dump({**CONFIG, "origin": "", "labels": [], "metrics": {}, "measured": {},
                                  "licence": None}, "m"))  # fmt: skip
    full = {**CONFIG, "origin": "", "labels": [], "metrics": {}, "measured": {}, "licence": None}
    text = dump({**full, "origin": "x" * room}, "m")
    assert len(text) == MOST_BYTES
    (tmp_path / "config.json").write_text(text)
    assert parse(tmp_path / "config.json", "m")["origin"] == "x" * room
    (tmp_path / "config.json").write_text(text + " ")
    with pytest.raises(FormatError, match=r"m/config\.json: expected at most 8,388,608 bytes, got 8,388,609"):
        parse(tmp_path / "config.json", "m")
    with pytest.raises(
        SaveError, match=f"a config of at most {MOST_BYTES} bytes, got {MOST_BYTES + 1}; shorten"
    ):
        dump({**full, "origin": "x" * (room + 1)}, "m")


def test_a_newer_format_is_refused_and_those_before_are_not(tmp_path: Path) -> None:
    for number in (1, 2):
        assert parse(config(tmp_path, {**CONFIG, "format": number}), "m")["format"] == number
    with pytest.raises(FormatError, match="expected format 2 or older, got format 3"):
        parse(config(tmp_path, {**CONFIG, "format": 3}), "m")


def test_what_json_cannot_hold_is_not_saved() -> None:
    for origin in ({1, 2}, object()):
        with pytest.raises(SaveError, match="cannot save to m: expected plain data"):
            dump({**CONFIG, "origin": origin}, "m")


# -- addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "revision", "found"),
    [
        ("me/cats", None, HubRef("me/cats", None)),
        (" me/cats ", "v1", HubRef("me/cats", "v1")),
        ("me/cats@v1", "v1", HubRef("me/cats", "v1")),
        ("hf://me/cats@feature/a", None, HubRef("me/cats", "feature/a")),
        ("../cats", None, PathRef("../cats")),
        (Path("me/cats"), None, PathRef("me/cats")),
    ],
)
def test_a_place_is_the_hubs_or_a_folder(value: Any, revision: str | None, found: Any) -> None:
    assert parse_place(value, revision) == found


@pytest.mark.parametrize(
    ("value", "revision", "words"),
    [
        (3, None, "where to: expected .*, got 3"),
        ("cats", None, 'where to: .*for the folder of that name say "file:cats"'),
        ("./cats", "v1", r"folder \./cats: expected no revision, got 'v1'"),
        ("me/cats@v1", "v2", "expected one revision, got 'v2' beside it"),
    ],
)
def test_what_is_no_place_says_what_would_be(
    value: Any, revision: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadReferenceError, match=words):
        parse_place(value, revision)


# -- folders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", ["", "new", "new/newer"])
def test_room_is_asked_for_on_the_disk_where_the_folder_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: str
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: asked.append(path) or SimpleNamespace(free=2_000_000)
    )
    check_space(tmp_path / depth, 2_000_000)
    assert asked == [tmp_path]
    with pytest.raises(SaveError, match=r"expected 2\.5 MB of disk space, got 2\.0 MB free"):
        check_space(tmp_path / depth, 2_500_001)


def test_files_are_placed_together_and_those_of_another_model_go(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_text("old")
    assert place_files({"a": tmp_path / "new"}, folder, remove=["b", "none"]) == folder
    assert {p.name: p.read_text() for p in folder.iterdir()} == {"a": "new", "c": "old"}


def test_room_for_all_files_is_asked_for_before_the_first_is_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5))
    for name in ("a", "b"):
        (tmp_path / name).write_text("abc")
    with pytest.raises(SaveError, match="of disk space"):
        place_files({"a": tmp_path / "a", "b": tmp_path / "b"}, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    place_files({"a": tmp_path / "a"}, tmp_path / "folder")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "README.md"])
def test_each_file_of_the_format_that_is_no_models_keeps_a_folder_from_being_taken(
    tmp_path: Path, name: str
) -> None:
    assert check_target(tmp_path) is None
    assert check_target(tmp_path / "new") is None
    (tmp_path / name).write_text("mine")
    with pytest.raises(SaveError, match=f"other files named {name}; choose another folder"):
        check_target(tmp_path)


def test_a_name_of_an_image_is_no_folder_unless_it_is_one(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match=r"expected a folder's name, got an image's; say .*/cats$"):
        check_target(tmp_path / "cats.png")
    (tmp_path / "dogs.png").mkdir()
    assert check_target(tmp_path / "dogs.png") is None
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="expected a folder, got a file"):
        check_target(tmp_path / "file")


def test_all_of_a_new_folder_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def sync(path: Path) -> None:
        name = path.name if not path.name.startswith(STAGING) else "staging"
        synced.append(f"{name} {(tmp_path / 'm').exists()}")

    for what in ("sync_file", "sync_folder"):
        monkeypatch.setattr(f"zoo.spec.disk.transaction.{what}", sync)
    with transaction(tmp_path / "m") as staging:
        (staging / "a").write_text("a")
    assert synced == ["a False", "staging False", f"{tmp_path.name} True"]
    synced.clear()
    with transaction(tmp_path / "m") as staging:
        (staging / "a").write_text("b")
    assert synced == ["a True", "staging True", "m True", "m True"]
    assert (tmp_path / "m" / "a").read_text() == "b"
    assert [p.name for p in (tmp_path / "m").iterdir()] == ["a"]


def test_a_save_that_was_cut_off_is_finished_before_the_next_begins(tmp_path: Path) -> None:
    (tmp_path / "m" / COMMITTED).mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "m" / COMMITTED / name).write_text("cut off")
    with transaction(tmp_path / "m") as staging:
        (staging / "a").write_text("new")
        assert (tmp_path / "m" / "a").read_text() == "cut off"
    found = {p.name: p.read_text() for p in (tmp_path / "m").iterdir()}
    assert found == {"a": "new", "b": "cut off"}


@pytest.mark.parametrize("links", [True, False])
def test_files_that_go_out_are_linked_or_copied_and_no_others_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool, make: Any
) -> None:
    import zoo

    folder = zoo.save(make("mlp"), tmp_path / "m")
    (folder / "notes.txt").write_text("mine")

    def refused(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    if not links:
        monkeypatch.setattr(os, "link", refused)
    with bundles.bundle(folder, reference=None, licence=None) as ready:
        weights = ready.folder / "model.safetensors"
        assert weights.samefile(folder / "model.safetensors") is links
        assert weights.read_bytes() == (folder / "model.safetensors").read_bytes()
        assert sorted(ready.files) == ["config.json", "model.safetensors"]
        assert ready.optional == ["history.json", "curves.png"]
    assert (folder / "README.md").exists()


# -- provenance ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("./a/b", "b"), ("..\\a\\b", "b"), (".\\a", "a"), ("../a", "a"), ("~/x/y", "y"), ("C:/a/b", "b"),
        ("C:\\a", "a"), ("\\\\host\\share\\dir\\a", "a"), ("file:a/b", "b"), ("a", None), ("hf://a/b", None),
        ("a/b", None), ("a\\b", None), ("C:", None),
    ],
)  # fmt: skip
def test_paths_in_options_are_cut_and_texts_with_a_slash_are_not(text: str, cut: str | None) -> None:
    found = public({"recipe": {"model": {"options": {"act": [text]}}}, "origin": None})
    assert found["recipe"]["model"]["options"]["act"] == [text if cut is None else f"file:{cut}"]


def test_data_that_were_measured_on_are_cut_too() -> None:
    measured = {"val": {"data": "a/b", "count": 1}, "test": {"data": {"name": "/a/b"}}}
    found = public({"recipe": {}, "origin": None, "measured": measured})["measured"]
    assert found == {"val": {"data": "file:b", "count": 1}, "test": {"data": {"name": "file:b"}}}


# -- readmes -------------------------------------------------------------------------------------------------


def readme(front: str, body: str) -> str:
    return f"---\n{front}\n---\n\n{body}\n"


def test_what_people_wrote_around_the_section_stays_where_it_was() -> None:
    there = taken_apart(
        readme("tags: [old]\nlicense: mit\nlanguage: en", f"Above.\n\n{BEGIN}\nOld.\n{END}\n\nBelow."), "r"
    )
    assert there.handwritten == "Above.\n\nBelow."
    assert there.section == f"{BEGIN}\nOld.\n{END}"
    text = renewed(readme("tags: [zoo]", f"{BEGIN}\nNew.\n{END}"), there)
    assert text.index("Above.") < text.index("New.") < text.index("Below.")
    assert "Old." not in text
    front = dict(taken_apart(text, "r").front)
    assert front == {"tags": "tags: [zoo]\n", "license": "license: mit\n", "language": "language: en\n"}
    claimed = renewed(readme("license: apache-2.0", f"{BEGIN}\nNew.\n{END}"), there)
    assert taken_apart(claimed, "r").front == (
        ("license", "license: apache-2.0\n"),
        ("language", "language: en\n"),
    )


def test_a_readme_without_a_section_is_all_handwritten_and_comes_after_it() -> None:
    there = taken_apart("Mine.\r\nAll of it.", "r")
    assert there == Readme((), "", "", there.after)
    assert there.handwritten == "Mine.\nAll of it."
    text = renewed(readme("tags: [zoo]", f"{BEGIN}\nNew.\n{END}"), there)
    assert text.index("New.") < text.index("Mine.")
    assert renewed(readme("tags: [zoo]", f"{BEGIN}\nNew.\n{END}"), None).count("New.") == 1


# -- cards ---------------------------------------------------------------------------------------------------


def figures(**more: Any) -> Any:
    """A model as a card sees it."""
    recipe = SimpleNamespace(
        trainer=None, data=None, seed=None, to_dict=lambda: {"model": {"classes": 3}},
        model=SimpleNamespace(called="net", count=3, labels=(), weights=None),
    )  # fmt: skip
    given: dict[str, Any] = {
        "recipe": recipe, "task": BY_NAME["multiclass"], "labels": (), "origin": None, "metrics": {},
        "measured": {}, "plugins": {"zoo-core": "1.0"}, "licence": None, "weights_licences": {},
        "input_spec": InputSpec(size=(8, 6)), "summary": lambda: "parts",
    }  # fmt: skip
    return SimpleNamespace(**{**given, **more})


@pytest.fixture(autouse=True)
def titled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.hub.card.title", lambda model: "Net")


@pytest.mark.parametrize(("count", "end"), [(20, "l19."), (21, "l19 and 1 more."), (1, "l0.")])
def test_twenty_labels_are_told(count: int, end: str) -> None:
    text = card(figures(labels=tuple(f"l{i}" for i in range(count))))
    assert f"{counted(count, 'label')}: l0" in text
    assert f"{end}\n" in text


def test_a_label_ends_neither_sentence_nor_section() -> None:
    text = card(figures(labels=("a\nb", "<!-- zoo: end -->")))
    assert "2 labels: a b, &lt;!-- zoo: end --&gt;." in text


def test_a_task_has_its_article() -> None:
    assert "\nA multiclass " in card(figures())
    assert "\nAn embedding " in card(figures(task=BY_NAME["embedding"]))
    assert "Weights: random." in card(figures())
    assert "Weights: imagenet." in card(figures(origin="imagenet"))


def test_ways_to_have_a_model_are_by_reference_or_folder() -> None:
    assert 'model = zoo.pull("me/cats")' in card(figures(), reference="me/cats")
    assert 'model = zoo.load("this-folder")' in card(figures())
    assert "features = model(images)" in card(figures(task=None))


def test_channels_have_names_or_numbers_and_a_range_is_told_where_it_is_unusual() -> None:
    def spec(channels: int, **more: Any) -> Any:
        own = {"mean": (0.5,) * channels, "std": (0.25,) * channels, "size": (8, 6)}
        return figures(input_spec=InputSpec(channels=channels, **own, **more))

    assert "Gray images N x 1 x H x W with values in [0, 1], resized to 8 x 6 (" in card(spec(1))
    assert "5-channel images N x 5 x H x W" in card(spec(5))
    assert "Inside the model they are normalised with mean 0.5, 0.5, 0.5 and" in card(spec(3)).replace(
        "\n", " "
    )
    assert "they are scaled to [-1, 1], normalised" in card(spec(1, range=(-1, 1)))


def test_figures_are_a_column_a_split_and_empty_splits_have_none() -> None:
    text = card(figures(metrics={"val": {"f1": 0.51234}, "test": {}, "all": {"f1": 1.0, "auc": 0.25}}))
    assert "| metric | val | all |\n| --- | --- | --- |\n| f1 | 0.5123 | 1 |\n| auc |  | 0.25 |" in text
    assert "- val: it is not recorded" in text
    assert "- test:" not in text


def test_only_figures_that_are_numbers_of_known_data_are_indexed() -> None:
    on = {"data": "digits", "count": 3, "hash": "h"}
    model = figures(
        metrics={"val": {"loss": 0.1, "f1": 0.12345678, "auc": float("inf")}, "test": {"f1": 1.0}},
        measured={"val": on, "test": {**on, "data": None}},
    )
    (result,) = ModelCard(card(model, reference="me/cats")).data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_type) == ("f1", 0.123457, "custom")
    assert ModelCard(card(model, reference="me/cats")).data.model_name == "cats"
    assert "model-index" not in card(figures())


def test_a_training_is_told_with_its_first_and_last_epoch() -> None:
    rows = [
        {"epoch": 1.0, "loss": 2.0, "seconds": 3.0},
        {"epoch": 2.0, "loss": 1.0, "val_f1": 0.5, "seconds": 3.0},
    ]
    text = card(figures(), history=rows, curves=True)
    assert "Epochs: 2.\n" in text
    assert (
        "|  | first epoch | last epoch |\n| --- | --- | --- |\n| loss | 2 | 1 |\n| val_f1 |  | 0.5 |" in text
    )
    assert "(curves.png)" in text
    assert "| seconds |" not in text
    assert "## Training" not in card(figures())
    assert "curves.png" not in card(figures(), history=rows)


def test_seed_and_data_of_a_training_are_told_where_they_are_known() -> None:
    model = figures()
    model.recipe.trainer, model.recipe.seed, model.recipe.data = "t", 0, "file:/home/me/cats"
    assert "Data: cats. Seed: 0.\n" in card(model)
    model.recipe.seed = model.recipe.data = None
    assert "## Training\n\n<details>" in card(model)


def test_rows_of_a_history_are_its_numbers(tmp_path: Path) -> None:
    assert known_rows(tmp_path / "none.json") == []
    rows = [{"epoch": 1, "loss": None, "f1": 0.5}]
    (tmp_path / "history.json").write_text(json.dumps(rows))
    assert known_rows(tmp_path / "history.json") == [{"epoch": 1.0, "f1": 0.5}]


def test_notes_of_commands_are_told_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {"a": "pip install a  # in a new environment", "b": "take the checkout", "c": "pip install c"}
    monkeypatch.setattr(cards, "way_to_install", lambda name, version, here: f"{ways[name]}")
    text = card(figures(plugins={"a": "1", "b": "2", "c": "3"}))
    assert "It needs a==1, b==2, c==3. Take the checkout. With pip, in a new environment:" in text
    assert "```sh\npip install a\npip install c\n```" in text
    assert "```sh" not in card(figures(plugins={"b": "2"}))


# -- new processes -----------------------------------------------------------------------------------------


def test_a_process_that_fails_is_told_by_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    def fails(said: str) -> Any:
        return lambda *_, **__: SimpleNamespace(returncode=1, stderr=said)

    monkeypatch.setattr(reproduce.subprocess, "run", fails("Traceback\nValueError: no\n"))
    with pytest.raises(TrainingError, match=r"expected the model's outputs, got ValueError: no$"):
        reproduce.in_new_process("file:m", torch.rand(1, 2))
    monkeypatch.setattr(reproduce.subprocess, "run", fails(""))
    with pytest.raises(TrainingError, match=r"got nothing$"):
        reproduce.in_new_process("file:m", torch.rand(1, 2))

    def works(command: list[str], **how: Any) -> Any:
        assert command[1:4] == ["-m", "zoo.hub.reproduce", "file:m"]
        assert how["env"]["OMP_NUM_THREADS"] == str(torch.get_num_threads())
        save_file({"outputs": load_file(command[4])["images"] * 2}, command[5])
        return SimpleNamespace(returncode=0, stderr="a warning")

    monkeypatch.setattr(reproduce.subprocess, "run", works)
    images = torch.rand(2, 3).T
    assert torch.equal(reproduce.in_new_process("file:m", images), images * 2)


# -- files that are fetched ----------------------------------------------------------------------------------


def test_files_of_a_folder_arrive_whole_and_those_that_it_lacks_go(tmp_path: Path, make: Any) -> None:
    import zoo

    origin, out = zoo.save(make("mlp"), tmp_path / "origin"), zoo.save(make("mlp"), tmp_path / "out")
    (out / "history.json").write_text("[]")
    (out / "notes.txt").write_text("mine")
    (origin / "notes.txt").write_text("not of the format")
    (origin / "curves.png").write_bytes(b"png")
    assert pulls.pull_files(f"file:{origin}", out) == out
    names = {"model.safetensors", "config.json", "README.md", "curves.png", "notes.txt"}
    assert {p.name for p in out.iterdir()} == names
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "curves.png").read_bytes() == b"png"
    (origin / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ZooError):
        pulls.pull_files(f"file:{origin}", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_files_of_a_commit_arrive_whole_and_those_that_it_lacks_go(
    tmp_path: Path, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zoo

    origin, out = zoo.save(make("mlp"), tmp_path / "origin"), zoo.save(make("mlp"), tmp_path / "out")
    (out / "history.json").write_text("[]")
    asked: dict[str, int | None] = {}

    def find(name: str, *, sha256: str | None = None, most: int | None = None) -> Path | None:
        asked[name] = most
        return origin / name if (origin / name).exists() else None

    commit = SimpleNamespace(text="pull hf://me/cats", repo="me/cats", find=find, file=find, names=list)
    monkeypatch.setattr(pulls, "snapshot", lambda *_, **__: commit)
    pulls.pull_files("me/cats", out)
    assert {p.name for p in out.iterdir()} == {"model.safetensors", "config.json", "README.md"}
    assert set(asked) == {*FILES}
    assert {name for name, most in asked.items() if most is None} >= {"model.safetensors"}
    assert asked["README.md"] == asked["curves.png"] == MOST_BYTES
    (origin / "model.safetensors").unlink()
    with pytest.raises(FormatError, match=r"is not a model saved by zoo: expected model\.safetensors, got"):
        pulls.pull_files("me/cats", out)


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["a.safetensors", "b.bin"], "to take weights alone, build their network"),
        (["a.bin"], "weights that are pickled may run code and are never opened"),
        ([".gitattributes", "a.txt"], None),
    ],
)
def test_a_repository_that_holds_no_model_is_answered_with_what_it_holds(
    monkeypatch: pytest.MonkeyPatch, names: list[str], hint: str | None
) -> None:
    commit = SimpleNamespace(text="pull", repo="me/cats", find=lambda *_, **__: None, names=lambda: names)
    monkeypatch.setattr(pulls, "snapshot", lambda *_, **__: commit)
    with pytest.raises(FormatError, match=r"pull is not .* by zoo: expected config\.json, got a") as said:
        pulls.pull("me/cats")
    assert ".gitattributes" not in str(said.value)
    assert (hint or "") in str(said.value)
    assert (";" in str(said.value)) is (hint is not None)
