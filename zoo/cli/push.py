"""`zoo push`: a saved model to the Hub, or to a folder that serves as one."""

from __future__ import annotations

from dataclasses import asdict

import click

from zoo.cli._common import emit_json, json_option


@click.command("push")
@click.argument("model")
@click.argument("target")
@click.option("--revision", help="Branch; made if need be.  [default: main]")
@click.option("--message", "-m", help="Of the commit.")
@click.option("--private", is_flag=True, default=None, help="Make a new repository private.")
@click.option("--licence", help="SPDX name for the card, such as mit or apache-2.0.")
@click.option("--part", help="Only this network of the model, such as the generator of a pair.")
@json_option
def command(
    *,
    model: str,
    target: str,
    revision: str | None,
    message: str | None,
    private: bool | None,
    licence: str | None,
    part: str | None,
    as_json: bool,
) -> None:
    """Put the saved MODEL, a folder, where TARGET says: owner/name on the Hub, or file:FOLDER.

    \b
    zoo push runs/vgg16-1 me/cats-and-dogs --private
    zoo push runs/vgg16-1 file:/shared/models/cats-and-dogs
    """
    from zoo.hub.push import push
    from zoo.runtime.arguments import check_order

    check_order("push", model, target, "zoo {} {} {}")
    pushed = push(
        model, target, revision=revision, message=message, private=private, licence=licence, part=part
    )
    if as_json:
        emit_json(asdict(pushed))
        return
    click.echo(pushed)
    if pushed.files:
        click.echo(f'to use it: zoo.pull("{pushed.reference}")')
