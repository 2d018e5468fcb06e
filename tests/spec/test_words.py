"""What people read: errors, hints, tables and the places that warnings point at."""

from __future__ import annotations

import pickle
import sys
import warnings

import pytest

from zoo.spec import display
from zoo.spec.arguments import misplaced
from zoo.spec.display import Markup, Table, html_bar, html_image, html_page, html_table, more, table
from zoo.spec.errors import OptionError, ZooError, ZooWarning, did_you_mean, listing, near, quote, warn
from zoo.spec.names import closest, spelt_otherwise

BUILD = "zoo.build(..., "


def test_an_error_says_what_there_is_to_say_and_survives_another_process():
    error = OptionError("bad lr", expected="a number", got="'x'", hint="say lr=0.1")
    assert str(error) == "bad lr: expected a number, got 'x'; say lr=0.1"
    assert str(ZooError("bad  \n lr", hint="stop")) == "bad lr; stop"
    assert str(ZooError("bad lr", got="'x'")) == "bad lr: got 'x'"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.hint) == (OptionError, str(error), "say lr=0.1")


def test_a_warning_points_at_the_line_outside_of_zoo_that_led_to_it():
    inside = {"__name__": "zoo.somewhere.deep", "warn": warn}
    code = compile("def once():\n    warn('beware')\ndef twice():\n    once()\n", "inside.py", "exec")
    exec(code, inside)
    for call in ("once", "twice"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            line = sys._getframe().f_lineno + 1
            inside[call]()
        [found] = seen
        assert (found.category, found.filename, found.lineno) == (ZooWarning, __file__, line)


def test_long_values_and_long_lists_are_cut():
    assert quote("a" * 78) == repr("a" * 78)
    assert quote("a" * 79) == "'" + "a" * 76 + "..."
    names = [f"n{i}" for i in range(13)]
    assert listing(names[:12]) == ", ".join(names[:12])
    assert listing(names) == ", ".join(names[:12]) + " and 1 more"
    assert listing([]) == "nothing"
    assert near("x", []) == "there is none to choose from"
    assert near("x", ["dice", "bce"]) == "choose from bce, dice"


def test_of_a_large_family_the_first_members_are_named_and_how_to_see_all():
    names = [f"vgg{i}" for i in range(17)]
    assert did_you_mean("vg", names[:16]) == f"did you mean {' or '.join(names[:16])}?"
    shown = ", ".join(names[:8])
    assert did_you_mean("vg", names) == f"did you mean {shown} or one of 9 more (zoo list --search vgg)?"
    mixed = [*names[:-1], "resnet18"]
    assert did_you_mean("vg", mixed).endswith("or one of 9 more (zoo list --search vg)?")


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("VGG-16", ["timm:vgg16", "vgg16"], ["vgg16"]),
        ("vgg16", ["timm:vgg16", "other:vgg_16"], ["other:vgg_16", "timm:vgg16"]),
        ("mobilenet", ["mobilenet_v2", "mobilenet_v1", "vgg16"], ["mobilenet_v1", "mobilenet_v2"]),
        ("vg", ["vgg16"], []),
        ("vgg", ["vgg16"], ["vgg16"]),
    ],
)
def test_another_spelling_or_the_beginning_of_a_family_is_understood(name, names, found):
    assert spelt_otherwise(name, names) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "resnet81",
            ["resnet18", "resnet101", "resnet50"],
        ),  # equally alike: 81 is nearest to 101, then 50, 18
        ("vgg17", ["vgg16", "vgg19"]),
        ("efficent", ["efficientnet_b0", "efficientnet_b1"]),
        ("cnn_vgg16_x", ["vgg16"]),
        ("zzz", []),
        ("??", []),
    ],
)
def test_the_names_nearest_to_a_wrong_one_are_offered_the_likeliest_first(name, found):
    names = ["resnet18", "resnet50", "resnet101", "vgg16", "vgg19", "timm:vgg16", "efficientnet_b1"]
    assert sorted(closest(name, [*names, "efficientnet_b0"])) == sorted(found)


def test_of_names_that_are_equally_alike_the_nearest_number_comes_first():
    assert closest("net5", ["net1", "net4", "net9"]) == ["net4", "net1", "net9"]
    assert closest("net5", ["net1", "net4", "net9", "net7"], most=2) == ["net4", "net7"]
    assert closest("net55", ["other:net54"]) == ["other:net54"]
    assert closest("net55", ["other:net54", "net54"]) == ["net54"]


def test_a_name_with_figures_is_no_word_for_a_family():
    assert closest("resnet1", ["resnt", "resnet18"]) == ["resnet18"]
    assert closest("vgg1", ["vgg16"]) == ["vgg16"]
    assert closest("vgk9", ["vgk", "vgg19"])[0] == "vgk"


@pytest.mark.parametrize(
    ("name", "value", "known", "words"),
    [
        ("data", "faces", [], "zoo.fit(model, data) takes it"),
        ("dataset", "faces", [], "zoo.fit(model, data) takes it"),
        ("criterion", "bce", [], "zoo calls it loss: zoo.fit(model, data, loss=...)"),
        ("seed", 3, [], "it belongs beside: zoo.build(..., seed=3), in a recipe seed"),
        ("lr", 0.1, ["lr"], None),
        ("pretrained", True, [], f"zoo calls it weights: {BUILD}weights=...), in a recipe model.weights"),
        ("pretrained", False, [], f"zoo calls it weights: {BUILD}weights=None), in a recipe model.weights"),
        ("weights", "a.pt", [], f"it belongs beside: {BUILD}weights='a.pt'), in a recipe model.weights"),
        ("classes", [*range(14)], [], f"it belongs beside: {BUILD}classes=...), in a recipe model.classes"),
        ("clases", 3, [], "did you mean classes, an argument of zoo.build?"),
        ("workerss", 3, [], "did you mean workers, an argument of zoo.fit?"),
        ("clases", 3, ["classesx"], None),
        ("depth", 3, [], None),
    ],
)  # fmt: skip
def test_an_argument_in_the_wrong_place_is_shown_where_it_belongs(name, value, known, words):
    assert misplaced(name, value, known) == words


def test_a_line_is_cut_at_the_terminals_last_column(monkeypatch):
    monkeypatch.setattr(display, "width", lambda: 10)
    rows = [["ab", "12345678"], ["ab", "123456"], ["ab", None]]
    assert table(rows, ["N", "TEXT"]).splitlines() == ["N   TEXT", "ab  123...", "ab  123456", "ab"]
    assert table([["a", "b"]], ["N", "T"], indent="> ") == "> N  T\n> a  b"
    assert table([["a", 7], ["b", 12]], ["N", "T"], right=[1]) == "N   T\na   7\nb  12"


def test_the_last_column_is_not_padded_and_the_others_are():
    assert table([["a", "b", "long"], ["long", "c", "d"]], ["x", "y", "z"]).splitlines() == [
        "x     y  z", "a     b  long", "long  c  d",
    ]  # fmt: skip


def test_a_terminal_has_a_width_and_a_file_has_none(monkeypatch):
    monkeypatch.setenv("COLUMNS", "77")
    assert display.width() == display.WIDEST
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert display.width() == 77
    monkeypatch.setattr(sys, "stdout", None)
    assert display.width() == display.WIDEST


def test_a_table_of_html_aligns_tints_and_escapes():
    page = html_table([["<b>", Markup("<i>")], ["x", None]], ["one", "two"], right=[1], tinted=[1])
    assert page.count("text-align:right") == page.count("text-align:left") == 3
    assert "<tr style=" in page.partition("&lt;b&gt;")[2]
    assert "<tr style=" not in page.partition("&lt;b&gt;")[0]
    assert "<i>" in page
    three = html_table([[1, 2, 3]], ["a", "b", "c"], right=[2])
    assert [three.count(f"text-align:{side}") for side in ("left", "right")] == [4, 2]


def test_the_first_column_of_a_shaded_table_is_not_shaded():
    shaded = Table(["name", "a", "b"], [["x", 1, 2]], below="all of it", shades=[[0.5, 1.0]])
    assert shaded.text().endswith("\nall of it")
    page = shaded.html()
    assert page.count("padding:") == 2
    assert [share in page for share in (",0.30)", ",0.60)", ",0.00)")] == [True, True, False]
    assert "<div>all of it</div>" in page
    assert "padding" not in Table(["name"], [["x"]]).html()


def test_parts_of_a_page_are_escaped_unless_they_are_markup_and_left_out_where_empty():
    assert html_page("a<b", "c<d", Markup("<i>"), "", None) == (
        "<div><div><strong>a&lt;b</strong></div><div>c&lt;d</div><i></div>"
    )
    assert html_page("") == "<div></div>"


@pytest.mark.parametrize(
    ("share", "wide"), [(0.5, "50.0%"), (-1, "0.0%"), (3, "100.0%"), (float("nan"), "0.0%")]
)
def test_a_bar_is_as_wide_as_its_share(share, wide):
    assert f"width:{wide}" in html_bar(share)


def test_an_image_in_a_page_is_of_the_size_asked_for():
    assert "max-width:100%" in html_image(b"x")
    assert "max-width:64px;max-height:64px" in html_image(b"x", pixels=64)
    assert 'alt="a &lt;b"' in html_image(b"x", "a <b")


def test_what_is_left_out_is_counted():
    assert (more(3, 3), more(4, 3), more(2003, 3, "images")) == ("", "and 1 more", "and 2,000 more images")
