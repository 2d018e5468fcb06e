"""Readers of zoo's files, each with a valid file to begin from and the ways to change it."""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import zoo
from tests.fuzz.mutations import Draw, changed_bytes, changed_value, cleared, json_bytes, odd_file
from zoo.compose.foreign import module_files
from zoo.hub import config as configs
from zoo.hub import folder as folders
from zoo.hub import folder_rules, foreign_files, readme
from zoo.hub.card import known_rows
from zoo.inference import looks
from zoo.registry import cache
from zoo.registry import catalogue as catalogues
from zoo.registry.catalogue_index import read_for_listing
from zoo.spec.component import Component
from zoo.spec.disk import history, reading, records, schema
from zoo.spec.recipe import Recipe
from zoo.training.record import checkpoint, run_facts
from zoo.training.record.run_folder import RunFolder
from zoo.weights import tensor_files

Tree = Any
ODD_FILES, UNFORMED = 0.01, 0.3
"""Parts of the cases that are no such file at all, and that need not keep the form of one."""

FACES = {"name": "faces", "per_class": 4}


@dataclass(frozen=True, slots=True)
class Reader:
    """One kind of file.

    Args:
        name: of the kind.
        seeds: valid files.
        take: reads the file at a path, with all that the library makes of it.
        write: a tree as the bytes of the file; None where values have no form of their own.
        parse: a valid file as a tree.
        covers: functions that read it, or modules that do nothing else, whose branches are counted.
    """

    name: str
    seeds: tuple[bytes, ...]
    take: Callable[[Path], object]
    write: Callable[[Tree, bytes], bytes]
    parse: Callable[[bytes], Tree]
    covers: tuple[Any, ...]

    def put(self, path: Path, draw: Draw) -> bool:
        """Puts a file to try at a path; whether it kept its form."""
        seed, way = draw.choice(self.seeds), draw.random()
        cleared(path)
        if way < ODD_FILES:
            odd_file(path, seed, draw)
        elif way < UNFORMED:
            path.write_bytes(changed_bytes(seed, draw))
        else:
            path.write_bytes(self.write(changed_value(self.parse(seed), draw), seed))
        return way >= UNFORMED


# -- files of a header and tensors -------------------------------------------------------------------------


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def _header_of(note: str | None) -> Callable[[bytes], Tree]:
    """The header of a safetensors file; with a note, that one in the header as a tree of its own."""

    def parse(content: bytes) -> Tree:
        header = _split(content)[0]
        texts = header["__metadata__"]
        for key in (note,) if note else ("places", "aliases"):
            texts[key] = json.loads(texts[key])
        return texts[note] if note else header

    return parse


def _with_header(note: str | None) -> Callable[[Tree, bytes], bytes]:
    def write(tree: Tree, seed: bytes) -> bytes:
        header, body = _split(seed)
        if note:
            header["__metadata__"][note] = json.dumps(tree)
        else:
            header = tree
            texts = header.get("__metadata__") if isinstance(header, dict) else None
            if isinstance(texts, dict):
                for key in ("places", "aliases"):
                    if key in texts and not isinstance(texts[key], str):
                        texts[key] = json.dumps(texts[key])
        text = json_bytes(header)
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + body

    return write


def _take_weights(path: Path) -> None:
    tensor_files.read_notes(path)
    for copy in (False, True):
        for tensor in tensor_files.read(path, copy=copy, verified=not copy).values():
            tensor.float().sum()


def _take_checkpoint(path: Path) -> None:
    try:
        checkpoint.read_numbers(path)
    except zoo.ZooError as error:
        checked(error)
    checkpoint.read_checkpoint(path)


class Net(nn.Module):
    """A module that no file holds."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Answers."""
        return self.linear(nn.functional.adaptive_avg_pool2d(image.mean(1, keepdim=True), 2).flatten(1))


class Twice(Net):
    """The same weights with twice the answers."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Answers."""
        return super().forward(image).repeat(1, 2)


# -- texts ---------------------------------------------------------------------------------------------------


def _toml(tree: Tree, _seed: bytes) -> bytes:
    """A tree as TOML, as far as TOML has its values; as JSON where it has not, which is a recipe too."""
    out = io.StringIO()

    def value(item: Any) -> str:
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(str(k))} = {value(v)}" for k, v in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return json.dumps(item) if item is not None else '""'

    if not isinstance(tree, dict):
        return json_bytes(tree)
    for key, item in tree.items():
        out.write(f"{json.dumps(str(key))} = {value(item)}\n")
    return out.getvalue().encode("utf-8", "surrogatepass")


def _card_parts(content: bytes) -> Tree:
    import yaml

    _, front, body = content.decode().split("---\n", 2)
    return {"front": yaml.safe_load(front), "body": body}


def _card(tree: Tree, _seed: bytes) -> bytes:
    import yaml

    if not isinstance(tree, dict):
        return str(tree).encode("utf-8", "replace")
    front, body = tree.get("front"), tree.get("body")
    text = yaml.safe_dump(front, allow_unicode=False)
    return f"---\n{text}---\n{body}".encode("utf-8", "replace")


def _take_card(path: Path) -> None:
    there = folder_rules.readme(path.parent)
    text = f"---\ntags: [zoo]\n---\n\n{readme.BEGIN}\nNew.\n{readme.END}\n"
    readme.parse(readme.renewed(text, there), "renewed")


# -- files of a folder ---------------------------------------------------------------------------------------


def _take_run(path: Path) -> None:
    run = RunFolder.read(path.parent)
    records.known_run(path.parent)
    run.settings, run.fused, run.lengthened, run.again(3)  # what resuming asks
    run.parts({"loss": None, "trainer": None, "data": None, "augment": None})
    try:
        run.check_given({"model": None, "loss": None}, {})
    except KeyError as error:  # an object of another kind is asked for by its name
        assert error.args[0] in run.facts["objects"]
    run.lengthening(None)
    run.lengthening(5)


def _take_history(path: Path) -> None:
    rows = history.read_rows(path)
    known_rows(path)
    history.best_row(rows, "val_loss", False)
    history.last_better(rows, "val_loss", True)


def _take_splits(keys: Sequence[str], path: Path) -> None:
    dataset = SimpleNamespace(key=keys.__getitem__, name=str)
    with zoo_warnings():
        looks.warn_of_leak(path.parent, dataset, (0, 1), "test")  # type: ignore[arg-type]


def _take_looks(path: Path) -> None:
    count = looks.looks(SimpleNamespace(), path.parent, "abc")  # type: ignore[arg-type]
    assert isinstance(count, int)


def _take_foreign(path: Path) -> None:
    assert foreign_files.is_foreign(path.parent, "history.json") in (True, False)


def _take_config(path: Path) -> None:
    zoo.load(path.parent)


def _take_catalogue(path: Path) -> None:
    data = catalogues.read_catalogue(path)
    catalogues.read_namespace(data, "zoo-fuzz")
    for row in data["components"]:
        try:
            Component.from_dict({key: value for key, value in row.items() if key != "facts"})
        except zoo.ZooError:  # costs the row alone
            assert catalogues.dump(row)


def _take_index(path: Path) -> None:
    """A damaged index costs time and nothing else."""
    plugin = path.parent.parent.parent / "plugin" / "catalogue.json"
    stat = plugin.stat()
    index = path.parent.parent / cache.name("catalogues", "zoo-fuzz", str(plugin))
    cleared(index)
    whole = False
    if path.is_file():
        # The key is of the plugin's file as it lies here; a mutation may have changed it all the same
        key = json.dumps([str(plugin), stat.st_mtime_ns, stat.st_size]).encode()
        content = path.read_bytes()
        body = content.partition(b"\n")[2]
        whole = content == cache.sealed(body)
        content = content.replace(b'"KEY"', key)
        path.write_bytes(cache.sealed(content.partition(b"\n")[2]) if whole else content)
    if os.path.lexists(path):
        path.rename(index)
    found = [row["name"] for row in read_for_listing(plugin, "zoo-fuzz")["components"]]
    # What somebody wrote with its checksum is what they meant, as far as it is a catalogue
    assert whole or found == [row["name"] for row in catalogues.read_catalogue(plugin)["components"]]
    # Not large enough for an index, and not there at all
    assert read_for_listing(plugin.with_name("small.json"), "zoo-fuzz")["components"]
    with pytest.raises(zoo.ZooError):
        read_for_listing(plugin.with_name("none.json"), "zoo-fuzz")


@contextmanager
def zoo_warnings() -> Iterator[None]:
    """Warnings of zoo's, which are no errors here."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


PLACES = {
    "config": "model/config.json",
    "run": "run/run.json",
    "history": "run/history.json",
    "splits": "run/splits.json",
    "card": "model/README.md",
    "looks": "model/looks.json",
    "foreign": "run/other-weights.json",
    "module": "module/model.safetensors",
    "index": "cache/catalogues/fuzz.json",
}
"""Where a file has to lie to be read; others lie anywhere."""

ROOT = Path(zoo.__file__).parent
NOTE = "zoo.checkpoint"
MODULE = "zoo.module"


def make(home: Path) -> dict[str, Reader]:
    """All readers, their valid files made in a folder.

    Args:
        home: an empty folder; the files to be tried are written into it too.
    """
    model = zoo.build("mlp", hidden=[8], head="binary", in_channels=1, input_size=4, seed=0)
    model.metrics = {"val": {"accuracy": 0.5}}
    zoo.save(model, home / "model")
    zoo.fit(model, FACES, epochs=1, batch_size=4, out=home / "run", progress=False, checkpoint_every=0)
    zoo.fit(Net(), FACES, loss=nn.CrossEntropyLoss(), epochs=1, out=home / "module", progress=False)
    found = (*_of_plugins(home), *_of_models(home), *_of_runs(home / "run"), *_of_tensors(home))
    assert all(reader.parse(seed) is not None for reader in found for seed in reader.seeds)
    return {reader.name: reader for reader in found}


def _json_reader(
    name: str, seeds: Sequence[bytes], take: Callable[[Path], object], *covers: Callable[..., Any]
) -> Reader:
    return Reader(name, tuple(seeds), take, lambda tree, seed: json_bytes(tree), json.loads, covers)


def _of_plugins(home: Path) -> Iterator[Reader]:
    """Catalogues, the registry, and the index of a large catalogue."""
    whole = json.loads((ROOT / "builtin" / "catalogue.json").read_text(encoding="utf-8"))
    rows = whole["components"]
    rich = [row for row in rows if row.get("weights") or row.get("facts", {}).get("blocks")]
    small = {**whole, "components": [*rows[:: max(1, len(rows) // 6)], *rich[:2]]}
    (home / "plugin").mkdir()
    (home / "plugin" / "catalogue.json").write_bytes(json_bytes(whole).ljust(40_000))
    (home / "plugin" / "small.json").write_bytes(json_bytes({**whole, "components": rows[:2]}))
    known = json.loads((ROOT.parent / "registry.json").read_text(encoding="utf-8"))
    one = {key: value[:1] if isinstance(value, list) else value for key, value in known.items()}
    index = {"key": "KEY", "catalogue": small}
    of = catalogues
    named = {**small, "namespace": "fuzz", "bare": ["mlp"], "formerly": ["fuss"]}
    seeds = [json_bytes(small), json_bytes(named)]
    yield _json_reader("catalogue", seeds, _take_catalogue, of.read_catalogue, of._json, of.check_catalogue,
                       of.check_rows, of.read_namespace, Component.from_dict)  # fmt: skip
    yield _json_reader("registry", [json_bytes(one)], of.read_registry, of.read_registry)
    sealed = cache.sealed(json_bytes(index))
    covers = (read_for_listing, cache.read)
    yield Reader("index", (sealed,), _take_index, lambda tree, seed: cache.sealed(json_bytes(tree)),
                 lambda content: json.loads(content.partition(b"\n")[2]), covers)  # fmt: skip


def _of_models(home: Path) -> Iterator[Reader]:
    """Configs, recipes and cards."""
    config, card = ((home / "model" / name).read_bytes() for name in ("config.json", "README.md"))
    # The weights beside them do not fit, which is found last
    others = [json_bytes({**json.loads(config), "recipe": recipe}) for recipe in _recipes()]
    seeds = [config, config, *others]
    yield _json_reader("config", seeds, _take_config, configs.parse, configs._checked, configs._pinned,
                       folders.checked)  # fmt: skip
    written = (ROOT.parent / "tests" / "compatibility" / "0.1" / "recipe.toml").read_bytes()
    recorded = json_bytes(json.loads((home / "run" / "run.json").read_bytes())["recipe"])
    covers = (Recipe.from_file, Recipe.from_dict)
    yield Reader("recipe", (written, recorded), _take_recipe, _toml, _recipe_tree, covers)
    # With keys of somebody's own, an alias of one, and a mark in a block of code, which is none
    own = b"---\nversion: &mine 1.10  # mine\nsame: *mine\n"
    words = card.replace(b"---\n", own, 1) + f"\n```\n{readme.BEGIN}\n```\n".encode()
    # This one is refused as it is: a key of somebody's own would lose what zoo writes anew
    taken = card.replace(b"---\n", b"---\nlicense: &mine mit\nmine: *mine\n", 1)
    covers = (
        readme.read, readme.parse, readme.renewed, readme._section, readme._open_fence, readme._pieces,
        readme._cut, readme._check_alone,
    )  # fmt: skip
    yield Reader("card", (card, words, taken), _take_card, _card, _card_parts, covers)


def _recipes() -> Iterator[Tree]:
    """Recipes of networks with loops over blocks, parts and frozen ranges."""
    side = {"input_size": [8, 8]}
    generator = {"name": "dcgan_generator", "latent": 6, "width": 4, **side}
    discriminator = {"name": "dcgan_discriminator", "channels": [4, 8], "head": "binary", **side}
    for name, options in (
        ("tiny_resnet", {"head": "binary", "units": 1, "freeze": "block1-2", "input_size": 16}),
        ("unet", {"encoder": {"name": "unet_encoder", "widths": [4, 8]}, "classes": 2, "input_size": 16}),
        ("autoencoder", {"latent": 2, "variational": True, "input_size": 16, "in_channels": 1}),
        ("dcgan", {"generator": generator, "discriminator": discriminator, "in_channels": 1}),
        ("srresnet", {"width": 8, "blocks": 1, "scale": 2, "input_size": 16}),
    ):
        yield zoo.build(name, seed=0, **options).recipe.to_dict()


def _of_runs(run: Path) -> Iterator[Reader]:
    """Records of a run, its history, splits and looks."""
    finished = (run / "run.json").read_bytes()
    unfinished = finished.replace(b'"finished": true', b'"finished": false')
    assert unfinished != finished
    digest = {"history.json": reading.sha256(run / "history.json")}
    yield _json_reader("run", [finished, unfinished], _take_run, run_facts.read_facts, records.known_run)
    yield _json_reader("history", [(run / "history.json").read_bytes()], _take_history, history.read_rows,
                       known_rows)  # fmt: skip
    splits = (run / "splits.json").read_bytes()
    keys = [item["key"] for item in json.loads(splits)["train"][:2]]
    yield _json_reader("splits", [splits], partial(_take_splits, keys), looks.warn_of_leak)
    yield _json_reader("looks", [json_bytes({"abc": 1, "d": 2})], _take_looks)
    yield _json_reader("foreign", [json_bytes(digest)], _take_foreign, foreign_files.is_foreign)


def _of_tensors(home: Path) -> Iterator[Reader]:
    """Headers of weights, and the notes in them."""
    weights = {"a": torch.arange(6.0), "b": torch.ones(3, dtype=torch.int8)}
    tensor_files.write(home / "shared.safetensors", {**weights, "c": weights["a"]})
    files = (home / "model" / "model.safetensors", home / "shared.safetensors")
    state = {
        "epoch": 2, "step": 3, "means": None, "history": [{"epoch": 1, "loss": 0.5}],
        "present": [{"w": torch.ones(4)}], "best": (1.5, float("inf")),
        "trainer": {0: {"step": torch.tensor(1.0)}},
    }  # fmt: skip
    checkpoint.write_checkpoint(home / "checkpoint", state)
    of = checkpoint
    yield Reader("weights", tuple(file.read_bytes() for file in files), _take_weights, _with_header(None),
                 _header_of(None), (tensor_files.read, tensor_files.read_notes))  # fmt: skip
    yield Reader("checkpoint", ((home / "checkpoint").read_bytes(),), _take_checkpoint, _with_header(NOTE),
                 _header_of(NOTE), (of.read_checkpoint, of._note, of.read_numbers, of._unpack))  # fmt: skip
    module, of_module = (home / "module" / "model.safetensors").read_bytes(), module_files
    yield Reader("module", (module,), _take_module, _with_header(MODULE), _header_of(MODULE),
                 (of_module.load_module, of_module._facts, of_module._note))  # fmt: skip


def _take_module(path: Path) -> None:
    """By its own class, and by one with other answers; beside a config it is no module."""
    beside = path.with_name("config.json")
    with zoo_warnings():
        beside.write_bytes(b"{}")
        with pytest.raises(zoo.ZooError):
            zoo.load(path.parent, module=Net())
        beside.unlink()
        zoo.load(path.parent, module=Net())
        with pytest.raises(zoo.ZooError):
            zoo.load(path.parent, module=Twice())


def _recipe_tree(content: bytes) -> Tree:
    import tomllib

    try:
        return json.loads(content)
    except ValueError:
        return tomllib.loads(content.decode())


def _take_recipe(path: Path) -> None:
    """As both kinds of file: one of them is of another form and refused."""
    refused = []
    for ending in (".toml", ".json"):
        file = path.with_suffix(ending)
        cleared(file)
        if os.path.lexists(path):
            path.rename(file)
        path = file
        try:
            Recipe.from_dict(Recipe.from_file(file).to_dict())
        except zoo.ZooError as error:
            checked(error)
            refused.append(error)
    cleared(path)
    if len(refused) == 2:
        raise refused[0]


def checked(error: zoo.ZooError) -> None:
    """An error of zoo's is one line that a terminal takes no orders from."""
    text = str(error)
    odd = [letter for letter in text if not letter.isprintable() and letter != "\u00a0"]
    assert not odd, f"not one plain line: {text[:300]!r}"
    assert len(text) < 5000, f"{len(text)} letters: {text[:200]!r}"


BOUNDED = (reading, schema)
"""Modules that all readers go through, covered as a whole."""
