"""The model card: what the folder holds and what was measured, and nothing that was not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.hub.claims.licences import restrictions, strictest
from zoo.hub.claims.names import hub_names
from zoo.hub.readme import BEGIN, END
from zoo.images.framing import covered
from zoo.interfaces.blocks.summary import LICENCES, WEIGHTS, title
from zoo.registry.plugins.install_command import way_to_install
from zoo.spec.data_options import called
from zoo.spec.disk.history import Row, json_text, read_rows
from zoo.spec.display import counted, markdown
from zoo.spec.errors import BadReferenceError, FormatError, listing
from zoo.spec.files import CURVES_FILE
from zoo.spec.inputs import BANDS, InputSpec
from zoo.spec.names import replaced
from zoo.spec.reference import HubRef, parse_reference

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

    from zoo.interfaces.model import Model

_FEATURES = "image-feature-extraction"
_MOST_LABELS = 20
_MOST_LICENCES = 8
_HASH_DIGITS = 12
_COLOURS = {1: "Gray", 3: "RGB"}


def card(
    model: Model, *, reference: str | None = None, history: Sequence[Row] = (), curves: bool = False
) -> str:
    """Markdown with the Hub's front matter.

    Args:
        model: its recipe, labels, origin, metrics and, if it has one, licence are told.
        reference: what `zoo.pull` takes to get it; None while it is only a folder.
        history: one row an epoch of the run that made it.
        curves: whether their image lies beside the card.
    """
    parts = [
        f"# {title(model)}",
        _what(model),
        _use(model, reference),
        _input(model),
        _measured(model),
        _trained(model, history, curves),
        _parts(model),
    ]
    body = "\n\n".join(part for part in parts if part)
    body = body.replace("<!-- zoo:", "&lt;!-- zoo:")  # a label does not end the section
    # A label may hold what no text file can
    return replaced(f"---\n{_front(model, reference)}\n---\n\n{BEGIN}\n\n{body}\n\n{END}\n")


def known_rows(path: Path) -> list[Row]:
    """The epochs in a history file, numbers alone; none where there is no such file or it is damaged."""
    try:
        rows = read_rows(path)
    except FormatError:
        return []
    return [
        {k: float(v) for k, v in row.items() if isinstance(v, int | float) and not math.isnan(v)}
        for row in rows
    ]


def _front(model: Model, reference: str | None) -> str:
    from huggingface_hub import ModelCardData

    task, pipeline = model.task.name if model.task else None, _pipeline(model)
    results = _results(model, pipeline) if pipeline else []
    licence = hub_names(model.licence) if model.licence else {}
    data = ModelCardData(
        library_name="zoo",
        license=licence.get("license"),
        license_name=licence.get("license_name"),
        pipeline_tag=pipeline,
        tags=["zoo", model.recipe.model.called, *([task] if task else [])],
        base_model=_base(model),
        # Demanded beside results, and by nothing else
        model_name=(reference or model.recipe.model.called).rpartition("/")[2] if results else None,
        eval_results=results or None,
    )
    return data.to_yaml().strip()


def _pipeline(model: Model) -> str | None:
    """The Hub's word for the task."""
    return _FEATURES if model.task is None else model.task.card.pipeline


def _base(model: Model) -> str | None:
    """The repository that the weights came from, if it was one."""
    try:
        ref = parse_reference(model.recipe.model.weights)
    except BadReferenceError:
        return None
    return ref.repo if isinstance(ref, HubRef) else None


def _results(model: Model, pipeline: str) -> list[EvalResult]:
    """Measured figures for the Hub's index, where it is known on what they were measured."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=pipeline,
            dataset_type="imagefolder" if data[1] else "custom",
            dataset_name=data[0],
            dataset_split=split,
            metric_type=name,
            metric_value=round(value, 6),
        )
        for split, on in model.measured.items()
        if (data := on["data"] and called(on["data"]))
        for name, value in model.metrics[split].items()
        if name != "loss" and math.isfinite(value)
    ]


def _what(model: Model) -> str:
    """One sentence, and where the weights come from."""
    article = "An" if model.task and model.task.name[0] in "aeiou" else "A"
    task = f"{article} {model.task.name} {model.task.card.noun}" if model.task else "A feature extractor"
    lines = [f"{task} for PyTorch, made with zoo. Weights: {markdown(model.origin or 'random')}."]
    lines += _licences(model)
    if model.labels:
        # A label may be anything that a folder is called
        shown = ", ".join(map(markdown, model.labels[:_MOST_LABELS]))
        more = len(model.labels) - _MOST_LABELS
        lines += [
            "",
            f"{counted(len(model.labels), 'label')}: {shown}{f' and {more} more' if more > 0 else ''}.",
        ]
    return "\n".join(lines)


def _licences(model: Model) -> list[str]:
    """A line on the licences of the weights that the model started from, the strictest first."""
    found = strictest(model.weights_licences)
    if not found:
        return []
    told = listing((f"{markdown(licence)} ({markdown(source)})" for source, licence in found), _MOST_LICENCES)
    terms = {licence: restrictions(licence) for _, licence in found[:_MOST_LICENCES]}
    asks = [f"{markdown(name)} asks for {listing(sorted(words))}." for name, words in terms.items() if words]
    return [" ".join([f"Licences of the weights that it started from: {told}.", *asks])]


def _use(model: Model, reference: str | None) -> str:
    load = f'zoo.pull("{reference}")' if reference else 'zoo.load("this-folder")'
    use = model.task.card.usage if model.task else "features = model(images)"
    code = f"import zoo\n\nmodel = {load}\n{use}"
    return f"## Use\n\n{_needs(model)}\n\n```python\n{code}\n```"


def _parts(model: Model) -> str:
    # The card's first sentence says where they come from, as Markdown
    lines = [line for line in str(model.summary()).splitlines() if not line.startswith((WEIGHTS, LICENCES))]
    return "\n".join(["## Parts", "", "```text", *lines, "```"])


def _is_command(way: str) -> bool:
    return way.startswith("pip ")


def _needs(model: Model) -> str:
    """What has to be installed: commands in a block of their own, the rest in words."""
    needs = ", ".join(f"{name}=={number}" for name, number in model.plugins.items())
    ways = [way_to_install(name, version=number, here=False) for name, number in model.plugins.items()]
    commands = [way for way in ways if _is_command(way)]
    words = [way for way in ways if not _is_command(way)]
    notes = {note for command in commands if (note := command.partition("  # ")[2])}
    lines = [f"It needs {needs}.", *(f"{word[0].upper()}{word[1:]}." for word in words)]
    if commands:
        lines.append(f"{', '.join(['With pip', *sorted(notes)])}:")
    shell = "\n".join(command.partition("  # ")[0] for command in commands)
    return " ".join(lines) + (f"\n\n```sh\n{shell}\n```" if commands else "")


def _input(model: Model) -> str:
    spec = model.input_spec
    colours = _COLOURS.get(spec.channels, f"{spec.channels}-channel")
    mean, std = (", ".join(f"{v:.4g}" for v in values) for values in (spec.mean, spec.std))
    low, high = spec.range
    scaled = "" if spec.range == (0.0, 1.0) else f" scaled to [{low:g}, {high:g}],"
    if model.task is not None and model.task.generates:
        shape = f"N x {spec.channels} x {spec.size[0]} x {spec.size[1]}"
        return f"## Output\n\n{colours} images {shape} with values in [0, 1]."
    numbers = ""
    if spec.value_range is not None:
        black, white = (f"{v:.10g}" for v in spec.value_range)
        numbers = f" Numbers of files from {black} to {white} are read as 0 to 1; others are clipped."
    if spec.pages == BANDS:
        numbers += " Each page of a TIFF is a channel."
    return (
        f"## Input\n\n{colours} images N x {spec.channels} x H x W with values in [0, 1], resized to "
        f"{_resized(spec)} ({spec.interpolation}). Inside the model they are{scaled} "
        f"normalised with mean {mean} and standard deviation {std}.{numbers}"
    )


def _resized(spec: InputSpec) -> str:
    """How an image gets the size of the spec, in words."""
    size = f"{spec.size[0]} x {spec.size[1]}"
    if spec.crop is None:
        return size
    height, width = covered(spec)
    return f"cover {height} x {width} with their sides' ratio kept, of which the middle {size} are taken"


def _measured(model: Model) -> str:
    rows = {split: row for split, row in model.metrics.items() if row}
    if not rows:
        return "## Figures\n\nNothing has been measured with this model yet."
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = [["metric", *rows], ["---"] * (len(rows) + 1)]
    table += [[name, *(_number(row.get(name)) for row in rows.values())] for name in names]
    words = model.task.card.figures if model.task else {}
    lines = [f"- {split}: {_on(model.measured.get(split))}" for split in rows]
    lines += [f"- {name}: {words[name]}" for name in names if name in words]
    return "\n".join(["## Figures", "", _markdown(table), "", *lines])


def _on(on: Mapping[str, Any] | None) -> str:
    """What figures were measured on; where a file does not tell, nothing is guessed of the recipe."""
    if on is None:
        return "it is not recorded on what it was measured"
    data = called(on["data"]) if on["data"] else None
    name = f" of {markdown(data[0])}" if data else ""
    return f"measured on {counted(on['count'], 'image')}{name}, splits `{on['hash'][:_HASH_DIGITS]}`"


def _trained(model: Model, history: Sequence[Row], curves: bool) -> str:
    recipe = model.recipe
    data = called(recipe.data) if recipe.data else None
    if recipe.trainer is None and not history:
        return ""
    facts = [f"Data: {markdown(data[0])}"] if data else []
    facts += [f"Seed: {recipe.seed}"] if recipe.seed is not None else []
    facts += [f"Epochs: {len(history)}"] if history else []
    lines = ["## Training", "", ". ".join(facts) + "."] if facts else ["## Training"]
    if history:
        names = [name for name in history[-1] if name not in ("epoch", "seconds")]
        table = [["", "first epoch", "last epoch"], ["---"] * 3]
        table += [[name, _number(history[0].get(name)), _number(history[-1].get(name))] for name in names]
        lines += ["", _markdown(table)]
    if curves:
        lines += ["", f"![Loss and metrics by epoch]({CURVES_FILE})"]
    content = recipe.to_dict()
    # A thousand labels would bury the recipe; their number trains the same network again
    if len(recipe.model.labels) > _MOST_LABELS:
        content["model"]["classes"] = recipe.model.count
    text = json_text(content, indent=1)
    folded = ["<details><summary>The recipe</summary>", "", "```json", text, "```", "", "</details>"]
    return "\n".join([*lines, "", *folded])


def _markdown(table: list[list[Any]]) -> str:
    return "\n".join(f"| {' | '.join(map(markdown, row))} |" for row in table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
