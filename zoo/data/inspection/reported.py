"""A report on data, and how people read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from zoo.data.inspection.findings import Finding
from zoo.data.inspection.statistics import Statistics, Values
from zoo.spec.display import Markup, Table, counted, escaped, html_page, more, printable
from zoo.spec.hints.spoken import spoken

NOT_COUNTED = "not counted"

# Images of a finding, and classes, that are shown; `--json` has all
_NAMED = 5
_MOST_CLASSES = 30
_NOTHING = "nothing stops a training"

Spread = tuple[float, float, float]
"""Smallest, median and largest value."""


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Report on data; `print` it.

    Args:
        source: what was looked at.
        images: how many.
        readable: how many of them can be decoded.
        classes: images by class, or by label where an image may have several.
        pixels: of data with masks, by class, the images that it is in and its share of all pixels;
            `not counted` for pixels that no class has.
        splits: the same for each split that the user made.
        task: what the targets are for; None where there are none.
        height: smallest, median and largest in pixels; None without images.
        width: the same.
        aspect: the same, width by height.
        formats: files by format; empty where images are no files.
        kinds: images by what their pixels are.
        turned: how many an EXIF tag turns upright.
        findings: what is wrong, the worst first.
        masks: the layout of masks, and how their values are read; None where there are no files of masks.
        statistics: mean and std by channel of the images that are trained on, where they were asked for.
        sources: images by class for each of several sources; empty where there is one.
        columns: of a table, by what they hold.
        groups: how many there are, and the images of the largest; None where there are none.
        values: least, median, largest and standard deviation of values to learn, by column; else empty.
    """

    source: str
    images: int
    readable: int
    classes: dict[str, int]
    pixels: dict[str, tuple[int, float]]
    splits: dict[str, dict[str, int]]
    task: str | None
    height: Spread | None
    width: Spread | None
    aspect: Spread | None
    formats: dict[str, int]
    kinds: dict[str, int]
    turned: int
    findings: tuple[Finding, ...]
    masks: str | None = None
    statistics: Statistics | None = None
    sources: dict[str, dict[str, int]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    groups: tuple[int, int] | None = None
    values: dict[str, Values] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing stops a training."""
        return not any(finding.stops for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with `ok`."""
        found = asdict(self)
        for finding in found["findings"]:
            del finding["places"]
        return {**found, "ok": self.ok}

    def __repr__(self) -> str:
        parts = [
            [printable(f"{self.source}: {overview(self)}")],
            [printable(part) if isinstance(part, str) else part.text() for part in class_tables(self)],
            [part.text() for part in pixel_tables(self)],
            [*map(printable, facts(self))],
            [part if isinstance(part, str) else part.text() for part in statistic_parts(self)],
            *([title, *_findings(found)] for title, found in judged(self)),
            [_NOTHING] * self.ok,
        ]
        return "\n\n".join("\n".join(part) for part in parts if part)

    def _repr_html_(self) -> str:
        parts: list[object] = [
            part if isinstance(part, str) else part.html()
            for part in (*class_tables(self), *pixel_tables(self))
        ]
        parts += facts(self)
        parts += [part if isinstance(part, str) else part.html() for part in statistic_parts(self)]
        for title, found in judged(self):
            lines = "".join(f"<div>{escaped(line)}</div>" for line in _findings(found))
            parts.append(html_page(title, Markup(lines)))
        return html_page(f"{self.source}: {overview(self)}", *parts, _NOTHING if self.ok else "")


def overview(found: Report) -> str:
    words = [counted(found.images, "image")]
    if found.readable < found.images:
        words.append(f"{found.readable} of them readable")
    if found.pixels:
        words.append(
            f"{counted(len(found.pixels) - (NOT_COUNTED in found.pixels), 'class', 'classes')} of pixels"
        )
    elif found.values:
        words.append(counted(len(found.values), "value"))
    else:
        words.append(counted(len(found.classes), "class", "classes") if found.classes else "no classes")
    words.append(f"task {found.task}" if found.task else "no targets")
    return ", ".join(words)


def class_tables(found: Report) -> Iterator[Table | str]:
    if not found.classes:
        if found.pixels:
            rows = [[label, count, f"{share:.1%}"] for label, (count, share) in found.pixels.items()]
            below = more(len(rows), _MOST_CLASSES, "classes")
            yield Table(["CLASS", "IMAGES", "PIXELS"], rows[:_MOST_CLASSES], right=[1, 2], below=below)
        if found.values:
            spreads = [[name, *(f"{value:.4g}" for value in of)] for name, of in found.values.items()]
            header = ["VALUE", "LEAST", "MEDIAN", "MOST", "STD"]
            yield Table(header, spreads, right=[1, 2, 3, 4])
        for sides in filter(None, (found.splits, found.sources)):
            yield "  ".join(f"{name} {sum(counts.values())}" for name, counts in sides.items())
        return
    total = max(sum(found.classes.values()), 1)
    columns = {**found.splits, **found.sources}
    splits = [*columns]
    rows = [
        [label, count, f"{count / total:.1%}", *(columns[name].get(label, "") for name in splits)]
        for label, count in found.classes.items()
    ]
    # The classes that are not shown are told by how few or many images they have
    below = ""
    if len(rows) > _MOST_CLASSES:
        counts = [*found.classes.values()][_MOST_CLASSES:]
        even = min(counts) == max(counts)
        span = counted(counts[0], "image") if even else f"{min(counts)} to {max(counts)} images"
        below = f"and {counted(len(counts), 'more class', 'more classes')} of {span}"
    header = ["CLASS", "IMAGES", "SHARE", *(name.upper() for name in splits)]
    yield Table(header, rows[:_MOST_CLASSES], right=range(1, len(header)), below=below)


def pixel_tables(found: Report) -> Iterator[Table]:
    spreads = {"height": found.height, "width": found.width, "width / height": found.aspect}
    rows = [[name, *map(_number, spread)] for name, spread in spreads.items() if spread]
    if rows:
        yield Table(["PIXELS", "LEAST", "MEDIAN", "MOST"], rows, right=[1, 2, 3])


def facts(found: Report) -> Iterator[str]:
    for name, counts in (("formats", found.formats), ("kinds", found.kinds)):
        if counts:
            yield f"{name:<8} " + ", ".join(f"{word} {count}" for word, count in counts.items())
    if found.columns:
        yield "columns  " + ", ".join(f"{role} {name}" for role, name in found.columns.items())
    if found.groups:
        yield f"groups   {found.groups[0]}, of at most {counted(found.groups[1], 'image')}"
    if found.masks:
        yield f"masks    {found.masks}"
    if found.turned:
        yield f"turned   {found.turned} upright by their EXIF tag"


def statistic_parts(found: Report) -> Iterator[Table | str]:
    if (known := found.statistics) is None:
        return
    yield f"{counted(known.images, 'image')} to train on, all pixels, in 0..1"
    yield known.table()
    yield known.call
    yield "[model]"
    yield from known.recipe.splitlines()
    if spoken().way == "shell":
        yield f"zoo fit ... {known.words}"


def _number(value: float) -> str:
    """Whole numbers without a point.

    Example:
        >>> _number(224), _number(1.3333)
        ('224', '1.33')
    """
    return f"{value:.0f}" if value == int(value) else f"{value:.2f}"


def judged(found: Report) -> Iterator[tuple[str, list[Finding]]]:
    """Findings that stop a training, and those that are worth a look, where there are any."""
    for title, stops in (("stops a training", True), ("worth a look", False)):
        chosen = [finding for finding in found.findings if finding.stops is stops]
        if chosen:
            yield title, chosen


def _findings(found: list[Finding]) -> Iterator[str]:
    for finding in found:
        yield f"- {printable(finding.text)}"
        yield from (f"    {printable(name)}" for name in finding.names[:_NAMED])
        if len(finding.names) > _NAMED:
            yield f"    and {len(finding.names) - _NAMED} more (--json lists all)"
