"""The recipe: one description of model, data, augmentation, loss and training.

The same sections are the arguments of `zoo.build`, the TOML file, the options of the command line and the
`config.json` on the Hub. Reading one never runs code: it holds names and plain values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, field_validator

from zoo.spec.data_options import data_reference
from zoo.spec.disk.paths import check_path
from zoo.spec.disk.reading import read_json, read_toml
from zoo.spec.errors import RecipeError, quote, reason
from zoo.spec.freeze_grammar import Freeze
from zoo.spec.hints.recipe_places import check_named, check_section
from zoo.spec.inputs import MOST_CHANNELS, MOST_PIXELS, InputSpec, input_value, range_value
from zoo.spec.names import in_order
from zoo.spec.options import RefValue, validate
from zoo.spec.reference import ComponentRef, HubRef, PathRef, of_model, parse_reference

ORIGINAL = "original"
"""As `head`: the classifier that the weights were published with."""

MOST_CLASSES = 1 << 24
"""Most classes of a model: the largest sets of faces have some millions of people."""

_Pixels = Annotated[int, Field(ge=1, le=MOST_PIXELS)]
Size = tuple[_Pixels, _Pixels]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""What every generator of torch takes."""


def _reference(value: Any) -> Any:
    ref = None if value is None else parse_reference(value)
    return ref.to_value() if isinstance(ref, ComponentRef) else ref and str(ref)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(_Section):
    """The section of a model, which `zoo.build` takes.

    Attributes:
        name: reference to a backbone or complete model; its options go to `options`.
        head: reference to a head, `original`, or None for the feature extractor.
        freeze: freeze spec in canonical form.
        weights: tag, file or repository; None means random.
        in_channels: channels of the images.
        classes: number of classes, or their labels.
        input_size: height and width in pixels.
        input: a whole `zoo.InputSpec`, or what was chosen of it, see `zoo.spec.inputs.CHOSEN`.
        decode: how files are read, see `zoo.InputSpec`; None for `fast` where the model is new.
        value_range: lowest and highest number of files that matter, see `zoo.InputSpec`; `pages` too.
        options: of the component `name`.
    """

    name: str
    head: RefValue | None = None
    freeze: str = "none"
    weights: str | None = None
    in_channels: Annotated[int, Field(ge=1, le=MOST_CHANNELS)] | None = None
    classes: Annotated[int, Field(ge=1, le=MOST_CLASSES)] | tuple[str, ...] | None = None
    input_size: Size | None = None
    input: dict[str, Any] | None = None
    decode: Literal["exact", "fast"] | None = None
    value_range: Annotated[tuple[float, float] | None, BeforeValidator(range_value)] = None
    pages: Literal["first", "bands"] | None = None
    options: dict[str, Any] = {}  # pydantic copies a default for each instance

    @field_validator("name", mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        ref = parse_reference(value)
        # `model` is the table already: a table in it would be a second place for options
        if isinstance(ref, ComponentRef) and ref.options:
            raise RecipeError("model.name", expected="a name, its options in model.options", got=quote(value))
        return str(ref)

    @field_validator("head", mode="before")
    @classmethod
    def _head(cls, value: Any) -> Any:
        return _reference(value)

    @field_validator("freeze", mode="before")
    @classmethod
    def _freeze(cls, value: Any) -> Any:
        return str(Freeze.parse(value))

    @field_validator("input_size", mode="before")
    @classmethod
    def _square(cls, value: Any) -> Any:
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, list | tuple) and len(value) == len(("height", "width")):
            return value
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return None if value is None else (value, value)
        # The text of a ValueError stands behind `expected` in the line of `zoo.spec.hints.complaints`
        raise ValueError("150, or 150 and 200 for height and width; channels are in_channels")

    @field_validator("weights", mode="before")
    @classmethod
    def _weights(cls, value: Any) -> Any:
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        raise ValueError("a tag, a file, a folder or hf://owner/name; left out for random weights")

    @field_validator("classes", mode="before")
    @classmethod
    def _ordered(cls, value: Any) -> Any:
        return in_order(value) if isinstance(value, set | frozenset | Mapping) else value

    @field_validator("classes")
    @classmethod
    def _once(cls, value: Any) -> Any:
        if isinstance(value, tuple) and len(set(value)) < len(value):
            raise ValueError("each label once")
        return value

    @field_validator("input")
    @classmethod
    def _input(cls, value: Any) -> Any:
        return input_value(value) if value else None

    @property
    def called(self) -> str:
        """The name as people say it, without the plugin's; of a file or repository its last part.

        Example:
            >>> ModelSection(name="vgg:vgg16").called, ModelSection(name="./runs/faces-1").called
            ('vgg16', 'faces-1')
        """
        ref = parse_reference(self.name)
        return ref.name if isinstance(ref, ComponentRef) else self.name.rstrip("/").rpartition("/")[2]

    @property
    def input_spec(self) -> InputSpec | None:
        """The input spec that `input` describes in full."""
        return None if self.input is None or self.input_changes else InputSpec.from_dict(self.input)

    @property
    def input_changes(self) -> dict[str, Any]:
        """Fields that `input` chooses for a new network, where these are not all."""
        return {} if not self.input or "channels" in self.input else self.input

    @property
    def ref(self) -> ComponentRef | HubRef | PathRef:
        """The parsed reference, options included."""
        ref = of_model(parse_reference(self.name))
        return ComponentRef(ref.name, ref.namespace, self.options) if isinstance(ref, ComponentRef) else ref

    @classmethod
    def of(cls, value: RefValue, where: str, **usual: Any) -> ModelSection:
        """The section that a part's reference stands for: a name, or a table of a section with options.

        Args:
            value: as in a recipe.
            where: what to call it in an error.
            **usual: values for what the table leaves out.

        Raises:
            RecipeError: it is no section.

        Example:
            >>> ModelSection.of({"name": "resnet18", "head": "binary", "width": 2}, "part").options
            {'width': 2}
        """
        table = cls.split(value if isinstance(value, Mapping) else {"name": value})
        usual = {name: item for name, item in usual.items() if item is not None}
        return validate(cls, {**usual, **table}, where, RecipeError)

    @classmethod
    def split(cls, table: Mapping[str, Any]) -> dict[str, Any]:
        """A table of a section's keys and a component's options, with the latter in `options`.

        Example:
            >>> ModelSection.split({"name": "resnet18", "input_size": 64, "width": 2})
            {'name': 'resnet18', 'input_size': 64, 'options': {'width': 2}}
        """
        rest = dict(table)
        own = {name: rest.pop(name) for name in [*rest] if name in cls.model_fields and name != "options"}
        # What is no table is left for validation to refuse
        inner = rest.pop("options", None) or {}
        return {**own, "options": {**inner, **rest} if isinstance(inner, Mapping) else inner}

    def to_value(self) -> RefValue:
        """The reverse of `of`: plain data, without what is empty."""
        data = self.lean()
        return {**{k: v for k, v in data.items() if k != "options"}, **self.options}

    def lean(self) -> dict[str, Any]:
        """Plain data without what is empty."""
        data = self.model_dump(mode="json")
        return {k: v for k, v in data.items() if v not in (None, {}) and (k, v) != ("freeze", "none")}

    @property
    def count(self) -> int | None:
        """Number of classes, however they were given."""
        return len(self.classes) if isinstance(self.classes, tuple) else self.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, if they were given."""
        return self.classes if isinstance(self.classes, tuple) else ()


class Recipe(_Section):
    """All sections; only `model` is needed to build.

    Attributes:
        model: what is built.
        data: reference to a data set, a file or folder; or a table with a `name` or a `path`, and options.
        data_hash: digest of the splits that a trained model saw; the lists stay in the run's folder.
        augment: reference to an augmenter, or several.
        loss: reference; the task's default where None.
        trainer: reference; the model's default where None.
        seed: of weights, splits, order and dropout.

    Example:
        >>> recipe = Recipe.from_dict({"model": {"name": "vgg16", "freeze": "block1-4"}})
        >>> recipe.model.freeze
        'block1-4'
        >>> Recipe.from_dict(recipe.to_dict()) == recipe
        True
    """

    model: ModelSection
    data: Annotated[RefValue | None, BeforeValidator(data_reference)] = None
    data_hash: str | None = None
    augment: RefValue | list[RefValue] | None = None
    loss: RefValue | None = None
    trainer: RefValue | None = None
    seed: Seed | None = None

    @field_validator("loss", "trainer", mode="before")
    @classmethod
    def _refs(cls, value: Any) -> Any:
        return _reference(value)

    @field_validator("augment", mode="before")
    @classmethod
    def _chain(cls, value: Any) -> Any:
        return [_reference(item) for item in value] if isinstance(value, list) else _reference(value)

    @field_serializer("model")
    def _lean(self, section: ModelSection) -> dict[str, Any]:
        return section.lean()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON or TOML, without empty sections."""
        try:
            return self.model_dump(mode="json", exclude_none=True)
        except UnicodeEncodeError:  # a class named in bytes that are no UTF-8, as a folder may be
            plain: dict[str, Any] = _listed(self.model_dump(exclude_none=True))
            return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "recipe") -> Recipe:
        """Reads and checks plain data.

        Raises:
            RecipeError: a section or value is unknown or does not fit.
        """
        if not isinstance(data, Mapping):
            raise RecipeError(where, expected="a table with a model section", got=quote(data))
        check_section(data.get("model"), [*ModelSection.model_fields], where)
        check_named(data, where)
        return validate(cls, data, where, RecipeError)

    @classmethod
    def from_file(cls, path: str | Path) -> Recipe:
        """Reads a TOML or JSON file.

        Raises:
            RecipeError: the file cannot be read or is not a recipe.
        """
        check_path(str(file := Path(path)))
        form, of = ("JSON", read_json) if file.suffix.lower() == ".json" else ("TOML", read_toml)
        try:
            data = of(file)
        except OSError as error:
            expected, why = "a readable file", error.strerror or str(error)
            raise RecipeError(f"recipe {file}", expected=expected, got=why) from None
        except ValueError as error:
            raise RecipeError(f"recipe {file}", expected=form, got=reason(error)) from None
        return cls.from_dict(data, f"recipe {file}")


def _listed(value: Any) -> Any:
    """Plain data as JSON has them: lists in the place of tuples."""
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value
