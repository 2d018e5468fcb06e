from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor

import zoo
from zoo.inference.sample_quality import FeatureExtractor, compare
from zoo.metrics.frechet import frechet
from zoo.metrics.neighbours import precision_recall
from zoo.spec.errors import DataError, ShapeError, TrainingError


def gaussian(count: int, mean: float, seed: int, size: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.rand(size, size, generator=generator)
    return torch.randn(count, size, generator=generator) @ mixing + mean


def test_the_frechet_distance_is_scipys() -> None:
    a, b = gaussian(200, 0.0, 0).double().numpy(), gaussian(300, 0.7, 1).double().numpy()
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    cross = np.trace(sqrtm(cov_a @ cov_b).real)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross
    assert frechet(torch.tensor(a), torch.tensor(b)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_the_frechet_distance_is_torchmetrics() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Features(torch.nn.Module):
        num_features = 12

        def forward(self, x: Tensor) -> Tensor:
            return x.double().flatten(1)

    generator = torch.Generator().manual_seed(0)
    real, made = (
        torch.randint(0, high, (50, 3, 2, 2), generator=generator, dtype=torch.uint8) for high in (200, 256)
    )
    metric = FrechetInceptionDistance(feature=Features(), input_img_size=(3, 2, 2)).set_dtype(torch.float64)
    metric.update(real, real=True)
    metric.update(made, real=False)
    assert frechet(real.flatten(1), made.flatten(1)) == pytest.approx(float(metric.compute()), rel=1e-6)


def test_one_sample_twice_is_no_distance_even_where_it_is_flat() -> None:
    few = gaussian(4, 0.0, 0, size=20)  # a covariance without full rank
    assert frechet(few, few) == pytest.approx(0, abs=1e-6)


def test_precision_and_recall_are_those_of_the_definition() -> None:
    real, made = gaussian(40, 0.0, 0, size=2).double(), gaussian(50, 0.5, 1, size=2).double()

    def covered(sample: Tensor, points: Tensor) -> float:
        inside = 0
        for p in points:
            near = False
            for s in sample:
                others = sorted(float((s - o).norm()) for o in sample)
                near |= float((p - s).norm()) <= others[3]  # itself is the nearest
            inside += near
        return inside / len(points)

    assert precision_recall(real, made) == pytest.approx((covered(real, made), covered(made, real)))


def test_one_mode_of_two_is_precise_and_forgets_half() -> None:
    real = torch.cat([gaussian(100, 0.0, 0), gaussian(100, 50.0, 1)])
    precision, recall = precision_recall(real, gaussian(100, 0.0, 0) + 1e-4)
    assert precision == 1.0
    assert recall == pytest.approx(0.5, abs=0.02)
    with pytest.raises(DataError, match="expected more than 3 generated images, got 3"):
        precision_recall(real, real[:3])
    with pytest.raises(DataError, match="expected 2 or more images on each side, got 1"):
        frechet(real, real[:1])


def classifier(channels: int = 1, **options: object) -> zoo.Model:
    return zoo.build(
        {"name": "tiny_resnet", "channels": [4, 6], "units": 1}, head="multiclass", classes=["a", "b", "c"],
        in_channels=channels, input_size=16, seed=0, **options,
    ).eval()  # fmt: skip


def test_the_judge_sees_what_its_head_takes() -> None:
    model, images = classifier(), torch.rand(10, 1, 16, 16)
    with torch.no_grad():
        features, said = FeatureExtractor(model).extract(images.split(4))
        logits = model(images)
        assert torch.allclose(model.head.last(features), logits, atol=1e-5)
    assert said is not None
    assert torch.allclose(said, logits.softmax(1), atol=1e-5)
    shares = FeatureExtractor(model).shares(said)
    assert list(shares) == ["a", "b", "c"]
    assert sum(shares.values()) == pytest.approx(1)


def test_images_are_brought_to_the_judges_size_and_other_channels_refused() -> None:
    model, images = classifier(), torch.rand(2, 1, 8, 8)
    bigger = torch.nn.functional.interpolate(
        images, (16, 16), mode="bilinear", antialias=True, align_corners=False
    )
    with torch.no_grad():
        assert torch.equal(
            FeatureExtractor(model).extract([images])[0], FeatureExtractor(model).extract([bigger])[0]
        )
    with pytest.raises(ShapeError, match="expected images of 1 channel, got 3"):
        FeatureExtractor(model).extract([torch.rand(2, 3, 16, 16)])
    with pytest.raises(TrainingError, match="expected a model with a head, got small_cnn"):
        FeatureExtractor(zoo.build("small_cnn", seed=0))


def test_few_images_are_warned_of() -> None:
    with torch.no_grad(), pytest.warns(zoo.ZooWarning, match="5 images are few for .* 6 features"):
        compare(FeatureExtractor(classifier()), [torch.rand(5, 1, 16, 16)], torch.rand(30, 1, 16, 16))


def generator() -> zoo.Model:
    return zoo.build("dcgan_generator", in_channels=1, input_size=16, width=4, latent=8, seed=0)


def test_a_generative_model_is_evaluated_by_another(tmp_path: Path) -> None:
    zoo.save(classifier(), tmp_path / "judge")
    model, data = generator(), {"name": "digits", "per_class": 8}
    before = {k: v.clone() for k, v in model.state_dict().items()}
    figures = zoo.evaluate(
        model, data, split="all", features=tmp_path / "judge", samples=30, seed=1, out=tmp_path / "out"
    )
    assert figures.on.count == 80
    assert figures.more["samples"] == 30
    assert set(figures.more["classes"]) == {"a", "b", "c"}
    assert {"frechet", "precision", "recall"} == set(model.metrics["all"])
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["metrics.json", "samples.png"]
    again = zoo.evaluate(model, data, split="all", features=classifier(), samples=30, seed=1)
    assert again == figures
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_what_is_missing_or_does_not_generate_is_said() -> None:
    data = {"name": "digits", "per_class": 4}
    with pytest.raises(TrainingError, match="expected a model to look at generated images with, got none"):
        zoo.evaluate(generator(), data)
    model = zoo.build("small_cnn", head="multiclass", classes=10, in_channels=1, input_size=16, seed=0)
    with pytest.raises(ShapeError, match="does not generate images"):
        zoo.evaluate(model, data, features=classifier())
