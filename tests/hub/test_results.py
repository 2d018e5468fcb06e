"""Parts, results and failures: what is said of each."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from zoo.hub import reproduce
from zoo.hub.card import card
from zoo.hub.folder_rules import unwritten
from zoo.hub.part import part_of
from zoo.hub.result import Pushed
from zoo.interfaces import Model
from zoo.spec.disk.transaction import COMMITTED, recover
from zoo.spec.errors import SaveError
from zoo.spec.inputs import InputSpec
from zoo.spec.recipe import ModelSection, Recipe


def test_a_result_says_where_the_model_is() -> None:
    pushed = Pushed(reference="hf://me/cats@abc", url="https://hub/me/cats", commit="abc", files=("a", "b"))
    assert repr(pushed) == "pushed a, b to https://hub/me/cats"
    assert repr(Pushed(reference="./cats", url=None, commit=None, files=())) == "nothing changed at ./cats"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "got No space left on device; what was there"),
        (OSError("odd"), "got odd; what was there"),
        (OSError(errno.ENOSPC, "full"), "is untouched; free space or choose another folder"),
        (OSError(errno.EACCES, "no"), "is untouched; choose another folder"),
        (OSError(errno.ENOTEMPTY, "Directory not empty"), "got another save at the same time"),
        (OSError(errno.EEXIST, "File exists"), "got another save at the same time"),
    ],
)
def test_why_a_folder_could_not_be_written(error: OSError, said: str) -> None:
    assert said in str(unwritten(Path("m"), error))


class Whole(Model):
    """A model with others inside."""

    def __init__(self, **inside: nn.Module) -> None:
        super().__init__(task=None, input_spec=InputSpec())
        for name, network in inside.items():
            setattr(self, name, network)
        self.recipe = Recipe(model=ModelSection(name="net"))


def test_a_part_is_a_model_of_its_own_with_the_provenance_of_the_whole() -> None:
    inside = Whole()
    whole = Whole(generator=inside, layer=nn.Linear(1, 1))
    whole.licence = "MIT"
    alone = part_of(whole, "generator")
    assert type(alone) is Whole
    assert (alone.licence, inside.licence) == ("MIT", None)
    with pytest.raises(SaveError, match=r"part of net: expected generator, .*did you mean generator"):
        part_of(whole, "generater")
    with pytest.raises(SaveError, match="expected generator, got 'layer'"):
        part_of(whole, "layer")
    with pytest.raises(SaveError, match="leave part out"):
        part_of(alone, "generator")


def test_a_new_process_is_given_three_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    images = torch.rand(2, 3)
    save_file({"images": images}, tmp_path / "in")
    network = nn.Sequential(nn.Dropout(0.5)).train()
    monkeypatch.setattr(reproduce, "pull", lambda source: network)
    reproduce.main(["somewhere", str(tmp_path / "in"), str(tmp_path / "out")])
    assert torch.equal(load_file(tmp_path / "out")["outputs"], images)
    assert network.training
    with pytest.raises(SystemExit):
        reproduce.main(["somewhere", str(tmp_path / "in")])


def test_of_very_many_labels_a_card_tells_the_number(make_model: Any) -> None:
    def labels(count: int) -> Any:
        model = make_model()
        names = tuple(f"label-{i}" for i in range(count))
        section = model.recipe.model.model_copy(update={"classes": names})
        model._recipe = model.recipe.model_copy(update={"model": section, "trainer": "supervised"})
        return card(model).partition("The recipe")[2]

    assert '"label-19"' in labels(20)
    assert '"label-19"' not in labels(21)
    assert '"classes": 21' in labels(21)


def test_a_finished_move_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[list[str]] = []
    monkeypatch.setattr(
        "zoo.spec.disk.transaction.sync_folder", lambda at: synced.append([f.name for f in at.iterdir()])
    )
    recover(tmp_path)
    assert synced == []
    (tmp_path / COMMITTED).mkdir()
    (tmp_path / COMMITTED / "a").write_text("new")
    recover(tmp_path)
    assert synced == [["a"]]
