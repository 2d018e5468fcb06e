"""The README and the site: their code runs, their commands and links exist."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

import click
import griffe
import pytest
import torch
import yaml

from zoo.cli import _COMMANDS
from zoo.spec.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
COMPONENTS = DOCS / "components"
"""Written when the site is built; tests/site looks at them."""
WRITTEN = sorted(page for page in DOCS.rglob("*.md") if COMPONENTS not in page.parents)
PAGES = [ROOT / "README.md", *WRITTEN]
DOORS = {
    door: DOCS / "reference" / f"{door.rpartition('.')[2]}.md"
    for door in ("zoo", "zoo.errors", "zoo.interfaces", "zoo.testing", "zoo.trainers")
}
"""What plugins import, each with its page of the reference."""
NOT_RUN = "<!-- not run"
EXACT = "Output"
_FENCE = re.compile(
    r"^(?P<before>[^\n]*)\n(?P<indent> *)```(?P<language>\w*)(?P<rest>[^\n]*)\n"
    r"(?P<text>.*?)\n(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Fence:
    """A fenced block of a page."""

    language: str
    title: str
    text: str
    run: bool
    line: int


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fences(page: Path) -> list[Fence]:
    text = "\n" + page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        title = re.search(r'title="([^"]*)"', match["rest"])
        line = text[: match.start("text")].count("\n")
        run = not match["before"].startswith(NOT_RUN)
        found.append(Fence(match["language"], title[1] if title else "", match["text"], run, line))
    return found


def programs(page: Path) -> list[tuple[Fence, Fence | None]]:
    """Python blocks that are no file's content, with the output shown behind them."""
    found = fences(page)
    return [
        (fence, after if after and after.title.startswith(EXACT) else None)
        for fence, after in zip_longest(found, found[1:])
        if fence.language == "python" and not fence.title
    ]


def run_page(page: Path) -> Iterator[tuple[Fence | None, str]]:
    """Runs a page's programs one after the other; yields the shown output and the real one."""
    space: dict[str, object] = {"__name__": "__main__"}
    for fence, shown in programs(page):
        code = compile("\n" * (fence.line - 1) + fence.text, str(page), "exec")
        if not fence.run:
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code, space)
        yield shown, out.getvalue().rstrip()


LONG = (
    "README", "autoencoder", "gan", "get-started", "segmentation", "training", "verification",
    "write-a-trainer",
)  # fmt: skip
"""Pages whose programs run for about ten seconds or more."""


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small networks on a busy machine: several threads wait for each other longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.filterwarnings("ignore::zoo.ZooWarning")
@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=[pytest.mark.slow] * (p.stem in LONG)) for p in PAGES if programs(p)],
    ids=name,
)
def test_python_blocks_run_and_print_what_is_shown(page, one_thread, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for shown, real in run_page(page):
        if shown is not None and shown.title == EXACT:
            assert real == shown.text, f"{name(page)}:{shown.line}"


def recipes() -> list[tuple[str, str]]:
    found = [(f"{name(p)}:{f.line}", f.text) for p in PAGES for f in fences(p) if f.language == "toml"]
    return [(where, text) for where, text in found if re.search(r"^(\[model\]|model\b)", text, re.MULTILINE)]


@pytest.mark.parametrize(("where", "text"), recipes(), ids=lambda v: "" if "\n" in v else v)
def test_recipes_are_valid(where, text):
    recipe = Recipe.from_dict(tomllib.loads(text), where)
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def command_lines() -> list[tuple[str, list[str]]]:
    """Every `zoo ...` line of the shell blocks and every inline one, as words."""
    found = []
    for page in PAGES:
        lines = [
            (fence.line + i, line.removeprefix("$ "))
            for fence in fences(page)
            if fence.language in {"sh", "console"}
            for i, line in enumerate(fence.text.splitlines())
        ]
        text = page.read_text(encoding="utf-8")
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        lines += [(0, " ".join(line.split())) for line in re.findall(r"`(zoo [^`]+)`", prose)]
        for number, line in lines:
            words = re.sub(r"^(\w+=\S+ )*", "", line)
            if words.startswith("zoo "):
                found.append((f"{name(page)}:{number}: {line}", shlex.split(words, comments=True)[1:]))
    return found


def test_there_are_command_lines():
    assert len(command_lines()) > 10


@pytest.mark.parametrize(("line", "words"), command_lines(), ids=lambda v: v if isinstance(v, str) else "")
def test_commands_and_their_options_exist(line, words):
    if words[0].startswith("-"):
        assert words[0] in {"--version", "--help", "--debug"}
        return
    assert words[0] in _COMMANDS, line
    command: click.Command = importlib.import_module(f"zoo.cli.{words[0]}").command
    known = {"-h", "--help", "--debug", *(o for p in command.params for o in p.opts)}
    for word in words[1:]:
        if word.startswith("-") and word != "-":  # which stands for standard input
            assert word.partition("=")[0] in known, line


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_help(command):
    module = importlib.import_module(f"zoo.cli.{command}")
    with click.Context(module.command, info_name=command) as context:
        assert module.command.get_help(context).startswith("Usage")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def links() -> list[tuple[Path, str]]:
    others = [ROOT / "CONTRIBUTING.md", *ROOT.glob("plugins/*/README.md"), *ROOT.glob("examples/*/*.md")]
    found = []
    for page in [*PAGES, *others]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        found += [(page, target) for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [(page, target) for page, target in found if not target.startswith(("http", "mailto:"))]


@cache
def components() -> dict[str, str]:
    """The pages of the components, as `make docs` writes them."""
    sys.path.insert(0, str(DOCS))
    try:
        from _generator.pages import pages
        from _generator.parts import read
    finally:
        sys.path.remove(str(DOCS))
    return pages(read(ROOT / "registry.json"))


@pytest.mark.parametrize(("page", "target"), links(), ids=lambda v: name(v) if isinstance(v, Path) else v)
def test_links_resolve(page, target):
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if COMPONENTS in file.parents:
        assert str(file.relative_to(COMPONENTS)) in components(), f"{name(page)} links to {target}"
        return
    assert file.exists(), f"{name(page)} links to {target}"
    if DOCS in page.parents:
        assert DOCS in file.parents, f"{name(page)} links out of the site: {target}"
    if anchor:
        assert anchor in anchors(file), f"{name(file)} has no section {anchor}"


def navigation(items: list) -> Iterator[str]:
    for item in items:
        for value in item.values() if isinstance(item, dict) else [item]:
            yield from navigation(value) if isinstance(value, list) else [value]


def test_the_navigation_has_every_page_once():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = [str(p.relative_to(DOCS)) for p in WRITTEN]
    assert sorted(navigation(config["nav"])) == sorted([*pages, "components/"])


def test_the_reference_names_what_exists():
    for page in (DOCS / "reference").glob("*.md"):
        for path in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
            module, _, attribute = path.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), f"{name(page)}: {path}"


def documented(page: Path, text: str) -> set[str]:
    """Names that a page of the reference describes, or links to the page that does."""
    here = {path.rpartition(".")[2] for path in re.findall(r"^::: (\S+)$", text, flags=re.MULTILINE)}
    for name, file in re.findall(r"\[`(\w+)`\]\((\w+\.md)[#\w-]*\)", text):
        other = (page.parent / file).read_text(encoding="utf-8")
        here |= {name} & {path.rpartition(".")[2] for path in re.findall(r"^::: (\S+)$", other, re.MULTILINE)}
    return here


def undocumented(door: str, text: str | None = None) -> list[str]:
    """Names of a door that its page leaves out; of the verb `list` its home's name counts."""
    module, page = importlib.import_module(door), DOORS[door]
    names = {*module.__all__, *(["list_components"] if door == "zoo" else [])}
    return sorted(names - documented(page, page.read_text(encoding="utf-8") if text is None else text))


@pytest.mark.parametrize("door", DOORS)
def test_the_page_of_a_door_has_every_name_of_it(door):
    assert undocumented(door) == []


def test_a_name_that_is_taken_off_a_page_is_missed():
    page = DOORS["zoo.interfaces"]
    assert undocumented("zoo.interfaces", page.read_text().replace("::: zoo.interfaces.mix\n", "")) == ["mix"]


@cache
def package() -> griffe.Module:
    """The source of zoo, read and not imported."""
    found = griffe.load("zoo", search_paths=[str(ROOT)])
    assert isinstance(found, griffe.Module)
    return found


def without_docstring(path: str) -> list[str]:
    """The name, or public methods and properties of it, that say nothing and override nothing that does."""
    found = package()[path.removeprefix("zoo.")]
    found = found.final_target if found.is_alias else found
    silent = [] if found.docstring else [path]
    if found.is_class:
        own = {n: m for n, m in found.members.items() if m.is_function or "property" in m.labels}
        said = {n for base in found.mro() for n, m in base.members.items() if m.docstring}
        silent += [f"{path}.{n}" for n, m in own.items() if not (n[0] == "_" or m.docstring or n in said)]
    return silent


@pytest.mark.parametrize("door", DOORS)
def test_every_name_of_a_door_has_a_docstring(door):
    names = importlib.import_module(door).__all__
    assert [silent for name in names for silent in without_docstring(f"{door}.{name}")] == []


def imports(page: Path) -> list[str]:
    """Modules of zoo that the programs and files of a page import."""
    blocks = [fence.text for fence in fences(page) if fence.language == "python"]
    return re.findall(r"^ *(?:from|import) (zoo(?:\.\w+)*)\b", "\n".join(blocks), flags=re.MULTILINE)


def test_pages_import_the_doors_alone():
    """Modules behind the doors move; what a page shows has to stay."""
    behind = {name(page): {*imports(page)} - {*DOORS} for page in PAGES}
    assert {page: found for page, found in behind.items() if found} == {}


def described(page: Path) -> list[str]:
    """What a page of the reference describes, by the place where it is written."""
    paths = re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = [package()[path.removeprefix("zoo.")] for path in paths]
    return [item.final_target.path if item.is_alias else item.path for item in found]


def test_a_page_of_the_reference_describes_nothing_twice():
    for page in (DOCS / "reference").glob("*.md"):
        paths = described(page)
        assert sorted({path for path in paths if paths.count(path) > 1}) == [], name(page)


def test_the_reference_shows_the_types_of_python_by_their_names():
    """A list in an annotation is Python's, not the verb `zoo.list`: neither its name nor its link."""
    options = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    handler = next(p["mkdocstrings"] for p in options["plugins"] if "mkdocstrings" in p)["handlers"]["python"]
    extensions = griffe.load_extensions(*(str(ROOT / e) for e in handler["options"]["extensions"]))
    package = griffe.load("zoo", search_paths=[str(ROOT)], extensions=extensions)
    returns = package["interfaces.model.Model.read"].returns
    shown = {e.name: e.canonical_path for e in returns.iterate() if isinstance(e, griffe.ExprName)}
    assert shown == {"list": "list", "Prediction": "zoo.interfaces.tasks.Prediction"}


def test_the_readme_lists_every_plugin():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in (ROOT / "plugins").iterdir():
        if (folder / "pyproject.toml").exists():
            assert f"`{folder.name}`" in text


def test_the_listing_in_the_readme_is_real():
    readme = ROOT / "README.md"
    for fence in fences(readme):
        if fence.language != "console":
            continue
        command, _, shown = fence.text.partition("\n")
        words = shlex.split(command.removeprefix("$ zoo "))
        code = "from zoo.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, *words],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert (done.stdout + done.stderr).splitlines() == shown.splitlines(), command
