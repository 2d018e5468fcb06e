"""The contract of an augmenter."""

from __future__ import annotations

import torch

from zoo.interfaces.augmenter import Augmenter, Batch, Geometric
from zoo.spec.errors import ZooError
from zoo.testing.case import Case


def example_batch(channels: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(4, channels, 24, 24, generator=generator)
    mask = torch.randint(0, 5, (4, 24, 24), generator=generator)
    return {"image": image, "mask": mask, "target": torch.arange(4), "index": torch.arange(4)}


def augmented(case: Case, batch: Batch) -> Batch:
    augmenter: Augmenter = case.part()
    assert isinstance(augmenter, Augmenter)
    # By index, so that a sample alone draws what it draws among others
    out: Batch = augmenter(batch, [torch.Generator().manual_seed(int(i)) for i in batch["index"]])
    return out


def rule_shape_and_range_stay(case: Case) -> None:
    """Images and masks keep shape and type, images the range [0, 1] too."""
    batch = example_batch()
    out = augmented(case, batch)
    assert out.keys() == batch.keys()
    for name in ("image", "mask"):
        assert out[name].shape == batch[name].shape
        assert out[name].dtype == batch[name].dtype
    assert float(out["image"].min()) >= 0
    assert float(out["image"].max()) <= 1


def rule_draws_decide(case: Case) -> None:
    """The same generators give the same batch."""
    one, two = (augmented(case, example_batch()) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def rule_the_given_batch_stays(case: Case) -> None:
    """The batch that is handed in is not changed."""
    batch = example_batch()
    given = {name: value.clone() for name, value in batch.items()}
    augmented(case, batch)
    assert all(torch.equal(batch[name], given[name]) for name in given)


def rule_a_sample_stands_alone(case: Case) -> None:
    """A sample comes out alike whatever else is in its batch, unless labels are mixed."""
    batch = example_batch()
    if not case.part().changes_labels:
        whole = augmented(case, batch)
        for i in range(4):
            alone = augmented(case, {name: value[i : i + 1] for name, value in batch.items()})
            assert torch.allclose(alone["image"][0], whole["image"][i], rtol=0, atol=1e-5)
            assert torch.equal(alone["mask"][0], whole["mask"][i])


def rule_labels_stay(case: Case) -> None:
    """Targets stay unless `changes_labels` says otherwise, and indices always."""
    batch = example_batch()
    out = augmented(case, batch)
    assert torch.equal(out["index"], batch["index"])
    assert case.part().changes_labels or torch.equal(out["target"], batch["target"])


def rule_any_number_of_channels(case: Case) -> None:
    """Gray images and those of many channels are augmented, or refused by an error of ours."""
    for channels in (1, 4, 5):
        batch = example_batch(channels)
        try:
            out = augmented(case, batch)
        except ZooError:
            continue
        assert out["image"].shape == batch["image"].shape


def rule_masks_go_along(case: Case) -> None:
    """Where pixels move, the mask moves with them; elsewhere it stays."""
    batch = example_batch()
    moved = augmented(case, batch)["mask"]
    augmenter: Augmenter = case.part()
    if not augmenter.resamples:
        assert torch.equal(moved, batch["mask"])
    if isinstance(augmenter, Geometric):
        steps = torch.arange(24).div(6, rounding_mode="floor")
        batch["mask"] = (steps + steps[:, None]).expand(4, -1, -1).contiguous()
        batch["image"] = batch["mask"][:, None] / 8
        out = augmented(case, batch)
        # Both steps are as wide as six pixels, so that most pixels are far from where two values meet.
        assert float(((out["image"][:, 0] * 8 - out["mask"]).abs() < 0.01).float().mean()) > 0.5
