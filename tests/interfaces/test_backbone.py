"""A chain of blocks that is worked out by hand: what is run, tapped, described, frozen and fitted."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zoo.interfaces.backbone import Backbone
from zoo.interfaces.blocks.block import Block
from zoo.interfaces.blocks.state_dicts import as_linear
from zoo.interfaces.head import Head, OriginalHead
from zoo.interfaces.tasks.choice import BY_NAME
from zoo.spec.errors import FreezeError, ShapeError, WeightsError
from zoo.spec.inputs import InputSpec

GRAY = InputSpec(channels=1, size=(8, 16), mean=(0.0,), std=(1.0,))
X = torch.ones(2, 1, 8, 16)


class Plus(nn.Module):
    """Adds a number and counts its calls; halves height and width where asked."""

    def __init__(self, number: float, *, stride: int = 1) -> None:
        super().__init__()
        self.number, self.stride, self.calls = number, stride, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x[:, :, :: self.stride, :: self.stride] + self.number


def chain() -> Backbone:
    """Steps that add 1, 10, 100, 1000, 10000, 100000, two a block."""
    steps = [Plus(10.0**i, stride=1 + i % 2) for i in range(6)]
    return Backbone([Block(a=steps[i], b=steps[i + 1]) for i in (0, 2, 4)], input_spec=GRAY)


def calls(backbone: Backbone) -> list[int]:
    return [module.calls for _, module in backbone.steps()]  # type: ignore[misc]


def only(x: Tensor) -> float:
    (value,) = x.unique().tolist()
    return float(value)


# -- running -------------------------------------------------------------------------------------------


def test_steps_are_named_in_order() -> None:
    net = chain()
    assert [name for name, _ in net.steps()] == [f"block{k}.{s}" for k in (1, 2, 3) for s in "ab"]
    assert [*net.blocks] == ["block1", "block2", "block3"]


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [
        (None, None, 111112),
        (None, "block1", 12),
        (None, "block2", 1112),
        ("block1", None, 111101),
        ("block1", "block2", 1101),
        ("block2", "block3", 110001),
        ("block3", None, 1),
        ("block2", "block2", 1),
    ],
)
def test_a_stretch_begins_after_one_block_and_ends_with_another(
    after: str | None, until: str | None, expected: int
) -> None:
    assert only(chain().run(X, after=after, until=until)) == expected
    state, found = chain().tapped(X, [], after=after, until=until)
    assert (only(state), found) == (expected, {})


@pytest.mark.parametrize("where", [{"after": "block7"}, {"until": "block7"}])
def test_a_stretch_of_an_unknown_block_is_refused(where: dict[str, str]) -> None:
    with pytest.raises(ShapeError, match="unknown block: expected block1, block2, block3, got 'block7'"):
        chain().run(X, **where)


def test_taps_give_what_steps_return_and_run_no_further_than_the_last() -> None:
    net = chain()
    found = net.taps(X, ["block2.a", "block1"])
    assert {name: only(x) for name, x in found.items()} == {"block2.a": 112, "block1": 12}
    assert [x.shape for x in found.values()] == [(2, 1, 4, 8), (2, 1, 4, 8)]
    assert calls(net) == [1, 1, 1, 0, 0, 0]
    assert {name: only(x) for name, x in net.taps(X, ["block3", "block3.b"]).items()} == {
        "block3": 111112, "block3.b": 111112,
    }  # fmt: skip
    assert net.taps(X, []) == {}


def test_steps_on_the_way_of_a_stretch_are_kept_and_others_passed_over() -> None:
    state, found = chain().tapped(X, ["block1.a", "block2.a", "block3.b"], after="block1", until="block2")
    assert only(state) == 1101
    assert {name: only(x) for name, x in found.items()} == {"block2.a": 101}


def test_a_block_is_tapped_at_its_last_step_whatever_other_names_begin_with_its_own() -> None:
    net = Backbone([Block(a=nn.Identity(), b=nn.Identity()) for _ in range(11)])
    assert net.places(["block1", "block10", "block11.a"]) == {
        "block1": "block1.b", "block10": "block10.b", "block11.a": "block11.a",
    }  # fmt: skip


def test_an_unknown_tap_is_refused_with_the_name_that_may_be_meant() -> None:
    with pytest.raises(ShapeError, match=r"unknown tap: expected a block or step, got 'block2.c'.*block2\."):
        chain().taps(X, ["block2.c"])


class Doubled(nn.Module):
    """What passes between the blocks is a pair: the input and its double."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, 2 * x


class Second(nn.Module):
    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        return pair[1] - pair[0] + 5


def test_of_what_passes_between_blocks_the_last_is_the_map() -> None:
    net = Backbone([Block(two=Doubled()), Block(one=Second())], input_spec=GRAY)
    assert only(net(X)) == 6
    assert only(net.taps(X, ["block1"])["block1"]) == 2
    assert only(net.tapped(X, ["block1.two"])[1]["block1.two"]) == 2
    assert net.describe()["block1.two"].channels == 1
    first = Backbone([Block(two=Doubled())], input_spec=GRAY)
    assert only(first(X)) == 2


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.zeros(1, 8, 16), "expected N x 1 x H x W, got 1 x 8 x 16; add the batch axis"),
        (torch.zeros(1, 3, 8, 16), "expected N x 1 x H x W, got 1 x 3 x 8 x 16; build it with in_channels=3"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(x: Tensor, words: str) -> None:
    for run in (chain(), lambda x: chain().taps(x, ["block1"])):
        with pytest.raises(ShapeError, match=f"input of Backbone: {words}"):
            run(x)


# -- describing ----------------------------------------------------------------------------------------


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))


def test_steps_and_blocks_are_described_for_any_size() -> None:
    net = chain()
    assert [(name, i.reduction, i.size) for name, i in net.describe().items()] == [
        ("block1.a", 1, (8, 16)), ("block1.b", 2, (4, 8)),
        ("block2.a", 2, (4, 8)), ("block2.b", 4, (2, 4)),
        ("block3.a", 4, (2, 4)), ("block3.b", 8, (1, 2)),
    ]  # fmt: skip
    assert [(i.name, i.size) for i in net.block_infos((16, 16))] == [
        ("block1", (8, 8)), ("block2", (4, 4)), ("block3", (2, 2)),
    ]  # fmt: skip


def test_a_pyramid_has_the_last_map_of_each_reduction_and_no_vectors() -> None:
    net = Backbone(
        [Block(a=Plus(0, stride=2), b=Plus(0), c=Plus(0, stride=4)), Block(d=nn.Upsample(scale_factor=4)),
         Block(e=Mean())],
        input_spec=GRAY,
    )  # fmt: skip
    assert [(i.name, i.reduction) for i in net.pyramid()] == [("block2.d", 2), ("block1.c", 8)]
    assert [(i.name, i.reduction) for i in net.pyramid((32, 32))] == [("block2.d", 2), ("block1.c", 8)]


def test_a_size_that_a_network_cannot_take_is_told_with_one_that_it_can() -> None:
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if x.shape[2] != 8:
                raise ValueError("only eight rows\nand more words")
            return x

    net = Backbone([Block(a=Picky())], input_spec=GRAY)
    assert net.describe()["block1.a"].size == (8, 16)
    net.input_spec = InputSpec(channels=1, size=(9, 16), mean=(0.0,), std=(1.0,))
    words = r"cannot take images of 9x16: expected a size such as 8x16, got 9x16 \(only eight rows\)"
    with pytest.raises(ShapeError, match=words):
        net.describe()


def test_a_step_that_refuses_an_empty_batch_is_described_all_the_same() -> None:
    class Reshapes(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.reshape(len(x), -1)

    found = Backbone([Block(a=Plus(0)), Block(b=Reshapes())], input_spec=GRAY).describe()
    assert [(name, i.layout, i.channels) for name, i in found.items()] == [
        ("block1.a", "NCHW", 1), ("block2.b", "NC", 128),
    ]  # fmt: skip


# -- freezing ------------------------------------------------------------------------------------------


def test_blocks_of_a_backbone_freeze_by_name_and_thaw_in_its_mode() -> None:
    net = Backbone([Block(norm=nn.BatchNorm2d(1)) for _ in range(3)], input_spec=GRAY)
    assert net.freeze("block1,block3") is net
    assert net.frozen_blocks == ("block1", "block3")
    assert net.unfreeze("block3") is net
    assert (net.frozen_blocks, net.block3.norm.training) == (("block1",), True)
    net.eval()
    net.unfreeze()
    assert (net.frozen_blocks, net.block1.norm.training) == ((), False)
    assert [p.requires_grad for p in net.parameters()] == [True] * 6
    with pytest.raises(FreezeError, match="block4"):
        net.freeze("block4")


# -- weights -------------------------------------------------------------------------------------------


def test_a_backbone_alone_has_no_classifier_and_leaves_published_names_alone() -> None:
    with pytest.raises(WeightsError, match="Backbone has no original head; choose a head by name"):
        chain().original_head(3, [])
    state = {"a": torch.zeros(1)}
    converted = chain().convert(state)
    assert converted == state
    assert converted is not state


def convolution(channels: int) -> Backbone:
    block = Block(conv=nn.Conv2d(channels, 2, 1, bias=False))
    spec = InputSpec(channels=channels, mean=(0.0,) * channels, std=(1.0,) * channels)
    return Backbone([block], input_spec=spec)


@pytest.mark.parametrize(
    ("channels", "columns"), [(1, [6.0]), (2, [1.5, 3.0]), (3, [1.0, 2.0, 3.0]), (4, [0.75, 1.5, 2.25, 0.75])]
)
def test_weights_of_colours_are_fitted_to_other_channels(channels: int, columns: list[float]) -> None:
    net = convolution(channels)
    name = "block1.conv.weight"
    assert net.input_layer == name
    state = {name: torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).repeat(2, 1, 1, 1), "other": torch.ones(1)}
    fitted = net.adapt_input(state)
    assert fitted[name][:, :, 0, 0].tolist() == [columns, columns]
    assert fitted["other"] is state["other"]
    assert (fitted is state) == (channels == 3)


@pytest.mark.parametrize("given", [{}, {"block1.conv.weight": torch.ones(2, 3)}])
def test_what_is_no_convolution_is_left_to_the_strict_check(given: dict[str, Tensor]) -> None:
    assert convolution(1).adapt_input(given) is given
    linear = Backbone([Block(fc=nn.Linear(4, 2, bias=False))], input_spec=GRAY)
    state = {"block1.fc.weight": torch.ones(2, 3, 1, 1)}
    assert linear.adapt_input(state) is state


def test_only_a_heads_convolutions_become_linear() -> None:
    state = {"head.fc.weight": torch.arange(24.0).view(2, 3, 2, 2), "head.fc.bias": torch.ones(2),
             "block1.conv.weight": torch.ones(2, 3, 2, 2), "head.out.weight": torch.ones(2, 3)}  # fmt: skip
    shapes = {name: tuple(tensor.shape) for name, tensor in as_linear(state).items()}
    assert shapes == {
        "head.fc.weight": (2, 12), "head.fc.bias": (2,),
        "block1.conv.weight": (2, 3, 2, 2), "head.out.weight": (2, 3),
    }  # fmt: skip
    assert as_linear(state)["head.fc.weight"][0].tolist() == [*range(12)]


# -- heads ---------------------------------------------------------------------------------------------


def test_a_head_takes_just_the_taps_that_it_was_built_for() -> None:
    infos = chain().block_infos()[:2]
    head = Head(task=BY_NAME["multiclass"], inputs=infos, outputs=3)
    head.check_features([torch.zeros(2, 1, 5, 5), torch.zeros(2, 1, 7, 7)])
    with pytest.raises(ShapeError, match="head: expected 2 taps, got 1"):
        head.check_features([torch.zeros(2, 1, 5, 5)])
    for wrong in ((2, 3, 7, 7), (2, 1, 7)):
        got = " x ".join(map(str, wrong))
        words = f"head: tap block2: expected N x C x H x W with C = 1, got {got}"
        with pytest.raises(ShapeError, match=words):
            head.check_features([torch.zeros(2, 1, 5, 5), torch.zeros(wrong)])
    assert Head.tap_names({"taps": ["block1", "block2"]}) == ("block1", "block2")
    assert Head.tap_names({}) == ()


def test_an_original_head_is_its_modules_in_order_on_the_map_that_it_was_built_for() -> None:
    (info,) = chain().block_infos()[2:]
    head = OriginalHead(inputs=[info], classes=4, flat=nn.Flatten(), twice=Twice(), plus=One())
    assert (head.outputs, head.task.name, head.step_names) == (4, "multiclass", ("flat", "twice", "plus"))
    assert head(torch.full((2, 1, 1, 2), 3.0)).tolist() == [[7.0, 7.0]] * 2
    with pytest.raises(ShapeError, match="head: tap block3"):
        head(torch.zeros(2, 5, 1, 2))


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


class One(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1
