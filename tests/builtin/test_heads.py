from dataclasses import replace

import pytest
import torch

import zoo
from zoo.builtin import heads
from zoo.interfaces.blocks.feature_info import FeatureInfo
from zoo.spec.errors import OptionError, ShapeError

VGG = FeatureInfo(name="block5", channels=512, reduction=32, layout="NCHW", size=(4, 4))
TOKENS = FeatureInfo(name="block12", channels=8, reduction=16, layout="NLC", size=(2, 3), prefix=1)
X = torch.rand(2, 512, 4, 4, generator=torch.Generator().manual_seed(0))


def parameters(head: torch.nn.Module) -> int:
    return sum(p.numel() for p in head.parameters())


def test_flatten_with_256_hidden_units_is_the_documents_classifier() -> None:
    head = heads.BinaryHead(inputs=[VGG], classes=2, pool="flatten", hidden=[256], dropout=0.5)
    assert parameters(head) == 2_097_665
    assert head(X).shape == (2, 1)


@pytest.mark.parametrize(
    ("name", "classes", "outputs"),
    [
        ("Binary", None, 1),
        ("Multiclass", 7, 7),
        ("Ordinal", 4, 3),
        ("Multilabel", 5, 5),
        ("Regression", None, 1),
        ("Embedding", None, 128),
    ],
)
def test_outputs_follow_from_the_task(name: str, classes: int | None, outputs: int) -> None:
    head = getattr(heads, f"{name}Head")(inputs=[VGG], classes=classes)
    assert head(X).shape == (2, outputs)
    assert parameters(head) == 512 * outputs + outputs


@pytest.mark.parametrize(("pool", "factor"), [("avg", 1), ("max", 1), ("avgmax", 2), ("flatten", 16)])
def test_pooling_gives_what_it_says(pool: str, factor: int) -> None:
    head = heads.BinaryHead(inputs=[VGG], pool=pool)
    flat = X.flatten(2)
    expected = {
        "avg": flat.mean(2),
        "max": flat.amax(2),
        "avgmax": torch.cat([flat.mean(2), flat.amax(2)], 1),
        "flatten": X.flatten(1),
    }[pool]
    assert head.last.in_features == 512 * factor
    torch.testing.assert_close(head(X), head.last(expected))


@pytest.mark.parametrize("pool", ["avg", "max", "avgmax", "flatten"])
def test_a_vector_is_pooled_to_itself_as_a_map_of_one_pixel_is(pool: str) -> None:
    """Bit for bit, gradients included, though nothing is computed for a vector."""
    vector = FeatureInfo(name="fc", channels=8, reduction=None, layout="NC", size=None)
    pixel = FeatureInfo(name="fc", channels=8, reduction=1, layout="NCHW", size=(1, 1))
    head = heads.BinaryHead(inputs=[vector], pool=pool)
    other = heads.BinaryHead(inputs=[pixel], pool=pool)
    other.load_state_dict(head.state_dict())
    x = torch.randn(4, 8, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    ours, theirs = head(x), other(y[:, :, None, None])
    ours.square().sum().backward()
    theirs.square().sum().backward()
    assert torch.equal(ours, theirs)
    assert torch.equal(x.grad, y.grad)
    assert torch.equal(head.last.weight.grad, other.last.weight.grad)


def test_tokens_are_pooled_without_their_prefix_in_any_number() -> None:
    head = heads.BinaryHead(inputs=[TOKENS])
    x = torch.rand(2, 1 + 12, 8)
    torch.testing.assert_close(head(x), head.last(x[:, 1:].mean(1)))


def test_several_taps_lie_side_by_side() -> None:
    head = heads.MulticlassHead(inputs=[TOKENS, VGG], classes=3, taps=["block12", "block5"])
    assert head.last.in_features == 8 + 512
    assert head(torch.rand(2, 7, 8), X).shape == (2, 3)


def test_dropout_stands_in_front_of_the_last_layer_only_in_training() -> None:
    head = heads.RegressionHead(inputs=[VGG], dropout=0.5)
    assert not torch.equal(head(X), head(X))
    head.eval()
    assert torch.equal(head(X), head(X))


def test_embeddings_have_length_one_unless_told_otherwise() -> None:
    one = heads.EmbeddingHead(inputs=[VGG], dim=16)(X).norm(dim=1)
    torch.testing.assert_close(one, torch.ones(2))
    assert not torch.allclose(
        heads.EmbeddingHead(inputs=[VGG], dim=16, normalise=False)(X).norm(dim=1), torch.ones(2)
    )


def test_flatten_of_another_size_says_what_to_do() -> None:
    head = heads.BinaryHead(inputs=[VGG], pool="flatten")
    with pytest.raises(ShapeError, match="expected a map of 4x4, got 5x5; resize the images"):
        head(torch.rand(1, 512, 5, 5))


def test_flatten_of_an_unknown_size_says_what_to_do() -> None:
    loose = FeatureInfo(name="block5", channels=8, reduction=32, layout="NCHW", size=None)
    with pytest.raises(ShapeError, match=r"known size.*input_size"):
        heads.BinaryHead(inputs=[loose], pool="flatten")


def test_three_classes_do_not_fit_a_binary_head() -> None:
    with pytest.raises(OptionError, match="expected 2 classes, got 3"):
        heads.BinaryHead(inputs=[VGG], classes=3)


@pytest.mark.parametrize(
    ("layout", "size", "cells", "fits"),
    [
        ("NLC", (3, 2), (2, 3), True),  # tokens are counted, whatever grid they are laid in
        ("NLC", (3, 2), (2, 2), False),
        ("NCHW", (3, 2), (3, 2), True),
        ("NCHW", (3, 2), (2, 3), False),
        ("NC", None, (1, 1), True),
    ],
)
def test_a_flat_head_takes_maps_of_its_size_alone(layout, size, cells, fits):
    info = FeatureInfo(name="block1", channels=4, reduction=2, layout=layout, size=size)
    if fits:
        heads.PooledHead._check_size(torch.zeros(1, 4, *cells), info)
        return
    with pytest.raises(ShapeError, match="expected a map of 3x2"):
        heads.PooledHead._check_size(torch.zeros(1, 4, *cells), info)


# -- tokens ----------------------------------------------------------------------------------------------

# A class token, a register and a map of 2 x 2
CLASS_TOKEN = FeatureInfo(
    name="block2",
    channels=3,
    reduction=16,
    layout="NLC",
    size=(2, 2),
    prefix=2,
    class_tokens=1,
    pooling="token",
)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (None, [0, 1, 2]),
        ("token", [0, 1, 2]),
        ("avg", [10.5, 11.5, 12.5]),
        ("token+avg", [0, 1, 2, 10.5, 11.5, 12.5]),
        ("max", [15, 16, 17]),
    ],
)
def test_tokens_are_pooled_as_is_said_or_as_the_network_does(pool: str | None, expected: list[float]) -> None:
    x = torch.arange(18.0).reshape(1, 6, 3)
    head = heads.RegressionHead(inputs=[CLASS_TOKEN], pool=pool)
    assert head.last.in_features == len(expected)
    assert torch.equal(head(x), head.last(torch.tensor([expected], dtype=torch.float32)))
    assert head.settled == {"pool": pool or "token"}


def test_two_class_tokens_are_one_by_their_mean() -> None:
    x = torch.arange(18.0).reshape(1, 6, 3)
    head = heads.RegressionHead(inputs=[replace(CLASS_TOKEN, class_tokens=2)])
    assert torch.equal(head(x), head.last(torch.tensor([[1.5, 2.5, 3.5]])))


def test_the_networks_own_pooling_of_taps_that_differ_is_the_mean() -> None:
    assert heads.RegressionHead(inputs=[CLASS_TOKEN, VGG]).pool == "avg"
    assert heads.RegressionHead(inputs=[CLASS_TOKEN, CLASS_TOKEN]).pool == "token"
    assert heads.RegressionHead(inputs=[VGG]).settled == {"pool": "avg"}


@pytest.mark.parametrize(
    "info", [VGG, replace(CLASS_TOKEN, class_tokens=0), replace(VGG, layout="NC", size=None)]
)
@pytest.mark.parametrize("pool", ["token", "token+avg"])
def test_a_class_token_of_what_has_none_is_refused(info: FeatureInfo, pool: str) -> None:
    with pytest.raises(ShapeError, match=r"expected tokens with a class token in front, got .* without one"):
        heads.RegressionHead(inputs=[info], pool=pool)


def test_one_tap_or_width_is_a_list_of_one() -> None:
    model = zoo.build(
        "tiny_resnet", head={"name": "binary", "taps": "block2", "hidden": 4}, input_size=16, seed=0
    )
    assert model.recipe.model.head["taps"] == ["block2"]
    assert model.recipe.model.head["hidden"] == [4]
    assert model.backbone.block_names == ("block1", "block2")
    with pytest.raises(zoo.ZooError, match="hidden"):
        zoo.build("tiny_resnet", head={"name": "binary", "hidden": True})
