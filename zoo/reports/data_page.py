"""Page on data: what a report found, with the images in question, in one HTML file without scripts."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.data.inspection.findings import Finding
from zoo.data.inspection.reported import (
    Report,
    class_tables,
    facts,
    judged,
    overview,
    pixel_tables,
    statistic_parts,
)
from zoo.images.decode import ImageArray
from zoo.interfaces.dataset import Dataset
from zoo.reports.page_style import STYLE
from zoo.spec.disk.atomic_write import atomic_write, write_errors
from zoo.spec.display import Markup, Table, escaped, html_image, html_table, more
from zoo.spec.errors import SaveError, quote
from zoo.spec.names import one_line, replaced
from zoo.spec.reference import PathLike, local_path

SIDE = 112
"""Pixels of the longer side of an image on the page."""

MOST_IMAGES = 300
"""Images on a page; what does not fit is told in words."""

_HOW = (
    "By confident learning (Northcutt et al., 2021): a model that was not trained on the image is surer of "
    "another class than it usually is of that class' own images. Look before you change a label."
)

_PER_FINDING, _PER_GROUP, _PER_CLASS, _CLASSES = 12, 4, 8, 12
_COLORS = 3


@dataclass(frozen=True, slots=True)
class Suspects:
    """Labels that are probably wrong, as a page shows them.

    Args:
        headline: how many, of which images.
        shown: number, name, label, probable label, probability of the label, and whether it was trained on.
        data: that the numbers are of.
        joint: counts by label and likely class.
        labels: of the classes.
    """

    headline: str
    shown: Sequence[tuple[int, str, str, str, float, bool]]
    data: Dataset
    joint: Sequence[Sequence[int]]
    labels: Sequence[str]


@dataclass(slots=True)
class _Thumbnails:
    """Images of data, made small, as many as a page may have."""

    left: int = field(default_factory=lambda: MOST_IMAGES)
    known: dict[tuple[int, int], Markup] = field(default_factory=dict)

    def of(self, data: Dataset, index: int) -> Markup | None:
        """An image of the page; None where there is no more room."""
        key = id(data), index
        if key not in self.known:
            if self.left < 1:
                return None
            self.left -= 1
            self.known[key] = _thumbnail(data, index)
        return self.known[key]


def page_path(out: PathLike) -> Path:
    """A file to write a page into, whose folder is made.

    Raises:
        SaveError: it cannot be one; said before work is spent.
    """
    path = local_path(out)
    if path.is_dir() or path.suffix.lower() not in (".html", ".htm"):
        got = "a folder" if path.is_dir() else quote(path.name)
        raise SaveError(f"page {path}", expected="the name of a page, .html", got=got, hint="say report.html")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"page {path}", expected="a writable place", got=error.strerror) from error
    return path


def write_page(
    path: Path, found: Report, data: Dataset, *, notes: Sequence[str] = (), suspects: Suspects | None = None
) -> Path:
    """Writes the page on data.

    Args:
        path: from `page_path`.
        found: what was found.
        data: that it was found in.
        notes: what was said while the data were read, such as columns that are not used.
        suspects: labels that are probably wrong, where a model was asked.

    Raises:
        SaveError: it cannot be written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report has it
        text = "\n".join(_page(found, data, notes, suspects))
    with write_errors(path), atomic_write(path, durable=False) as staged:
        staged.write_bytes(text.encode("utf-8", "replace"))
    return path


def _page(found: Report, data: Dataset, notes: Sequence[str], suspects: Suspects | None) -> Iterator[str]:
    images, title = _Thumbnails(), _words(found.source)
    verdict = "nothing stops a training" if found.ok else "something stops a training"
    yield f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Data: {title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta name="color-scheme" content="light dark"><style>{STYLE}</style></head><body><main>'
    yield f"<header><h1>{title}</h1><p>{_words(overview(found))}</p>"
    yield f'<p class="{"good" if found.ok else "bad"}">{verdict}</p></header>'
    for heading, group in judged(found):
        yield f"<section><h2>{escaped(heading.capitalize())}</h2>"
        for finding in group:
            yield _finding(finding, data, images)
        yield "</section>"
    if suspects is not None:
        yield from _suspects(suspects, images)
    if notes:
        yield "<section><h2>Said while reading</h2><ul>"
        yield from (f"<li>{_words(note)}</li>" for note in notes)
        yield "</ul></section>"
    yield "<section><h2>Classes and images</h2>"
    yield from (_part(part) for part in (*class_tables(found), *pixel_tables(found)))
    yield from (f'<p class="fact">{_words(line)}</p>' for line in facts(found))
    yield from (_part(part) for part in statistic_parts(found))
    yield "</section>"
    yield from _examples(found, data, images)
    yield "</main></body></html>"


def _finding(finding: Finding, data: Dataset, images: _Thumbnails) -> str:
    first, *rest = finding.text.split("\n")
    parts = [f'<article class="{"stops" if finding.stops else "look"}"><h3>{_words(first)}</h3>']
    parts += [f"<p>{_words(line)}</p>" for line in rest]
    shown = finding.names[:_PER_FINDING]
    if not finding.places:
        items = "".join(f"<li><code>{_words(name)}</code></li>" for name in shown)
        parts.append(f"<ul>{items}</ul>" if items else "")
    else:
        parts.append('<div class="groups">')
        for name, group in zip(shown, finding.places, strict=False):
            cells = [images.of(data, i) for i in group[:_PER_GROUP]]
            inner = "".join(cell for cell in cells if cell)
            parts.append(f"<figure><div>{inner}</div><figcaption>{_words(name)}</figcaption></figure>")
        parts.append("</div>")
    if rest_of := more(len(finding.names), len(shown), "(zoo data --json lists all)"):
        parts.append(f"<p>{escaped(rest_of)}</p>")
    return "".join([*parts, "</article>"])


def _suspects(found: Suspects, images: _Thumbnails) -> Iterator[str]:
    yield f"<section><h2>Labels that are probably wrong</h2><p>{_words(found.headline)}</p>"
    yield f"<p>{_HOW}</p>"
    if any(map(any, found.joint)) and len(found.labels) <= _CLASSES:
        header = ["LABEL \\ LIKELY CLASS", *map(str, found.labels)]
        rows = [[label, *row] for label, row in zip(found.labels, found.joint, strict=True)]
        yield _part(Table(header, rows, right=range(1, len(header))))
    yield '<div class="groups">'
    for index, name, given, likely, confidence, trained in found.shown[: _PER_FINDING * 4]:
        shown = images.of(found.data, index) or ""
        mark = ' <b class="mark">trained on</b>' if trained else ""
        words = f"<b>{_words(given)}</b> → <b>{_words(likely)}</b>{mark}<br>label {confidence:.1%}<br>"
        yield f"<figure><div>{shown}</div><figcaption>{words}{_words(name)}</figcaption></figure>"
    rest = more(len(found.shown), _PER_FINDING * 4, "(zoo data --json lists all)")
    yield f"</div><p>{escaped(rest)}</p></section>"


def _examples(found: Report, data: Dataset, images: _Thumbnails) -> Iterator[str]:
    targets = data.targets
    if not found.classes or not all(isinstance(target, int) for target in targets):
        chosen = {"": [*range(len(data))][:: max(len(data) // _PER_CLASS, 1)][:_PER_CLASS]}
    else:
        members: dict[str, list[int]] = {}
        for i, target in enumerate(targets):
            members.setdefault(data.labels[target], []).append(i)
        chosen = {
            # At even distances, so that they are from all over the class
            label: own[:: max(len(own) // _PER_CLASS, 1)][:_PER_CLASS]
            for label, own in [*members.items()][:_CLASSES]
        }
    yield "<section><h2>Examples</h2>"
    for label, own in chosen.items():
        cells = "".join(cell for i in own if (cell := images.of(data, i)))
        yield f'<h3>{_words(label)}</h3><div class="row">{cells}</div>' if cells else ""
    if rest := more(len(found.classes), _CLASSES, "classes"):
        yield f"<p>{escaped(rest)}</p>"
    yield "</section>"


def _thumbnail(data: Dataset, index: int) -> Markup:
    name = _words(Path(data.name(index)).name)
    try:
        image = data.reduced(index, (SIDE, SIDE)).image
    except Exception:  # a stranger's data set raises what it likes
        return Markup(f'<span class="none">{name}: no image</span>')
    small = _pil(image)
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    if max(small.size) < SIDE // 2:
        # Few pixels are shown as they are
        times = SIDE // max(small.size)
        small = small.resize((small.width * times, small.height * times), Image.Resampling.NEAREST)
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return html_image(file.getvalue(), Markup(name))


def _pil(image: ImageArray) -> Image.Image:
    values = image if image.dtype == np.uint8 else np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    channels = values.shape[2]
    if channels in (1, 2):
        return Image.fromarray(np.ascontiguousarray(values[..., 0]))
    return Image.fromarray(np.ascontiguousarray(values[..., :_COLORS]))


def _part(part: Table | str) -> str:
    if isinstance(part, str):
        return f'<p class="fact">{_words(part)}</p>'
    rows = [[_words(cell) for cell in row] for row in part.rows]
    below = f"<p>{escaped(part.below)}</p>" if part.below else ""
    return f'<div class="table">{html_table(rows, part.header, right=part.right)}</div>{below}'


def _words(text: object) -> Markup:
    """A text of a user in one line, letter by letter; what is no letter as such."""
    return Markup(escaped(one_line(replaced(str(text)))))
