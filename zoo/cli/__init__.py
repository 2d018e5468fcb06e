"""The command line: `zoo`, whose subcommands are imported only when they are called."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING

import click

from zoo.spec.arguments import ELSEWHERE, VERBS
from zoo.spec.disk.paths import somewhere
from zoo.spec.disk.systems import reader_gone
from zoo.spec.errors import ZooError, ZooWarning, near
from zoo.spec.hints.offered import offering
from zoo.spec.hints.spoken import Spoken, speaking

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS = {
    "list": "list what there is",
    "show": "show one component",
    "plugins": "show what is installed, and what is wrong with it",
    "doctor": "look for what may be wrong with this installation",
    "build": "build a model and show its parts",
    "convert": "make weights of another program ready for --weights",
    "data": "look at data, and what is wrong with them",
    "fit": "train a model",
    "evaluate": "measure a model on data",
    "predict": "say what a model sees in images",
    "latents": "draw where images lie in a model's latent space",
    "sample": "draw new images from a generative model",
    "verify": "say whether two images show the same",
    "push": "put a model on the Hub, or into a folder",
    "pull": "fetch a model from the Hub",
    "augment": "draw what augmenters make of an image",
    "demo": "run a recipe that a plugin ships",
    "new": "write the files of a plugin",
    "completion": "make Tab complete names in bash, zsh or fish",
    "catalogue": "write the catalogues of plugins under development",
}
"""Subcommand -> one line for `zoo --help`; each lives in the module of its name, as `command`."""

_TYPED = Spoken(way="shell", rest="shell")
_USER = 2
_BUG = 1
INTERRUPTED = 130  # as shells say it: 128 and the signal, SIGINT
_PIPE_CLOSED = 141  # 128 and SIGPIPE


class _Lazy(click.Group):
    """A group that imports a subcommand when it is called, and none for its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of a first day's work."""
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the one that is called."""
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"zoo.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a programmer's slip, not a user's
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of subcommands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What Tab offers for a subcommand's name, without importing them."""
        from click.shell_completion import CompletionItem  # for Tab alone

        names = [CompletionItem(n, help=text) for n, text in _COMMANDS.items() if n.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As in click, but an unknown subcommand names the nearest."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            # Another library's verb, then one that is nearly such, goes before what is spelt alike
            own = VERBS.get(args[0])
            own = own or VERBS.get(next(iter(get_close_matches(args[0], VERBS, n=1, cutoff=0.7)), ""))
            hint = f"zoo calls it {own}" if own in _COMMANDS else near(args[0], [*_COMMANDS])
            raise click.UsageError(f"no command is called {args[0]!r}; {hint}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            from zoo.cli._once import check_once

            check_once(command, rest)
            options = (param for param in command.params if isinstance(param, click.Option))
            ctx.with_resource(offering(str(option.name) for option in options))
        return name, command, rest


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        import zoo

        click.echo(f"zoo {zoo.__version__}")
        ctx.exit()


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show the version."
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks; may stand anywhere.")
def group() -> None:
    """Name the parts, get a working vision model."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and ends the process.

    Exit status: 0 done; 1 a check failed or something unforeseen happened; 2 a mistake of the user's, said
    in one line on standard error; 130 interrupted.
    """
    if asked := os.environ.get("_ZOO_COMPLETE"):
        from zoo.cli._complete import answer

        answer(group, asked)
        sys.exit(0)
    # Never list(...) in this file: once imported, the subcommand's module of that name shadows it.
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    end = given.index("--") if "--" in given else len(given)
    debug = "--debug" in given[:end]
    # Taken out here, since click knows an option of the group only before the subcommand
    given = [word for i, word in enumerate(given) if i > end or word != "--debug"]
    warnings.showwarning = _show
    with contextlib.suppress(AttributeError, ValueError):  # a replaced stdout; a terminal that lacks a letter
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    if os.environ.get("WORLD_SIZE", "1") in ("", "1"):
        sys.exit(_run(given, debug, _say))
    from zoo.cli._processes import run  # for launches alone

    sys.exit(run(given, partial(_run, given, debug)))


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk takes the complaint no more than the output
        click.echo(text, err=True)


def _run(given: list[str], debug: bool, say: Callable[[str], None]) -> int:  # noqa: PLR0911 - one return an exit status
    try:
        # Not group.main(), which turns a closed pipe and an interruption into status 1.
        with somewhere(), speaking(_TYPED), group.make_context("zoo", given) as context:
            status = group.invoke(context)
        if sys.stdout is not None:  # closed by whoever began this process
            sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        say(_complaint(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except ZooError as error:
        if debug:
            raise
        say(f"error: {error}")
        return _USER
    except OSError as error:
        gone = reader_gone(error)  # as in `zoo list | head`
        if not gone and not _of_output(error):
            return _unforeseen(error, debug, say)
        # Python flushes stdout once more at exit: to nowhere
        with contextlib.suppress(OSError):  # no file of the system's
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if gone:
            return _PIPE_CLOSED
        if debug:
            raise
        say(f"error: {_unwritten(error)}")
        return _USER
    except (Exception, SystemExit) as error:
        return _unforeseen(error, debug, say)
    return status if isinstance(status, int) else 0


def _of_output(error: OSError) -> bool:
    """Whether it was standard output that could not be written: by click, or what was still held back."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None and trace.tb_frame.f_code is click.echo.__code__:
        return True
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except OSError:
        return True
    return False


def _unwritten(error: OSError) -> ZooError:
    expected, hint = "a place that takes the output", "make room there, or send the output elsewhere"
    return ZooError("standard output", expected=expected, got=error.strerror or str(error), hint=hint)


def _unforeseen(error: Exception | SystemExit, debug: bool, say: Callable[[str], None]) -> int:
    if isinstance(error, SystemExit):
        from zoo.runtime.interruption import TERMINATED

        if error.code == TERMINATED:  # a training's, which was told to end
            raise error
        # No command ends so: it is code that a command has called, and status 0 would say that all is done
        ended = RuntimeError(f"a component's code wanted to end the process with {error.code!r}")
        ended.__cause__, error = error, ended
    if debug:
        raise error
    line = " ".join(f"{type(error).__name__}: {error}".split())
    say(f"error: {line} (unforeseen; --debug shows where)")
    return _BUG


def _show(message: Warning | str, category: type[Warning], *place: object, **_: object) -> None:
    """A warning of ours in one line; others as Python shows them."""
    if issubclass(category, ZooWarning):
        _say(f"warning: {message}")
    else:
        _python_shows(message, category, *place)  # type: ignore[arg-type]


_python_shows = warnings.showwarning


def _without_option(error: click.NoSuchOption, context: click.Context | None) -> str | None:
    """What to say of an option that another library has and zoo calls otherwise; None where it is no such."""
    own = ELSEWHERE.get(error.option_name.strip("-").replace("-", "_"))
    has = {param.name for param in context.command.params} if context is not None else set()
    if own is None:
        return None
    step = f"--{own.replace('_', '-')}" if own in has else f"--set {own}=..." if "sets" in has else own
    return f"no such option {error.option_name!r}: zoo calls it {step}"


def _without_full_stop(text: str) -> str:
    """The sentence as the first half of a line; an ellipsis stays."""
    return text if text.endswith("...") else text.removesuffix(".")


def _complaint(error: click.ClickException) -> str:
    """A mistake on the command line, in one line; `zoo` without a word is asking for help."""
    text = error.format_message()
    # Several lines are click's help, which `zoo` alone asks for
    if "\n" in text:
        return text
    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption):
        text = _without_option(error, context) or text
    step = f"; {context.command_path} --help says more" if context is not None else ""
    return f"error: {text[:1].lower()}{_without_full_stop(text[1:])}{step}"
