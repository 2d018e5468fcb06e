"""timm's weights under a backbone's names, and the buffers that no file holds."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from zoo.errors import WeightsError, reason
from zoo_timm.trace import CANNOT

if TYPE_CHECKING:
    from zoo_timm.network import Source

HEAD = "head.model."
"""Where the original head keeps timm's names."""


CLASSES = 1000
"""Of the network whose names are looked at; any number but zero gives it a classifier."""

KERNEL = 4
"""Axes of a convolution's weight."""

PUBLISHED = 3
"""Channels of the images that networks are published for."""


@dataclass(frozen=True)
class Names:
    """timm's names of tensors, and this backbone's.

    Attributes:
        ours: name in the backbone by timm's name.
        unused: timm's names of tensors that neither the features nor the classifier use.
    """

    ours: dict[str, str]
    unused: frozenset[str]

    @classmethod
    def of(cls, backbone: nn.Module, network: nn.Module, head: nn.Module) -> Names:
        """Names read off the tensors that a backbone and a classifier share with their network."""
        # By identity, since the backbone's steps hold the network's own tensors
        names = {id(tensor): name for name, tensor in _tensors(backbone)}
        ours = {name: names[id(tensor)] for name, tensor in _tensors(network) if id(tensor) in names}
        return cls(ours, frozenset(set(network.state_dict()) - set(ours) - set(head.state_dict())))

    def convert(self, state: Mapping[str, Tensor], source: Source) -> dict[str, Tensor]:
        """A published state dict under our names; those that are ours already, and unknown ones, stay.

        Raises:
            WeightsError: timm's filter for checkpoints in other forms cannot read it.
        """
        with torch.device("meta"):
            # As published: with three channels and a classifier; `adapt_input` comes afterwards
            network = replace(source, channels=PUBLISHED).create(CLASSES)
        expected = network.state_dict()
        # Ours already, as in a folder that zoo saved
        if {self.ours[key] for key in expected if key in self.ours} <= state.keys():
            return dict(state)
        shapes = {key: tensor.shape for key, tensor in state.items()}
        fits = all(shapes.get(key) == expected[key].shape for key in self.ours if key in expected)
        if not fits or shapes.keys() - expected.keys():
            state = _filtered(state, source, network)
        converted: dict[str, Tensor] = {}
        for key, tensor in state.items():
            if key in self.ours:
                converted[self.ours[key]] = tensor
            # Unknown keys stay for the strict check to name
            elif key not in self.unused:
                converted[f"{HEAD}{key}" if key in expected else key] = tensor
        return converted

    def resized(
        self, state: Mapping[str, Tensor], own: Mapping[str, Tensor], source: Source
    ) -> dict[str, Tensor]:
        """A state under our names with what depends on the images' size resampled by timm's filter.

        What the filter cannot read stays as it is, for the strict check to name.

        Args:
            state: by our names.
            own: of the network that it is for.
            source: what that is built from.
        """
        # Channels, the second axis of a kernel, are `adapt_input`'s
        others = {
            name
            for name, tensor in state.items()
            if name in own and _places(tensor) != _places(own[name]) and tensor.ndim == own[name].ndim
        }
        if not others:
            return dict(state)
        with torch.device("meta"):
            network = replace(source, channels=PUBLISHED).create(CLASSES)
        theirs = {key: state[name] for key, name in self.ours.items() if name in state}
        try:
            # All names, the classifier's too: by some of them a filter knows how old a file is
            changed = _filtered({**network.state_dict(), **theirs}, source, network)
        except WeightsError:
            return dict(state)
        found = {self.ours[key]: tensor for key, tensor in changed.items() if key in self.ours}
        return {**state, **{name: found[name] for name in others if name in found}}


def _places(tensor: Tensor) -> tuple[int, ...]:
    """The shape without a kernel's input channels."""
    return (tensor.shape[0], *tensor.shape[2:]) if tensor.ndim == KERNEL else tuple(tensor.shape)


def _filtered(state: Mapping[str, Tensor], source: Source, network: nn.Module) -> Mapping[str, Tensor]:
    change = source.checkpoint_filter(network)
    if change is None:
        return state
    try:
        changed: Mapping[str, Tensor] = change(dict(state), network)
    except CANNOT as error:
        where = f"weights for {source.architecture}"
        raise WeightsError(where, expected="a checkpoint that timm reads", got=reason(error)) from error
    return changed


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    # With all names of a tensor, since a file may have it under any
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def unsaved(module: nn.Module) -> dict[str, Tensor]:
    """A module's own buffers that are not in the state dict."""
    buffers = ((name, module._buffers.get(name)) for name in module._non_persistent_buffers_set)
    return {name: buffer for name, buffer in buffers if buffer is not None}


def reset_buffers(backbone: nn.Module, rebuilt: Callable[[], nn.Module]) -> None:
    """Computes the buffers that are not in the state dict, in place.

    Args:
        backbone: has memory for them.
        rebuilt: makes the same backbone once more; called where timm cannot compute them by itself.
    """
    owners = [module for module in backbone.modules() if unsaved(module)]
    helpful = [module for module in owners if hasattr(module, "init_non_persistent_buffers")]
    for module in helpful:
        _compute(module)
    if len(helpful) == len(owners):
        return
    saved = backbone.state_dict().keys()
    fresh = dict(rebuilt().named_buffers())
    for name, buffer in backbone.named_buffers():
        if name not in saved:
            buffer.copy_(fresh[name])


def _compute(module: nn.Module) -> None:
    """timm's own way, on a copy, since it puts buffers where the parameters still are: on the meta device."""
    twin = copy.deepcopy(module).to_empty(device="cpu") if _is_meta(module) else module
    twin.init_non_persistent_buffers()  # type: ignore[operator]
    if twin is not module:
        for name, buffer in unsaved(module).items():
            buffer.copy_(twin.get_buffer(name))


def _is_meta(module: nn.Module) -> bool:
    return any(parameter.is_meta for parameter in module.parameters())
