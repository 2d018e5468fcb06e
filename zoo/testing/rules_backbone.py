"""The contract of a backbone."""

from __future__ import annotations

import copy
import inspect

import torch
from torch import Tensor, nn

from zoo.compose.meta_build import fill_buffers, meta_tensors, on_meta_device
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import State
from zoo.registry.loading import resolve_config, resolve_target
from zoo.testing.case import Case
from zoo.weights.fitting import assign


def rule_it_is_a_chain_of_blocks(case: Case) -> None:
    """Blocks are named block1 .. blockN and hold every parameter exactly once."""
    backbone = case.backbone()
    assert isinstance(backbone, Backbone)
    assert list(backbone.blocks) == [f"block{i + 1}" for i in range(len(backbone.blocks))]
    # By identity: parameters compare by value
    inside = [id(p) for block in backbone.blocks.values() for p in block.parameters()]
    assert len(inside) == len(set(inside))
    assert set(inside) == {id(p) for p in backbone.parameters()}


def rule_up_to_then_from_any_block_is_the_whole(case: Case) -> None:
    """Stopping after any block and going on from there changes nothing."""
    backbone, x = case.backbone().eval(), case.images()
    with torch.no_grad():
        whole = backbone(x)
        for name in backbone.block_names:
            state = backbone.run(x, until=name)
            assert torch.equal(backbone.feature(backbone.run(state, after=name)), whole), name


def rule_it_is_deterministic_in_eval(case: Case) -> None:
    """In inference mode one input gives one output, and the input is left as it is."""
    backbone, x = case.backbone().eval(), case.images()
    before = x.clone()
    with torch.no_grad():
        assert torch.equal(backbone(x), backbone(x))
    assert torch.equal(x, before)
    assert bool(torch.isfinite(backbone(x)).all())


def rule_descriptions_are_true(case: Case) -> None:
    """Channels, size and layout read off the meta device are those of a real forward."""
    backbone, x = case.backbone().eval(), case.images()
    infos = backbone.block_infos(case.size)
    with torch.no_grad():
        state: State = x
        for info in infos:
            state = getattr(backbone, info.name)(state)
            real = backbone.feature(state)
            assert real.shape[info.layout.index("C")] == info.channels, info.name
            if info.layout in ("NCHW", "NHWC"):
                # Height and width stand side by side in either layout
                at = info.layout.index("H")
                assert tuple(real.shape[at : at + 2]) == info.size, info.name


def rule_taps_are_what_the_forward_computes(case: Case) -> None:
    """Default taps have rising reductions, and a tap's values outlive the rest of the forward."""
    backbone, x = case.backbone().eval(), case.images()
    infos = backbone.pyramid(case.size)
    reductions = [info.reduction or 0 for info in infos]
    assert reductions == sorted(set(reductions))
    names = [info.name for info in infos] or [backbone.block_names[-1]]
    with torch.no_grad():
        # To the end, so that later steps could spoil what was kept
        taps = backbone.taps(x, [*names, backbone.block_names[-1]])
        assert torch.equal(taps[backbone.block_names[-1]], backbone(x))
        for name in names:
            (alone,) = backbone.taps(x, [name]).values()
            assert torch.equal(alone, taps[name]), f"{name} is changed in place by a later step"


def rule_what_is_left_of_it_computes_the_same(case: Case) -> None:
    """Cut behind any block, it computes what that block gave, and holds nothing of those behind."""
    backbone, x = case.backbone().eval(), case.images()
    names, own = backbone.block_names, backbone.state_dict().keys()
    with torch.no_grad():
        taps = backbone.taps(x, names)
        for count in range(len(names), 0, -1):
            kept = names[:count]
            assert torch.equal(backbone.cut([kept[-1]])(x), taps[kept[-1]]), kept[-1]
            assert backbone.block_names == kept
            assert backbone.state_dict().keys() == {key for key in own if key.split(".")[0] in kept}


def rule_no_step_changes_its_input(case: Case) -> None:
    """Every step leaves the tensors that it is given as they are, since a tap may hold them."""
    backbone = case.backbone().eval()
    state: State = case.images()
    with torch.no_grad():
        for step, module in backbone.steps():
            given = state if isinstance(state, tuple) else (state,)
            before = [tensor.clone() for tensor in given]
            state = module(state)
            same = all(torch.equal(*pair) for pair in zip(given, before, strict=True))
            assert same, f"{step} changes its input in place, which a tap may hold; say inplace=False"


def rule_frozen_blocks_stay_as_they_are(case: Case) -> None:
    """With its first half frozen, training moves no tensor of it, statistics included, but the rest."""
    backbone = case.backbone()
    names = backbone.block_names
    half = names[: max(len(names) // 2, 1)]
    backbone.freeze(",".join(half))
    frozen = {k: v.clone() for name in half for k, v in backbone.blocks[name].state_dict().items()}
    rest = {k: v.clone() for k, v in backbone.state_dict().items() if k.split(".")[0] not in half}
    # The flag has to go where the block goes
    backbone = copy.deepcopy(backbone)
    train_a_little(backbone, case.images(4))
    for name in half:
        assert not any(m.training for m in backbone.blocks[name].modules())
        assert not any(p.requires_grad for p in backbone.blocks[name].parameters())
    now = {k: v for name in half for k, v in backbone.blocks[name].state_dict().items()}
    assert all(torch.equal(frozen[k], now[k]) for k in frozen)
    if any(p.requires_grad for p in backbone.parameters()):
        after = backbone.state_dict()
        assert any(not torch.equal(rest[k], after[k]) for k in rest)


def rule_unfreezing_restores_what_was(case: Case) -> None:
    """After freeze and unfreeze, gradients and modes of every module are as before."""
    backbone = case.backbone().train()
    # One that a user has fixed has to stay fixed
    next(iter(backbone.parameters())).requires_grad_(False)
    grads = {k: p.requires_grad for k, p in backbone.named_parameters()}
    modes = {k: m.training for k, m in backbone.named_modules()}
    backbone.freeze("all")
    # Modes that are asked for while all is frozen
    backbone.train().eval()
    backbone.train()
    backbone.unfreeze("all")
    assert {k: p.requires_grad for k, p in backbone.named_parameters()} == grads
    assert {k: m.training for k, m in backbone.named_modules()} == modes


def rule_it_takes_any_number_of_channels(case: Case) -> None:
    """Gray and four-channel images work, and three-channel weights are adapted to them."""
    for channels in (1, 4):
        backbone = case.backbone(in_channels=channels).eval()
        assert backbone.input_spec.channels == channels
        state = backbone.adapt_input(case.backbone().state_dict())
        backbone.load_state_dict(state)
        with torch.no_grad():
            backbone(case.images(channels=channels))


def rule_convert_changes_names_alone(case: Case) -> None:
    """Keys that are the backbone's own already, and unknown ones, come back as they are."""
    backbone = case.backbone()
    # An unknown key has to reach the strict check, which names it
    state = {**backbone.state_dict(), "mystery.weight": torch.zeros(1)}
    converted = backbone.convert(state)
    assert set(converted) == set(state)
    assert all(torch.equal(converted[key], state[key]) for key in state)


def rule_options_are_the_constructors(case: Case) -> None:
    """The constructor takes every option, and in_channels, by keyword."""
    config = resolve_config(case.entry.component)
    parameters = inspect.signature(resolve_target(case.entry.component)).parameters
    wanted = {"in_channels", *(config.model_fields if config else ())}
    assert wanted <= set(parameters)
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert all(p.default is not p.empty for name, p in parameters.items() if name not in wanted)


def rule_it_loads_on_the_meta_device(case: Case) -> None:
    """Built without memory and filled from a state dict, it computes the same and leaves no meta tensor."""
    original, x = case.backbone().eval(), case.images()
    with on_meta_device():
        loaded: Backbone = case.part(in_channels=3)
    assign(loaded, original.state_dict(), case.entry.component.name)
    fill_buffers(loaded)
    assert meta_tensors(loaded) == []
    with torch.no_grad():
        assert torch.equal(loaded.eval()(x), original(x))


def rule_seeds_repeat_the_weights(case: Case) -> None:
    """One seed gives one set of weights, two give two."""
    one, same, other = (case.backbone(seed=s).state_dict() for s in (0, 0, 1))
    assert all(torch.equal(one[k], same[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)


def train_a_little(module: nn.Module, x: Tensor, steps: int = 2) -> None:
    """Optimiser steps with momentum and weight decay, which would move what should not move."""
    module.train()
    parameters = list(module.parameters())
    optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, weight_decay=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = module(x).float().pow(2).mean()
        # Of a backbone with one block, all is frozen
        if loss.requires_grad:
            loss.backward()
        optimizer.step()
