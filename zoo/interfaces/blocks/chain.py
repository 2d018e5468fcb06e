"""A chain of blocks: places in it by name, and cutting off what lies behind the last place that is used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.spec.errors import OptionError, ShapeError, listing, near, quote
from zoo.spec.kinds import BLOCKS
from zoo.spec.names import closest

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.interfaces.backbone import Backbone

_FORM = re.compile(r"block1(?:-(?:block)?([1-9]\d*))?(?:\.(\w+))?")
_MEANT = re.compile(r"(?:blocks? ?)?([1-9]\d*)(?: ?(?:-|to) ?(?:block)?([1-9]\d*))?(\.\w+)?")
"""Looser than the form, for hints: what it is meant by is told, never taken."""


def stretch(names: Sequence[str], after: str | None, until: str | None) -> Sequence[str]:
    """The names behind one up to another; None for the whole chain at that end.

    Raises:
        ShapeError: a name is unknown.
    """
    for name in (after, until):
        if name is not None and name not in names:
            hint = near(name, names)
            raise ShapeError("unknown block", expected=listing(names), got=quote(name), hint=hint)
    first = 0 if after is None else names.index(after) + 1
    return names[first : len(names) if until is None else names.index(until) + 1]


def tap_step(name: str, blocks: Sequence[str], steps: Sequence[str]) -> str:
    """The step behind a tap: of a block, its last one.

    Args:
        name: of a block or step.
        blocks: names of all blocks.
        steps: names of all steps, in order.

    Raises:
        ShapeError: the name is unknown.
    """
    if name in blocks:
        # With the dot, since block10 begins with block1 too
        return [step for step in steps if step.startswith(f"{name}.")][-1]
    if name not in steps:
        hint = near(name, [*blocks, *steps])
        raise ShapeError("unknown tap", expected="a block or step", got=quote(name), hint=hint)
    return name


def cut(backbone: Backbone, taps: Iterable[str]) -> None:
    """Takes what lies behind the deepest tap out of a backbone; see `Backbone.cut`."""
    steps = [name for name, _ in backbone.steps()]
    places = [steps.index(place) for place in backbone.places(taps).values()]
    if not places or max(places) == len(steps) - 1:
        return
    last, following = steps[max(places)], steps[max(places) + 1 :]
    block, names = last.partition(".")[0], backbone.block_names
    before, number = backbone.state_dict().keys(), names.index(block) + 1
    for name in names[number:]:
        delattr(backbone, name)
    for step in following:
        if step.startswith(f"{block}."):
            delattr(getattr(backbone, block), step.removeprefix(f"{block}."))
    # A part of a block is called by its last step, also where an earlier cut had taken the rest of the block
    part = following[0].startswith(f"{block}.") or (backbone.cut_at or "").startswith(f"{block}.")
    backbone.cut_at = last if part else block
    backbone.block_names, backbone.cut_blocks = names[:number], names[number:] + backbone.cut_blocks
    backbone.cut_tensors |= before - backbone.state_dict().keys()


def behind(backbone: Backbone, state: Mapping[str, Tensor], prefix: str = "") -> list[str]:
    """The names in a state dict that belong to what was cut off a backbone.

    Args:
        backbone: perhaps cut.
        state: tensors by name.
        prefix: of the backbone's names in it, with the dot.
    """
    names = (f"{prefix}{name}" for name in sorted(backbone.cut_tensors))
    return [name for name in names if name in state]


def last_kept(spec: object, where: str) -> str:
    """The block, or step inside of one, that a value of the option `blocks` ends with.

    Args:
        spec: such as `block1-3`, or `block1-5.conv2` for a part of the last block.
        where: whose option it is, for the message.

    Raises:
        OptionError: it is none.

    Example:
        >>> [last_kept(spec, "vgg16") for spec in ("block1-3", "block1", "block1-5.conv2")]
        ['block3', 'block1', 'block5.conv2']
    """
    match = _FORM.fullmatch(spec.strip()) if isinstance(spec, str) else None
    if match is None:
        expected = 'the first blocks, "block1-3", or "block1-3.conv2" for a part of the last one'
        raise OptionError(f"{where}: bad {BLOCKS}", expected=expected, got=quote(spec), hint=_meant(spec))
    return f"block{match[1] or 1}" + (f".{match[2]}" if match[2] else "")


def _meant(spec: object) -> str:
    """The value that a wrong one was meant for, else what may be said.

    Example:
        >>> _meant("1-3"), _meant(["block1", "block2"])
        ("say 'block1-3'", "say 'block1-2'")
        >>> _meant("block2-3"), _meant("stem")
        ("blocks are kept from the first on: say 'block1-3'", 'leave it out for all')
    """
    words = spec if isinstance(spec, list | tuple) else str(spec).split(",")
    found = [_MEANT.fullmatch(str(word).strip().lower()) for word in words]
    items = [item for item in found if item is not None]
    # True is no number of blocks, and words that say nothing may not be passed over
    if isinstance(spec, bool) or not items or len(items) < len(found):
        return "leave it out for all"
    ranges = [(int(item[1]), int(item[2] or item[1]), item[3] or "") for item in items]
    numbers = {number for first, last, _ in ranges for number in range(first, last + 1)}
    last = max(ranges, key=lambda item: item[1])
    say = f"say {quote(kept_to(f'block{last[1]}{last[2]}'))}"
    # One number, as of the last block, has always stood for all up to it
    gap = len(numbers) > 1 and len(numbers) < last[1]
    return f"blocks are kept from the first on: {say}" if gap else say


def near_cuts(backbone: Backbone, tap: str) -> str:
    """A hint that names the values of the option `blocks` nearest to one that ends with no step.

    Args:
        backbone: whole.
        tap: a step that it has not, with its block: `block3.conv1`.
    """
    block, _, step = tap.partition(".")
    inside = [name.partition(".")[2] for name, _ in backbone.steps() if name.startswith(f"{block}.")]
    if not inside:
        return "leave it out for all"
    meant = closest(step, inside)
    say = [quote(kept_to(f"{block}.{name}")) for name in meant or inside]
    # Its last step is the whole block, which is said without
    whole = quote(kept_to(block))
    return f"did you mean {' or '.join(say)}?" if meant else f"choose from {listing([whole, *say[:-1]])}"


def kept_to(tap: str) -> str:
    """The value of the option `blocks` that ends with a block or step.

    Example:
        >>> kept_to("block3"), kept_to("block1"), kept_to("block5.conv2")
        ('block1-3', 'block1', 'block1-5.conv2')
    """
    return tap if tap.partition(".")[0] == "block1" else f"block1-{tap.removeprefix('block')}"
