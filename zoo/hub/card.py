"""The model card: what the folder holds and what was measured, and nothing that was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.interfaces.model import Model


def card(model: Model) -> str:
    """Markdown with the Hub's front matter.

    Args:
        model: its recipe, labels, origin, metrics and, if it has one, licence are told.
    """
    from huggingface_hub import ModelCardData

    task = model.task.name if model.task else None
    data = ModelCardData(
        library_name="zoo",
        license=model.licence.lower() if model.licence else None,
        tags=["zoo", model.recipe.model.name, *([task] if task else [])],
    )
    summary = model.summary()
    lines = ["---", data.to_yaml().strip(), "---", "", f"# {summary.title}", ""]
    lines += [
        "```python",
        "import zoo",
        'model = zoo.load("this-folder")',
        'zoo.predict(model, "picture.jpg")',
        "```",
        "",
    ]
    if model.labels:
        names = ", ".join(model.labels[:20]) + (
            f" and {len(model.labels) - 20} more" if len(model.labels) > 20 else ""
        )
        lines += [f"Labels: {names}", ""]
    for split, values in model.metrics.items():
        lines += [f"Measured on the {split} split:", "", "| metric | value |", "|---|---|"]
        lines += [f"| {name} | {value:.4g} |" for name, value in values.items()] + [""]
    if not model.metrics:
        lines += ["Nothing has been measured with this model yet.", ""]
    lines += ["```text", str(summary), "```", ""]
    plugins = ", ".join(f"{name} {number}" for name, number in model.plugins.items())
    return "\n".join([*lines, f"Needs: {plugins}", ""])
