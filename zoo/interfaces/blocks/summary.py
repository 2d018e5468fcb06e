"""The table of a model: block by block shape, parameters, trainable or frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from zoo.images.scale import said
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.freezing_state import check_frozen
from zoo.interfaces.head import Head
from zoo.spec.display import html_page, html_table
from zoo.spec.errors import TrainingError, listing
from zoo.spec.inputs import BANDS
from zoo.spec.names import one_line

if TYPE_CHECKING:
    from zoo.interfaces.model import Model

WEIGHTS = "weights: "
"""Beginning of the line that says where the weights come from."""

LICENCES = "licence of the weights: "
"""Beginning of the line that says under which licences they are, as far as it is known."""


@dataclass(frozen=True, slots=True)
class Row:
    """One block or part.

    Args:
        part: network that it belongs to.
        name: block, or the part itself.
        shape: output as C x H x W for the model's input size; empty where it is not a map.
        parameters: their number.
        trainable: how many of them have gradients.
        frozen: whether the block is frozen.
    """

    part: str
    name: str
    shape: str
    parameters: int
    trainable: int
    frozen: bool


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """Rows and totals; `print` it.

    Args:
        title: what the model is.
        rows: in the order of the forward.
        notes: what a reader should know besides.
    """

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of all parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """Number of the parameters with gradients."""
        return sum(row.trainable for row in self.rows)

    def __repr__(self) -> str:
        table = [("block", "output", "parameters", "trainable", ""), *self._cells()]
        w = [max(len(row[i]) for row in table) for i in range(5)]
        lines = [
            f"{a:<{w[0]}}  {b:>{w[1]}}  {c:>{w[2]}}  {d:>{w[3]}}  {e}".rstrip() for a, b, c, d, e in table
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([self.title, rule, lines[0], rule, *lines[1:-1], rule, lines[-1], *self.notes])

    def _repr_html_(self) -> str:
        frozen = [i for i, row in enumerate(self.rows) if row.frozen]
        header = ["block", "output", "parameters", "trainable", ""]
        shown = html_table(self._cells(), header, right=[1, 2, 3], tinted=frozen)
        return html_page(self.title, shown, *self.notes)

    def _cells(self) -> list[tuple[str, str, str, str, str]]:
        """Rows of the table, the total last."""
        cells = []
        for r in self.rows:
            name = r.part if r.name == r.part else f"{r.part}.{r.name}"
            state = "frozen" if r.frozen else ""
            cells.append((name, r.shape, f"{r.parameters:,}", f"{r.trainable:,}", state))
        return [*cells, ("total", "", f"{self.parameters:,}", f"{self.trainable:,}", "")]


def count(module: nn.Module) -> tuple[int, int]:
    """Numbers of all parameters and of those with gradients."""
    sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
    return sum(n for n, _ in sizes), sum(n for n, grad in sizes if grad)


def summarise(model: Model) -> Summary:
    """The summary of a model: its backbones block by block, its other networks as one row each."""
    rows: list[Row] = []
    for name, network in model.networks.items():
        if isinstance(network, Backbone):
            infos = network.block_infos(model.input_spec.size)
            for info, (block, module) in zip(infos, network.blocks.items(), strict=True):
                rows.append(Row(name, block, info.shape, *count(module), module.frozen))
        # Normalising has no row, and a head has one even without parameters, for its outputs
        elif count(network)[0] or name == "head":
            shape = str(model.outputs) if name == "head" else ""
            rows.append(Row(name, name, shape, *count(network), bool(getattr(network, "frozen", False))))
    spec = model.input_spec
    size = f"{spec.channels}x{spec.size[0]}x{spec.size[1]}"
    role = "makes" if model.task is not None and model.task.generates else "input"
    read = f" from value_range={said(spec.value_range)}" if spec.value_range else ""
    read += ", each page of a file a channel" if spec.pages == BANDS else ""
    read += f", middle of what covers it at crop={spec.crop:.4g}" if spec.crop is not None else ""
    notes = [f"{role} {size} in [0, 1]{read}", f"{WEIGHTS}{one_line(model.origin or 'random')}"]
    if model.weights_licences:
        names = dict.fromkeys(model.weights_licences.values())
        notes.append(f"{LICENCES}{one_line(listing(names, 4))}")
    if model.frozen and model.origin is None:
        notes.append(f"warning: frozen blocks have random weights; {model.weights_hint}")
    notes += [
        f"{name} ends at {network.cut_at}: what lies behind it is cut off"
        for name, network in model.networks.items()
        if isinstance(network, Backbone) and network.cut_at is not None
    ]
    notes += [
        network.note for network in model.networks.values() if isinstance(network, Head) and network.note
    ]
    # Only a warning: a model can be looked at and used as it is
    try:
        check_frozen(model)
    except TrainingError as error:
        notes.append(f"warning: zoo.fit will refuse it: {error}")
    return Summary(title(model), tuple(rows), tuple(notes))


def title(model: Model) -> str:
    """The model in a few words."""
    section = model.recipe.model
    head = section.head["name"] if isinstance(section.head, dict) else section.head
    return f"{section.called} with head {head.rpartition(':')[2]}" if head else section.called
