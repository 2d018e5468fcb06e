"""The losses of segmentation beside segmentation_models_pytorch's and closed forms."""

from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.losses._functional import softmax_focal_loss_with_logits
from torch import Tensor
from torch.nn import functional as F

from zoo.builtin.losses_dense import Dice, Focal, PixelCrossEntropy, PixelLoss
from zoo.interfaces import Segmentation
from zoo.spec.errors import ShapeError
from zoo.trainers import Score

WEIGHTS = (0.5, 1.0, 2.0, 4.0)


@pytest.fixture
def pixels() -> tuple[Tensor, Tensor]:
    """Logits and classes of 2 x 4 x 6 x 7, a fifth of which do not count."""
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(2, 4, 6, 7, generator=generator)
    target = torch.randint(0, 4, (2, 6, 7), generator=generator)
    target[torch.rand(2, 6, 7, generator=generator) < 0.2] = 255
    return output, target


def flat(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels that count, M x K and M."""
    counted = target != 255
    return output.movedim(1, -1)[counted], target[counted]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_torchs_over_the_pixels_that_count(pixels, smoothing: float) -> None:
    loss = PixelCrossEntropy(label_smoothing=smoothing, class_weights=WEIGHTS)
    expected = torch.nn.functional.cross_entropy(
        *flat(*pixels), weight=torch.tensor(WEIGHTS), label_smoothing=smoothing
    )
    torch.testing.assert_close(loss(*pixels), expected)
    peer = smp.losses.SoftCrossEntropyLoss(smooth_factor=0.0, ignore_index=-100)
    rows = [t[None].movedim(1, 2) if t.ndim > 1 else t[None] for t in flat(*pixels)]
    torch.testing.assert_close(PixelCrossEntropy()(*pixels), peer(*rows))


def test_focal_is_the_peers_and_cross_entropy_where_gamma_is_0(pixels) -> None:
    output, target = flat(*pixels)
    expected = softmax_focal_loss_with_logits(output, target, gamma=2.0, reduction="mean")
    torch.testing.assert_close(Focal(gamma=2.0)(*pixels), expected)
    torch.testing.assert_close(
        Focal(gamma=0.0, class_weights=WEIGHTS)(*pixels), PixelCrossEntropy(class_weights=WEIGHTS)(*pixels)
    )


def test_focal_has_gradients_where_a_pixel_is_sure() -> None:
    output = torch.tensor([[100.0, 0.0]]).view(1, 2, 1, 1).requires_grad_()
    Focal(gamma=0.5)(output, torch.zeros(1, 1, 1, dtype=torch.long)).backward()
    assert output.grad is not None
    assert bool(output.grad.isfinite().all())


def test_dice_is_the_peers(pixels) -> None:
    peer = smp.losses.DiceLoss("multiclass", ignore_index=255)
    torch.testing.assert_close(Dice()(*pixels), peer(*pixels))
    # The peer halves numerator and denominator before it adds to them.
    smooth = smp.losses.DiceLoss("multiclass", ignore_index=255, smooth=1.5, class_weights=list(WEIGHTS))
    torch.testing.assert_close(Dice(smooth=3.0, class_weights=WEIGHTS)(*pixels), smooth(*pixels))


def test_dice_of_half_of_a_square() -> None:
    """Half of the square was found and nothing else: 2 * 8 / (16 + 8) for it; 2 * 48 / (48 + 56) beside."""
    target, answer = torch.zeros(2, 1, 8, 8, dtype=torch.long)
    target[:, :4, :4] = 1
    answer[:, :4, :2] = 1
    output = torch.nn.functional.one_hot(answer, 3).movedim(-1, 1) * 200.0
    torch.testing.assert_close(Dice()(output, target), torch.tensor(1 - (16 / 24 + 96 / 104) / 2))


def test_dice_leaves_classes_out_that_are_not_there(pixels) -> None:
    output, target = pixels
    target[target == 3] = 0
    peer = smp.losses.DiceLoss("multiclass", ignore_index=255)  # counts an absent class as 0
    torch.testing.assert_close(Dice()(output, target), peer(output, target) * 4 / 3)


@pytest.mark.parametrize("loss", [PixelCrossEntropy(), Focal(), Dice()])
def test_pixels_that_do_not_count_change_nothing_and_alone_are_0(pixels, loss: PixelLoss) -> None:
    output, target = pixels
    changed = torch.where((target == 255)[:, None], output + 7 * torch.randn_like(output), output)
    torch.testing.assert_close(loss(changed, target), loss(output, target))
    assert float(loss(output, torch.full_like(target, 255))) == 0


@pytest.mark.parametrize("loss", [PixelCrossEntropy, Focal, Dice])
def test_shapes_that_do_not_fit_are_said(pixels, loss: type[PixelLoss]) -> None:
    output, target = pixels
    shapes = "expected output N x K x H x W and target N x H x W, got 2 x 4 x 6 x 7 and 2 x 6 x 6"
    with pytest.raises(ShapeError, match=f"loss {loss.name}: {shapes}"):
        loss()(output, target[:, :, 1:])
    with pytest.raises(ShapeError, match="got 84 x 4 and 2 x 6 x 7"):
        loss()(output.movedim(1, -1).reshape(84, 4), target)
    with pytest.raises(ShapeError, match="class_weights: expected 4 numbers, got 2"):
        loss(class_weights=(1.0, 2.0))(output, target)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("wrong", [4, -1])
@pytest.mark.parametrize("loss", [PixelCrossEntropy, Focal, Dice])
def test_a_class_beyond_the_outputs_is_said(pixels, loss: type[PixelLoss], wrong: int, weights) -> None:
    output, target = pixels
    target[1, 2, 3] = wrong
    words = f"loss {loss.name}: targets: expected indices below 4, got {wrong}$"
    with pytest.raises(ShapeError, match=words):
        loss(class_weights=weights)(output, target)


@pytest.mark.parametrize(
    "made", [PixelCrossEntropy, Focal, Dice, lambda: PixelCrossEntropy(class_weights=tuple([1.0] * 256))]
)
def test_of_256_classes_each_counts_in_any_cut(made: Any) -> None:
    """As in the reverse order, and by torch, which is told of no index that does not count."""
    torch.manual_seed(0)
    output, target = torch.randn(2, 256, 3, 3), torch.randint(0, 255, (2, 3, 3))
    target[0, 0, :2] = 255
    loss = made()
    loss.prepare(256, 256)
    # Classes in the reverse order, of which 255 is one
    assert float(loss(output.flip(1), 255 - target)) == pytest.approx(float(loss(output, target)), rel=1e-6)
    if isinstance(loss, PixelCrossEntropy):
        assert float(loss(output, target)) == pytest.approx(float(F.cross_entropy(output, target)), rel=1e-6)
    if divisor := loss.divisor(target):
        assert int(divisor) == 18
    score = Score(Segmentation(), 256, loss)
    for i in range(2):
        score.add(output[i : i + 1], {"target": target[i : i + 1], "index": torch.tensor([i])})
    assert score.values()["loss"] == pytest.approx(float(loss(output, target)), rel=1e-6)
