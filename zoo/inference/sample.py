"""`zoo.sample`: new images of a generative model."""

from __future__ import annotations

from pathlib import Path

import torch

from zoo.inference.generated_images import Images
from zoo.interfaces.model import ModelLike
from zoo.interfaces.tasks.descriptions import ImageGrid
from zoo.reports.files import folder_path, is_image, plots_path
from zoo.reports.image_grids import images, write_image
from zoo.runtime.answer_checks import check_answers
from zoo.runtime.arguments import as_model
from zoo.runtime.devices import borrowed, choose_device
from zoo.runtime.given_objects import check_can
from zoo.spec.errors import OptionError
from zoo.spec.reference import PathLike


def sample(
    model: ModelLike,
    count: int = 16,
    *,
    seed: int | None = None,
    out: PathLike | None = None,
    device: str | torch.device | None = None,
) -> Images:
    """Draws images; the same seed draws the same, the first ones however many are asked for.

    Args:
        model: from `zoo.build` or `zoo.fit`, or the folder of a saved one.
        count: how many, 1 or more.
        seed: of the latent vectors; another one at each call where None.
        out: image file for all of them on one sheet, or a folder for a file each.
        device: by default an accelerator if there is one.

    Returns:
        N x C x H x W in [0, 1], on the CPU: a tensor, which a notebook shows as a grid.

    Raises:
        OptionError: the count is below 1.
        ShapeError: the model does not generate images.
        SaveError: `out` cannot be written.
        MissingPackageError: a sheet is asked for, and matplotlib is not installed.

    Example:
        >>> import zoo
        >>> model = zoo.build("dcgan_generator", in_channels=1, input_size=16, width=8, seed=0)
        >>> zoo.sample(model, 4, seed=0).shape
        torch.Size([4, 1, 16, 16])
    """
    if count < 1:
        raise OptionError("sample: count", expected="1 or more", got=str(count))
    model, _ = as_model(model)
    check_can(model, "sample")
    # Checked before the work, which would be lost
    file: Path | None = None
    folder: Path | None = None
    if out is not None and is_image(out):
        file = plots_path(out)
    elif out is not None:
        folder = folder_path(out)
    chosen = choose_device(device)
    if seed is None:
        # From the caller's generator, so that `torch.manual_seed` repeats it; below, its state is put back
        seed = int(torch.randint(2**31, ()))
    with borrowed(model, chosen, inference=True), torch.no_grad():
        made = model.sample(count, seed=seed).float().cpu()
    check_answers(made, model, "sample", lambda i: f"image {i}")
    if file is not None:
        images(ImageGrid({"": made}), file)
    if folder is not None:
        digits = len(str(count))
        for number, image in enumerate(made, 1):
            write_image(image, folder / f"{number:0{digits}}.png")
    return Images.of(made)
