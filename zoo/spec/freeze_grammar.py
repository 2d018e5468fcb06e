"""The freeze grammar: `block1-4`, `block1,block3`, `all`, `none`, `encoder.block1-2`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from zoo.spec.errors import FreezeError, listing, near, quote

_BLOCKS = re.compile(r"^block(\d+)(?:-(?:block)?(\d+))?$")
_PATH = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
_MOST_MISSED = 1000
_BLOCK_WORDS = {"block", "blocks", "stage", "stages", "layer", "layers", "to"}
"""What people call a block, for hints."""

_GRAMMAR = '"block1-4", "block1,block3", "all", "none" or, inside a part, "encoder.block1-2"'


@dataclass(frozen=True, slots=True)
class FreezeItem:
    """A range of blocks of one part; the whole part where `first` is None."""

    path: str = ""
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        prefix = f"{self.path}." if self.path else ""
        if self.first is None:
            return f"{prefix}all"
        return f"{prefix}block{self.first}" + (f"-{self.last}" if self.last != self.first else "")


@dataclass(frozen=True, slots=True)
class Freeze:
    """A parsed freeze spec.

    Example:
        >>> str(Freeze.parse("block1-2, block4"))
        'block1-2,block4'
        >>> Freeze.parse("block1-2").select({"": ["block1", "block2", "block3"]})
        (('', 'block1'), ('', 'block2'))
    """

    items: tuple[FreezeItem, ...] = ()

    @classmethod
    def parse(cls, spec: str | Sequence[str] | Freeze | None) -> Freeze:
        """Reads a spec; `None` and "none" freeze nothing.

        Raises:
            FreezeError: the spec does not follow the grammar.
        """
        if isinstance(spec, Freeze):
            return spec
        if spec is None:
            return cls()
        if isinstance(spec, str):
            parts = spec.split(",")
        elif isinstance(spec, Sequence) and all(isinstance(p, str) for p in spec):
            parts = [q for p in spec for q in p.split(",")]
        else:
            raise FreezeError("freeze spec", expected=_GRAMMAR, got=quote(spec), hint=_meant(spec))
        parts = [p.strip() for p in parts]
        # An empty list freezes nothing; an empty text is one empty item, a slip, and refused below
        if parts in (["none"], []):
            return cls()
        return cls(tuple(cls._item(part, spec) for part in parts))

    @staticmethod
    def _item(part: str, spec: object) -> FreezeItem:
        path, _, last_word = part.rpartition(".")
        match = _BLOCKS.match(last_word)
        # Neither blocks nor `all`: the whole text is the path of a part, all of which is meant
        if match is None and last_word != "all":
            path = part
        if part == "none" or not (_PATH.match(path) or (path == "" and part)):
            raise FreezeError("freeze spec", expected=_GRAMMAR, got=quote(spec), hint=_meant(part))
        if match is None:
            return FreezeItem(path)
        first = int(match[1])
        last = int(match[2] or first)
        if last < first:
            raise FreezeError(
                f"freeze spec {quote(part)} runs backwards",
                expected=f"block{last}-{first}",
                got=part,
            )
        return FreezeItem(path, first, last)

    @classmethod
    def of(cls, chosen: Iterable[tuple[str, str]], parts: Mapping[str, Sequence[str]]) -> Freeze:
        """The shortest spec that selects the (part, block) pairs `chosen` out of `parts`.

        Example:
            >>> str(Freeze.of([("", "block1"), ("", "block2")], {"": ["block1", "block2", "block3"]}))
            'block1-2'
        """
        wanted = set(chosen)
        items: list[FreezeItem] = []
        for path, names in parts.items():
            # By place, since blocks are called block1, block2, ... in their order
            numbers = [i + 1 for i, name in enumerate(names) if (path, name) in wanted]
            if numbers and len(numbers) == len(names):
                items.append(FreezeItem(path))
                continue
            for number in numbers:
                # The next block lengthens the range before it
                if items and items[-1].path == path and items[-1].last == number - 1:
                    items[-1] = FreezeItem(path, items[-1].first, number)
                else:
                    items.append(FreezeItem(path, number, number))
        return cls(tuple(items))

    def __str__(self) -> str:
        return ",".join(map(str, self.items)) or "none"

    def __bool__(self) -> bool:
        return bool(self.items)

    def _nothing_freezes(self, modules: Sequence[str]) -> FreezeError:
        got = f"one of {listing(modules)}, which are no blocks" if modules else "one without"
        expected, hint = "a model with blocks to freeze", 'leave freeze out, or say "none"'
        return FreezeError(f"freeze spec {quote(str(self))}", expected=expected, got=got, hint=hint)

    def within(self, parts: Mapping[str, Sequence[str]], cut: Mapping[str, Sequence[str]]) -> Freeze:
        """The spec without the blocks that were cut off.

        Args:
            parts: the blocks that are left, as in `select`.
            cut: those that were cut off behind them, by the path of their part.

        Example:
            >>> left, cut = {"": ["block1", "block2"]}, {"": ["block3"]}
            >>> [str(Freeze.parse(spec).within(left, cut)) for spec in ("block1-3", "block3", "all")]
            ['block1-2', 'none', 'all']
        """
        items = []
        for item in self.items:
            if item.first is None or item.path not in cut:
                items.append(item)
                continue
            left = len(parts[item.path])
            # What never was a block is left for `select` to name
            if (item.last or 0) > left + len(cut[item.path]):
                items.append(item)
            elif item.first <= left:
                items.append(replace(item, last=min(item.last or left, left)))
        return Freeze(tuple(items))

    def select(
        self,
        parts: Mapping[str, Sequence[str]],
        modules: Sequence[str] = (),
        cut: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> tuple[tuple[str, str], ...]:
        """The (part, block) pairs that the spec names, in the order of `parts`.

        Args:
            parts: block names by the dotted path of the part that holds them; the path is empty where
                the model has one backbone only.
            modules: names of all that the model is made of, for the message where nothing of it freezes.
            cut: blocks that were cut off, by part, for the message.

        Raises:
            FreezeError: an item names a part or a block that is not there.
        """
        if self.items and not parts:
            raise self._nothing_freezes(modules)
        chosen: set[tuple[str, str]] = set()
        for item in self.items:
            if item.path not in parts:
                if not item.path:
                    paths = [p for p in parts if p]
                    raise FreezeError(
                        f"freeze spec {quote(str(item))} does not say which part",
                        expected=f"a path into {listing(paths)}",
                        got=str(item),
                        hint=f'for example "{paths[0]}.{item}"',
                    )
                raise FreezeError(
                    f"freeze spec {quote(item.path)} matches nothing",
                    expected=_GRAMMAR
                    if set(parts) == {""}
                    else f"a part among {listing(p for p in parts if p)}",
                    got=item.path,
                    hint=near(item.path, [p for p in parts if p] or ["all", "none", *parts[""]]),
                )
            blocks = list(parts[item.path])
            if item.first is None:
                wanted = blocks
            else:
                # A thousand that are not there are missed like a billion of them
                last = min(item.last or item.first, item.first + len(blocks) + _MOST_MISSED)
                wanted = [f"block{i}" for i in range(item.first, last + 1)]
            missing = [name for name in wanted if name not in blocks]
            if missing or not wanted:
                hint = f'"all" freezes all {len(blocks)}'
                if missing and {*missing} <= {*cut.get(item.path, ())}:
                    hint = f"cut off behind {blocks[-1]}, where the features are taken; "
                    hint += f'say freeze="{self.within(parts, cut)}"'
                problem = f"freeze spec {quote(str(item))} matches no {listing(missing)}"
                expected = f"blocks among {listing(blocks)}"
                raise FreezeError(problem, expected=expected, got=str(item), hint=hint)
            chosen |= {(item.path, name) for name in wanted}
        return tuple(
            (path, name) for path, names in parts.items() for name in names if (path, name) in chosen
        )


def _meant(spec: object) -> str | None:
    """The spec that a wrong one was meant for, where that can be told.

    Example:
        >>> _meant("Blocks 1-4"), _meant("layers 1 to 4"), _meant(3), _meant("stem")
        ('did you mean "block1-4"?', 'did you mean "block1-4"?', 'did you mean "block1-3"?', None)
    """
    # Before int: True is one, and would be block1
    if spec is True:
        return 'did you mean "all"?'
    if isinstance(spec, int) and spec > 0:
        return f'did you mean "block1{f"-{spec}" if spec > 1 else ""}"?'
    if not isinstance(spec, str):
        return None
    words, numbers = set(re.findall(r"[a-z]+", spec.lower())), re.findall(r"\d+", spec)
    if words <= _BLOCK_WORDS and len(numbers) in (1, 2):
        return f'did you mean "block{"-".join(numbers)}"?'
    return None
