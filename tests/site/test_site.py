"""The built site: its links lead somewhere, nothing comes from elsewhere, and components can be found."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from zoo.registry.catalogue import read_registry

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ROWS = [row for data in read_registry(ROOT / "registry.json") for row in data["components"]]
LOOKED_AT = (
    "index.html",
    "components/index.html",
    "components/backbones.html",
    "components/backbone/vgg/vgg16.html",
    "components/loss/core/cross-entropy.html",
    "guide/get-started.html",
    "guide/write-a-plugin.html",
    "reference/zoo.html",
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("components"))
    shutil.copy(ROOT / "mkdocs.yml", folder)
    (folder / "zoo").symlink_to(ROOT / "zoo")
    generate = ["-m", "_generator", str(ROOT / "registry.json"), "docs/components"]
    for command in ([sys.executable, *generate], [Path(sys.executable).parent / "zensical", "build"]):
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": "docs"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    return folder / "site"


class Links(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[tuple[str, str]] = []
        self.ids: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given[key] or "" for key in ("id", "name") if key in given}
        for key in ("href", "src"):
            if given.get(key):
                self.targets.append((tag, given[key] or ""))


@pytest.fixture(scope="module")
def links(site: Path) -> dict[Path, Links]:
    return {page: Links(page) for page in site.rglob("*.html")}


def test_every_component_has_a_page(site):
    pages = [page.stem for page in (site / "components").glob("*/*/*.html")]
    assert sorted(pages) == sorted(row["name"] for row in ROWS)


def test_no_internal_link_is_broken(links, site):
    broken = []
    for page, found in links.items():
        for _, target in found.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or page.name == "404.html":
                continue
            file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file():
                broken.append(f"{page.relative_to(site)}: {target}")
            elif parts.fragment and file in links and unquote(parts.fragment) not in links[file].ids:
                broken.append(f"{page.relative_to(site)}: {target} (no such section)")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(links):
    loaded = {"script", "img", "link", "iframe", "source"}
    outside = {
        target
        for found in links.values()
        for tag, target in found.targets
        if tag in loaded and "//" in target
    }
    assert outside == set()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the site is served: below a path of its own, as on most hosts."""
    above = tmp_path_factory.mktemp("host")
    (above / "some").mkdir()
    (above / "some/where").symlink_to(site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(above)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/some/where/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab in which nothing may go wrong, and nothing may come from another machine."""
    page = browser.new_page(**getattr(request, "param", {}))
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda failed: wrong.append(failed.url) if _broken(failed) else None)
    page.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page.on("request", lambda asked: wrong.append(asked.url) if _outside(asked.url) else None)
    yield page
    page.close()
    assert wrong == []


def _outside(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"


def _broken(request: Request) -> bool:
    """Whether a request failed for another reason than that the tab went on to the next page."""
    return request.failure != "net::ERR_ABORTED"


def rows(page: Page) -> int:
    return page.locator("#zoo-browse tbody tr:visible").count()


def test_filtering_by_text_and_kind_leads_to_a_component(page, address):
    page.goto(address + "index.html")
    page.get_by_role("link", name="Browse all").click()
    expect(page.locator("#zoo-count")).to_have_text(f"{len(ROWS)} of {len(ROWS)}")
    page.get_by_label("Find").fill("cross ENTROPY")
    page.get_by_label("Kind").select_option("loss")
    fits = [row for row in ROWS if row["kind"] == "loss" and "entropy" in row["summary"].lower()]
    expect(page.locator("#zoo-count")).to_have_text(re.compile(rf"^{len(fits)} of {len(ROWS)}$"))
    assert 0 < rows(page) == len(fits) < len(ROWS)
    page.get_by_role("link", name="cross-entropy", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cross-entropy")
    page.go_back()
    expect(page.get_by_label("Find")).to_have_value("cross ENTROPY")
    assert rows(page) == len(fits)


def test_the_address_keeps_the_filter(page, address):
    page.goto(address + "components/index.html?kind=backbone&weights=yes&q=vgg&plugin=nonsense")
    expected = [r for r in ROWS if r["kind"] == "backbone" and r.get("weights") and "vgg" in str(r).lower()]
    assert 0 < rows(page) <= len(expected)
    expect(page.get_by_label("Kind")).to_have_value("backbone")
    page.get_by_label("Find").fill("vgg16")
    expect(page).to_have_url(re.compile(r"\?q=vgg16&kind=backbone&weights=yes$"))
    page.reload()
    expect(page.get_by_label("Find")).to_have_value("vgg16")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#zoo-count")).to_have_text(f"{len(ROWS)} of {len(ROWS)}")
    expect(page).to_have_url(re.compile("components/index.html$"))


def test_nothing_found_is_said(page, address):
    page.goto(address + "components/index.html?q=no-such-thing")
    expect(page.locator("#zoo-none")).to_be_visible()
    assert rows(page) == 0


def test_the_keyboard_is_enough(page, address):
    page.goto(address + "components/index.html")
    page.get_by_label("Find").focus()
    page.keyboard.type("supervised")
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Clear")).to_be_focused()
    while not page.evaluate("document.activeElement.matches('#zoo-browse tbody a')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("components/trainer/core/supervised.html$"))


def test_sorting_by_size(page, address):
    page.goto(address + "components/index.html")
    sizes = [row["facts"].get("parameters", -1) for row in ROWS]
    heading = page.get_by_role("columnheader", name="Parameters")
    for order, expected in (("ascending", min(sizes)), ("descending", max(sizes))):
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", order)
        first = page.locator("#zoo-browse tbody tr").first.get_attribute("data-parameters")
        assert int(first or -1) == expected


@pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_the_whole_table_is_there(page, address):
    page.goto(address + "components/index.html")
    assert rows(page) == len(ROWS)
    expect(page.locator("#zoo-filter")).to_be_hidden()


def test_a_copy_on_disk_works(browser, site):
    """But for the theme's search, which asks a server for its index."""
    page = browser.new_page()
    page.goto((site / "components/index.html").as_uri())
    page.get_by_label("Find").fill("vgg16")
    assert 0 < rows(page) < 10
    page.get_by_role("link", name="vgg16", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("vgg16")
    page.go_back()
    expect(page.get_by_label("Find")).to_have_value("vgg16")
    page.close()


PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.mark.parametrize(
    "page", [PHONE, {**PHONE, "color_scheme": "dark"}], indirect=True, ids=["light", "dark"]
)
def test_a_phone_needs_no_sideways_scrolling(page, address):
    for path in LOOKED_AT:
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.parametrize("page", [{"color_scheme": s} for s in ("light", "dark")], indirect=True, ids=str)
def test_text_stands_out_from_its_ground(page, address):
    """The ratio of WCAG 2.2, 4.5 for text, for the parts that zoo's own styles colour."""
    page.goto(address + "components/index.html")
    for place in (".zoo-filter label", ".zoo-filter select", "#zoo-browse td", "#zoo-browse td a"):
        colours = page.locator(place).first.evaluate(
            """element => {
                const ground = (node) => {
                    const colour = getComputedStyle(node).backgroundColor;
                    const clear = colour.endsWith(", 0)") && node.parentElement;
                    return clear ? ground(node.parentElement) : colour;
                };
                return [getComputedStyle(element).color, ground(element)];
            }"""
        )
        assert contrast(*colours) >= 4.5, (place, colours)


def contrast(text: str, ground: str) -> float:
    """Of two colours as `rgb(...)` or `rgba(...)`; a text that lets the ground through is mixed with it."""
    front, back = (list(map(float, re.findall(r"[\d.]+", colour))) for colour in (text, ground))
    alpha = front[3] if len(front) > 3 else 1.0
    mixed = [alpha * f + (1 - alpha) * b for f, b in zip(front[:3], back[:3], strict=True)]

    def luminance(colour: list[float]) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(mixed), luminance(back[:3])), reverse=True)
    return (light + 0.05) / (dark + 0.05)
