"""The backbone contract: an ordered chain of named blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Self, cast

from torch import Tensor, nn

from zoo.interfaces.blocks.block import Block, State
from zoo.interfaces.blocks.chain import cut, stretch, tap_step
from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.interfaces.blocks.state_dicts import with_channels
from zoo.interfaces.blocks.step_outputs import step_infos
from zoo.spec.errors import ShapeError, WeightsError
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.inputs import InputSpec

if TYPE_CHECKING:
    from zoo.interfaces.head import Head


class Backbone(nn.Module):
    """A chain `block1` .. `blockN`; running it is the network's own forward up to the last map.

    A subclass builds its blocks and hands them to this constructor. Its own constructor takes the options of
    its config class and `in_channels`, keyword-only. Every parameter belongs to exactly one block. Where the
    network has five levels, block k ends at reduction 2^k; another network has as many blocks as levels.

    Args:
        blocks: in order.
        input_spec: what the network expects where no weights say otherwise.

    Attributes:
        map_layout: `NCHW`, or `NHWC` where four-dimensional maps have channels last.
        prefix_tokens: class and register tokens in front of an N x L x C map.
        class_tokens: how many of these, the first ones, speak for the whole image.
        pooling: how the network itself makes a vector of its tokens: `avg` over the map's, or `token`.
        origin: as a part of something else, where its weights come from; None while they are random.
        weights_hint: as a part, the next step for a user whose weights are random.
        cut_at: the block or step that it was cut behind; None where it is whole.
        cut_blocks: names of the blocks that were cut off.
        cut_tensors: names of the tensors that were cut off.

    Example:
        >>> import torch
        >>> net = Backbone([Block(conv=nn.Conv2d(3, 8, 3, 2, 1)), Block(conv=nn.Conv2d(8, 16, 3, 2, 1))])
        >>> x = torch.rand(1, 3, 32, 32)
        >>> net(x).shape
        torch.Size([1, 16, 8, 8])
        >>> net.freeze("block1").frozen_blocks
        ('block1',)
        >>> bool((net.run(net.run(x, until="block1"), after="block1") == net(x)).all())
        True
    """

    map_layout = "NCHW"
    prefix_tokens = 0
    class_tokens = 0
    pooling = "avg"
    origin: str | None = None
    weights_hint: str = "load weights first"
    cut_at: str | None = None
    cut_blocks: tuple[str, ...] = ()
    cut_tensors: frozenset[str] = frozenset()

    def __init__(self, blocks: Sequence[Block], *, input_spec: InputSpec | None = None) -> None:
        super().__init__()
        self.input_spec = input_spec or InputSpec()
        # For messages: the input spec may be given another size
        self._usual_size = self.input_spec.size
        self.block_names = tuple(f"block{i + 1}" for i in range(len(blocks)))
        for name, block in zip(self.block_names, blocks, strict=True):
            self.add_module(name, block)

    # -- running ---------------------------------------------------------------------------------------

    @property
    def blocks(self) -> dict[str, Block]:
        """The blocks by name, in order."""
        return {name: cast(Block, getattr(self, name)) for name in self.block_names}

    def forward(self, x: Tensor) -> Tensor:
        """The last map of normalised images.

        Args:
            x: N x C x H x W, normalised by the input spec.

        Raises:
            ShapeError: `x` is not a batch of images with the network's number of channels.
        """
        self.check_input(x)
        return self.feature(self.run(x))

    def run(self, state: State, *, after: str | None = None, until: str | None = None) -> State:
        """Runs a stretch of the chain.

        Args:
            state: images, or what `run` returned at block `after`.
            after: the block that `state` came out of; None for images.
            until: the last block to run; None for the whole chain.

        Raises:
            ShapeError: a block name is unknown.
        """
        for name in stretch(self.block_names, after, until):
            state = getattr(self, name)(state)
        return state

    def feature(self, state: State) -> Tensor:
        """The map in what passes between blocks; of a tuple, the last one."""
        return state[-1] if isinstance(state, tuple) else state

    def steps(self) -> Iterator[tuple[str, nn.Module]]:
        """All steps in order, as `block1.conv1` and module."""
        for name, block in self.blocks.items():
            for step, module in block.named_children():
                yield f"{name}.{step}", module

    def taps(self, x: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """Named tensors inside the network; runs no further than the last of them.

        Args:
            x: N x C x H x W, normalised.
            names: blocks (`block3`) or steps (`block5.conv4`).

        Raises:
            ShapeError: a name is unknown.
        """
        self.check_input(x)
        places = self.places(names)
        wanted, found = set(places.values()), dict[str, Tensor]()
        state: State = x
        for step, module in self.steps():
            if len(found) == len(wanted):
                break
            state = module(state)
            if step in wanted:
                found[step] = self.feature(state)
        return {name: found[place] for name, place in places.items()}

    def tapped(
        self, state: State, steps: Iterable[str], *, after: str | None = None, until: str | None = None
    ) -> tuple[State, dict[str, Tensor]]:
        """The result of `run`, with the outputs of some steps on the way.

        Args:
            state: images, or what came out of block `after`.
            steps: as `places` names them; those outside the stretch are passed over.
            after: as in `run`.
            until: as in `run`.
        """
        wanted, found = set(steps), dict[str, Tensor]()
        for block in stretch(self.block_names, after, until):
            for name, module in getattr(self, block).named_children():
                state = module(state)
                if (step := f"{block}.{name}") in wanted:
                    found[step] = self.feature(state)
        return state, found

    def places(self, names: Iterable[str]) -> dict[str, str]:
        """The step behind each tap: `block3` is what the last step of that block returns.

        Raises:
            ShapeError: a name is unknown.
        """
        steps = [step for step, _ in self.steps()]
        return {name: tap_step(name, self.block_names, steps) for name in names}

    def cut(self, taps: Iterable[str]) -> Self:
        """Takes out what lies behind the deepest of the taps, and returns the backbone.

        What is left computes the same. Its last block's output is the last map from then on, and `cut_at`
        says where it ends. Without taps nothing is taken out.

        Args:
            taps: blocks (`block3`) or steps (`block5.conv4`).

        Raises:
            ShapeError: a name is unknown.
        """
        cut(self, taps)
        return self

    def check_input(self, x: Tensor) -> None:
        """Raises ShapeError unless `x` is a batch of images with the network's channels."""
        channels = self.input_spec.channels
        if x.ndim != 4 or x.shape[1] != channels:
            raise ShapeError(
                f"input of {type(self).__name__}",
                expected=f"N x {channels} x H x W",
                got=" x ".join(map(str, x.shape)),
                hint=f"build it with in_channels={x.shape[1]}"
                if x.ndim == 4
                else "add the batch axis with x[None]",
            )

    # -- describing ------------------------------------------------------------------------------------

    def describe(self, size: tuple[int, int] | None = None) -> dict[str, FeatureInfo]:
        """All steps' outputs for images of `size`, read off a forward that takes no memory.

        Args:
            size: height and width; the input spec's where None.

        Raises:
            ShapeError: the network cannot take images of that size.
        """
        size = size or self.input_spec.size
        return step_infos(self, size, fitting=self._usual_size)

    def block_infos(self, size: tuple[int, int] | None = None) -> tuple[FeatureInfo, ...]:
        """The outputs of the blocks, in order."""
        infos = self.describe(size)
        places = self.places(self.block_names)
        return tuple(replace(infos[place], name=name) for name, place in places.items())

    def pyramid(self, size: tuple[int, int] | None = None) -> tuple[FeatureInfo, ...]:
        """The default taps: for each reduction the last map that has it, finest first."""
        last: dict[int, FeatureInfo] = {}
        for info in self.describe(size).values():
            if info.reduction is not None:
                last[info.reduction] = info
        return tuple(last[reduction] for reduction in sorted(last))

    # -- freezing --------------------------------------------------------------------------------------

    def freeze(self, spec: str | Freeze = "all") -> Self:
        """Freezes the named blocks; returns the backbone, as `eval()` does. `frozen_blocks` names them.

        Raises:
            FreezeError: the spec is malformed or matches nothing.
        """
        for _, name in Freeze.parse(spec).select({"": self.block_names}):
            self.blocks[name].freeze()
        return self

    def unfreeze(self, spec: str | Freeze = "all") -> Self:
        """Unfreezes the named blocks, restoring exactly what was; returns the backbone.

        Raises:
            FreezeError: the spec is malformed or matches nothing.
        """
        for _, name in Freeze.parse(spec).select({"": self.block_names}):
            self.blocks[name].unfreeze(self.training)
        return self

    @property
    def frozen_blocks(self) -> tuple[str, ...]:
        """Names of the frozen blocks, in order."""
        return tuple(name for name, block in self.blocks.items() if block.frozen)

    # -- weights ---------------------------------------------------------------------------------------

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> Head:
        """The classifier that the weights were published with.

        Args:
            classes: number of classes.
            inputs: description of the last map.

        Raises:
            WeightsError: the network has none.
        """
        raise WeightsError(f"{type(self).__name__} has no original head", hint="choose a head by name")

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Published weights under this network's keys: the backbone's own, and `head.*` of the original head.

        Only names and views may change, no values. Keys that are not known are kept as they are, so that
        the strict check names them.
        """
        return dict(state)

    def adapt_input(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Converted three-channel weights made to fit another number of input channels.

        One channel gets the sum over the colours; n channels repeat them in turn, scaled by 3 / n, so that
        the first layer's outputs keep their size.
        """
        name = self.input_layer
        own, given = self.get_parameter(name), state.get(name)
        channels = own.shape[1] if own.ndim == 4 else 0
        # What is no convolution is left to the strict check
        if given is None or given.ndim != 4 or own.ndim != 4 or given.shape[1] == channels:
            return state
        return {**state, name: with_channels(given, channels)}

    @property
    def input_layer(self) -> str:
        """Name of the first layer's weight, which sees the image's channels."""
        return next(iter(dict(self.named_parameters())))

    def reset_buffers(self) -> None:
        """Recomputes the buffers that are not in the state dict, after loading on the meta device."""
