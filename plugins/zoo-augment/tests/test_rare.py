"""Augmentation by class, held against the shares that follow from the counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from zoo_augment.chains import Rare
from zoo_augment.colour import Invert
from zoo_augment.geometry import Flip
from zoo_augment.mixing import Mixup

from zoo.errors import OptionError
from zoo.interfaces import Multiclass, SpatialTensor, draws

COUNTS = (100, 50, 10)


def counted(augmenter: Any, **more: Any) -> Rare:
    made = Rare(augmenter=augmenter, **more)
    made.prepare(Multiclass(), 3)
    told = made.count_classes(["dogs", "cats", "owls"], COUNTS)
    assert told.startswith("rare classes augmented more, by ")
    return made


def batch(target: torch.Tensor, side: int = 2) -> dict[str, torch.Tensor]:
    return {"image": torch.zeros(len(target), 1, side, side), "target": target}


@pytest.mark.parametrize("p", [1.0, 0.5])
def test_the_rarer_a_class_the_more_of_its_images_are_changed(p: float) -> None:
    target = torch.arange(3).repeat(2000)
    found = counted(Invert(p=1), p=p)(batch(target), draws(0, 1, range(len(target))))["image"][:, 0, 0, 0]
    shares = [float(found[target == k].mean()) for k in range(3)]
    assert shares == pytest.approx([0, p / 2, p * 0.9], abs=0.03)
    assert shares[0] == 0


def test_it_is_the_augmenters_own_work_with_its_own_draws_masks_and_places_too() -> None:
    class Points(SpatialTensor):
        def warped(self, matrices: torch.Tensor, size: Any, to: Any) -> Any:
            return self + 1

    target = torch.full((8,), 2)
    given = {
        "image": torch.rand(8, 3, 6, 6), "mask": torch.arange(288).view(8, 6, 6), "target": target,
        "places": torch.zeros(8, 2).as_subclass(Points),
    }  # fmt: skip
    before = {name: value.clone() for name, value in given.items()}
    found = counted(Flip(p=1))(given, draws(0, 1, range(8)))
    assert isinstance(found["places"], Points)
    changed = found["places"][:, 0].as_subclass(torch.Tensor).bool()
    assert 4 <= int(changed.sum()) < 8
    for name in ("image", "mask"):
        assert torch.equal(found[name][changed], given[name][changed].flip(-1))
        assert torch.equal(found[name][~changed], given[name][~changed])
    assert all(torch.equal(given[name], before[name]) for name in before)


def test_a_mixed_image_is_of_its_likelier_class() -> None:
    target = torch.tensor([[0.4, 0.0, 0.6], [0.9, 0.0, 0.1]]).repeat(50, 1)
    found = counted(Invert(p=1))(batch(target), draws(0, 1, range(100)))["image"][:, 0, 0, 0]
    assert found[1::2].sum() == 0
    assert found[::2].sum() > 35


def test_what_mixes_images_and_itself_are_refused_inside() -> None:
    for inside in (Mixup(alpha=1.0), Rare(augmenter=Flip())):
        with pytest.raises(OptionError, match="rare: expected an augmenter of each image alone"):
            Rare(augmenter=inside)


def test_it_says_what_its_augmenter_says() -> None:
    assert Rare(augmenter=Flip()).orientation.mirrored
    assert Rare(augmenter=Flip()).resamples
    assert not Rare(augmenter=Invert()).orientation.mirrored
