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
from zoo.spec.display import counted
from zoo.spec.errors import listing
from zoo.testing.case import Case
from zoo.weights.fitting import assign


def rule_it_is_a_chain_of_blocks(case: Case) -> None:
    """Blocks are named block1 .. blockN and hold every parameter exactly once."""
    backbone = case.backbone()
    target = case.entry.component.target
    got = type(backbone).__name__
    expected = f"{target}: expected a subclass of zoo.interfaces.Backbone"
    assert isinstance(backbone, Backbone), f"{expected}, got {got}; derive it from that"
    wanted, got = [f"block{i + 1}" for i in range(len(backbone.blocks))], listing(backbone.blocks)
    step = "hand them to super().__init__ as a list, which names them"
    assert list(backbone.blocks) == wanted, f"{target}: expected {listing(wanted)}, got {got}; {step}"
    # By identity: parameters compare by value
    inside = [id(p) for block in backbone.blocks.values() for p in block.parameters()]
    step = "give each block parameters of its own"
    assert len(inside) == len(set(inside)), f"{target}: expected no parameter in two blocks, got some; {step}"
    # Buffers too, since weights are cut and loaded by block
    outside = [key for key in backbone.state_dict() if key.split(".")[0] not in backbone.blocks]
    step = "make it a step of a block"
    assert outside == [], (
        f"{target}: expected all tensors in blocks, got {listing(outside, 3)} outside; {step}"
    )


def rule_up_to_then_from_any_block_is_the_whole(case: Case) -> None:
    """Stopping after any block and going on from there changes nothing."""
    backbone, x = case.backbone().eval(), case.images()
    with torch.no_grad():
        whole = backbone(x)
        for name in backbone.block_names:
            state = backbone.run(x, until=name)
            same = torch.equal(backbone.feature(backbone.run(state, after=name)), whole)
            assert same, f"run until {name} and on: expected the output of the whole, got another; {_STEPS}"


_STEPS = "let every step compute from what the step before returned, and from nothing else"


def rule_it_is_deterministic_in_eval(case: Case) -> None:
    """In inference mode one input gives one output, and the input is left as it is."""
    backbone, x = case.backbone().eval(), case.images()
    before = x.clone()
    with torch.no_grad():
        one, two = backbone(x), backbone(x)
    step = "draw random numbers in training alone (if self.training)"
    assert torch.equal(one, two), f"in inference mode: expected one output for one input, got two; {step}"
    assert torch.equal(x, before), "expected the images to stay, got others; say inplace=False"
    step = "look at divisions, roots and the initial weights"
    assert bool(torch.isfinite(one).all()), f"expected a finite output, got infinite or undefined; {step}"


def rule_descriptions_are_true(case: Case) -> None:
    """Channels, size and layout read off the meta device are those of a real forward."""
    backbone, x = case.backbone().eval(), case.images()
    infos = backbone.block_infos(case.size)
    with torch.no_grad():
        state: State = x
        for info in infos:
            state = getattr(backbone, info.name)(state)
            real = backbone.feature(state)
            step = "correct the layout of the block, or what its forward returns"
            text = (
                f"{info.name}: expected {info.layout} with C = {info.channels}, got {[*real.shape]}; {step}"
            )
            assert real.ndim == len(info.layout), text
            assert real.shape[info.layout.index("C")] == info.channels, text
            if info.layout in ("NCHW", "NHWC"):
                # Height and width stand side by side in either layout
                at = info.layout.index("H")
                text = f"{info.name}: expected height and width {info.size}, got {[*real.shape]}; {step}"
                assert tuple(real.shape[at : at + 2]) == info.size, text


def rule_taps_are_what_the_forward_computes(case: Case) -> None:
    """Default taps have rising reductions, and a tap's values outlive the rest of the forward."""
    backbone, x = case.backbone().eval(), case.images()
    infos = backbone.pyramid(case.size)
    reductions = [info.reduction or 0 for info in infos]
    step = "name taps in the order of the network, one a size"
    rising = reductions == sorted(set(reductions))
    assert rising, f"taps: expected rising reductions, got {reductions}; {step}"
    names = [info.name for info in infos] or [backbone.block_names[-1]]
    with torch.no_grad():
        # To the end, so that later steps could spoil what was kept
        taps = backbone.taps(x, [*names, backbone.block_names[-1]])
        last = backbone.block_names[-1]
        same = torch.equal(taps[last], backbone(x))
        assert same, f"tap {last}: expected the output of the forward, got another; {_STEPS}"
        for name in names:
            (alone,) = backbone.taps(x, [name]).values()
            text = f"{name} is changed in place by a later step; say inplace=False there"
            assert torch.equal(alone, taps[name]), text


def rule_what_is_left_of_it_computes_the_same(case: Case) -> None:
    """Cut behind any block, it computes what that block gave, and holds nothing of those behind."""
    backbone, x = case.backbone().eval(), case.images()
    names, own = backbone.block_names, backbone.state_dict().keys()
    with torch.no_grad():
        taps = backbone.taps(x, names)
        for count in range(len(names), 0, -1):
            kept = names[:count]
            same = torch.equal(backbone.cut([kept[-1]])(x), taps[kept[-1]])
            text = f"cut behind {kept[-1]}"
            assert same, f"{text}: expected what the block gave, got another output; {_STEPS}"
            got = listing(backbone.block_names)
            step = "keep nothing beside the blocks that names them"
            assert backbone.block_names == kept, f"{text}: expected {listing(kept)}, got {got}; {step}"
            wanted = {key for key in own if key.split(".")[0] in kept}
            more = listing(sorted({*backbone.state_dict()} ^ wanted), 3)
            text = f"{text}: expected the tensors of those blocks, got others ({more})"
            assert backbone.state_dict().keys() == wanted, f"{text}; {step}"


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
        awake = [key for key, module in backbone.blocks[name].named_modules() if module.training]
        step = "override neither train() nor freeze() without super()"
        text = f"{name} is frozen: expected all of it in inference mode, got {listing(awake, 3)} in training"
        assert awake == [], f"{text}; {step}"
        live = [key for key, p in backbone.blocks[name].named_parameters() if p.requires_grad]
        text = f"{name} is frozen: expected no gradients, got some for {listing(live, 3)}"
        assert live == [], f"{text}; {step}, and set no requires_grad in forward"
    now = {k: v for name in half for k, v in backbone.blocks[name].state_dict().items()}
    moved = [k for k in frozen if not torch.equal(frozen[k], now[k])]
    step = "let forward set no buffer but in training (if self.training)"
    assert moved == [], f"expected frozen blocks to stay, got {listing(moved, 3)} moved; {step}"
    if any(p.requires_grad for p in backbone.parameters()):
        after = backbone.state_dict()
        step = "let every block's parameters reach the output"
        moving = any(not torch.equal(rest[k], after[k]) for k in rest)
        assert moving, f"expected the other blocks to train, got none that moved; {step}"


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
    step = "override neither train(), freeze() nor unfreeze() without super()"
    other = [k for k, p in backbone.named_parameters() if p.requires_grad != grads[k]]
    assert other == [], (
        f"after unfreeze: expected gradients as before, got others of {listing(other, 3)}; {step}"
    )
    other = [k for k, m in backbone.named_modules() if m.training != modes[k]]
    assert other == [], f"after unfreeze: expected modes as before, got others of {listing(other, 3)}; {step}"


def rule_it_takes_any_number_of_channels(case: Case) -> None:
    """Gray and four-channel images work, and three-channel weights are adapted to them."""
    for channels in (1, 4):
        backbone = case.backbone(in_channels=channels).eval()
        got = backbone.input_spec.channels
        step = "make it with InputSpec(channels=in_channels, ...)"
        assert got == channels, (
            f"input_spec: expected {counted(channels, 'channel')} as in_channels, got {got}; {step}"
        )
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
    other = sorted({*converted} ^ {*state})
    step = "rename published names alone, and hand on all else"
    assert other == [], (
        f"convert: expected its own keys and unknown ones back, got other {listing(other, 3)}; {step}"
    )
    other = [key for key in state if not torch.equal(converted[key], state[key])]
    assert other == [], (
        f"convert: expected its own tensors as they are, got other {listing(other, 3)}; {step}"
    )


def rule_options_are_the_constructors(case: Case) -> None:
    """The constructor takes every option, and in_channels, by keyword."""
    config = resolve_config(case.entry.component)
    parameters = inspect.signature(resolve_target(case.entry.component)).parameters
    wanted = {"in_channels", *(config.model_fields if config else ())}
    where = case.entry.component.target
    lacking = sorted(wanted - {*parameters})
    assert lacking == [], (
        f"{where}: expected arguments for all options, got none for {listing(lacking)}; add them"
    )
    loose = [name for name, p in parameters.items() if p.kind is not p.KEYWORD_ONLY]
    text = f"{where}: expected arguments by keyword alone, got {listing(loose)}"
    assert loose == [], f"{text}; write __init__(self, *, ...)"
    bare = [name for name, p in parameters.items() if name not in wanted and p.default is p.empty]
    text = f"{where}: expected a default for what is no option, got none for {listing(bare)}"
    assert bare == [], f"{text}; give one, or declare the option"


def rule_it_loads_on_the_meta_device(case: Case) -> None:
    """Built without memory and filled from a state dict, it computes the same and leaves no meta tensor."""
    original, x = case.backbone().eval(), case.images()
    with on_meta_device():
        loaded: Backbone = case.part(in_channels=3)
    assign(loaded, original.state_dict(), case.entry.component.name)
    fill_buffers(loaded)
    empty = meta_tensors(loaded)
    step = "fill buffers that are not in the state dict in reset_buffers()"
    text = f"built without memory: expected every tensor filled, got {listing(empty, 3)} without values"
    assert empty == [], f"{text}; {step}"
    with torch.no_grad():
        same = torch.equal(loaded.eval()(x), original(x))
    assert same, f"built without memory and loaded: expected the same output, got another; {step}"


def rule_seeds_repeat_the_weights(case: Case) -> None:
    """One seed gives one set of weights, two give two."""
    one, same, other = (case.backbone(seed=s).state_dict() for s in (0, 0, 1))
    apart = [k for k in one if not torch.equal(one[k], same[k])]
    step = "draw weights from torch's global generator alone"
    assert apart == [], f"one seed: expected the same weights, got other {listing(apart, 3)}; {step}"
    drawn = any(not torch.equal(one[k], other[k]) for k in one)
    assert drawn, f"two seeds: expected two sets of weights, got one; {step}, and seed nothing"


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
