"""RandAugment and TrivialAugment against torchvision: operations, magnitudes, frequencies."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
import torchvision.transforms.v2.functional as tv
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode
from zoo_augment import policies
from zoo_augment.operations import CHANGES, IDENTITY, MOVES, NAMES, SIGNED
from zoo_augment.policies import RandAugment, TrivialAugment, operated

from zoo.errors import ShapeError
from zoo.interfaces import Fill, draws

H, W = 36, 48
THEIRS = {
    "identity": "Identity", "shear-x": "ShearX", "shear-y": "ShearY", "translate-x": "TranslateX",
    "translate-y": "TranslateY", "rotate": "Rotate", "brightness": "Brightness", "color": "Color",
    "contrast": "Contrast", "sharpness": "Sharpness", "posterize": "Posterize", "solarize": "Solarize",
    "autocontrast": "AutoContrast", "equalize": "Equalize",
}  # fmt: skip
PAIRS: list[tuple[Any, Any]] = [(RandAugment, v2.RandAugment), (TrivialAugment, v2.TrivialAugmentWide)]


def smooth(count: int = 1, channels: int = 3) -> Tensor:
    x = torch.rand(count, channels, H, W, generator=torch.Generator().manual_seed(0))
    return tv.gaussian_blur(x, [9, 9], [2.0, 2.0])


def by_torchvision(x: Tensor, name: str, magnitude: float) -> Tensor:
    theirs: Any = v2.RandAugment()
    bilinear = InterpolationMode.BILINEAR
    return theirs._apply_image_or_video_transform(x, THEIRS[name], magnitude, bilinear, theirs._fill)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=["rand", "trivial"])
@pytest.mark.parametrize("name", NAMES)
def test_magnitudes_are_torchvisions(ours: Any, theirs: Any, name: str) -> None:
    space, signed = theirs._AUGMENTATION_SPACE[THEIRS[name]]
    expected = space(31, H, W)
    assert signed == (name in SIGNED)
    if expected is None:
        return
    policy = ours()
    for place in range(31):
        assert policy.magnitude(name, place / 30, (H, W)) == pytest.approx(float(expected[place]), abs=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [-0.4, 0.1, 0.9])
@pytest.mark.parametrize("name", NAMES)
def test_operations_are_torchvisions(name: str, level: float, channels: int) -> None:
    x = smooth(2, channels)
    policy = RandAugment()
    if name not in SIGNED and level < 0:
        level = -level
    magnitude = policy.magnitude(name, abs(level), (H, W)) * (-1 if level < 0 else 1)
    found = operated(
        {"image": x}, [name] * 2, torch.tensor([magnitude] * 2), Fill(mode="constant"), draws(0, 1, [0, 1])
    )
    expected = by_torchvision(x, name, magnitude)
    inside = torch.ones_like(x, dtype=torch.bool)
    if name in MOVES:
        inside = by_torchvision(torch.ones_like(x), name, magnitude) > 0.999
        inside[..., [0, -1], :] = False
        inside[..., [0, -1]] = False
        assert inside.float().mean() > 0.3
    # torchvision has 0.2989 for 0.299
    assert (found["image"] - expected).abs()[inside].max() < 6e-4


def test_each_operation_is_as_likely_and_goes_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, float]] = []

    def noted(batch: Any, names: list[str], magnitudes: Tensor, *rest: Any) -> Any:
        seen.extend(zip(names, magnitudes.tolist(), strict=True))
        return batch

    monkeypatch.setattr(policies, "operated", noted)
    x = torch.zeros(1400, 3, 4, 4)
    RandAugment(operations=2)({"image": x}, draws(0, 1, range(1400)))
    counts = Counter(name for name, _ in seen)
    assert stats.chisquare([counts[name] for name in NAMES]).pvalue > 0.001
    for name in SIGNED:
        below = sum(m < 0 for own, m in seen if own == name)
        assert stats.binomtest(below, counts[name], 0.5).pvalue > 0.001
    seen.clear()
    TrivialAugment()({"image": x}, draws(0, 1, range(1400)))
    degrees = [abs(m) for name, m in seen if name == "rotate"]
    assert {round(d / 4.5, 6) for d in degrees} <= set(map(float, range(31)))
    assert max(degrees) > 100
    seen.clear()
    RandAugment(operations=1, p=0.3)({"image": x}, draws(0, 1, range(1400)))
    stays = sum(name == IDENTITY for name, _ in seen)
    assert stats.binomtest(stays, 1400, 0.7 + 0.3 / 14).pvalue > 0.001


def test_masks_move_with_the_images_and_stay_where_values_change() -> None:
    mask = torch.arange(H).view(-1, 1).expand(H, W)[None].contiguous()
    batch = {"image": smooth(), "mask": mask}
    for name in CHANGES:
        out = operated(batch, [name], torch.tensor([0.5]), Fill(mode="constant"), draws(0, 1, [0]))
        assert torch.equal(out["mask"], mask)
    out = operated(batch, ["translate-y"], torch.tensor([5.0]), Fill(mode="constant"), draws(0, 1, [0]))[
        "mask"
    ]
    assert torch.equal(out[:, 5:], mask[:, :-5])


def test_other_channels_are_refused_whatever_is_drawn() -> None:
    for policy in (RandAugment(), TrivialAugment()):
        with pytest.raises(ShapeError, match="expected images of 1 or 3 channels, got 4"):
            policy({"image": torch.rand(1, 4, 8, 8)}, draws(0, 1, [0]))
