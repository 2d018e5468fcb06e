"""Any network of timm whose modules form a chain, as a zoo backbone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import Tensor, nn

from zoo import INTERPOLATIONS, InputSpec
from zoo.errors import WeightsError, warn
from zoo.interfaces import Backbone, Block, FeatureInfo, Head, Multiclass, with_channels
from zoo_timm.network import Size, Source, native_size, read_network
from zoo_timm.plan import Plan
from zoo_timm.weights import KERNEL, PUBLISHED, Names, reset_buffers


class TimmBackbone(Backbone):
    """A network of timm; running its blocks is timm's own `forward_features`, bit for bit.

    Steps are timm's modules under timm's names, with `_` for the dots. Modules that work in place in timm do
    not here, so that every step's output can be kept.

    Args:
        architecture: timm's name.
        in_channels: of the images.
        input_size: height and width, for networks that are bound to one; None for the published one.
        drop_path_rate: rate of dropped residual branches in training; None for timm's own.
        arguments: further arguments of the network's class in timm.

    Attributes:
        source: what the network is built from.
        anatomy: how it is put together.

    Raises:
        OptionError: timm does not know the name, or the network does not take the options.
        PluginError: the network's modules do not form a chain.
    """

    def __init__(
        self,
        *,
        architecture: str,
        in_channels: int = 3,
        input_size: Size | None = None,
        drop_path_rate: float | None = None,
        arguments: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        size = None if input_size is None else (input_size[0], input_size[1])
        source = Source.of(
            arguments,
            architecture=architecture, channels=in_channels, size=size, drop_path_rate=drop_path_rate,
        )  # fmt: skip
        anatomy = read_network(source)
        network = source.create()
        steps = anatomy.plan.modules(network)
        rows: list[dict[str, nn.Module]] = [{} for _ in range(max(anatomy.blocks) + 1)]
        for (name, module), number in zip(steps.items(), anatomy.blocks, strict=True):
            rows[number][name] = module
        spec = input_spec(network.pretrained_cfg).with_channels(in_channels)  # type: ignore[arg-type]
        spec = spec.with_size(size or native_size(network))
        super().__init__([Block(**row) for row in rows], input_spec=spec)
        self.map_layout, self.prefix_tokens = anatomy.map_layout, anatomy.prefix_tokens
        self.class_tokens, self.pooling = anatomy.class_tokens, anatomy.pooling
        self.source, self.anatomy = source, anatomy
        # For a second one like this, from which buffers are read that no file holds
        self._options = {
            "architecture": architecture,
            "in_channels": in_channels,
            "input_size": size,
            "drop_path_rate": drop_path_rate,
            "arguments": dict(arguments),
        }
        self._names = Names.of(self, network, anatomy.plan.head(network))

    def original_head(self, classes: int, inputs: Sequence[FeatureInfo]) -> Head:
        """timm's own classifier.

        Raises:
            WeightsError: it cannot be had without the rest of the network.
        """
        if self.anatomy.head_problem:
            raise WeightsError(
                f"the original head of {self.source.architecture} does not run by itself",
                got=self.anatomy.head_problem, hint="choose a head by name",
            )  # fmt: skip
        return TimmHead(inputs=inputs, classes=classes, source=self.source, plan=self.anatomy.plan)

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """timm's weights under this backbone's names, through timm's own filter where they need it."""
        found = self._names.convert(state, self.source)
        given = {ours: state[theirs] for theirs, ours in self._names.ours.items() if theirs in state}
        self._tell_of_resampled(given, found)
        return found

    def adapt_input(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Weights for another number of channels, as of every backbone, and for another size of images.

        What depends on the size, such as position embeddings, timm's own filter resamples.

        Raises:
            WeightsError: the first layer does not see the images' channels themselves.
        """
        adapted = self._names.resized(state, self.state_dict(), self.source)
        self._tell_of_resampled(state, adapted)
        for name, own in self.named_parameters():
            given = adapted.get(name)
            # Other kernels are another network's, which the strict check names
            if given is None or given.shape == own.shape or given.shape[2:] != own.shape[2:]:
                continue
            # A stem that regroups pixels first has no axis of colours to sum over or repeat
            if own.ndim != KERNEL or own.shape[1] != self.input_spec.channels:
                if self.input_spec.channels == PUBLISHED:
                    continue  # another network's, or of a size that timm cannot resample to
                raise WeightsError(
                    f"weights of {self.source.architecture}",
                    expected="in_channels=3, as they were published with",
                    got=f"in_channels={self.input_spec.channels}",
                )
            adapted[name] = with_channels(given, own.shape[1])
        return adapted

    def _tell_of_resampled(self, given: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
        """Says that weights are for another size of images than was asked for; both by our names."""
        # Another form of the same values is no other size
        names = [name for name in given if name in found and given[name].numel() != found[name].numel()]
        if names:
            more = f" and {len(names) - 1} more" * (len(names) > 1)
            warn(
                f"weights of {self.source.architecture} are for images of another size: {names[0]}{more} "
                "resampled; figures are not those of their own size until the model is trained at this one"
            )

    @property
    def input_layer(self) -> str:
        """Name of the first convolution's weight, or of the first parameter where there is none."""
        return next((n for n, p in self.named_parameters() if p.ndim == KERNEL), super().input_layer)

    def reset_buffers(self) -> None:
        """Recomputes position indices, masks and the like, which no file holds."""
        reset_buffers(self, lambda: rebuilt(type(self), self._options))


class TimmHead(Head):
    """The classifier that a network of timm was published with.

    Args:
        inputs: description of the last map.
        classes: length of the output vector.
        source: what the network is built from.
        plan: which of its modules belong to the features.
    """

    def __init__(self, *, inputs: Sequence[FeatureInfo], classes: int, source: Source, plan: Plan) -> None:
        super().__init__(task=Multiclass(), inputs=inputs, outputs=classes)
        self.model = plan.head(source.create(classes))
        self._parts = {"inputs": inputs, "classes": classes, "source": source, "plan": plan}

    def forward(self, *features: Tensor) -> Tensor:
        """N x classes logits of the last map."""
        self.check_features(features)
        return cast(Tensor, self.model.forward_head(features[0]))  # type: ignore[operator]

    def reset_buffers(self) -> None:
        """Recomputes the buffers that no file holds."""
        reset_buffers(self, lambda: rebuilt(type(self), self._parts))


def rebuilt(kind: Callable[..., nn.Module], options: Mapping[str, Any]) -> nn.Module:
    """A second module of the same options, on the CPU."""
    # The caller may be on the meta device, where buffers have no values
    with torch.device("cpu"):
        return kind(**options)


def input_spec(cfg: Mapping[str, Any]) -> InputSpec:
    """The preprocessing that a pretrained configuration of timm describes."""
    # timm knows more of them, such as lanczos
    interpolation = cfg["interpolation"] if cfg["interpolation"] in INTERPOLATIONS else "bicubic"
    channels, height, width = cfg["input_size"]
    return InputSpec(
        channels=channels,
        size=(height, width),
        mean=tuple(cfg["mean"]),
        std=tuple(cfg["std"]),
        interpolation=interpolation,
    )
