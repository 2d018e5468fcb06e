"""Mixup and cutmix against torchvision, given the same partners, shares and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torchvision.transforms import v2
from zoo_augment.mixing import CutMix, Mixing, Mixup

import zoo
from zoo.errors import OptionError, TrainingError
from zoo.interfaces import (
    Binary,
    Embedding,
    Multiclass,
    Multilabel,
    Ordinal,
    Regression,
    Segmentation,
    draws,
)

N, K, H, W = 12, 5, 20, 28
CLASSES = torch.arange(N) % K


def images(count: int = N) -> Tensor:
    return torch.rand(count, 3, H, W, generator=torch.Generator().manual_seed(0))


def mixed(augmenter: Mixing, task: Any = None, outputs: int = K, **batch: Tensor) -> dict[str, Tensor]:
    augmenter.prepare(task or Multiclass(), outputs)
    given = {"image": images(), "target": CLASSES, **batch}
    return augmenter(given, draws(0, 1, range(len(given["image"]))))


def own_share(out: dict[str, Tensor]) -> tuple[list[int], list[float]]:
    """Partners and shares of Mixup, read off an image of one hot pixel a sample."""
    table = out["image"][:, 0, 0, :N]
    shares = table.diagonal().tolist()
    rest = table.clone().fill_diagonal_(-1)
    return rest.argmax(1).tolist(), shares


def test_mixup_is_torchvisions_given_the_same_partner_and_share() -> None:
    marks = torch.zeros(N, 1, 1, N)
    marks[torch.arange(N), 0, 0, torch.arange(N)] = 1
    partners, shares = own_share(mixed(Mixup(alpha=1), image=marks))
    assert sorted(partners) == list(range(N))  # each is a partner once
    x, out = images(), mixed(Mixup(alpha=1))
    theirs = v2.MixUp(num_classes=K)
    for row, (partner, share) in enumerate(zip(partners, shares, strict=True)):
        pair = torch.tensor([partner, row])
        labels = CLASSES[pair]
        params = {"labels": labels, "batch_size": 2, "lam": share}
        image = theirs.transform(x[pair], params)[1]
        target = theirs.transform(labels, params)[1]
        torch.testing.assert_close(out["image"][row], image, atol=1e-5, rtol=0)
        torch.testing.assert_close(out["target"][row], target, atol=1e-5, rtol=0)


def test_cutmix_is_torchvisions_given_the_same_partner_and_box() -> None:
    marks = torch.arange(N).float().view(-1, 1, 1, 1).expand(-1, 1, H, W)
    places = mixed(CutMix(), image=marks)["image"][:, 0]
    x, out, theirs, boxes = images(), mixed(CutMix()), v2.CutMix(num_classes=K), 0
    for row, place in enumerate(places):
        pasted = place != row
        if not pasted.any():
            torch.testing.assert_close(out["image"][row], x[row])
            continue
        boxes += 1
        partner = int(place[pasted][0])
        columns, rows = (torch.nonzero(pasted.any(axis)).flatten().tolist() for axis in (0, 1))
        box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        share = 1 - (box[2] - box[0]) * (box[3] - box[1]) / (H * W)
        pair = torch.tensor([partner, row])
        labels = CLASSES[pair]
        params = {"labels": labels, "batch_size": 2, "box": box, "lam_adjusted": share}
        torch.testing.assert_close(out["image"][row], theirs.transform(x[pair], params)[1])
        target = theirs.transform(labels, params)[1]
        torch.testing.assert_close(out["target"][row], target, atol=1e-6, rtol=0)
    assert boxes > N / 2


def test_boxes_of_cutmix_are_drawn_as_by_torchvision() -> None:
    torch.manual_seed(0)
    count, theirs = 600, v2.CutMix(num_classes=2)
    pair = [torch.zeros(2, 1, H, W)]
    areas = [theirs.make_params(pair)["lam_adjusted"] for _ in range(count)]
    marks = torch.eye(count)
    found = mixed(CutMix(), outputs=count, image=torch.zeros(count, 1, H, W), target=marks)
    assert stats.ks_2samp(found["target"].diagonal().numpy(), np.array(areas)).pvalue > 0.001


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_of_the_beta_distribution(alpha: float) -> None:
    marks = torch.eye(800)
    out = mixed(Mixup(alpha=alpha), outputs=800, image=torch.zeros(800, 1, 1, 1), target=marks)
    shares = out["target"].diagonal().numpy()
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.001


@pytest.mark.parametrize("kind", [Mixup, CutMix])
def test_the_order_within_a_batch_changes_nothing(kind: type[Mixing]) -> None:
    x, order = images(), torch.randperm(N, generator=torch.Generator().manual_seed(1))
    augmenter = kind(alpha=1.0)  # type: ignore[call-arg]
    augmenter.prepare(Multiclass(), K)
    one = augmenter({"image": x, "target": CLASSES}, draws(0, 1, range(N)))
    two = augmenter({"image": x[order], "target": CLASSES[order]}, draws(0, 1, order.tolist()))
    for name in ("image", "target"):
        assert torch.equal(one[name][order], two[name])


def test_images_stay_with_the_probability_that_is_left() -> None:
    marks = torch.eye(500)
    kinds = (Mixup(alpha=1.0, p=0.3), CutMix(p=0.3))
    for augmenter in kinds:
        out = mixed(augmenter, outputs=500, image=torch.rand(500, 1, 64, 64), target=marks)
        changed = int((out["target"].diagonal() < 1).sum())
        assert stats.binomtest(changed, 500, 0.3).pvalue > 0.001


@pytest.mark.parametrize(
    ("task", "outputs", "raw"),
    [
        (Binary(), 1, torch.tensor([0, 1] * 6)),
        (Multiclass(), K, CLASSES),
        (Ordinal(), K - 1, CLASSES),
        (Multilabel(), K, torch.eye(K)[CLASSES]),
        (Regression(), 1, CLASSES.float() * 3),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_prepared_targets_are_means_of_prepared_targets(task: Any, outputs: int, raw: Tensor) -> None:
    marks = torch.zeros(N, 1, 1, N)
    marks[torch.arange(N), 0, 0, torch.arange(N)] = 1
    out = mixed(Mixup(alpha=1), task, outputs, image=marks, target=raw)
    partners, shares = own_share(out)
    clean, weight = task.target(raw, outputs), torch.tensor(shares)[:, None]
    expected = clean if clean.is_floating_point() else torch.eye(K)[clean]
    expected = weight * expected + (1 - weight) * expected[partners]
    torch.testing.assert_close(task.target(out["target"], outputs), expected)
    if task.name != "regression":
        hard, own = task.hard(out["target"]), weight[:, 0] > 0.5
        raw_rows = raw if raw.ndim == 2 else raw[:, None]
        other = raw_rows[partners]
        rows = torch.where(own[:, None], raw_rows, other)
        assert torch.equal(hard.reshape(rows.shape).float(), rows.float())


def test_mixing_twice_is_mixing_again() -> None:
    once = mixed(Mixup(alpha=1))
    twice = mixed(CutMix(), image=once["image"], target=once["target"])
    torch.testing.assert_close(twice["target"].sum(1), torch.ones(N))


def test_cutmix_pastes_masks_with_the_images() -> None:
    marks = torch.arange(N).view(-1, 1, 1).expand(-1, H, W).contiguous()
    out = mixed(CutMix(), Segmentation(), K, image=marks[:, None].float(), mask=marks)
    assert torch.equal(out["image"][:, 0].long(), out["mask"])
    assert not torch.equal(out["mask"], marks)
    assert torch.equal(out["target"], CLASSES)


@pytest.mark.parametrize(("kind", "task", "message"), [
    (Mixup, Segmentation(), "mixup: expected a task without masks, got segmentation; cutmix pastes masks"),
    (Mixup, Embedding(), "mixup: expected a task whose targets can be averaged"),
    (CutMix, Embedding(), "cutmix: expected a task whose targets can be averaged"),
])  # fmt: skip
def test_tasks_without_means_of_targets_are_refused(kind: type[Mixing], task: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        kind().prepare(task, K)  # type: ignore[call-arg]


def test_one_who_is_not_prepared_says_so() -> None:
    with pytest.raises(TrainingError, match=r"mixup: .*call prepare"):
        Mixup()({"image": images(), "target": CLASSES}, draws(0, 1, range(N)))


def test_a_single_image_cannot_be_mixed() -> None:
    with pytest.raises(OptionError, match="expected augmenters of one image"):
        zoo.augment(images()[0], ["flip", "mixup"])
