"""Networks of timm: building one from options, and reading how it is put together."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import signature
from typing import Any, Self

import timm
import torch
from torch import nn

from zoo.errors import OptionError, PluginError, near, quote, reason
from zoo_timm.levels import block_numbers, map_layout, prefix_tokens, read_infos, run_steps
from zoo_timm.plan import NoChainError, Plan, read_plan
from zoo_timm.trace import CANNOT

Size = tuple[int, int]

RESERVED = frozenset(
    {
        *("cache_dir", "checkpoint_path", "device", "drop_path_rate", "dtype", "exportable", "feature_cfg"),
        *("features_only", "img_size", "in_chans", "kwargs_filter", "model_cfg", "model_cls", "no_jit"),
        *("num_classes", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "pretrained_filter_fn"),
        *("pretrained_model_args", "pretrained_strict", "pruned", "scriptable"),
    }
)
"""Arguments of timm that zoo sets itself, or that would load something."""


@dataclass(frozen=True)
class Source:
    """The architecture and arguments of a network of timm; hashable.

    Attributes:
        architecture: timm's name.
        channels: of the images.
        size: height and width, for networks that are bound to one.
        drop_path_rate: None for timm's own.
        arguments: further arguments of timm's, as JSON.
    """

    architecture: str
    channels: int = 3
    size: Size | None = None
    drop_path_rate: float | None = None
    arguments: str = "{}"

    @classmethod
    def of(cls, arguments: Mapping[str, Any], **fields: Any) -> Self:
        """A source from arguments as a mapping.

        Raises:
            OptionError: one of them is not the user's to set.
        """
        taken = sorted(RESERVED & set(arguments))
        if taken:
            where = f"arguments of {fields['architecture']}"
            raise OptionError(where, expected="none that zoo sets itself", got=quote(taken[0]))
        # As sorted text: hashable, and equal where the options are, so that a network is read once
        return cls(arguments=json.dumps(dict(arguments), sort_keys=True), **fields)

    def create(self, classes: int = 0) -> nn.Module:
        """The network, on the current device; its modules do not work in place.

        Args:
            classes: 0 for no classifier.

        Raises:
            OptionError: timm does not know the name, or the network does not take the arguments.
        """
        keywords: dict[str, Any] = {k: _tuples(v) for k, v in json.loads(self.arguments).items()}
        given = {"num_classes": classes, "img_size": self.size, "drop_path_rate": self.drop_path_rate}
        keywords |= {k: v for k, v in given.items() if v is not None}
        # Before `create_model`, which takes `hf-hub:` names too and would load a configuration
        if not timm.is_model(self.architecture):
            known = timm.list_models()
            raise OptionError(
                "architecture", expected="a name that timm knows", got=quote(self.architecture),
                hint=near(self.architecture, known),
            )  # fmt: skip
        try:
            model: nn.Module = timm.create_model(self.architecture, in_chans=self.channels, **keywords)
        except CANNOT as error:
            raise self._misfit(error) from error
        for module in model.modules():
            # A ReLU in place would overwrite what a tap has kept; the numbers are the same
            if getattr(module, "inplace", False) is True:
                module.inplace = False  # type: ignore[assignment]
        return model

    def _misfit(self, error: Exception) -> OptionError:
        # Once more without the options: either they are at fault, or the network itself
        plain = replace(self, size=None, drop_path_rate=None, arguments="{}")
        if plain == self:
            return OptionError(f"{self.architecture} cannot be built", got=reason(error))
        with torch.device("meta"):
            known = accepted(type(plain.create()))
        strange = [name for name in json.loads(self.arguments) if name not in known]
        return OptionError(
            f"{self.architecture} cannot be built with these options",
            expected="arguments of its class in timm",
            got=quote(strange[0]) if strange else reason(error),
            hint=near(strange[0], sorted(known - RESERVED)) if strange else None,
        )

    def checkpoint_filter(self, network: nn.Module) -> Any:
        """timm's function for checkpoints of the family in other forms, if it has one."""
        return getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)


def accepted(kind: type[nn.Module]) -> set[str]:
    """The arguments of a class, and of those that it hands the rest to."""
    names: set[str] = set()
    for base in kind.__mro__:
        parameters = signature(base).parameters.values()
        names |= {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        # A base class gets the rest through **kwargs only
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names


def _tuples(value: Any) -> Any:
    # JSON has made lists of the tuples that timm's classes take
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class Anatomy:
    """Structure of a network.

    Attributes:
        plan: its steps.
        blocks: the block of each step, from 0.
        map_layout: of four-dimensional maps.
        prefix_tokens: in front of the others.
        class_tokens: how many of these, the first ones, speak for the whole image.
        pooling: `token` where timm's classifier takes these, else `avg`.
        head_problem: why `forward_head` does not run by itself; None where it does.
    """

    plan: Plan
    blocks: tuple[int, ...]
    map_layout: str
    prefix_tokens: int
    class_tokens: int
    pooling: str
    head_problem: str | None


@lru_cache(maxsize=128)
def read_network(source: Source) -> Anatomy:
    """Takes a network apart on the meta device, once.

    Raises:
        PluginError: it is not a chain of modules.
    """
    try:
        with torch.inference_mode(False):  # whose tensors do not say when they were written to
            return dissect(source)
    except NoChainError as error:
        raise PluginError(
            f"timm's {source.architecture} is not a chain of blocks", got=str(error),
            hint="see the table of refused architectures in the README of zoo-timm",
        ) from None  # fmt: skip


def dissect(source: Source) -> Anatomy:
    """`read_network` without its cache.

    Raises:
        NoChainError: it is not a chain of modules.
    """
    with torch.device("meta"):
        network = source.create()
    size = source.size or native_size(network)
    plan = read_plan(network, source.channels, size)
    network.eval()
    steps = plan.modules(network)
    if source.size is None:
        size = (max(size), max(size))  # the layout of maps is read off square images
    maps = run_steps(steps, torch.empty(2, source.channels, *size, device="meta"))
    if size[0] == size[1]:
        layout = map_layout(maps)
        prefix = prefix_tokens(maps, getattr(network, "num_prefix_tokens", None))
    else:
        # Maps that are not square do not tell a layout, which is the same at the usual size
        usual = read_network(replace(source, size=None))
        layout, prefix = usual.map_layout, usual.prefix_tokens
    infos = read_infos(maps, layout=layout, prefix=prefix, size=size)
    numbers = block_numbers([s.name for s in plan.steps], list(steps.values()), infos)
    if len(set(numbers)) < 2:
        raise NoChainError(f"its features are one module, {plan.steps[0].name}")
    # Not refused: the backbone is of use with every other head
    problem = None
    try:
        with torch.no_grad():
            plan.head(network).forward_head(list(maps.values())[-1])  # type: ignore[operator]
    except CANNOT as error:
        problem = str(error)
    tokens = min(prefix, _class_tokens(network))
    own = "token" if tokens and getattr(network, "global_pool", None) == "token" else "avg"
    return Anatomy(plan, tuple(numbers), layout, prefix, tokens, own, problem)


def _class_tokens(network: nn.Module) -> int:
    """Class tokens come first, in front of registers; a distilled network has a second one."""
    return sum(getattr(network, name, None) is not None for name in ("cls_token", "dist_token"))


def native_size(network: nn.Module) -> Size:
    """Height and width of the images that the network was published for."""
    height, width = network.pretrained_cfg["input_size"][1:]  # type: ignore[index]
    return int(height), int(width)
