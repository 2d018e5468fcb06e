"""A chain of blocks: places in it by name, and cutting off what lies behind the last place that is used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.spec.errors import OptionError, ShapeError, listing, near, quote
from zoo.spec.kinds import BLOCKS

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.interfaces.backbone import Backbone

_FORM = re.compile(r"block1(?:-(?:block)?([1-9]\d*))?(?:\.(\w+))?")
_ONE = re.compile(r"(?:block)?([1-9]\d*)(\.\w+)?")


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
        one = _ONE.fullmatch(str(spec).strip()) if not isinstance(spec, bool) else None
        hint = f"say {quote(kept_to(f'block{one[1]}{one[2] or str()}'))}" if one else "leave it out for all"
        expected = 'the first blocks, "block1-3", or "block1-3.conv2" for a part of the last one'
        raise OptionError(f"{where}: bad {BLOCKS}", expected=expected, got=quote(spec), hint=hint)
    return f"block{match[1] or 1}" + (f".{match[2]}" if match[2] else "")


def kept_to(tap: str) -> str:
    """The value of the option `blocks` that ends with a block or step.

    Example:
        >>> kept_to("block3"), kept_to("block1"), kept_to("block5.conv2")
        ('block1-3', 'block1', 'block1-5.conv2')
    """
    return tap if tap.partition(".")[0] == "block1" else f"block1-{tap.removeprefix('block')}"
