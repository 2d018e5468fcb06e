"""`zoo new` writes all of a plugin or nothing; tests/site looks at what the plugin does."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo import Options
from zoo.cli.new import command
from zoo.registry.loading import resolve_config, resolve_target
from zoo.spec.errors import DeclarationError, SaveError
from zoo.spec.kinds import KINDS


def new(*words: str) -> str:
    done = CliRunner().invoke(command, words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_plugin_is_written_whole(here, kind):
    assert "zoo show a-b_c" in new("zoo-mine", "--kind", kind, "--component", "a-b_c")
    files = {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()}
    package = {"__init__.py", "a_b_c.py", "config.py", "plugin.py", "py.typed"}
    assert files == {
        *(f"zoo-mine/{name}" for name in ("README.md", "pyproject.toml", "tests/test_contract.py")),
        *(f"zoo-mine/src/zoo_mine/{name}" for name in package),
    }
    for file in here.rglob("*.py"):
        compile(file.read_text(), str(file), "exec")
        assert "$" not in file.read_text()


def test_the_component_is_called_like_the_distribution(here):
    new("zoo-mine")
    assert 'name="mine"' in (here / "zoo-mine/src/zoo_mine/plugin.py").read_text()


def test_out_is_the_folder(here):
    new("zoo-mine", "--out", "some/where")
    assert (here / "some/where/pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("Zoo-Mine",), "lower case"),
        (("zoo_mine",), "single dashes"),
        (("zoo--mine",), "single dashes"),
        (("../zoo-mine",), "single dashes"),
        (("zoo-3d",), "a letter first"),
        (("zoo-mine", "--component", "class"), "no word of Python's"),
        (("zoo-mine", "--component", "config"), "config or plugin"),
        (("zoo-mine", "--component", "plugin"), "config or plugin"),
        (("zoo-mine", "--component", "config-mine"), "config or plugin"),
        (("zoo-file",), "read as paths"),
        (("zoo-mine", "--kind", "metric", "--component", "loss"), "no other value beside the figures"),
        (("zoo-mine", "--kind", "metric", "--component", "per-class"), "no other value beside the figures"),
        (("zoo-mine", "--kind", "metric", "--component", "val-f1"), "no other value beside the figures"),
        (("zoo-mine", "--kind", "head", "--component", "original"), "no other head"),
        (("zoo-mine", "--kind", "trainer", "--component", "gradient"), "GradientTrainer"),
        (("zoo-mine", "--kind", "trainer", "--component", "measured"), "MeasuredOptions"),
        (("zoo-mine", "--component", "a/b"), "lower case"),
        (("zoo-mine", "--component", "vgg16"), "that of one of zoo-vgg"),
        (("zoo-vgg",), "confused with those of zoo-vgg"),
        (("vgg",), "confused with those of zoo-vgg"),
        (("numpy",), "the package numpy"),
        (("random",), "the package random"),
    ],
)
def test_a_name_that_would_not_work_is_refused(here, words, expected):
    with pytest.raises(DeclarationError, match=expected) as caught:
        new(*words)
    assert "\n" not in str(caught.value)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    "planted",
    [
        {"distribution": "zoo-other", "namespace": "mine"},
        {"distribution": "zoo-mine"},
        {"distribution": "zoo-other", "namespace": "other", "formerly": ["mine"]},
        {"distribution": "zoo-mine", "code": "1 / 0"},
    ],
)
@pytest.mark.parametrize("catalogue", [True, False])
def test_a_namespace_of_another_plugin_is_not_taken_though_it_offers_nothing(here, shelf, planted, catalogue):
    shelf.plugin(**planted, rows=[], catalogue=catalogue)
    (here / "empty").mkdir()
    done = CliRunner().invoke(command, ["mine", "--out", "empty/mine"])
    assert f"which {planted['distribution']} has" in str(done.exception)


def test_the_package_of_another_plugin_is_not_taken(here, shelf):
    package = here / "shelf" / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    with pytest.raises(DeclarationError, match="the package mine, which is there already"):
        new("mine", "--out", "elsewhere")


def test_the_next_steps_can_be_typed_one_after_another(here):
    last = new("zoo-mine").splitlines()[-1]
    assert last == "next: pip install -e zoo-mine pytest, then zoo show mine and pytest zoo-mine"


def test_the_help_says_what_name_is():
    text = " ".join(new("--help").split())
    assert "NAME is what pip installs" in text
    assert "its namespace mine" in text


def test_the_fingerprint_of_a_data_set_follows_what_it_draws(here, monkeypatch):
    new("zoo-drawn-bars", "--kind", "dataset", "--component", "bars")
    monkeypatch.syspath_prepend(here / "zoo-drawn-bars/src")
    kind = import_module("zoo_drawn_bars.bars").BarsDataset
    one = kind(per_class=4).fingerprint
    assert one == kind(per_class=4).fingerprint
    assert len({one, kind(per_class=5).fingerprint, kind(per_class=4, noise=0.2).fingerprint}) == 3
    drawn = kind.__getitem__

    def darker(self, index):
        sample = drawn(self, index)
        return replace(sample, image=sample.image / 2)

    monkeypatch.setattr(kind, "__getitem__", darker)
    assert kind(per_class=4).fingerprint != one


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("component", ["kind", "torch", "print", "typing", "zoo", "match", "test-contract"])
def test_a_component_called_like_something_of_python_works(here, monkeypatch, kind, component):
    name = kind if component == "kind" else component
    package = f"zoo_{kind}_{component.replace('-', '_')}"
    new(package.replace("_", "-"), "--kind", kind, "--component", name)
    monkeypatch.syspath_prepend(here / package.replace("_", "-") / "src")
    (declared,) = import_module(f"{package}.plugin").zoo_components()
    assert declared.name == name
    assert callable(resolve_target(declared))
    assert issubclass(resolve_config(declared), Options)


def test_a_name_is_taken_in_its_kind_alone(here):
    new("zoo-mine", "--kind", "loss", "--component", "vgg16")
    assert (here / "zoo-mine").is_dir()


def test_what_exists_is_left_alone(here):
    (here / "zoo-mine").mkdir()
    (here / "gone").symlink_to(here / "nowhere")
    for words in (("zoo-mine",), ("zoo-mine", "--out", "gone")):
        with pytest.raises(SaveError, match="choose another with --out"):
            new(*words)
    assert list((here / "zoo-mine").iterdir()) == []
    assert not (here / "nowhere").exists()


def test_nothing_half_written_stays(here, monkeypatch):
    written = Path.write_text
    count = iter(range(100))

    def full(self, *arguments, **named):
        if next(count) == 4:
            raise OSError(28, "No space left on device")
        return written(self, *arguments, **named)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SaveError, match="No space left"):
        new("zoo-mine")
    assert list(here.iterdir()) == []


def test_a_component_of_each_kind_is_added_to_a_plugin_that_is_there(here):
    for kind in KINDS:
        said = new("zoo-mine", "--kind", kind)
    assert "src/zoo_mine/config_mine_metric.py" in said
    names = ["mine", *(f"mine-{kind}" for kind in [*KINDS][1:])]
    declared = (here / "zoo-mine/src/zoo_mine/plugin.py").read_text()
    space: dict[str, object] = {}
    exec(compile(declared, "plugin.py", "exec"), space)
    components = space["zoo_components"]()
    assert [(c.kind, c.name) for c in components] == [*zip(KINDS, names, strict=True)]
    for component in components:
        for place in (component.target, component.config):
            module, _, name = place.partition(":")
            file = here / "zoo-mine/src" / f"{module.replace('.', '/')}.py"
            assert f"class {name}(" in file.read_text()


def test_what_an_author_wrote_around_the_list_stays(here):
    new("zoo-mine")
    plugin = here / "zoo-mine/src/zoo_mine/plugin.py"
    text = plugin.read_text().replace("    ]\n", "    # and that is all\n    ]  # so far\n")
    plugin.write_text(f"{text}\nMORE = 1\n")
    before = plugin.read_text()
    new("zoo-mine", "--kind", "loss", "--component", "softer")
    after = plugin.read_text()
    assert after.endswith("    ]  # so far\n\nMORE = 1\n")
    assert after.startswith(before[: before.index("        ),\n    # and")])
    assert 'name="softer"' in after


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda package: (package / "softer.py").write_text("mine"), "none yet, got one that exists"),
        (lambda package: (package / "plugin.py").write_text("COMPONENTS = []"), "with one return"),
        (
            lambda package: (package / "plugin.py").write_text("def zoo_components(:"),
            "invalid syntax in line 1",
        ),
    ],
)
def test_what_is_in_the_way_of_a_further_component_stays_as_it_is(here, change, expected):
    new("zoo-mine")
    package = here / "zoo-mine/src/zoo_mine"
    change(package)
    before = {file: file.read_text() for file in package.iterdir()}
    with pytest.raises(SaveError, match=expected):
        new("zoo-mine", "--kind", "loss", "--component", "softer")
    assert {file: file.read_text() for file in package.iterdir()} == before


def test_a_folder_of_another_distribution_is_left_alone(here):
    new("zoo-mine")
    with pytest.raises(SaveError, match="that of zoo-yours"):
        new("zoo-yours", "--out", "zoo-mine")


@pytest.mark.parametrize(
    ("before", "after", "called"),
    [
        ("from zoo import Component, hookimpl", "import zoo\nfrom zoo import hookimpl", "zoo.Component("),
        ("from zoo import Component, hookimpl", "from zoo import Component as C, hookimpl", "C("),
    ],
)
def test_a_further_component_is_called_as_the_module_calls_it(here, before, after, called):
    new("zoo-mine")
    plugin = here / "zoo-mine/src/zoo_mine/plugin.py"
    text = (
        plugin.read_text()
        .replace(before, after)
        .replace("list[Component]", "list")
        .replace("Component(", called)
    )
    plugin.write_text(text)
    new("zoo-mine", "--kind", "loss")
    space: dict[str, object] = {}
    exec(compile(plugin.read_text(), "plugin.py", "exec"), space)
    assert [c.kind for c in space["zoo_components"]()] == ["backbone", "loss"]


def test_every_further_component_has_the_options_that_it_declares(here):
    for kind in KINDS:
        new("zoo-mine", "--kind", kind)
    package = here / "zoo-mine/src/zoo_mine"
    for file in package.glob("mine*.py"):
        for line in file.read_text().splitlines():
            if line.startswith("from zoo_mine."):
                module, _, name = line.removeprefix("from zoo_mine.").partition(" import ")
                assert f"class {name}(" in (package / f"{module}.py").read_text()
                assert module == f"config_{file.stem}"
