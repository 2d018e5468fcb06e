"""`zoo completion`: lines that teach a shell what Tab completes."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print what makes Tab complete commands, options and names of components in SHELL.

    \b
    bash, in ~/.bashrc:   eval "$(zoo completion bash)"
    zsh, in ~/.zshrc:     eval "$(zoo completion zsh)"
    fish, once:           zoo completion fish > ~/.config/fish/completions/zoo.fish
    """
    from zoo.cli import group
    from zoo.cli._complete import script

    click.echo(script(group, shell), nl=False)
