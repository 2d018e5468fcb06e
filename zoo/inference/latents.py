"""`zoo.latents`: where images lie in a model's latent space, as numbers and as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zoo.data.as_trained import as_trained
from zoo.data.resolve import DataLike
from zoo.data.splits import Split
from zoo.data.splits import split as split_data
from zoo.interfaces.blocks.number_types import fitted, widened
from zoo.interfaces.dataset import Dataset
from zoo.interfaces.draws import forked
from zoo.interfaces.model import Model, ModelLike
from zoo.interfaces.tasks.descriptions import ImageGrid
from zoo.registry.extras import present
from zoo.reports.files import figure_bytes, plots_path, write_figure
from zoo.reports.image_grids import images
from zoo.reports.plots import short
from zoo.reports.style import BLUE, DRAWS, GRID, new_figure, open_frame, set_title
from zoo.runtime.answer_checks import check_answers
from zoo.runtime.arguments import BATCH_SIZE, as_model, pick_seed
from zoo.runtime.data_arguments import as_dataset, with_said
from zoo.runtime.devices import borrowed
from zoo.runtime.given_objects import check_can
from zoo.runtime.progress import watched
from zoo.runtime.team.shares import check_alike, own_batches
from zoo.runtime.team.team import Team
from zoo.spec.display import counted
from zoo.spec.errors import OptionError
from zoo.spec.hints.channels import of_trained
from zoo.spec.reference import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLANE = 2
"""Numbers an image that a plot shows."""

_CELLS = 12
_MOST_COLOURS = 20


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Latents:
    """Latents of images; a notebook shows their plane as a plot.

    Args:
        vectors: N x L, of a map all its values.
        plane: N x 2: the vectors, where they have two numbers, else their first two principal components.
        axes: what the two are.
        classes: N class indices; nothing where the data have no classes.
        labels: names of the classes.
        names: of the images.
    """

    vectors: Tensor
    plane: Tensor
    axes: tuple[str, str]
    classes: tuple[int, ...]
    labels: tuple[str, ...]
    names: tuple[str, ...]

    def __repr__(self) -> str:
        count, numbers = self.vectors.shape
        classes = f", {counted(len(set(self.classes)), 'class', 'classes')}" if self.classes else ""
        return f"{counted(count, 'latent')} of {counted(numbers, 'number')}{classes}"

    def _repr_png_(self) -> bytes | None:
        drawn = self.plane.shape[1] == PLANE and present(DRAWS)
        return figure_bytes(_scatter(self, repr(self))) if drawn else None


@of_trained()
def latents(
    model: ModelLike,
    data: DataLike,
    *,
    split: Split = "test",
    seed: int | None = None,
    batch_size: int = BATCH_SIZE,
    device: str | torch.device | None = None,
    workers: int = 0,
    skip_unreadable: bool = False,
    progress: bool = True,
    out: PathLike | None = None,
    grid: PathLike | None = None,
    **options: Any,
) -> Latents:
    """Encodes the images of a split.

    Args:
        model: one with a latent, such as an autoencoder; or the folder of a saved one.
        data: as `fit` takes it; class folders give the plot its colours.
        split: `test`, `val`, `train` or `all`.
        seed: of the split; by default the one that the model was trained with.
        batch_size: images at a time.
        device: by default an accelerator if there is one.
        workers: processes that read images.
        skip_unreadable: leaves out the files of a folder that cannot be read.
        progress: whether a terminal or a notebook shows a bar where it takes longer.
        out: image file to draw the images' places into, coloured by class.
        grid: image file to draw decoded images into, at even steps over the middle of the plane; for a
            latent of two numbers.
        options: of the data, as `fit` takes them: `target`, `folder`, ...; by default those of the training,
            but for the folder that paths are read from.

    Raises:
        DataError: the data cannot be read, or lack the split.
        ShapeError: the model has no latent.
        OptionError: a plot is asked for that the latent does not allow; or data have no such option.
        SaveError: a file cannot be written.
        MissingPackageError: a plot is asked for, and matplotlib is not installed.
    """
    with Team("latents") as team:
        model, _ = as_model(model)
        check_can(model, "encode")
        check_alike(team, model)
        data = as_trained(with_said(data, options, latents), model.recipe.data, "latents")
        values = model.input_spec.reading
        dataset = as_dataset(data, task=model.task, skip_unreadable=skip_unreadable, values=values)
        splits = split_data(dataset, pick_seed(seed, model), training=False)
        indices = splits.of(split)
        team.agree("data", f"{splits.hash} {len(indices)}")
        chosen = team.device(device)
        with borrowed(model, chosen, inference=True), torch.no_grad():
            # Before any image is read, and what the model cannot do before what has to be installed
            _check_plots(model, out, grid)
            # One process writes
            files = [plots_path(path) if path is not None and team.first else None for path in (out, grid)]
            batches = own_batches(
                team, dataset, indices, model.input_spec, batch_size=batch_size, workers=workers,
                device=chosen,
            )  # fmt: skip
            own = (
                {"vectors": model.encode(fitted(batch["image"].to(chosen), model)).flatten(1).float().cpu()}
                for batch in watched(batches, "encoding", progress and team.first)
            )
            vectors = torch.cat([found["vectors"] for found in team.shared(own)])
            check_answers(vectors, model, "latents", lambda i: dataset.name(indices[i]))
            plane, axes = _plane(vectors)
            if files[1] is not None:
                images(_decoded(model, plane, chosen), files[1])
        result = Latents(vectors=vectors, plane=plane, axes=axes, **_labelled(dataset, indices))
        if files[0] is not None:
            scatter(result, files[0], f"{split} split, {counted(len(indices), 'image')}")
        return result


def _labelled(dataset: Dataset, indices: Sequence[int]) -> dict[str, Any]:
    """Classes, labels and names of images; classes and labels only where the data have some."""
    targets = dataset.targets
    classes = tuple(targets[i] for i in indices)
    known = all(isinstance(target, int) for target in classes)
    names = tuple(map(dataset.name, indices))
    return {
        "classes": classes if known else (), "labels": tuple(dataset.labels) if known else (), "names": names
    }  # fmt: skip


def _check_plots(model: Model, out: PathLike | None, grid: PathLike | None) -> None:
    """Raises OptionError where the latent is too short for a plot, or not two numbers for a grid."""
    with forked():
        example = model.example_input(1)
    numbers = model.encode(fitted(example, model).to(next(model.parameters()).device)).numel()
    if out is not None and numbers < PLANE:
        raise OptionError("plot of latents", expected="two numbers an image or more", got=str(numbers))
    if grid is not None and numbers != PLANE:
        hint = "leave the grid out, or train a model with latent=2"
        raise OptionError("grid", expected="a latent of two numbers", got=f"{numbers}", hint=hint)


def _plane(vectors: Tensor) -> tuple[Tensor, tuple[str, str]]:
    """Two numbers an image, and what they are."""
    numbers = vectors.shape[1]
    if numbers <= PLANE:
        return vectors, ("latent 1", "latent 2")
    # Principal components are the right singular vectors of the centred rows
    centred = vectors.double() - vectors.double().mean(dim=0)
    _, values, components = torch.linalg.svd(centred, full_matrices=False)
    components = components[:PLANE]
    largest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    plane = centred @ (components * largest.sign()).T  # a component's sign is arbitrary
    # Variances are the squares of singular values; images that are all alike have none
    shares = (values.square() / values.square().sum().clamp(min=torch.finfo(values.dtype).tiny)).tolist()
    first, second = (
        f"principal component {i + 1} of {counted(numbers, 'number')} ({share:.0%} of the variance)"
        for i, share in enumerate([*shares, 0.0][:PLANE])
    )
    return plane.float(), (first, second)


def _decoded(model: Model, plane: Tensor, device: torch.device) -> ImageGrid:
    """Images at even steps between the 2nd and the 98th percentile of each number."""
    # A few far images would leave most of the plane empty
    low, high = torch.quantile(plane, 0.02, dim=0).tolist(), torch.quantile(plane, 0.98, dim=0).tolist()
    across = torch.linspace(low[0], high[0], _CELLS)
    up = torch.linspace(high[1], low[1], _CELLS)  # as in a plot, the second number grows upwards
    y, x = torch.meshgrid(up, across, indexing="ij")
    z = torch.stack([x.flatten(), y.flatten()], dim=1)
    spans = [f"latent {i + 1} from {low[i]:.2g} to {high[i]:.2g}" for i in range(PLANE)]
    title = f"{spans[0]} (left to right), {spans[1]} (upwards)"
    return ImageGrid({"": widened(model.decode(fitted(z.to(device), model))).cpu()}, title=title)


def scatter(found: Latents, path: Path, title: str = "") -> Path:
    """Draws the plane with a colour for each class.

    Args:
        found: what to draw.
        path: PNG file to write.
        title: above the plot.

    Raises:
        SaveError: it cannot be written.
    """
    return write_figure(_scatter(found, title), path)


def _scatter(found: Latents, title: str) -> Figure:
    from matplotlib import colormaps

    figure = new_figure(6.4 + 1.4 * bool(found.classes), 5.6, dpi=110)
    axis = figure.subplots()
    x, y = found.plane[:, 0].numpy(), found.plane[:, 1].numpy()
    size = max(6.0, min(24.0, 12_000 / max(len(x), 1)))
    style: dict[str, Any] = {"s": size, "alpha": 0.75, "linewidths": 0}
    labels = found.labels or tuple(map(str, range(max(found.classes, default=-1) + 1)))
    if found.classes:
        classes = torch.tensor(found.classes)
        for i, label in enumerate(labels):
            chosen = (classes == i).numpy()
            colour = _colour(colormaps, i, len(labels))
            axis.scatter(x[chosen], y[chosen], color=colour, label=short(label, 24), **style)
        columns = 1 + (len(labels) - 1) // _MOST_COLOURS
        legend = axis.legend(
            loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, ncols=columns
        )
        for handle in legend.legend_handles:
            handle.set_sizes([28])  # type: ignore[union-attr]  # the handle of a scatter plot
    else:
        axis.scatter(x, y, color=BLUE, **style)
    axis.set_xlabel(found.axes[0])
    axis.set_ylabel(found.axes[1])
    axis.grid(color=GRID, linewidth=0.8)
    axis.set_axisbelow(True)
    open_frame(axis)
    set_title(figure, title)
    return figure


def _colour(colormaps: Any, index: int, count: int) -> Sequence[float]:
    """Colours that can be told apart, as long as there are not too many classes."""
    if count <= _MOST_COLOURS:
        colours: Sequence[Any] = colormaps["tab10" if count <= _MOST_COLOURS // 2 else "tab20"].colors
        return colours[index]  # type: ignore[no-any-return]
    colour: Sequence[float] = colormaps["turbo"](index / (count - 1))
    return colour
