"""The contract of an augmenter."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from zoo.compose.instantiate import make
from zoo.interfaces.augmenter import Augmenter, Batch, Geometric
from zoo.interfaces.tasks.choice import for_classes
from zoo.spec.errors import ZooError, listing
from zoo.testing.case import Case


def example_batch(channels: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(4, channels, 24, 24, generator=generator)
    mask = torch.randint(0, 5, (4, 24, 24), generator=generator)
    return {"image": image, "mask": mask, "target": torch.arange(4), "index": torch.arange(4)}


def made(case: Case) -> Augmenter:
    """The tiny instance, with the augmenters that its options refer to."""
    found: Augmenter = make("augmenter", case.reference)
    return found


def augmented(case: Case, batch: Batch) -> Batch:
    augmenter = made(case)
    expected = f"{case.entry.component.target}: expected a subclass of zoo.interfaces.Augmenter"
    assert isinstance(augmenter, Augmenter), (
        f"{expected}, got {type(augmenter).__name__}; derive it from that"
    )
    augmenter.prepare(for_classes(4), 4)
    augmenter.count_classes([*"abcd"], [4, 3, 2, 1])
    # By index, so that a sample alone draws what it draws among others
    out: Batch = augmenter(batch, [torch.Generator().manual_seed(int(i)) for i in batch["index"]])
    got = listing(out) if isinstance(out, Mapping) else type(out).__name__
    assert isinstance(out, Mapping), f"expected a batch with {listing(batch)}, got {got}; {_WHOLE}"
    assert out.keys() == batch.keys(), f"expected a batch with {listing(batch)}, got {got}; {_WHOLE}"
    return out


_WHOLE = 'return {**batch, "image": ...}, so that all else goes along'


def rule_shape_and_range_stay(case: Case) -> None:
    """Images and masks keep shape and type, images the range [0, 1] too."""
    batch = example_batch()
    out = augmented(case, batch)
    for name in ("image", "mask"):
        for what in ("shape", "dtype"):
            wanted, got = getattr(batch[name], what), getattr(out[name], what)
            assert got == wanted, (
                f"{name}: expected {what} {wanted} as before, got {got}; bring it back to that"
            )
    least, most = float(out["image"].min()), float(out["image"].max())
    text = "image: expected values in [0, 1]"
    assert least >= 0, f"{text}, got {least:.3g}; end with .clamp(0, 1)"
    assert most <= 1, f"{text}, got {most:.3g}; end with .clamp(0, 1)"


def rule_draws_decide(case: Case) -> None:
    """The same generators give the same batch."""
    one, two = (augmented(case, example_batch()) for _ in range(2))
    apart = [name for name in one if not torch.equal(one[name], two[name])]
    step = "draw from the generators that are handed in, one a sample, and from nothing else"
    assert apart == [], f"the same generators: expected the same batch, got another {listing(apart)}; {step}"


def rule_the_given_batch_stays(case: Case) -> None:
    """The batch that is handed in is not changed."""
    batch = example_batch()
    given = {name: value.clone() for name, value in batch.items()}
    augmented(case, batch)
    moved = [name for name in given if not torch.equal(batch[name], given[name])]
    step = "change a copy, and no tensor of it in place"
    assert moved == [], f"expected the batch handed in to stay, got another {listing(moved)}; {step}"


def rule_a_sample_stands_alone(case: Case) -> None:
    """A sample comes out alike whatever else is in its batch, unless labels are mixed."""
    batch = example_batch()
    if not made(case).changes_labels:
        whole = augmented(case, batch)
        for i in range(4):
            alone = augmented(case, {name: value[i : i + 1] for name, value in batch.items()})
            step = "draw each sample's numbers from its own generator, or say changes_labels = True"
            text = f"sample {i}: expected the same alone and among others, got another"
            near = torch.allclose(alone["image"][0], whole["image"][i], rtol=0, atol=1e-5)
            assert near, f"{text} image; {step}"
            assert torch.equal(alone["mask"][0], whole["mask"][i]), f"{text} mask; {step}"


def rule_labels_stay(case: Case) -> None:
    """Targets stay unless `changes_labels` says otherwise, and indices always."""
    batch = example_batch()
    out = augmented(case, batch)
    text = "expected every sample's index in its place, got others"
    assert torch.equal(out["index"], batch["index"]), f"{text}; return them as they are"
    step = "say changes_labels = True, or return them as they are"
    stay = made(case).changes_labels or torch.equal(out["target"], batch["target"])
    assert stay, f"expected targets as before, got others; {step}"


def rule_any_number_of_channels(case: Case) -> None:
    """Gray images and those of many channels are augmented, or refused by an error of ours."""
    for channels in (1, 4, 5):
        batch = example_batch(channels)
        try:
            out = augmented(case, batch)
        except ZooError:
            continue
        wanted, got = [*batch["image"].shape], [*out["image"].shape]
        step = "take any number of channels, or raise a ShapeError"
        assert got == wanted, f"{channels} channels: expected images {wanted}, got {got}; {step}"


def rule_masks_go_along(case: Case) -> None:
    """Where pixels move, the mask moves with them; elsewhere it stays."""
    batch = example_batch()
    moved = augmented(case, batch)["mask"]
    augmenter = made(case)
    if not augmenter.resamples and not augmenter.changes_labels:
        step = "say resamples = True where pixels move, or leave it as it is"
        assert torch.equal(moved, batch["mask"]), f"expected the mask as before, got another; {step}"
    if isinstance(augmenter, Geometric):
        steps = torch.arange(24).div(6, rounding_mode="floor")
        batch["mask"] = (steps + steps[:, None]).expand(4, -1, -1).contiguous()
        batch["image"] = batch["mask"][:, None] / 8
        out = augmented(case, batch)
        # Both steps are as wide as six pixels, so that most pixels are far from where two values meet.
        share = float(((out["image"][:, 0] * 8 - out["mask"]).abs() < 0.01).float().mean())
        text = "expected mask and image moved alike"
        assert share > 0.5, f"{text}, got {share:.0%} of pixels that agree; move both by one matrix"


def rule_orientation_is_declared(case: Case) -> None:
    """Matrices mirror and turn images as far as `orientation` says, and no farther."""
    augmenter = made(case)
    if not isinstance(augmenter, Geometric):
        return
    generators = [torch.Generator().manual_seed(seed) for seed in range(64)]
    # From output to input, y down: a turn of the content, and what swaps its sides
    turns = augmenter.matrices((24, 24), generators)[:, :2, :2]
    own, step = augmenter.orientation, "say it in `orientation`, so that left and right are not mixed unseen"
    swapped = bool((torch.linalg.det(turns) < 0).any())
    assert not swapped or own.mirrored or own.flipped, f"expected images upright, got mirrored ones; {step}"
    upright = turns[torch.linalg.det(turns) > 0]
    angles = torch.atan2(upright[:, 1, 0] - upright[:, 0, 1], upright[:, 0, 0] + upright[:, 1, 1]).rad2deg()
    farthest = float(angles.abs().max()) if len(angles) else 0.0
    # Both flips together are half a turn, and a shear leans
    text = f"expected turns of at most {own.turned:g} degrees, got {farthest:.0f}"
    assert own.flipped or farthest <= own.turned + 45, f"{text}; {step}"
