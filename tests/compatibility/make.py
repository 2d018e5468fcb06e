"""Writes models, runs and a recipe of the present version, with what they give, to be read by later ones.

    python tests/compatibility/make.py tests/compatibility/0.1

A version's folder is made once, by that version, and never again: `test_compatibility.py` reads it.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import zoo
from zoo.interfaces.model import Model
from zoo.testing import killed_after
from zoo.weights.tensor_files import write

FACES: Any = {"name": "faces", "per_class": 12}
SHAPES: Any = {"name": "shapes", "count": 24, "size": 16}

MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"name": "mlp", "hidden": [8, 4], "head": "ordinal", "classes": 4, "input_size": 8},
    "small_cnn": {
        "name": "small_cnn", "channels": [4, 8], "hidden": 8, "input_size": 16, "in_channels": 1,
        "head": "binary", "classes": ["face", "other"],
    },
    "tiny_resnet": {"name": "tiny_resnet", "channels": [4, 8, 8], "units": 1, "freeze": "block1,block3",
                    "head": {"name": "multilabel", "hidden": [6]}, "classes": 3, "input_size": 16},
    "early_tap": {"name": "tiny_resnet", "channels": [4, 8, 8], "units": 1, "input_size": 16,
                  "head": {"name": "multiclass", "taps": ["block2", "block1"]}, "classes": ["a", "b", "c"]},
    "vgg11_bn": {"name": "vgg11_bn", "width": 0.03125, "hidden": 8, "freeze": "block1-4",
                 "head": "original", "classes": 5, "input_size": 32},
    "resnet18": {"name": "resnet18", "width": 0.0625, "layers": [1, 1, 1, 1], "freeze": "all",
                 "head": "regression", "input_size": 40},
    "mobilenet_v1": {"name": "mobilenet_v1", "width": 0.0625, "head": "original", "classes": 4,
                     "input_size": 32},
    "mobilenet_v3_small": {"name": "mobilenet_v3_small", "width": 0.0625, "head": "binary", "input_size": 32},
    "efficientnet_lite0": {"name": "efficientnet_lite0", "width": 0.0625, "depth": 0.25, "last": 16,
                           "head": {"name": "multiclass", "dropout": 0.3}, "classes": 3, "input_size": 32},
    "efficientnet_b0": {"name": "efficientnet_b0", "width": 0.0625, "depth": 0.25, "input_size": 32,
                        "head": {"name": "embedding", "dim": 4}},
    "timm_resnet18": {"name": "timm:resnet18",
                      "arguments": {"layers": [1, 1, 1, 1], "channels": [4, 8, 8, 8]},
                      "head": "binary", "freeze": "block1-2", "input_size": 32},
    "vit_pooled": {"name": "timm:vit_tiny_patch16_224", "input_size": [32, 32], "freeze": "block1",
                   "arguments": {"depth": 2, "embed_dim": 12, "num_heads": 2},
                   "head": {"name": "multiclass", "pool": "avg"}, "classes": 3},
    "unet": {"name": "unet", "encoder": {"name": "unet_encoder", "widths": [4, 8, 8]}, "dropout": 0.1,
             "classes": ["ground", "thing"], "input_size": 16, "freeze": "encoder.block1"},
    "resnet34": {"name": "resnet34", "width": 0.0625, "layers": [1, 1, 1, 1], "input_size": 32},
    "sequential_cnn": {"name": "sequential_cnn", "channels": [4, 4], "classes": 2, "input_size": 16},
    "autoencoder": {"name": "autoencoder", "encoder": {"name": "conv_encoder", "channels": [4, 8]},
                    "latent": 2, "variational": True, "input_size": [8, 8], "in_channels": 1},
    "dcgan": {"name": "dcgan",
              "generator": {"name": "dcgan_generator", "latent": 6, "width": 4, "input_size": 8},
              "discriminator": {"name": "dcgan_discriminator", "channels": [4, 8], "head": "binary",
                                "input_size": 8, "freeze": "block1"}},
    "srgan": {"name": "srgan",
              "generator": {"name": "srresnet", "width": 8, "blocks": 1, "scale": 2, "input_size": 32},
              "discriminator": {"name": "srgan_discriminator", "width": 4, "input_size": 32,
                                "head": {"name": "binary", "pool": "flatten", "hidden": [8],
                                         "activation": "leaky-relu"}}},
}  # fmt: skip

RUNS: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "finished": (
        {**MODELS["small_cnn"], "classes": None},
        FACES,
        {"epochs": 3, "batch_size": 6, "schedule": "cosine", "early_stopping": 2},
    ),
    "killed": (
        {"name": "tiny_resnet", "channels": [4, 8, 8], "units": 1, "head": "binary", "in_channels": 1,
         "input_size": 16, "freeze": "block1"},
        FACES,
        {"epochs": 3, "batch_size": 6, "augment": "noise", "schedule": "cosine", "clip_norm": 1.0,
         "optimizer": "adam", "lr": {"backbone": 1e-3, "head": 1e-2}},
    ),
    "killed_margin": (
        {**MODELS["small_cnn"], "head": {"name": "embedding", "dim": 4}, "classes": None},
        FACES,
        {"epochs": 3, "batch_size": 6, "loss": "arcface", "optimizer": "sgd", "momentum": 0.9, "lr": 0.01},
    ),
    "killed_masks": (
        {**MODELS["unet"], "classes": 4},
        SHAPES,
        {"epochs": 3, "batch_size": 4, "optimizer": "adamw", "schedule": "one-cycle"},
    ),
    "killed_pair": (
        {**MODELS["dcgan"], "in_channels": 1},
        {"name": "digits", "per_class": 4},
        {"epochs": 3, "batch_size": 8},
    ),
}  # fmt: skip
"""Model, data and arguments of `zoo.fit`."""

RECIPE = """\
seed = 4

[model]
name = "mobilenet_v1"
head = { name = "multiclass", dropout = 0.25 }
classes = ["a", "b", "c"]
input_size = 32
freeze = "block1"

[model.options]
width = 0.0625

[data]
name = "shapes"
count = 24

[trainer]
name = "supervised"
epochs = 2
schedule = "cosine"
"""

CHECKPOINT = 5
"""After which one a killed run is killed."""


def machine() -> dict[str, str]:
    """Where bits are the same."""
    capability = torch.backends.cpu.get_cpu_capability()
    return {"torch": torch.__version__.split("+")[0], "cpu": f"{platform.machine()} {capability}"}


def images(shape: tuple[int, ...]) -> Tensor:
    """Images in [0, 1] that are the same everywhere."""
    count = torch.Size(shape).numel()
    return ((torch.arange(count) * 7919) % 256).reshape(shape) / 255


def answers(model: Model) -> Tensor:
    """What a model in inference mode gives for known input: its output, or generated images."""
    with torch.inference_mode():
        if model.example_input().ndim == len("NCHW"):
            return model(images((2, model.input_spec.channels, *model.input_spec.size)))
        return model.sample(2, seed=3)


def plain(model: Model) -> dict[str, Any]:
    """What else is to be read as it was."""
    return {
        "frozen": list(model.frozen), "labels": list(model.labels), "outputs": model.outputs,
        "input": model.input_spec.to_dict(),
    }  # fmt: skip


def settled(model: Model) -> Model:
    """The model after a forward in training, so that the statistics of its normalisation are its own."""
    model.train()
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(5)
        for network in model.networks.values() if model.networks.keys() > {"generator"} else [model]:
            if isinstance(network, Model):
                network(network.example_input(4))
        if "generator" not in model.networks:
            model(model.example_input(4))
    return model.eval()


def rows(history: Any) -> list[dict[str, float]]:
    """A history without what depends on the clock."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def outcome(run: zoo.Run, data: Any) -> dict[str, Any]:
    """What a run came to, as plain data."""
    test = {} if run.model.task.name == "generation" else zoo.evaluate(run.folder, data)
    return {
        "history": rows(run.history),
        "best_epoch": run.best_epoch,
        "test": figures(test) if test else {},
    }


def figures(evaluation: Any) -> dict[str, Any]:
    """What an evaluation found, as the first version wrote it: without what it was made on."""
    return {name: value for name, value in evaluation.to_dict().items() if name != "on"}


def main(target: Path) -> None:
    """Writes all into a new folder."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", zoo.ZooWarning)  # random weights are frozen on purpose
    target.mkdir(parents=True)
    expected: dict[str, Tensor] = {}
    facts: dict[str, Any] = {"machine": machine(), "models": {}, "runs": {}}
    for name, section in MODELS.items():
        model = settled(zoo.build(section, seed=1))
        zoo.save(model, target / "models" / name)
        expected[name], facts["models"][name] = answers(model), plain(model)
    for name, (section, data, options) in RUNS.items():
        settings = {**options, "checkpoint_every": 0, "progress": False, "seed": 2}
        with tempfile.TemporaryDirectory() as folder:
            whole = zoo.fit(zoo.build(section, seed=1), data, out=f"{folder}/whole", **settings)
            facts["runs"][name] = outcome(whole, data)
            expected[f"run {name}"] = answers(whole.model)
            if name.startswith("killed"):
                model, out = zoo.build(section, seed=1), target / "runs" / name
                with killed_after(CHECKPOINT):
                    zoo.fit(model, data, out=out, **settings)
            else:
                shutil.copytree(whole.folder, target / "runs" / name)
    catalogue = json.loads(Path("examples/zoo-example/src/zoo_example/catalogue.json").read_text())
    catalogue |= {"distribution": "zoo-stranger", "namespace": "stranger"}
    (target / "catalogue.json").write_text(json.dumps(catalogue, indent=1) + "\n")
    (target / "recipe.toml").write_text(RECIPE)
    model = settled(zoo.build(zoo.Recipe.from_file(target / "recipe.toml")))
    expected["recipe"], facts["recipe"] = answers(model), plain(model)
    for image in [*target.rglob("*.png")][1:]:
        image.unlink()
    write(target / "answers.safetensors", expected)
    (target / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
