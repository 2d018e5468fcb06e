"""One network of a complete model, to be saved or pushed alone."""

from __future__ import annotations

from copy import copy

from zoo.hub.folder import load
from zoo.interfaces.blocks.wrapped import inside
from zoo.interfaces.model import Model, ModelLike
from zoo.spec.errors import SaveError, listing, near, quote


def part_of(model: ModelLike, name: str) -> Model:
    """A network that is a model itself, such as the generator of a pair, under the whole's licence.

    It shares its tensors with the whole, which stays as it is.

    Args:
        model: the whole, or the folder of a saved one.
        name: of the network.

    Raises:
        SaveError: there is none of that name, or it is no model of its own.
    """
    model = inside(model)
    whole = model if isinstance(model, Model) else load(model)
    models = {key: network for key, network in whole.networks.items() if isinstance(network, Model)}
    if name not in models:
        title = whole.recipe.model.called
        expected = listing(models) if models else "a model with networks that are models themselves"
        hint = near(name, [*models]) if models else "leave part out"
        raise SaveError(f"part of {title}", expected=expected, got=quote(name), hint=hint)
    part = copy(models[name])  # over the same tensors; the caller's own keeps its licence
    part.licence = part.licence or whole.licence
    return part
