"""Weights of other programs: names behind prefixes, containers, pickles, and what is refused."""

from __future__ import annotations

import argparse
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from zoo_resnet.weights import module_names

import zoo
from zoo.cli import main
from zoo.errors import SaveError, WeightsError, ZooWarning
from zoo.interfaces.blocks.state_dicts import rename
from zoo.weights.tensor_files import is_pickle

TINY = {"name": "resnet18", "width": 0.125, "layers": [1, 1, 1, 1]}
SETTINGS: dict[str, Any] = {"input_size": 32, "seed": 0}
PREFIXES = ("", "module.", "_orig_mod.", "model.", "module.model.", "state_dict.model.backbone.", "odd.")


@pytest.fixture(scope="module")
def source() -> Any:
    return zoo.build(TINY, head="original", classes=7, **{**SETTINGS, "seed": 5})


def published(source: Any) -> dict[str, Tensor]:
    """The names that torchvision has for the same network."""
    theirs = {ours: name for name, ours in module_names([1, 1, 1, 1]).items()}
    own = {k: v.clone() for k, v in source.backbone.state_dict().items()}
    return {**rename(own, theirs), **{k: v.clone() for k, v in source.head.state_dict().items()}}


def same(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_names_behind_a_common_beginning_are_found(source: Any, prefix: str, tmp_path: Path) -> None:
    own = source.backbone.state_dict()
    whole = source.state_dict()
    for i, state in enumerate((own, published(source), whole)):
        file = tmp_path / f"{i}.safetensors"
        save_file({prefix + k: v.clone() for k, v in state.items()}, file)
        model = zoo.build(TINY, head="multiclass", classes=3, weights=f"file:{file}", **SETTINGS)
        assert same(model.backbone, source.backbone)
        if i:
            model = zoo.build(TINY, head="original", classes=7, weights=f"file:{file}", **SETTINGS)
            assert same(model, source)


def test_parts_that_were_compiled_and_what_stands_beside_the_network(source: Any, tmp_path: Path) -> None:
    own = source.backbone.state_dict()
    compiled = {k.replace("block2.", "block2._orig_mod."): v.clone() for k, v in own.items()}
    beside = {
        **{f"model.{k}": v.clone() for k, v in published(source).items()},
        "criterion.weight": torch.ones(7),
    }
    save_file(compiled, tmp_path / "compiled.safetensors")
    save_file(beside, tmp_path / "beside.safetensors")
    assert same(
        zoo.build(TINY, weights=tmp_path / "compiled.safetensors", **SETTINGS).backbone, source.backbone
    )
    with pytest.warns(ZooWarning, match=r"beside\.safetensors: 1 tensor beside .* aside: criterion\.weight$"):
        model = zoo.build(TINY, weights=tmp_path / "beside.safetensors", **SETTINGS)
    assert same(model.backbone, source.backbone)
    done = zoo.convert(tmp_path / "beside.safetensors", TINY, out=tmp_path / "new.safetensors")
    assert done.unused == ("criterion.weight",)


def test_a_complete_model_is_found_behind_a_beginning_too(tmp_path: Path) -> None:
    model = zoo.build("unet", classes=2, seed=3)
    save_file({f"module.{k}": v.clone() for k, v in model.state_dict().items()}, tmp_path / "w.safetensors")
    assert same(zoo.build("unet", classes=2, weights=tmp_path / "w.safetensors"), model)


def test_weights_that_do_not_fit_are_named_as_before(source: Any, tmp_path: Path) -> None:
    state = {f"module.{k}": v.clone() for k, v in source.backbone.state_dict().items()}
    state.pop("module.block1.conv1.weight")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing: block1\.conv1\.weight; are"):
        zoo.build(TINY, weights=tmp_path / "w.safetensors", **SETTINGS)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin", ".safetensors"])
def test_each_kind_of_file_becomes_one_that_weights_takes(source: Any, suffix: str, tmp_path: Path) -> None:
    file, state = tmp_path / f"w{suffix}", {f"module.{k}": v for k, v in published(source).items()}
    if suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save(state, file)
    done = zoo.convert(file, TINY, out=tmp_path / "new.safetensors")
    assert (done.matched, done.head, done.unused, done.container) == (
        len(source.backbone.state_dict()),
        7,
        (),
        "",
    )
    assert same(zoo.build(TINY, head="original", classes=7, weights=f"file:{done.file}", **SETTINGS), source)
    assert str(done).startswith(
        f"{done.matched} of {done.matched} tensors of resnet18 found\nwith a classifier of 7"
    )


@pytest.mark.parametrize("keys", [("state_dict",), ("model",), ("weights",), ("model", "state_dict")])
def test_the_weights_are_found_in_containers(source: Any, keys: tuple[str, ...], tmp_path: Path) -> None:
    tree: Any = {f"model.{k}": v for k, v in published(source).items()}
    for key in reversed(keys):
        tree = {key: tree, "epoch": 3}
    torch.save({**tree, "optimizer": {"lr": 0.1}}, tmp_path / "w.ckpt", _use_new_zipfile_serialization=False)
    done = zoo.convert(tmp_path / "w.ckpt", TINY)
    assert (done.file, done.container) == (tmp_path / "w.safetensors", ".".join(keys))
    assert "epoch" in done.beside
    assert "beside the weights: 'epoch'" in str(done)
    assert same(zoo.build(TINY, weights=done.file, **SETTINGS).backbone, source.backbone)


def test_tensors_without_a_place_are_left_aside_by_name(source: Any, tmp_path: Path) -> None:
    torch.save({**published(source), "aux.weight": torch.ones(2)}, tmp_path / "w.pth")
    done = zoo.convert(tmp_path / "w.pth", TINY)
    assert done.unused == ("aux.weight",)
    assert "left aside: 1 tensor: aux.weight" in str(done)
    # The head of a model of zoo's is not the published one
    folder = zoo.save(zoo.build(TINY, head="binary", **SETTINGS), tmp_path / "model")
    done = zoo.convert(folder / "model.safetensors", TINY, out=tmp_path / "body.safetensors")
    assert done.head is None
    assert all(name.startswith("head.") for name in done.unused)
    assert all(name.startswith("backbone.") for name in load_file(done.file))


def test_the_weights_of_a_complete_model_and_of_gray_images(source: Any, tmp_path: Path) -> None:
    unet = zoo.build("unet", classes=2, seed=3)
    torch.save({"model": unet.state_dict()}, tmp_path / "unet.pt")
    done = zoo.convert(tmp_path / "unet.pt", "unet", classes=2)
    assert same(zoo.build("unet", classes=2, weights=done.file), unet)
    torch.save(published(source), tmp_path / "gray.pth")
    done = zoo.convert(tmp_path / "gray.pth", TINY, in_channels=1)
    assert zoo.build(TINY, in_channels=1, weights=done.file, **SETTINGS).input_spec.channels == 1


def test_what_lacks_weights_is_refused_with_names_and_writes_nothing(source: Any, tmp_path: Path) -> None:
    state = published(source)
    state.pop("conv1.weight")
    state["bn1.weight"] = torch.ones(3)
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    count = len(source.backbone.state_dict())
    words = (
        rf"expected all {count} tensors of resnet18, got {count - 2} in its state_dict; 1 missing: "
        r"block1\.conv1\.weight; 1 of another shape: block1\.bn1\.weight \(3,\) for \(8,\); are they"
    )
    with pytest.raises(WeightsError, match=words):
        zoo.convert(tmp_path / "w.pth", TINY)
    with pytest.raises(WeightsError, match=r"got 0 in its state_dict; 8 missing: .*; \d+ unexpected"):
        zoo.convert(tmp_path / "w.pth", "small_cnn")
    assert [*tmp_path.iterdir()] == [tmp_path / "w.pth"]


class Loud:
    """An object whose reading would run code."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("ran"),))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (argparse.Namespace(lr=1), r"got a pickle with argparse\.Namespace, which is not read"),
        (
            {"state_dict": {"a": torch.ones(1)}, "hyper_parameters": argparse.Namespace()},
            r"argparse\.Namespace",
        ),
        ([torch.ones(1)], "expected tensors by name, got a list"),
        ({"epoch": 3}, "expected tensors by name, got keys epoch"),
        ({"a": torch.ones(2, 2).to_sparse()}, "expected dense tensors, got sparse or quantized a"),
    ],
)
def test_files_of_other_content_are_refused(content: Any, words: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=words) as error:
        zoo.convert(tmp_path / "w.pth", TINY)
    assert "\n" not in str(error.value)


def test_no_code_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Loud()}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="is not read, since a class may run code; where it was made"):
        zoo.convert(tmp_path / "w.pth", TINY)
    assert not Path("ran").exists()


def test_rubbish_missing_files_and_places_that_are_taken(source: Any, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"hello" * 9)
    with pytest.raises(WeightsError, match="expected weights that torch has saved, got something else"):
        zoo.convert(tmp_path / "w.pth", TINY)
    with pytest.raises(WeightsError, match="expected a file of weights, got no such file"):
        zoo.convert(tmp_path / "no.pth", TINY)
    (tmp_path / "w.safetensors").touch()
    with pytest.raises(SaveError, match=r"expected a new file, got .*w\.safetensors, which is there"):
        zoo.convert(tmp_path / "w.pth", TINY)
    with pytest.raises(SaveError, match=r"expected a file \*\.safetensors, got .*w\.bin"):
        zoo.convert(tmp_path / "w.pth", TINY, out=tmp_path / "w.bin")


def test_a_pickle_in_the_place_of_weights_names_the_command(source: Any, tmp_path: Path) -> None:
    torch.save(published(source), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=rf"zoo convert {tmp_path}/w\.pth --to resnet18 makes one of it"):
        zoo.build(TINY, weights=tmp_path / "w.pth")
    for old in (False, True):
        file = tmp_path / f"{old}.safetensors"
        torch.save(published(source), file, _use_new_zipfile_serialization=not old)
        command = rf"pickle of torch, which zoo convert {file} --to NAME --out NEW\.safetensors reads"
        with pytest.raises(WeightsError, match=command):
            zoo.build(TINY, weights=file)
        done = zoo.convert(file, TINY, out=tmp_path / f"{old}-new.safetensors")
        assert same(zoo.build(TINY, weights=done.file, **SETTINGS).backbone, source.backbone)


def test_a_header_whose_length_begins_as_a_pickle_does_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes((0x280).to_bytes(8, "little") + b'{"a')
    assert not is_pickle(tmp_path / "a")
    assert not is_pickle(tmp_path / "missing")


def vit(size: int, channels: int = 3) -> nn.Module:
    return timm.create_model("vit_tiny_patch16_224", img_size=size, in_chans=channels, num_classes=5)


RESAMPLED = "ignore:weights of vit_tiny_patch16_224 are for images of another size"


@pytest.mark.filterwarnings(RESAMPLED)
def test_tensors_keep_the_shapes_of_the_file(tmp_path: Path) -> None:
    state = vit(32, 1).state_dict()
    torch.save(state, tmp_path / "w.pth")
    done = zoo.convert(tmp_path / "w.pth", "timm:vit_tiny_patch16_224")
    assert (done.options, done.changed) == ({"in_channels": 1, "input_size": 32}, ())
    assert torch.equal(load_file(done.file)["backbone.block1.embed.model.pos_embed"], state["pos_embed"])
    assert "resized" not in str(done)
    assert str(done).endswith(f'weights="file:{done.file}", in_channels=1, input_size=32, ...)')


@pytest.mark.filterwarnings(RESAMPLED)
def test_what_is_resized_is_said(tmp_path: Path) -> None:
    torch.save(vit(32).state_dict(), tmp_path / "w.pth")
    done = zoo.convert(tmp_path / "w.pth", "timm:vit_tiny_patch16_224", input_size=64)
    assert [str(change) for change in done.changed] == [
        "block1.embed.model.pos_embed from 1 x 5 x 192 to 1 x 17 x 192"
    ]
    assert "resized: block1.embed.model.pos_embed from 1 x 5 x 192 to 1 x 17 x 192\n" in str(done)
    unsaid = replace(done, options={})
    assert "192; input_size (--input-size), as they were trained with, keeps them as they are" in str(unsaid)


def test_a_network_of_some_blocks_is_used_with_the_same_options(source: Any, tmp_path: Path) -> None:
    torch.save(published(source), tmp_path / "w.pth")
    done = zoo.convert(
        tmp_path / "w.pth", TINY, blocks="block1-2", out=tmp_path / "c" / "d" / "w.safetensors"
    )
    said = str(done).rpartition("to use it: ")[2].replace(", ...)", ")")
    model = eval(said, {"zoo": zoo})
    assert model.backbone.block_names == ("block1", "block2")
    assert all(
        torch.equal(t, source.backbone.state_dict()[k]) for k, t in model.backbone.state_dict().items()
    )


def test_a_classifier_of_other_classes_says_their_number(source: Any, tmp_path: Path) -> None:
    torch.save(published(source), tmp_path / "w.pth")
    done = zoo.convert(tmp_path / "w.pth", TINY)
    assert 'which head="original" with classes=7 takes' in str(done)
    assert 'which head="original" takes' in str(replace(done, head=1000))
    words = "expected a classifier of 1000 classes, got one of 7; say classes=7, or choose a head by name"
    with pytest.raises(WeightsError, match=words):
        zoo.build(TINY, head="original", weights=done.file, **SETTINGS)
    save_file(source.backbone.state_dict(), tmp_path / "body.safetensors")
    with pytest.raises(WeightsError, match=r'for head="original", got none; choose a head by name'):
        zoo.build(TINY, head="original", weights=tmp_path / "body.safetensors", **SETTINGS)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_names_that_are_numbers_alone_are_said(prefix: str, source: Any, tmp_path: Path) -> None:
    layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(source.backbone))
    torch.save({prefix + k: v for k, v in layers.state_dict().items()}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="the file has only numbered names, as"):
        zoo.convert(tmp_path / "w.pth", TINY)


@pytest.mark.parametrize(
    "content",
    [
        lambda net: net,
        lambda net: {"epoch": 1, "model": net},
        lambda net: {"args": argparse.Namespace(model=1), "state_dict": net.state_dict()},
    ],
)
def test_the_way_out_of_a_refused_pickle_leads_there(content: Any, source: Any, tmp_path: Path) -> None:
    own = source.backbone.state_dict()
    net = nn.ParameterDict({k.replace(".", "-"): v for k, v in own.items() if v.is_floating_point()})
    torch.save(content(net), tmp_path / "w.pth")
    with pytest.raises(
        WeightsError, match="which runs the file's code, so for a file that you trust"
    ) as error:
        zoo.convert(tmp_path / "w.pth", TINY)
    exec(str(error.value).rpartition("trust: ")[2], {"torch": torch})
    assert torch.load(tmp_path / "w-weights.pth").keys() == net.state_dict().keys()


def test_the_command(tmp_path: Path, capsys: Any) -> None:
    model = zoo.build("small_cnn", channels=[4, 8], in_channels=1, input_size=16, seed=0)
    torch.save(nn.DataParallel(model.backbone).state_dict(), tmp_path / "w.pth")
    words = ["convert", str(tmp_path / "w.pth"), "--to", "small_cnn", "--in-channels", "1", "--set"]
    with pytest.raises(SystemExit, match="0"):
        main([*words, "options.channels=[4, 8]", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (said["file"], said["matched"]) == (str(tmp_path / "w.safetensors"), 4)
    with pytest.raises(SystemExit, match="2"):
        main([*words, "options.channels=[4, 9]", "--out", str(tmp_path / "x.safetensors")])
    assert "of another shape" in capsys.readouterr().err


@pytest.mark.filterwarnings(RESAMPLED)
def test_the_command_takes_the_flags_of_zoo_build(tmp_path: Path, capsys: Any) -> None:
    torch.save(vit(32).state_dict(), tmp_path / "w.pth")
    words = ["convert", str(tmp_path / "w.pth"), "--to", "timm:vit_tiny_patch16_224", "--input-size", "64"]
    with pytest.raises(SystemExit, match="0"):
        main([*words, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["options"] == {"input_size": 64}
    assert said["changed"] == [["block1.embed.model.pos_embed", [1, 5, 192], [1, 17, 192]]]
    with pytest.raises(SystemExit, match="0"):
        main(["convert", "--help"])
    assert {"--input-size", "--in-channels", "--classes"} <= {*capsys.readouterr().out.split()}


def twice(names: tuple[str, str], other: int = 1, **beside: Tensor) -> dict[str, Tensor]:
    """The tensors of a network under two names, and others beside them."""
    builds = [zoo.build("small_cnn", channels=[4], seed=seed).backbone.state_dict() for seed in (0, other)]
    return {f"{n}.{k}": v.clone() for n, s in zip(names, builds, strict=True) for k, v in s.items()} | beside


@pytest.mark.parametrize(
    "names",
    [("module.encoder_q", "module.encoder_k"), ("model", "ema"), ("student", "teacher"),
     ("model", "ema.module"), ("model.online", "model.target")],
)  # fmt: skip
def test_a_file_with_two_of_the_network_is_refused(names: tuple[str, str], tmp_path: Path) -> None:
    state = twice(names, queue=torch.ones(4))
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    save_file(state, tmp_path / "w.safetensors")
    ends = [name.rpartition(".")[2] for name in names]
    for make in (
        lambda: zoo.convert(tmp_path / "w.pth", "small_cnn", channels=[4], out=tmp_path / "o.safetensors"),
        lambda: zoo.build("small_cnn", channels=[4], weights=f"file:{tmp_path}/w.safetensors"),
    ):
        with pytest.raises(WeightsError, match="more than once") as refused:
            make()
        assert all(end in str(refused.value) for end in ends)


def test_two_of_the_same_values_are_one_network_and_the_other_is_named(tmp_path: Path) -> None:
    torch.save(twice(("encoder_q", "encoder_k"), other=0, queue=torch.ones(4)), tmp_path / "w.pth")
    done = zoo.convert(tmp_path / "w.pth", "small_cnn", channels=[4])
    assert "queue" in done.unused
    assert any(name.startswith("encoder_k.") for name in done.unused)


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.bool, torch.complex64])
def test_quantised_weights_are_no_weights(kind: torch.dtype, tmp_path: Path) -> None:
    state = zoo.build("small_cnn", channels=[4], seed=0).backbone.state_dict()
    torch.save({k: (v * 100).to(kind) for k, v in state.items()}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="real numbers"):
        zoo.convert(tmp_path / "w.pth", "small_cnn", channels=[4])
    if not kind.is_complex:
        save_file({k: (v * 100).to(kind) for k, v in state.items()}, tmp_path / "w.safetensors")
        with pytest.raises(WeightsError, match="real numbers"):
            zoo.build("small_cnn", channels=[4], weights=f"file:{tmp_path}/w.safetensors")
    half = {k: v.to(torch.bfloat16) for k, v in state.items()}
    save_file(half, tmp_path / "half.safetensors")  # fewer bits of the same numbers
    zoo.build("small_cnn", channels=[4], weights=f"file:{tmp_path}/half.safetensors")


def test_weights_that_are_no_numbers_are_told_where_they_are_converted_and_built_with(tmp_path: Path) -> None:
    state = zoo.build("small_cnn", channels=[4], seed=0).backbone.state_dict()
    name = next(iter(state))
    state[name] = state[name] * float("nan")
    torch.save(state, tmp_path / "n.pth")
    words = rf"n\.\w+: 1 of 2 tensors have nan or infinite values \({name}\)"
    with pytest.warns(ZooWarning, match=words):
        done = zoo.convert(tmp_path / "n.pth", "small_cnn", channels=[4])
    with pytest.warns(ZooWarning, match=words):
        zoo.build("small_cnn", channels=[4], weights=done.file)


@pytest.mark.parametrize(("factor", "kind"), [(1e300, "float64"), (1e-300, "")])
def test_weights_that_become_infinite_in_the_networks_type_are_told(
    tmp_path: Path, factor: float, kind: str
) -> None:
    state = zoo.build("small_cnn", channels=[4], seed=0).backbone.state_dict()
    name = next(iter(state))
    save_file({**state, name: state[name].double() * factor}, tmp_path / "w.safetensors")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        zoo.build("small_cnn", channels=[4], weights=f"file:{tmp_path}/w.safetensors")
    words = (
        f"1 of 2 tensors have values too large for float32 ({name}), which were {kind} and become infinite"
    )
    assert [words in str(item.message) for item in said] == [True] * bool(kind)
