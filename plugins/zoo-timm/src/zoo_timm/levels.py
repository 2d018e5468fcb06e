"""Reading a chain: the layout of its maps, and where one block ends and the next begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from zoo.errors import ShapeError
from zoo.interfaces import FeatureInfo, State, read_info
from zoo_timm.plan import NoChainError
from zoo_timm.trace import CANNOT, stamp

TOKENS, MAP = 3, 4
"""Axes of N x L x C and of N x C x H x W."""

MOST_TOKENS = 5
"""In front of a map, where a network does not say how many."""


def run_steps(steps: Mapping[str, nn.Module], x: Tensor) -> dict[str, Tensor]:
    """The map that each step returns.

    Args:
        steps: on the meta device, in inference mode.
        x: N x C x H x W on the meta device.

    Raises:
        NoChainError: a step does not run by itself, or changes its input in place.
    """
    state: State = x
    maps: dict[str, Tensor] = {}
    with torch.no_grad():
        for name, module in steps.items():
            # In-place changes would reach into what a tap has kept of the step before
            before = stamp(state)
            try:
                output: State = module(state)
            except CANNOT as error:
                raise NoChainError(f"{name} does not run by itself: {error}") from error
            if stamp(state) != before:
                raise NoChainError(f"{name} changes its input in place")
            state = output
            # The map goes last, behind what later steps need besides
            maps[name] = state[-1] if isinstance(state, tuple) else state
    return maps


def map_layout(maps: Mapping[str, Tensor]) -> str:
    """`NCHW` or `NHWC`, read off maps of square images.

    Raises:
        NoChainError: some maps have one, some the other, or one has another number of axes.
    """
    fits = {"NCHW", "NHWC"}
    for name, x in maps.items():
        if not MAP - 2 <= x.ndim <= MAP:
            raise NoChainError(f"{name} returns {x.ndim} axes")
        if x.ndim == MAP:
            # Of square images height equals width, and seldom the channels
            square = {"NCHW": x.shape[2] == x.shape[3], "NHWC": x.shape[1] == x.shape[2]}
            fits &= {layout for layout, fine in square.items() if fine}
            if not fits:
                raise NoChainError(f"{name} returns {tuple(x.shape)}, another layout than before")
    # Both are left where no step returns a map of four axes
    return "NCHW" if "NCHW" in fits else "NHWC"


def prefix_tokens(maps: Mapping[str, Tensor], declared: int | None) -> int:
    """Tokens in front of the map: as the network declares, or what is left over beside a square grid.

    Raises:
        NoChainError: the tokens form no grid.
    """
    counts = {x.shape[1] for x in maps.values() if x.ndim == TOKENS}
    for prefix in range(MOST_TOKENS + 1) if declared is None else (declared,):
        # A square image has a square grid
        if all(int((n - prefix) ** 0.5) ** 2 == n - prefix for n in counts):
            return prefix
    raise NoChainError(f"its tokens, {', '.join(map(str, sorted(counts)))}, form no grid")


def read_infos(
    maps: Mapping[str, Tensor], *, layout: str, prefix: int, size: tuple[int, int]
) -> list[FeatureInfo]:
    """Descriptions of the maps, for images of `size`.

    Raises:
        NoChainError: a map cannot be described.
    """
    try:
        return [read_info(k, x, map_layout=layout, prefix=prefix, input_size=size) for k, x in maps.items()]
    except ShapeError as error:
        raise NoChainError(str(error)) from error


def block_numbers(
    paths: Sequence[str], modules: Sequence[nn.Module], infos: Sequence[FeatureInfo]
) -> list[int]:
    """The block of each step, from 0.

    A block ends where the next reduction begins. Where the network has one reduction only, each of the
    modules that it repeats is a block. What stands before belongs to the first, what comes after to the last.

    Args:
        paths: dotted names of the steps' modules.
        modules: the steps.
        infos: what they return.
    """
    heights: list[int] = []
    for info in infos:
        # Never less than before: a step that enlarges again begins no block
        heights.append(max(info.reduction or 1, heights[-1] if heights else 1))
    levels = sorted(set(heights))
    if len(levels) == 1:
        return _repeated(modules)
    # As in VGG, whose pools would otherwise open the next block
    if _ends_with_pools(modules, heights):
        heights = [heights[0], *heights[:-1]]  # a pool is the last step of its block
        return [sorted(set(heights)).index(h) for h in heights]
    if levels[0] == 1:
        levels = levels[1:]  # what works at full resolution belongs to the first block
    numbers = [levels.index(max(h, levels[0])) for h in heights]
    return _with_their_layers(paths, modules, numbers)


def _has_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())


def _with_their_layers(
    paths: Sequence[str], modules: Sequence[nn.Module], numbers: Sequence[int]
) -> list[int]:
    """Layers right before the first of a block move into it, if both come from one module that was opened."""
    moved = list(numbers)
    for i in range(1, len(paths)):
        if numbers[i] == numbers[i - 1]:
            continue
        start, parent = i, paths[i].rpartition(".")[0]
        while parent:
            first = next(k for k, path in enumerate(paths) if path.startswith(f"{parent}."))
            elsewhere = first == 0 or numbers[first - 1] != numbers[i - 1]
            # Single layers move, such as the norm before a strided convolution; units stay in their block
            if elsewhere or any(map(_is_composite, modules[first:i])):
                break
            start, parent = first, parent.rpartition(".")[0]
        moved[start:i] = [numbers[i]] * (i - start)
    return moved


def _is_composite(module: nn.Module) -> bool:
    return any(_has_weights(child) for child in module.children())


def _ends_with_pools(modules: Sequence[nn.Module], heights: Sequence[int]) -> bool:
    # Reductions at which anything is learnt: from the full one on, but not at the last
    with_weights = {height for m, height in zip(modules, heights, strict=True) if _has_weights(m)}
    return 1 in with_weights and heights[-1] not in with_weights


def _repeated(modules: Sequence[nn.Module]) -> list[int]:
    # The class that is repeated most, in a ViT the transformer block
    kinds = Counter(type(m) for m in modules if _is_composite(m))
    if not kinds:
        return [0] * len(modules)
    kind = kinds.most_common(1)[0][0]
    starts = [i for i, m in enumerate(modules) if type(m) is kind]
    # What stands before the first of them belongs to it, what comes after the last to that
    ends = [0, *starts[1:], len(modules)]
    return [number for number, (a, b) in enumerate(pairwise(ends)) for _ in range(a, b)]
