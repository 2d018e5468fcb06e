"""Tab completion: names of components, tags, blocks, recipes; free of torch, silent whatever happens."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    shell_complete,
    split_arg_string,
)

if TYPE_CHECKING:
    from zoo.spec.kinds import KindName

VARIABLE = "_ZOO_COMPLETE"
PROGRAM = "zoo"
MODELS: tuple[KindName, ...] = ("backbone", "model")

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_BASH = """\
%(complete_func)s() {
    local kind value
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            dir) compopt -o plusdirs ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                [[ $value == *[:/=] ]] && compopt -o nospace
                ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete \\
        "$1" 2>/dev/null)
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


def answer(group: click.Group, instruction: str) -> None:
    """Prints what a shell asks for: `bash_complete`, `zsh_source`, ...; nothing where something is wrong."""
    # Whatever is printed to stderr here would stand in the middle of the line that is being typed
    with contextlib.suppress(Exception), warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        shell_complete(group, {}, PROGRAM, VARIABLE, instruction)


def script(group: click.Group, shell: str) -> str:
    """The lines that teach a shell to ask."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the caller offers the known ones only
    completion = found(group, {}, PROGRAM, VARIABLE)
    return completion.source_template % completion.source_vars()


class _Bash(BashComplete):
    """Bash, which breaks words at colons and equals signs, and completes what is behind the last one."""

    source_template = _BASH
    _cut = 0

    def get_completion_args(self) -> tuple[list[str], str]:
        """The whole words before the cursor, and the one at it as far as it is typed."""
        # bash hands `--set a=b` over as `--set`, `a`, `=`, `b`: put together again around : and =
        words = split_arg_string(os.environ["COMP_WORDS"])
        at = int(os.environ["COMP_CWORD"])
        before = words[1 : at + 1] + [""] * (at >= len(words))
        whole: list[str] = []
        stick = False
        for word in before:
            breaks = bool(word) and not word.strip(":=")
            if whole and (breaks or stick):
                whole[-1] += word
            else:
                whole.append(word)
            stick = breaks
        *arguments, incomplete = whole or [""]
        value = incomplete.partition("=")[2] if incomplete.startswith("-") else incomplete
        # What bash has taken for words of their own must not be said again
        self._cut = value.rfind(":") + 1 if before[-1:] != [incomplete] else 0
        return arguments, incomplete

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """As in click; a positional word that nothing is known of is a file."""
        found = super().get_completions(args, incomplete)
        plain = not incomplete.startswith("-") and not (args and args[-1].startswith("-"))
        return found or ([CompletionItem(incomplete, type="file")] if plain else [])

    def format_completion(self, item: CompletionItem) -> str:
        """As in click, without what bash takes for another word."""
        return f"{item.type},{item.value[self._cut :]}"


add_completion_class(_Bash)


def _silent(complete: Completer) -> Completer:
    """Nothing in the place of an error: the user sees it where the command is run."""

    @wraps(complete)
    def quiet(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return complete(ctx, param, incomplete)
        except Exception:
            return []

    return quiet


def components(*kinds: KindName, more: Iterable[str] = (), files: str | None = None) -> Completer:
    """Completes names of components.

    Those of a distribution that keeps to its namespace come when the namespace is typed, or where no other
    name begins alike.

    Args:
        kinds: of which kinds; none for all.
        more: other words.
        files: `dir` or `.toml` offers folders, or recipes and folders, beside them.
    """

    @_silent
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from zoo.registry.listing import list_components

        rows = list_components(kinds or None)
        offers = dict.fromkeys(more, "")
        for row in rows:
            if ":" in incomplete:
                offers[f"{row.namespace}:{row.name}"] = row.summary
            # Hundreds of names are one offer, the namespace, until it is typed
            elif ":" in row.ref:
                offers.setdefault(f"{row.namespace}:", f"components of {row.distribution}")
            else:
                offers[row.ref] = row.summary
        found = _items(offers, incomplete)
        if not found and not _is_path(incomplete):
            alike = [row for row in rows if row.name.startswith(incomplete)]
            found = [CompletionItem(row.ref, help=row.summary) for row in alike]
        return (
            found
            + (_recipes(incomplete) if files == ".toml" else [])
            + (_folders(incomplete) if files else [])
        )

    return complete


@_silent
def recipe_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes recipes in TOML, and folders."""
    return _recipes(incomplete) + _folders(incomplete)


@_silent
def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes folders."""
    return _folders(incomplete)


@_silent
def shipped_recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes the recipes that plugins ship."""
    from zoo.registry.lookup import registry

    names = {name: p.distribution for p in registry().plugins for name in p.recipes}
    return _items(names, incomplete)


@_silent
def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes kinds of components."""
    from zoo.spec.kinds import KINDS

    return _items(dict.fromkeys(KINDS, ""), incomplete)


@_silent
def weights_of(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes tags of the weights of the model that is named before, and files."""
    tags = (
        {tag: f"{w.licence or ''}" for tag, w in _model(ctx).component.weights.items()} if _named(ctx) else {}
    )
    return [*_items(tags, incomplete), CompletionItem(incomplete, type="file")]


@_silent
def freeze_specs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes ranges of blocks of the model that is named before."""
    # Of `block1,block3-` only the last piece is completed; its range goes on from where it begins
    before, comma, piece = incomplete.rpartition(",")
    facts = _model(ctx).facts if _named(ctx) else {}
    blocks = [block["name"] for block in facts.get("blocks", ())]
    first = piece.partition("-")[0] if "-" in piece else blocks[0] if blocks else ""
    later = blocks[blocks.index(first) + 1 :] if first in blocks else []
    ranges = [f"{first}-{block.removeprefix('block')}" for block in later]
    whole = [] if comma else ["all", "none"]
    offers = {f"{before}{comma}{spec}": "" for spec in (*whole, *blocks, *ranges)}
    return _items(offers, incomplete)


def _named(ctx: click.Context) -> Any:
    # While an option's value is being typed, click has not yet put positional words in their places.
    name = ctx.params.get("name") or next(iter(ctx.args), None)
    return name if isinstance(name, str) and not name.endswith(".toml") else None


def _model(ctx: click.Context) -> Any:
    from zoo.registry.lookup import find

    return find(_named(ctx), MODELS)


def _items(offers: dict[str, str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(w, help=text or None) for w, text in offers.items() if w.startswith(incomplete)]


def _is_path(incomplete: str) -> bool:
    return any(sign in incomplete for sign in "/.~:")


def _folders(incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="dir")]


def _recipes(incomplete: str) -> list[CompletionItem]:
    folder, slash, start = incomplete.rpartition("/")
    place = Path(f"{folder}{slash}" or ".").expanduser()
    if not place.is_dir():
        return []
    files = sorted(p.name for p in place.glob("*.toml") if p.name.startswith(start))
    return [CompletionItem(f"{folder}{slash}{name}") for name in files]
