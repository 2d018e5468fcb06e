"""A backbone against an independent implementation of the same network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from zoo.compose.meta_build import fill_buffers
from zoo.interfaces.backbone import Backbone
from zoo.spec.errors import ShapeError, near, quote
from zoo.weights.fitting import assign
from zoo.weights.matching import converted

_OUTPUT = "output"
_DRAWS = 3
"""Batches of images that a gradient may agree on: one unit so near its kink that rounding puts it on the
other side moves it by a hundredth, which one batch in a hundred has; what is wrong differs on each."""


def published(
    net: Backbone,
    reference: nn.Module,
    *,
    sizes: Iterable[tuple[int, int]] | None = None,
    blocks: Mapping[str, str] | None = None,
    rtol: float = 1e-4,
    atol: float = 1e-4,
) -> None:
    """Checks that a backbone with another implementation's weights computes what that one computes.

    The reference's state dict goes through `net.convert`; what it calls `head.*` is for `net.original_head`.
    All must fit by name and shape. Then both run on the same random batches in inference mode: outputs of the
    named blocks, output of the whole, and the gradient that reaches the images have to agree, the last one on
    one of three batches.

    A fresh network's constant vectors (biases of 0, scales of 1, statistics of norms) would hide what is
    swapped or left out, and are drawn at random in the reference first; published weights have none. With a
    reference on the meta device, names and shapes alone are checked.

    Args:
        net: takes over the reference's tensors, without a copy; may be on the meta device.
        reference: takes `N x C x H x W` and returns logits, or, where the backbone has no classifier that was
            published, its last map.
        sizes: heights and widths to compare at; the backbone's usual one where None.
        blocks: blocks or taps of the backbone, in order, each with the path of the reference's module that
            ends there, such as `{"block2": "layer1"}`.
        rtol: relative tolerance of outputs; that of gradients is ten times as wide.
        atol: absolute tolerance of outputs.

    Raises:
        AssertionError: outputs or gradients differ; the first place is named.
        WeightsError: names or shapes do not fit.
        ShapeError: the reference has no such module, or runs it more than once.

    Example:
        >>> from zoo import InputSpec
        >>> from zoo.interfaces import Block
        >>> _ = torch.manual_seed(0)
        >>> theirs = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3))
        >>> class Ours(Backbone):
        ...     def __init__(self, slope=0.0):
        ...         first = Block(conv=nn.Conv2d(3, 4, 3), relu=nn.LeakyReLU(slope))
        ...         second = Block(conv=nn.Conv2d(4, 8, 3))
        ...         super().__init__([first, second], input_spec=InputSpec(size=(16, 16)))
        ...     def convert(self, state):
        ...         names = {"0": "block1.conv", "2": "block2.conv"}
        ...         return {f"{names[key[0]]}{key[1:]}": value for key, value in state.items()}
        >>> published(Ours(), theirs, blocks={"block1": "1"})
        >>> published(Ours(slope=0.1), theirs, blocks={"block1": "1"})
        Traceback (most recent call last):
        AssertionError: Ours at 16x16: expected block1 as the reference's 1, got values up to 0.2 apart
    """
    places = dict(blocks or {})
    _draw_constants(reference)
    body, head_state, _ = converted(net, reference.state_dict())
    _load(net, body, reference)
    head: nn.Module | None = None
    for size in sizes or (net.input_spec.size,):
        where, apart = f"{type(net).__name__} at {size[0]}x{size[1]}: expected", 0.0
        for draw in range(_DRAWS):
            # With a gradient, which is compared too
            x = _images(net, size, draw, next(reference.parameters()).device)
            theirs = _outputs(reference.eval(), x, places)
            if head is None and head_state:
                head = net.original_head(theirs[_OUTPUT].shape[-1], net.block_infos(size)[-1:])
                _load(head, head_state, reference)
            ours = net.taps(x, places) if places else {}
            last = net(x)
            ours[_OUTPUT] = last if head is None else head(last)
            for name, place in {**places, _OUTPUT: _OUTPUT}.items():
                _compare(f"{where} {name} as the reference's {place}", ours[name], theirs[name], rtol, atol)
            apart = 0.0 if x.is_meta else _gradients_apart(x, ours[_OUTPUT], theirs[_OUTPUT])
            if apart <= 10 * rtol:  # which nan is not
                break
        else:
            got = f"one {apart:.3g} of its norm apart"
            raise AssertionError(f"{where} the reference's gradient of the images, got {got}")


def _load(module: nn.Module, state: Mapping[str, Tensor], reference: nn.Module) -> None:
    assign(module, state, f"of {type(reference).__name__}")
    if not any(tensor.is_meta for tensor in state.values()):
        fill_buffers(module)
    module.eval()


def _draw_constants(module: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if tensor.ndim != 1 or tensor.is_meta or not tensor.is_floating_point():
            continue
        if bool((tensor == tensor[0]).all()):
            # Scales and variances away from 0, biases and means around it
            least = 0.5 if tensor[0] or name.endswith("running_var") else -0.5
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + least)


def _images(net: Backbone, size: tuple[int, int], draw: int, device: torch.device) -> Tensor:
    x = torch.randn(2, net.input_spec.channels, *size, generator=torch.Generator().manual_seed(1 + draw))
    return x.to(device).requires_grad_()


def _outputs(reference: nn.Module, x: Tensor, places: Mapping[str, str]) -> dict[str, Tensor]:
    with _recorded(reference, places) as found:
        logits = reference(x)
    text = type(reference).__name__
    if not isinstance(logits, Tensor):
        hint = "wrap it in a module that returns its last map or its logits"
        raise ShapeError(text, expected="one tensor as output", got=type(logits).__name__, hint=hint)
    for name, place in places.items():
        if (runs := len(found[name])) != 1:
            hint = "name one that ends the block"
            text = f"{text}.{place}"
            raise ShapeError(text, expected="a module that runs once", got=f"{runs} runs", hint=hint)
    return {**{name: values[0] for name, values in found.items()}, _OUTPUT: logits}


@contextmanager
def _recorded(reference: nn.Module, places: Mapping[str, str]) -> Iterator[dict[str, list[Tensor]]]:
    """Outputs of the modules while the reference runs, before a later step changes them in place."""
    modules = dict(reference.named_modules(remove_duplicate=False))
    found: dict[str, list[Tensor]] = {name: [] for name in places}
    hooks = []
    try:
        for name, place in places.items():
            if place not in modules:
                text, hint = type(reference).__name__, near(place, [*modules][1:])
                raise ShapeError(text, expected="the path of a module", got=quote(place), hint=hint)
            keep = found[name].append
            # Cloned: a later step may work in place
            hooks.append(modules[place].register_forward_hook(lambda *run, keep=keep: keep(run[2].clone())))
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _compare(text: str, ours: Tensor, theirs: Tensor, rtol: float, atol: float) -> None:
    shapes = [tuple(each.shape) for each in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise AssertionError(f"{text}, {shapes[1]}, got {shapes[0]}")
    if not theirs.is_meta and not torch.allclose(ours, theirs, rtol=rtol, atol=atol):
        apart = float((ours - theirs).detach().abs().max())
        raise AssertionError(f"{text}, got values up to {apart:.3g} apart")


def _gradients_apart(x: Tensor, ours: Tensor, theirs: Tensor) -> float:
    """Share of the norm by which they differ."""
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(2))
    one, two = (torch.autograd.grad((out * weights).sum(), x)[0] for out in (ours, theirs))
    return float((one - two).norm() / two.norm())
