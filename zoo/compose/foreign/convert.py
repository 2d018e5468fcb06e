"""`zoo.convert`: weights of another program, as a file that `weights=` takes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from zoo.compose.composed_model import ComposedModel
from zoo.compose.foreign.own_shapes import CONVOLUTION, Change, changes, keeping
from zoo.compose.plan import plan
from zoo.compose.saved_models import from_saved
from zoo.interfaces.backbone import Backbone
from zoo.interfaces.model import Model
from zoo.spec.disk.atomic_write import atomic_write, write_errors
from zoo.spec.display import counted
from zoo.spec.errors import SaveError, WeightsError, ZooError, listing, quote, reason
from zoo.spec.recipe import ORIGINAL, ModelSection, Recipe
from zoo.spec.reference import PathLike, local_path
from zoo.weights.broken_values import warn_broken
from zoo.weights.fitting import SUFFIX, check_numbers
from zoo.weights.foreign_files import Found, read_foreign
from zoo.weights.matching import Matched, aligned, converted, views
from zoo.weights.tensor_files import Tensors, write

_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Converted:
    """Result of a conversion: the file, and which weights went into it.

    Args:
        file: that `weights=` takes.
        network: that they are for, as `zoo.build` calls it.
        matched: number of tensors of the network, all of which were found.
        head: outputs of the published classifier; None where the file has none.
        unused: names of the other tensors, which were left aside.
        container: keys that led to the weights, such as `state_dict`; empty where they were on top.
        beside: other keys of the file.
        options: of the network, beside its name, that the file is for.
        usual: outputs that `head="original"` has where nobody says a number; None where there are none.
        changed: tensors that were fitted to the network, with their shapes before and after.
    """

    file: Path
    network: str
    matched: int
    head: int | None
    unused: tuple[str, ...]
    container: str
    beside: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    usual: int | None = None
    changed: tuple[Change, ...] = ()

    def __repr__(self) -> str:
        lines = [f"{self.matched} of {counted(self.matched, 'tensor')} of {self.network} found"]
        if self.container:
            lines[0] += f", in {self.container}"
        if self.head is not None:
            said = "" if self.head == self.usual else f" with classes={self.head}"
            lines.append(
                f"with a classifier of {counted(self.head, 'class', 'classes')}, "
                f'which head="original"{said} takes'
            )
        if self.changed:
            lines.append(f"resized: {listing(map(str, self.changed), _MOST)}{self._step}")
        if self.unused:
            lines.append(f"left aside: {counted(len(self.unused), 'tensor')}: {listing(self.unused, _MOST)}")
        if self.beside:
            lines.append(f"beside the weights: {listing(map(quote, self.beside), _MOST)}")
        said = "".join(f", {name}={value!r}" for name, value in self.options.items())
        use = f'zoo.build("{self.network}", weights="file:{self.file}"{said}, ...)'
        return "\n".join([*lines, f"saved: {self.file}", f"to use it: {use}"])

    @property
    def _step(self) -> str:
        """What keeps the tensors as they are, where nobody has asked for these sizes."""
        sized = any(len(change.was) != CONVOLUTION for change in self.changed)
        if not sized or "input_size" in self.options:
            return ""
        return "; input_size (--input-size), as they were trained with, keeps them as they are"


def convert(
    file: PathLike, to: str | Mapping[str, Any], *, out: PathLike | None = None, **options: Any
) -> Converted:
    """Makes a safetensors file for `weights=` of what torch, timm, Lightning and others have saved.

    Only tensors are read (`torch.load(weights_only=True)`), no code in the file is run. Names are found
    behind `module.`, `_orig_mod.`, `model.` and the like, in containers such as `state_dict`, and as the
    library wrote them that publishes the network's weights. Tensors keep their shapes: channels and image
    size are the file's own, as far as its tensors tell them and nothing else is said.

    Args:
        file: `.pth`, `.pt`, `.ckpt`, `.bin` or `.safetensors`.
        to: a backbone or complete model by name, or a table of it with options, as in `zoo.build`.
        out: file to write, its folder made if need be; by default `file` with the suffix `.safetensors`.
        **options: of the network, `in_channels` and `input_size`, and `classes` of a complete model.

    Raises:
        WeightsError: the file cannot be read, holds objects of classes, or lacks tensors of the network.
        SaveError: `out` is there already, or cannot be written.
        ZooError: there is no such network.

    Example:
        >>> import tempfile, torch, zoo
        >>> model = zoo.build("small_cnn", input_size=32, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     state = {f"module.{k}": v for k, v in model.backbone.state_dict().items()}
        ...     torch.save({"state_dict": state, "epoch": 3}, folder + "/cnn.pth")
        ...     done = zoo.convert(folder + "/cnn.pth", "small_cnn", input_size=32)
        ...     same = zoo.build("small_cnn", input_size=32, weights=done.file)
        >>> done.matched, done.container, done.beside
        (8, 'state_dict', ('epoch',))
    """
    table = dict(to) if isinstance(to, Mapping) else {"name": to}
    target = _target(local_path(file), out)
    known = {k: options.pop(k) for k in ("in_channels", "classes", "input_size", "head") if k in options}
    inner = {**{k: v for k, v in table.items() if k != "name"}, **options}
    recipe = Recipe.from_dict({"model": {"name": table["name"], **known, "options": inner}}, "convert")
    section = from_saved(recipe.model.model_copy(update={"freeze": "none"}), "backbone")
    found = read_foreign(local_path(file))
    fit = _own_fit(section, found, f"convert {file}")
    own, (body, rest, aside) = fit.network.state_dict(), fit.matched
    head = _classifier(fit.section, rest)
    warn_broken(
        {**{k: body[k] for k in own}, **head}, {k for k, _ in fit.network.named_parameters()}, f"{file}"
    )
    prefix = "backbone." if fit.network is not fit.model else ""
    state = {f"{prefix}{k}": body[k].detach().contiguous() for k in own}
    state |= {f"head.{k}": v.detach().contiguous() for k, v in head.items()}
    with write_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as staged:
            write(staged, state)
    unused = [*(body.keys() - own.keys()), *(f"head.{k}" for k in rest if k not in head), *aside]
    return Converted(
        file=target, network=fit.section.name, options=_said(fit.section, fit.model), matched=len(own),
        head=_outputs(head), usual=_usual(fit.section) if head else None, changed=fit.changed,
        unused=tuple(sorted(unused)), container=found.container, beside=found.beside,
    )  # fmt: skip


class _Fit(NamedTuple):
    """A file's tensors in a network: all of it, or the backbone of a model."""

    section: ModelSection
    model: Model
    network: nn.Module
    matched: Matched
    changed: tuple[Change, ...]


def _own_fit(section: ModelSection, found: Found, where: str) -> _Fit:
    """The tensors in a network of the file's own channels and image size, where nobody says others."""
    fit = _fit(section, found, where)
    if isinstance(fit.network, Backbone) and (own := keeping(fit.changed, fit.network, section)):
        with suppress(ZooError):  # then they are fitted to the usual ones
            other = _fit(section.model_copy(update=own), found, where)
            return other if len(other.changed) < len(fit.changed) else fit
    return fit


def _fit(section: ModelSection, found: Found, where: str) -> _Fit:
    model = plan(section).meta_model
    try:
        matched, network = _matched(model, found.state)
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        got = reason(error)
        raise WeightsError(where, expected=f"weights of {section.called}", got=got) from error
    own = network.state_dict()
    check_numbers(own, matched.body, where)
    _check(own, matched.body, found, where, section.called)
    body = {name: matched.body[name] for name in own}
    others = [matched.body[name] for name in matched.body.keys() - own.keys()]
    return _Fit(
        section, model, network, matched, changes(body, found.state, [*matched.head.values(), *others])
    )


def _said(section: ModelSection, model: Model) -> dict[str, Any]:
    """What `zoo.build` has to be told beside the name for a network of the same shapes."""
    size = section.input_size
    said = {
        "in_channels": section.in_channels,
        "classes": None if isinstance(model, ComposedModel) else section.classes,
        "input_size": size[0] if size and size[0] == size[1] else size,
        **section.options,
    }
    return {name: value for name, value in said.items() if value is not None}


def _usual(section: ModelSection) -> int | None:
    """Number of classes of the published classifier where nothing is said of it."""
    try:
        return plan(
            section.model_copy(update={"head": ORIGINAL, "weights": None, "classes": None})
        ).section.count
    except ZooError:
        return None


def _target(file: Path, out: PathLike | None) -> Path:
    """The file to write, looked at before any work.

    Raises:
        SaveError: it is there, or no such file.
    """
    target = file.with_suffix(SUFFIX) if out is None else local_path(out)
    if target.suffix != SUFFIX:
        got, hint = str(target), f"say {target.with_suffix(SUFFIX)}"
        raise SaveError("convert: out", expected=f"a file *{SUFFIX}", got=got, hint=hint)
    if target.exists():
        got, hint = f"{target}, which is there", "say another with out=, on the command line --out"
        raise SaveError("convert: out", expected="a new file", got=got, hint=hint)
    return target


def _outputs(head: Tensors) -> int | None:
    return next((t.shape[0] for t in reversed(head.values()) if t.ndim), None)


def _classifier(section: ModelSection, rest: Tensors) -> Tensors:
    """The tensors behind the backbone's, where they are the classifier that it was published with."""
    if (count := _outputs(rest)) is None:
        return {}
    try:
        asked = section.model_copy(update={"head": ORIGINAL, "classes": count, "weights": None})
        head = plan(asked).meta_model.networks["head"].state_dict()
    except (ZooError, KeyError):
        return {}
    return rest if {k: t.shape for k, t in head.items()} == {k: t.shape for k, t in rest.items()} else {}


def _matched(model: nn.Module, state: Mapping[str, Tensor]) -> tuple[Matched, nn.Module]:
    """Tensors of the network and of the published head, by their names here, and the network."""
    if not isinstance(model, ComposedModel):
        return aligned(model, state), model
    return converted(model.backbone, state), model.backbone


def _check(own: Tensors, body: Tensors, found: Found, where: str, name: str) -> None:
    """Raises WeightsError unless each tensor of the network was found, in its shape."""
    missing = [k for k in own if k not in body]
    shapes = [
        f"{k} {tuple(body[k].shape)} for {tuple(own[k].shape)}"
        for k in own
        if k in body and body[k].shape != own[k].shape
    ]
    if not (missing or shapes):
        return
    unexpected = sorted(body.keys() - own.keys())
    facts = [
        f"{len(names)} {word}: {listing(names, _MOST)}"
        for word, names in (("missing", missing), ("of another shape", shapes), ("unexpected", unexpected))
        if names
    ]
    inside = f" in its {found.container}" if found.container else ""
    count = len(own) - len(missing) - len(shapes)
    hint = "are they of another network, or of other options? zoo list and zoo show tell which there are"
    if any(all(key.partition(".")[0].isdecimal() for key in view.state) for view in views(found.state)):
        save = "save the state_dict() of the network that they were taken from"
        hint = f"the file has only numbered names, as nn.Sequential gives them: {save}"
    got = f"{count}{inside}; {'; '.join(facts)}"
    raise WeightsError(where, expected=f"all {counted(len(own), 'tensor')} of {name}", got=got, hint=hint)
