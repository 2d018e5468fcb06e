"""What systems differ in is asked in one room alone: forcing to disk, renaming, locks, signals, links."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOM = "zoo/spec/disk/"
"""Where it is asked."""

_MODULES = {"fcntl", "msvcrt", "pwd", "grp", "resource", "winreg", "termios"}
_CALLS = {
    "os": {
        "fsync", "fdatasync", "sync", "kill", "killpg", "fork", "forkpty", "setsid", "rename", "renames",
        "replace", "link", "symlink", "statvfs", "pread", "pwrite", "mkfifo", "name", "uname", "getuid",
        "geteuid", "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_TMPFILE",
    },
    "signal": {"SIGKILL", "SIGALRM", "SIGHUP", "SIGUSR1", "SIGPIPE", "SIGBREAK", "alarm", "setitimer"},
    "sys": {"platform"},
    "platform": {"system"},
}  # fmt: skip
"""Of modules: what a system lacks, or answers otherwise."""

_FIELDS = {"st_blocks", "st_blksize", "symlink_to", "hardlink_to", "NamedTemporaryFile"}
_RENAMES = {"rename", "replace"}
"""Of paths, with the new one and nothing else; a text takes two to replace."""


_NOT_YET = {"zoo/training/feature_cache.py"}
"""Files from before the room."""


def system_questions(root: Path) -> list[str]:
    """Questions about the system, and writing that only one allows, outside of the room for them."""
    found = []
    for place in ("zoo/**/*.py", "plugins/*/src/**/*.py"):
        for file in sorted(root.glob(place)):
            name = file.relative_to(root).as_posix()
            if name.startswith(ROOM) or name in _NOT_YET:
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            found += [f"{name}:{line}: {what} is for {ROOM} alone" for line, what in _asked(tree)]
    return found


def _asked(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {a.name for a in node.names} if isinstance(node, ast.Import) else {node.module}
            yield from ((node.lineno, f"module {name}") for name in sorted(modules & _MODULES, key=str))
        elif isinstance(node, ast.Attribute):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr in _CALLS.get(of, ()) or node.attr in _FIELDS:
                yield node.lineno, f"{of}.{node.attr}".lstrip(".")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
            of, name = (ast.unparse(argument).strip("'") for argument in node.args[:2])
            if name in _CALLS.get(of, ()) or name in _FIELDS:
                yield node.lineno, f"{of}.{name}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            lone = len(node.args) == 1 and not node.keywords
            if lone and node.func.attr in _RENAMES and not isinstance(node.args[0], ast.Dict):
                yield node.lineno, f".{node.func.attr}() of a path"
