"""The walls of the house: which room may import which, what a plugin may import, who asks for a task, sizes.

    python checks/walls.py            # exits 1 and names each breach

The rooms' order is in `.importlinter`; the plugins are found in `plugins/*`, so that none stands outside.
"""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).parent))  # where this file is loaded by its path

from sizes import full_rooms, long_files, long_functions  # noqa: E402 - found by the line above
from summaries import riddles  # noqa: E402
from systems import system_questions  # noqa: E402

from zoo.registry.plugins.imports import DOORS  # noqa: E402

HEAVY: Mapping[str, str] = {
    "accelerate": "an extra, and a second; only several processes and mixed precision need it",
    "cv2": "may be missing; only geometric augmentation on the CPU needs it",
    "huggingface_hub": "half a second; only the Hub's verbs need it",
    "IPython": "is there in notebooks alone",
    "matplotlib": "an extra, and half a second; only what is drawn needs it",
    "PIL": "only what reads or writes image files needs it",
    "platformdirs": "a hundredth of a second of every start",
    "pluggy": "a hundredth of a second of every start; only plugins' code needs it",
    "pydantic": "a tenth of a second of every start; listing does without",
    "pytest": "only who tests a plugin has it",
    "rich": "only what is drawn on a terminal needs it",
    "safetensors": "only what reads and writes weights needs it",
    "torch": "three seconds; listing and help do without",
    "torchmetrics": "two seconds; only what measures needs it",
}
"""Libraries that a function may import for itself, and why."""


def packages(root: Path) -> dict[str, Path]:
    """The plugins' packages by name, each with its folder."""
    found = sorted(path for path in root.glob("plugins/*/src/*") if (path / "__init__.py").exists())
    return {path.name: path for path in found}


def torch_free(root: Path) -> list[str]:
    """Modules with declarations and options, as the plugins' entry points and catalogues name them."""
    found = []
    for name, folder in packages(root).items():
        rows = json.loads((folder / "catalogue.json").read_text(encoding="utf-8"))["components"]
        configs = {row["config"].partition(":")[0] for row in rows if row.get("config")}
        found += [f"{name}.plugin", *sorted(configs)]
    return found


def contracts(root: Path) -> str:
    """`.importlinter` with the plugins that are there filled in."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(root / ".importlinter", encoding="utf-8")
    plugins = [*packages(root)]
    for section, option, more in (
        ("importlinter", "root_packages", plugins),
        ("importlinter:contract:torch-free-plugins", "source_modules", torch_free(root)),
        ("importlinter:contract:plugins", "source_modules", plugins),
    ):
        parser[section][option] = "\n".join(["", *parser[section][option].split(), *more])
    with tempfile.TemporaryFile("w+") as file:
        parser.write(file)
        file.seek(0)
        return file.read()


def floors(root: Path) -> list[str]:
    """Imports against the order of the rooms, as import-linter finds them."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "contracts"
        config.write_text(contracts(root), encoding="utf-8")
        program = Path(sys.executable).with_name("lint-imports")
        command = [sys.executable, str(program), "--no-cache", "--config", str(config)]
        path = os.pathsep.join([str(root), *(str(package.parent) for package in packages(root).values())])
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(  # noqa: S603 - our own interpreter and program
            command, cwd=root, env=environment, check=False, capture_output=True, text=True
        )
    if done.returncode == 0:
        return []
    report = (done.stdout + done.stderr).partition("Broken contracts")[2] or done.stdout + done.stderr
    return [line.strip() for line in report.splitlines() if "->" in line or "rror" in line] or [report]


def doors(root: Path) -> list[str]:
    """Imports around the doors, in plugins, the core's own, the example and the scaffolds."""
    places = (
        "plugins/*/src/**/*.py", "examples/*/src/**/*.py", "zoo/builtin/*.py", "zoo/cli/templates/**/*.tmpl",
    )  # fmt: skip
    found = []
    for file in sorted(file for place in places for file in root.glob(place)):
        own = "zoo.builtin" if "builtin" in file.parts else "-"
        text = (
            "\n".join(_IMPORT.findall(file.read_text(encoding="utf-8"))) if file.suffix == ".tmpl" else None
        )
        tree = ast.parse(file.read_text(encoding="utf-8") if text is None else text)
        for line, module, name in imported(tree):
            if module.split(".")[0] != "zoo" or module.startswith(own):
                continue
            where = str(file.relative_to(root)) if text is not None else f"{file.relative_to(root)}:{line}"
            if module not in DOORS:
                found.append(f"{where}: {module} is behind the doors")
            elif name.startswith("_"):
                found.append(f"{where}: {module}.{name} is private")
    return found


_IMPORT = re.compile(r"^(?:from zoo[\w.]* import|import zoo)\b.*$", re.MULTILINE)
"""An import of the core in a template, whose other lines are no Python yet."""


def imported(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, module and name of each import; the name is empty for a whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, node.module, alias.name) for alias in node.names)


class House:
    """The core's modules and what each imports, at its top and inside functions.

    Args:
        root: of the repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        files = [f for f in sorted(root.glob("zoo/**/*.py")) if "templates" not in f.parts]
        names = {
            ".".join(f.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): f for f in files
        }
        self.files = names
        self.top: dict[str, set[str]] = {name: set() for name in names}
        self.local: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
        for name, file in names.items():
            self._visit(name, ast.parse(file.read_text(encoding="utf-8")), inside=False)

    def _visit(self, module: str, node: ast.AST, *, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import | ast.ImportFrom):
                for line, target in self._targets(child):
                    if inside:
                        self.local[module].append((line, target))
                    else:
                        self.top[module].add(target)
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            self._visit(module, child, inside=inside or function)

    def _targets(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[int, str]]:
        for line, module, name in imported(ast.Module([node], [])):
            whole = f"{module}.{name}"
            yield line, whole if whole in self.files else module

    def weight(self, module: str, seen: set[str] | None = None) -> set[str]:
        """The heavy libraries that importing a module brings in, or the module itself if it is one."""
        if module not in self.files:
            return {module.split(".", maxsplit=1)[0]} & HEAVY.keys()
        seen = set() if seen is None else seen
        if module in seen:
            return set()
        seen.add(module)
        return {name for target in self.top[module] for name in self.weight(target, seen)}


def circles(root: Path) -> list[str]:
    """Modules of the core that import each other, inside functions too."""
    house = House(root)
    graph = {
        name: {*house.top[name], *(target for _, target in house.local[name])} & house.files.keys() - {name}
        for name in house.files
    }
    reach = {name: _reachable(graph, name) for name in graph}
    rings = {frozenset(o for o in reach[name] if name in reach[o]) for name in graph if name in reach[name]}
    return [f"circle of imports: {', '.join(sorted(ring))}" for ring in sorted(rings, key=sorted)]


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    open_ends = [*graph[start]]
    while open_ends:
        if (name := open_ends.pop()) not in found:
            found.add(name)
            open_ends += graph[name]
    return found


def local_imports(root: Path) -> list[str]:
    """Imports inside functions that save no weight and give no reason of their own beside them.

    Commands import all that they need when they run.
    """
    house, found = House(root), []
    for name, imports in house.local.items():
        if name.startswith("zoo.cli"):
            continue
        own, lines = house.weight(name), house.files[name].read_text(encoding="utf-8").splitlines()
        for line, target in imports:
            reason = "  # " in lines[line - 1].replace("  # noqa", "")
            if (
                not reason
                and not house.weight(target) - own
                and target.split(".")[0] not in sys.stdlib_module_names
            ):
                found.append(f"{house.files[name].relative_to(root)}:{line}: {target} brings nothing heavy")
    return found


def task_questions(root: Path) -> list[str]:
    """Questions about a particular task in the core, outside of the room of tasks.

    The core's own plugin is none of the core: its heads make their tasks, as a stranger's do.
    """
    tasks = _tasks(root)
    found = []
    for file in sorted(root.glob("zoo/**/*.py")):
        place = file.relative_to(root).as_posix()
        if (
            place.startswith(("zoo/builtin/", "zoo/interfaces/tasks/"))
            or place == "zoo/interfaces/__init__.py"
        ):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = _asked(node, tasks)
            found += [f"{place}:{node.lineno}: asks for {name}" for name in sorted(named)]  # type: ignore[attr-defined]
    return found


def _tasks(root: Path) -> dict[str, str]:
    """The tasks' words by the names of their classes."""
    found = {}
    for file in root.glob("zoo/interfaces/tasks/*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for line in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "name":
                    found[node.name] = ast.literal_eval(line.value)  # type: ignore[attr-defined]
    return found


def _asked(node: ast.AST, tasks: Mapping[str, str]) -> set[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zoo.interfaces"):
        return {alias.name for alias in node.names} & tasks.keys()
    if isinstance(node, ast.Attribute) and ast.unparse(node.value).startswith("zoo.interfaces"):
        return {node.attr} & tasks.keys()
    if isinstance(node, ast.Compare):
        sides = {ast.unparse(side) for side in (node.left, *node.comparators)}
        if any(side.endswith("component.task") for side in sides):  # whichever that is
            return set()
        return {side for side in sides if side.endswith(("task.name", "task.needs"))}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value} & {*tasks.values()}
    return set()


CHECKS = (
    floors, doors, circles, local_imports, task_questions, long_files, full_rooms, long_functions,
    riddles, system_questions,
)  # fmt: skip


def main() -> int:
    """Prints the breaches; returns 1 where there is one."""
    breaches = [breach for check in CHECKS for breach in check(ROOT)]
    sys.stdout.write("\n".join(breaches or ["the walls hold"]) + "\n")
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
