"""The pages of the components: what they say of using a component is true."""

from __future__ import annotations

import ast
import importlib
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
import pytest

import zoo
from zoo.compose.parts import default, part
from zoo.spec.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from _generator.companions import declared  # noqa: E402 - not installed, so its folder comes first
from _generator.pages import pages  # noqa: E402
from _generator.parts import Part, read  # noqa: E402
from _generator.usage import example_of_options, usage  # noqa: E402

sys.path.remove(str(ROOT / "docs"))

PARTS = read(ROOT / "registry.json")
SMALL = (
    "mlp",
    "small_cnn",
    "tiny_resnet",
    "vgg16",
    "resnet18",
    "mobilenet_v2",
    "efficientnet_lite0",
    "timm:levit_128s",
)
# What has a folder of files to say is read off files that are not there
TRIED = [
    p
    for p in PARTS
    if usage(p).python and (p.kind != "backbone" or p.ref in SMALL) and "root" not in p.options
]


def label(part: Part) -> str:
    return f"{part.kind}-{part.ref}"


def one_of_each(parts: Sequence[Part]) -> list[Any]:
    """The first of each kind; the others are slow."""
    first = {part.kind: part for part in reversed(parts)}
    return [
        pytest.param(part, id=label(part), marks=[] if part is first[part.kind] else pytest.mark.slow)
        for part in parts
    ]


def test_each_component_and_each_kind_has_one_page():
    found = pages(PARTS)
    kinds = {p.kind for p in PARTS}
    assert len(found) == len(PARTS) + len(kinds) + len(["index.md", "SUMMARY.md"])
    for p in PARTS:
        assert f'href="{p.page}.html"' in found["index.md"]
        assert sum(f'href="{p.page}.html"' in text for text in found.values()) == 2


def test_pages_show_every_option_block_and_weight():
    for p in PARTS:
        text = pages([p])[f"{p.page}.md"]
        blocks = [block["name"] for block in p.facts.get("blocks") or ()]
        for name in (*p.options, *p.weights, *blocks):
            assert f"<code>{name}</code>" in text, (label(p), name)


def test_every_kind_of_component_can_be_described():
    for kind in KINDS:
        row = {"kind": kind, "name": "new", "target": "pkg.net:Net", "summary": "A <new> *thing* | here."}
        found = pages([Part(row, "zoo-new", "new", "new")])
        assert r"A \<new\> \*thing\* \| here." in found[f"{kind}/new/new.md"]
        assert "A &lt;new&gt; *thing* | here." in found["index.md"]


@pytest.mark.parametrize("chosen", one_of_each(TRIED))
def test_the_python_example_runs(chosen, monkeypatch, tmp_path, capsys):
    build, fit, evaluate = zoo.build, zoo.fit, zoo.evaluate

    def tiny(name: str, head: Any) -> dict[str, Any]:
        found = zoo.info(name, ("backbone", "model"))
        sizes = dict(found.get("tiny", {}))
        # Of a classifier, which only the original head is
        if found["name"] in ("small_cnn", "vgg16") and head != "original":
            sizes.pop("hidden", None)
        return sizes

    def small(data: Any) -> Any:
        # A few of each class would be as many of all
        if "rare-classes" in chosen.row.get("tags", ()):
            return data
        return {"name": data, **zoo.info(data, "dataset").get("tiny", {})} if isinstance(data, str) else data

    monkeypatch.setattr(
        zoo,
        "build",
        lambda name, *, weights=None, **more: build({"name": name, **tiny(name, more.get("head"))}, **more),
    )
    monkeypatch.setattr(zoo, "evaluate", lambda model, data, **more: evaluate(model, small(data), **more))
    monkeypatch.setattr(
        zoo,
        "fit",
        lambda model, data, *, trainer=None, **more: fit(
            model,
            small(data),
            trainer={"name": trainer or default("trainer", model), "epochs": 1, "batch_size": 8},
            out=tmp_path / "run",
            **more,
        ),
    )
    with warnings.catch_warnings(), pytest.warns(zoo.ZooWarning) if chosen.weights else nullcontext():
        # Networks inside of losses are random here, and data few; of some augmenters classes are as large
        if chosen.kind in ("loss", "model", "augmenter"):
            warnings.simplefilter("ignore", zoo.ZooWarning)
        exec(compile("\n".join(usage(chosen).python), chosen.ref, "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("kind", sorted({p.kind for p in PARTS}))
def test_the_command_lines_exist(kind):
    for p in PARTS:
        if p.kind != kind:
            continue
        given = example_of_options(p)
        for line in (*usage(p).commands, *([given[1]] if given else [])):
            command, *words = shlex.split(line.replace("\\\n", " "))[1:]
            parsed: click.Command = importlib.import_module(f"zoo.cli.{command}").command
            parsed.make_context(command, words)


@pytest.mark.parametrize("kind", sorted({p.kind for p in PARTS}))
def test_the_example_of_options_is_valid(kind):
    for p in PARTS:
        given = example_of_options(p) if p.kind == kind else None
        if given is None:
            continue
        call = ast.parse(given[0], mode="eval").body
        assert isinstance(call, ast.Call)
        named = {key.arg: ast.literal_eval(key.value) for key in call.keywords}
        if p.kind in ("backbone", "model"):
            named.pop("classes", None)  # of the model section
            options: Any = {"name": ast.literal_eval(call.args[0]), **named}
        elif p.kind == "metric":
            (options,) = named["metrics"]
        else:
            options = next(iter(named.values())) if named else ast.literal_eval(call.args[1])
        part(p.kind, options)


# -- no component's name in the generator ------------------------------------------------------------


def named(folder: Path) -> list[str]:
    """Names of components in the texts of the generator's code; docstrings may give examples."""
    names = {p.name for p in PARTS} | {p.qualified for p in PARTS}
    names -= {"table"}  # a word of HTML
    found = []
    for file in sorted(folder.glob("*.py")):
        nodes = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant)]
        texts = [n.value for n in nodes if isinstance(n.value, str) and "\n" not in n.value]
        words = {word for text in texts for word in text.replace('"', " ").split()}
        found += [f"{file.name}: {name}" for name in sorted(words & names)]
    return found


def test_the_generator_names_no_component(tmp_path):
    assert named(ROOT / "docs/_generator") == []
    call = 'CALL = \'zoo.build("vgg16", head="binary")\''
    for line in ('BACKBONE = "small_cnn"', call, 'CLASSES = {"datasets:faces": 2}'):
        (tmp_path / "usage.py").write_text(line)
        assert named(tmp_path), line


def test_what_an_example_takes_is_in_the_registry():
    for p in PARTS:
        for section in {*p.example} & {"model", "head", "data"}:
            assert declared(p, section) is not None, (label(p), section)


def stranger(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, "target": "pkg.net:Net", "summary": "A thing.", **more}


def test_components_of_others_get_the_same_pages():
    rows = [
        stranger("backbone", "net", example={"for": ["*"], "head": "points"}),
        stranger("head", "points", task="points"),
        stranger("dataset", "dots", task="points", example={"classes": 3}),
        stranger("loss", "distance", task="points"),
        stranger("augmenter", "wobble"),
    ]
    parts: list[Part] = []
    parts += [Part(row, "zoo-new", "new", row["name"], parts) for row in rows]
    loss, wobble, dots = parts[3], parts[4], parts[2]
    assert 'model = zoo.build("net", head="points")' in usage(loss).python
    assert 'run = zoo.fit(model, "dots", loss="distance")' in usage(loss).python
    assert usage(wobble).commands[1] == "zoo fit --model net --head points --data dots --augment wobble"
    assert usage(dots).commands == ("zoo data dots", "zoo fit --model net --head points --data dots")


def test_a_catalogue_without_examples_has_pages_too():
    for p in PARTS:
        row = {key: value for key, value in p.row.items() if key != "example"}
        old = Part(row, p.distribution, p.namespace, p.ref)
        assert pages([old])[f"{p.page}.md"]
