"""What is done while a fault strikes, and what must be there afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import zoo
from zoo.hub.pull import pull_files
from zoo.interfaces.model import Model
from zoo.registry.catalogue_writing import write_catalogue
from zoo.spec.errors import TrainingError
from zoo.spec.files import RUN_FILE


def digest(model: Model) -> str:
    """Of all tensors, and of labels and figures."""
    found = hashlib.sha256(repr((model.labels, model.metrics)).encode())
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def model(seed: int) -> Model:
    """A small model, another for each seed."""
    labels = [f"{seed}a", f"{seed}b", "c"]
    made = zoo.build(
        "mlp", hidden=[64, 8], head="multiclass", classes=labels, in_channels=1, input_size=8, seed=seed
    )
    made.metrics = {"val": {"accuracy": seed / 10}}
    return made


@dataclass
class Scenario:
    """One thing that a disk may fail in.

    Args:
        home: an empty folder.
    """

    home: Path
    states: tuple[str, ...] = field(default=("old", "new"), init=False)
    """What may be there afterwards."""

    def __post_init__(self) -> None:
        self.place = self.home / "place"
        self.once()

    def once(self) -> None:
        """Makes what all tries begin from."""

    def begin(self) -> None:
        """Puts the place back to what it is before each try."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)

    def act(self) -> object:
        """Does it."""
        raise NotImplementedError

    def look(self) -> str:
        """Says what is there now."""
        raise NotImplementedError

    def again(self) -> str:
        """Does it once more, without a fault, and says what is there then."""
        self.act()
        return self.look()


class Saved(Scenario):
    """`zoo.save` over a saved model."""

    def once(self) -> None:
        """Two models."""
        self.old, self.new = model(1), model(2)
        self.names = {digest(self.old): "old", digest(self.new): "new"}

    def begin(self) -> None:
        """The old model."""
        super().begin()
        zoo.save(self.old, self.place / "model")

    def act(self) -> object:
        """Saves the new one."""
        return zoo.save(self.new, self.place / "model")

    def look(self) -> str:
        """Which of the two is there."""
        folder = self.place / "model"
        return self.names.get(digest(zoo.load(folder)), "a mix") if folder.exists() else "nothing"


class SavedFresh(Saved):
    """`zoo.save` into a new folder."""

    states = ("nothing", "new")

    def begin(self) -> None:
        """Nothing."""
        Scenario.begin(self)


class Pushed(Saved):
    """`zoo.push` to a folder that serves as a Hub."""

    def begin(self) -> None:
        """The old model."""
        Scenario.begin(self)
        zoo.push(self.old, f"file:{self.place / 'model'}")

    def act(self) -> object:
        """Pushes the new one."""
        return zoo.push(self.new, f"file:{self.place / 'model'}")

    def again(self) -> str:
        """Once the new one is there, pushing it writes nothing: the old one, and the new one then."""
        zoo.push(self.old, f"file:{self.place / 'model'}")
        return super().again()


class Pulled(Saved):
    """`zoo pull --out` over a model that was pulled before."""

    def once(self) -> None:
        """Both models in a Hub."""
        super().once()
        for name, made in (("old", self.old), ("new", self.new)):
            zoo.push(made, f"file:{self.home / 'hub' / name}")

    def begin(self) -> None:
        """The old model."""
        Scenario.begin(self)
        pull_files(f"file:{self.home / 'hub' / 'old'}", self.place / "model")

    def act(self) -> object:
        """Pulls the new one."""
        return pull_files(f"file:{self.home / 'hub' / 'new'}", self.place / "model")


class Fitted(Scenario):
    """`zoo.fit`, which goes on where it was cut off and ends as if it had not been."""

    states = ("nothing", "resumed")
    data: ClassVar[Any] = {"name": "faces", "per_class": 6}

    def settings(self) -> dict[str, Any]:
        """Of the run."""
        return {"epochs": 2, "batch_size": 6, "schedule": "cosine", "checkpoint_every": 0}

    def made(self) -> Model:
        """The model that is trained."""
        return zoo.build("tiny_resnet", head="binary", in_channels=1, input_size=16, units=1, seed=0)

    def once(self) -> None:
        """A run that nothing befell."""
        self.whole = self.end(self.fit(self.home / "whole"))

    def fit(self, folder: Path) -> Any:
        """One run."""
        return zoo.fit(self.made(), self.data, out=folder, progress=False, **self.settings())

    def end(self, run: Any) -> str:
        """What a run came to, but for its seconds."""
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]
        return digest(run.model) + repr(rows)

    def act(self) -> object:
        """Trains."""
        return self.fit(self.place / "run")

    def look(self) -> str:
        """Goes on with what is there; where there is nothing to go on with, a new run begins."""
        folder = self.place / "run"
        if not (folder / RUN_FILE).exists():
            return "nothing"
        try:
            run = zoo.fit(resume=folder, progress=False)
        except TrainingError as error:
            if "a finished one" not in str(error):
                raise
            found = zoo.load(folder)  # it died after its end
            return "resumed" if digest(found) == self.whole[:64] else "another end"
        return "resumed" if self.end(run) == self.whole else "another end"

    def again(self) -> str:
        """A new run, in the place of the one that was cut off."""
        shutil.rmtree(self.place / "run", ignore_errors=True)
        return "resumed" if self.end(self.fit(self.place / "run")) == self.whole else "another end"


class FittedAutoencoder(Fitted):
    """Trainer of autoencoders."""

    data: ClassVar[Any] = {"name": "digits", "per_class": 4}

    def settings(self) -> dict[str, Any]:
        """Of the run."""
        return {"epochs": 2, "batch_size": 10, "checkpoint_every": 0}

    def made(self) -> Model:
        """An autoencoder."""
        return zoo.build("autoencoder", in_channels=1, input_size=16, seed=0)


class FittedGan(FittedAutoencoder):
    """Trainer of GANs."""

    def made(self) -> Model:
        """A GAN."""
        sides = {"input_size": 8}
        return zoo.build(
            "dcgan", in_channels=1, seed=0,
            generator={"name": "dcgan_generator", "latent": 6, "width": 4, **sides},
            discriminator={"name": "dcgan_discriminator", "head": "binary", "channels": [4, 8], **sides},
        )  # fmt: skip


class FittedSrgan(Fitted):
    """Trainer of SRGAN, with its phase of pretraining."""

    data: ClassVar[Any] = {"name": "photos", "size": 32, "per_photo": 1}

    def settings(self) -> dict[str, Any]:
        """Of the run: an epoch of pretraining, and one of the game."""
        content = {
            "name": "content", "tap": "block2",
            "network": {"name": "tiny_resnet", "channels": [4, 8], "units": 1},
        }  # fmt: skip
        parts = {"content": {"weight": 0.01, "loss": content}, "adversarial": {"weight": 1e-3}}
        loss = {"name": "perceptual", "parts": parts}
        return {"epochs": 2, "pretrain_epochs": 1, "batch_size": 8, "checkpoint_every": 0, "loss": loss}

    def made(self) -> Model:
        """A generator and its discriminator."""
        head = {"name": "binary", "pool": "flatten", "hidden": [4], "activation": "leaky-relu"}
        return zoo.build(
            "srgan", input_size=32, seed=0,
            generator={"name": "srresnet", "scale": 2, "width": 4, "blocks": 1},
            discriminator={"name": "srgan_discriminator", "width": 4, "head": head},
        )  # fmt: skip


class Cached(Fitted):
    """Filling of the feature cache."""

    def made(self) -> Model:
        """A model whose first blocks are frozen."""
        return zoo.build(
            "tiny_resnet", head="binary", in_channels=1, input_size=16, units=1, seed=0, freeze="block1-2"
        )

    def begin(self) -> None:
        """An empty cache, in the place where the faults are."""
        super().begin()
        shutil.rmtree(self.home / "run", ignore_errors=True)
        os.environ["ZOO_CACHE"] = str(self.place / "cache")

    def act(self) -> object:
        """Trains with the cache; only that is touched by faults."""
        return self.fit(self.home / "run")

    def look(self) -> str:
        """A run that finds what the one before left."""
        shutil.rmtree(self.home / "run", ignore_errors=True)
        return "resumed" if self.end(self.fit(self.home / "run")) == self.whole else "another end"

    def again(self) -> str:
        """Once more."""
        return self.look()


class Catalogued(Scenario):
    """`zoo catalogue` of a plugin."""

    def once(self) -> None:
        """A plugin, and what its catalogue is before and after."""
        root = Path(zoo.__file__).parent.parent
        self.package = root / "plugins" / "zoo-vgg"
        self.new = (self.package / "src" / "zoo_vgg" / "catalogue.json").read_bytes()
        self.old = self.new.replace(b'"summary": "', b'"summary": "Old: ', 1)

    def begin(self) -> None:
        """The old catalogue."""
        super().begin()
        (self.place / "catalogue.json").write_bytes(self.old)

    def act(self) -> object:
        """Writes the new one, as the command does."""
        return write_catalogue(self.place / "catalogue.json", self.new.decode())

    def look(self) -> str:
        """Which of the two is there."""
        found = (self.place / "catalogue.json").read_bytes()
        return {self.old: "old", self.new: "new"}.get(found, "a mix")


SCENARIOS: dict[str, Callable[[Path], Scenario]] = {
    "save": Saved, "save-new": SavedFresh, "push": Pushed, "pull": Pulled, "fit": Fitted,
    "fit-autoencoder": FittedAutoencoder, "fit-gan": FittedGan, "fit-srgan": FittedSrgan, "cache": Cached,
    "catalogue": Catalogued,
}  # fmt: skip
