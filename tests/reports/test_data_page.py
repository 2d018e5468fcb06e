"""The page on data: all of users' words escaped, images bounded, nothing asked of the network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.data.inspection.report import report
from zoo.data.sources.class_folders import FoundFolders
from zoo.reports import data_page
from zoo.reports.data_page import page_path, write_page
from zoo.spec.errors import SaveError

LABEL = "<script>alert('x')<&\""


class Tags(HTMLParser):
    """The tags of a page, each that is opened with its attributes, and whether all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for label in (LABEL.replace("/", ""), "plain"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(14):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{i}{'<i>' if i else ''}.png")
    plain = tmp_path / "photos" / "plain"
    Image.fromarray(np.full((8, 8, 3), 9, np.uint8)).save(plain / "flat.png")
    Image.fromarray(rng.integers(0, 256, (90, 8, 3), dtype=np.uint8)).save(plain / "tall.png")
    Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(plain / "gray.png")
    (plain / "broken.png").write_bytes((plain / "0.png").read_bytes()[:60])
    return tmp_path / "photos"


def written(folder: Path, out: Path) -> str:
    data = FoundFolders(folder)
    return write_page(page_path(out), report(data, f"photos {LABEL}"), data, notes=[LABEL]).read_text()


def test_words_of_users_are_shown_letter_by_letter(folder: Path, tmp_path: Path) -> None:
    page = written(folder, tmp_path / "new" / "report.html")
    tags = Tags(page)
    assert tags.open == []
    assert not {tag for tag, _ in tags.found} & {"script", "i", "link", "iframe"}
    assert not any(name.startswith("on") for _, own in tags.found for name in own)
    assert "alert(&#x27;x&#x27;)" in page
    sources = [own["src"] or "" for tag, own in tags.found if tag == "img"]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(own.get("alt") for tag, own in tags.found if tag == "img")
    # Nothing is fetched
    assert not re.search(r"https?://|url\(", page)


def test_what_is_odd_is_shown_with_its_image(folder: Path, tmp_path: Path) -> None:
    page = written(folder, tmp_path / "report.html")
    for words, name in (
        ("1 image of one value throughout", "flat.png"),
        ("1 image with a side more than 4 times the median one", "tall.png"),
        ("1 image of another depth or other channels than most", "gray.png"),
    ):
        article = next(part for part in page.split("<article") if words in part)
        assert f'alt="{name}"' in article
    assert "broken.png: no image" in page
    assert "something stops a training" in page


def test_the_images_of_a_page_are_bounded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_page, "MOST_IMAGES", 5)
    page = written(folder, tmp_path / "report.html")
    # One of the five cannot be read
    assert len({*re.findall(r'src="([^"]+)"', page)}) == 4


@pytest.mark.parametrize("name", ["report", "report.png", "."])
def test_a_page_is_called_like_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(SaveError, match=r"expected the name of a page, \.html"):
        page_path(tmp_path / name)
