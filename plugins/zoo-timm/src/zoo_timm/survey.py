"""Writes the table of architectures: `python -m zoo_timm.survey`.

Every architecture named in `survey.txt` is taken apart on the meta device. Those whose modules form a chain
are offered, with what timm says of their weights; the others are listed with the reason. `--exact` also runs
each one on the CPU with random weights, loaded through the meta device, and refuses those whose chain or
classifier does not give timm's own numbers, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from zoo import InputSpec
from zoo.errors import ZooError
from zoo_timm.backbone import TimmBackbone, input_spec
from zoo_timm.network import Size, Source, accepted, dissect, native_size
from zoo_timm.plan import NoChainError
from zoo_timm.table import FILE
from zoo_timm.trace import CANNOT
from zoo_timm.weights import unsaved

LICENCES = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD-3-Clause",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
}
ON_THE_HUB = {"legacy_xception.tf_in1k"}
"""Weights whose configuration names only their old address, though timm's Hub account has them."""

IMAGENET = 1000
SIDES = (32, 64, 96, 128, 160, 192, 224)
"""Sizes of images that are tried, for a small network and a quick run."""

LONGEST = 150
"""Characters of a reason that is not ours."""

LARGEST = 30_000_000
"""Parameters up to which `--exact` runs a network."""

# Arguments that make small networks; an architecture gets the one that leaves the fewest parameters.
SMALL: tuple[dict[str, Any], ...] = (
    {"depths": [1, 1, 1, 1], "dims": [8, 16, 24, 32]},
    {"depths": [1, 1, 1, 1], "dims": [16, 32, 48, 64]},
    {"depths": [1, 1, 1, 1], "embed_dims": [8, 16, 24, 32]},
    {"depths": [1, 1, 1, 1], "embed_dims": [32, 64, 96, 128]},
    {"depths": [1, 1, 1, 1]},
    {"depths": [1, 1, 1, 1], "embed_dim": 12, "num_heads": [1, 2, 3, 4]},
    {"depths": [2, 2, 2, 2], "embed_dim": 12, "num_heads": [1, 2, 3, 4]},
    {"depths": [1, 1, 1, 1], "embed_dim": 8},
    {"depth": 2, "embed_dim": 24, "num_heads": 2},
    {"depth": 2, "embed_dim": 48, "num_heads": 3},
    {"depth": 2},
    {"num_blocks": 2, "embed_dim": 32},
    {"num_blocks": 2, "dim": 32},
    {"depth": 2, "dim": 32},
    {"layers": [1, 1, 1, 1]},
    {"layers": [1, 1, 1, 1], "channels": [16, 32, 64, 128]},
    {"block_config": [1, 1, 1, 1], "growth_rate": 8},
    {"num_features": 192, "stem_size": 8},
    {"num_features": 24 * 12, "stem_size": 8},
    {"stages": [1, 1, 1, 1]},
)


def survey(name: str, exact: bool) -> dict[str, Any]:
    """Row of the table for one architecture.

    Raises:
        NoChainError: the architecture cannot be offered.
    """
    source = Source(name)
    anatomy = dissect(source)
    with torch.device("meta"):
        network = source.create()
    if anatomy.head_problem:
        print(f"{name}: no original head: {anatomy.head_problem}", file=sys.stderr)  # noqa: T201
    sized = "img_size" in accepted(type(network))
    parameters = sum(p.numel() for p in network.parameters())
    row: dict[str, Any] = {
        "module": type(network).__module__.rpartition(".")[2],
        "summary": f"{type(network).__name__} with {parameters / 1e6:.1f} million parameters, from timm.",
        "paper": _paper(network),
        "sized": sized,
        "drop_path": "drop_path_rate" in accepted(type(network)),
        "weights": _weights(name, native_size(network) if sized else None),
        "tiny": _tiny(source, network, sized),
    }
    if exact and parameters <= LARGEST and (difference := compare(architecture=name)):
        raise NoChainError(difference)
    if exact and row["tiny"] and (difference := compare(architecture=name, **row["tiny"])):
        raise NoChainError(f"as {row['tiny']}, {difference}")
    return {key: value for key, value in row.items() if value is not None}


def _paper(network: nn.Module) -> str | None:
    text = sys.modules[type(network).__module__].__doc__ or ""
    links = set(re.findall(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", text))
    # A file of several families names several, and does not say whose is whose
    return f"https://arxiv.org/abs/{links.pop()}" if len(links) == 1 else None


def _weights(name: str, size: Size | None) -> dict[str, dict[str, Any]]:
    """timm's weights by tag; `imagenet` are the default ones, or else the first, for its thousand classes."""
    entries: dict[str, dict[str, Any]] = {}
    for full in timm.list_pretrained(f"{name}.*"):
        cfg = timm.get_pretrained_cfg(full)
        repo = f"timm/{full}"
        if cfg is None or (cfg.hf_hub_id != repo and full not in ON_THE_HUB):
            continue
        spec = replace(input_spec(cfg.to_dict()), crop=crop(cfg))  # type: ignore[no-untyped-call]
        if size is None or spec.size == size:  # position embeddings of another size do not fit
            entries[full.partition(".")[2]] = _entry(repo, cfg, spec)
    default = timm.get_pretrained_cfg(name)
    tags = [tag for tag, entry in entries.items() if entry.get("classes") == IMAGENET]
    if not tags:
        return entries
    # `imagenet` is one of the others under a second name
    return {"imagenet": entries[default.tag if default and default.tag in tags else tags[0]], **entries}


def crop(cfg: Any) -> float | None:
    """The crop that a classifier's figures hold for; none where timm does not cut out the middle.

    The mode `squash` resizes whole images, whatever the ratio of their sides; at a `crop_pct` of 1, which all
    such weights but one have, that is what zoo does without a crop. The mode `border` and a `crop_pct` above
    1 lay a smaller image on black, which zoo does not.

    Args:
        cfg: timm's pretrained configuration.
    """
    return cfg.crop_pct if cfg.crop_mode == "center" and cfg.crop_pct <= 1 else None


def _entry(repo: str, cfg: Any, spec: InputSpec) -> dict[str, Any]:
    entry: dict[str, Any] = {"repo": repo, "input": spec.to_dict()}
    if cfg.num_classes:
        entry["classes"] = cfg.num_classes
    if cfg.num_classes == IMAGENET:
        entry["labels"] = "imagenet-1k"
    licence = cfg.license or "unknown"
    if licence != "unknown":
        entry["licence"] = LICENCES.get(licence, f"LicenseRef-{licence}")
    return entry


def _tiny(source: Source, network: nn.Module, sized: bool) -> dict[str, Any]:
    """The options of the smallest network that is found."""
    best, fewest = dict[str, Any](), sum(p.numel() for p in network.parameters())
    known = accepted(type(network))
    for arguments in SMALL:
        if not known.issuperset(arguments):
            continue
        size = _smallest(replace(source, arguments=json.dumps(arguments, sort_keys=True)), sized)
        if size is None:
            continue
        candidate = replace(source, arguments=json.dumps(arguments, sort_keys=True), size=size[0])
        with torch.device("meta"):
            count = sum(p.numel() for p in candidate.create().parameters())
        if count < fewest:
            best, fewest = {"arguments": arguments}, count
            if size[0]:
                best["input_size"] = list(size[0])
    if not best and sized and (size := _smallest(source, sized)) and size[0]:
        return {"input_size": list(size[0])}
    return best


def _smallest(source: Source, sized: bool) -> tuple[Size | None] | None:
    """The smallest size that a network can be built for, where it needs one; None if it cannot be built."""
    for side in SIDES if sized else (None,):
        size = None if side is None else (side, side)
        try:
            dissect(replace(source, size=size))
        except (NoChainError, ZooError):
            continue
        return (size,)
    return None


def compare(**options: Any) -> str | None:
    """Differences to timm's own network, both run on the CPU with random weights; None if there is none.

    Args:
        **options: of `TimmBackbone`.
    """
    torch.manual_seed(0)
    with torch.device("meta"):
        backbone = TimmBackbone(**options)
        head = backbone.original_head(10, backbone.block_infos()[-1:])
    network = backbone.source.create(10)
    for name, buffer in network.named_buffers():
        # At 0 and 1, as statistics begin, two norms that were swapped would give the same numbers
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
        elif name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
    # Copies, since `assign` would let both networks move the same statistics
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    _fill(backbone, head, backbone.convert(state))
    x = torch.rand(2, 3, *_image_size(backbone))
    found = []
    with torch.no_grad():
        network.eval(), backbone.eval(), head.eval()
        features = backbone(x)
        if not torch.equal(network.forward_features(x), features):  # type: ignore[operator]
            found.append("the chain")
        if not torch.equal(network(x), head(features)):
            found.append("the classifier")
        results = []
        for module, run in ((network, network.forward_features), (backbone, backbone)):
            module.train()
            # The same draws of dropout and dropped paths on either side
            torch.manual_seed(1)
            results.append(run(x))  # type: ignore[operator]
        if not torch.equal(*results):
            found.append("the chain in training")
    return f"{' and '.join(found)} does not give timm's numbers" if found else None


def _image_size(backbone: TimmBackbone) -> Size:
    """Size of the smallest images that a backbone takes as it is."""
    for side in SIDES:
        try:
            backbone.describe((side, side))
        except ZooError:
            continue
        return side, side
    return backbone.input_spec.size


def _fill(backbone: TimmBackbone, head: nn.Module, state: dict[str, Tensor]) -> None:
    """Gives a backbone and a classifier on the meta device memory and weights."""
    for module in (*backbone.modules(), *head.modules()):
        for name, buffer in unsaved(module).items():
            module._buffers[name] = torch.empty_like(buffer, device="cpu")
    for part in (backbone, head):
        part.reset_buffers()  # type: ignore[operator]
    parts = {k: v for k, v in state.items() if not k.startswith("head.")}
    backbone.load_state_dict(parts, assign=True)
    classifier = {k.removeprefix("head."): v for k, v in state.items() if k.startswith("head.")}
    head.load_state_dict(classifier, assign=True)


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exact", action="store_true", help="also run each one on the CPU")
    parser.add_argument("--output", type=Path, default=Path(str(files("zoo_timm") / FILE)))
    parser.add_argument("names", nargs="*", help="instead of those in survey.txt, added to the table")
    given = parser.parse_args()
    names = given.names or (files("zoo_timm") / "survey.txt").read_text(encoding="utf-8").split()
    table: dict[str, Any] = {"timm": timm.__version__, "architectures": {}, "refused": {}}
    if given.names:
        table = json.loads(given.output.read_text(encoding="utf-8"))
    for name in sorted(set(names)):
        # It may have changed sides since the last survey
        table["architectures"].pop(name, None)
        table["refused"].pop(name, None)
        try:
            table["architectures"][name] = survey(name, given.exact)
        except (NoChainError, ZooError) as error:
            table["refused"][name] = str(error)
        except CANNOT as error:
            table["refused"][name] = f"it fails on the CPU: {' '.join(str(error).split())[:LONGEST]}"
        print(name, table["refused"].get(name, "is offered"), flush=True)  # noqa: T201
        # After each one, so that what is done is kept when the run is stopped
        given.output.write_text(_text(table), encoding="utf-8")


def _text(table: dict[str, Any]) -> str:
    """The table as JSON, an architecture a line, so that a change is one line of a diff."""
    rows = [f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(table["architectures"].items())]
    refused = [f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(table["refused"].items())]
    return (
        f'{{\n  "timm": {json.dumps(table["timm"])},\n  "architectures": {{\n'
        + ",\n".join(rows)
        + '\n  },\n  "refused": {\n'
        + ",\n".join(refused)
        + "\n  }\n}\n"
    )


if __name__ == "__main__":
    main()
