"""How results are shown: a few lines of text, and HTML or an image in a notebook."""

from __future__ import annotations

import copy
import io
import json
import pickle
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import zoo
from zoo.data.inspection.report import report
from zoo.inference.augment import as_tensor
from zoo.inference.evaluation import Evaluation, Measured
from zoo.inference.generated_images import Images
from zoo.inference.latents import Latents
from zoo.inference.predictions import Predicted, Predictions
from zoo.inference.verify import Verified
from zoo.interfaces.model import Model
from zoo.interfaces.tasks.confusion import by_class
from zoo.interfaces.tasks.descriptions import Mistake, worst_table
from zoo.reports.image_grids import variants_grid
from zoo.training.run import Run

Make = Callable[..., Model]
EVIL = "<script>alert(1)</script>"
_EMPTY = {"img", "br", "progress"}


class _Page(HTMLParser):
    """Checks that what is opened is closed, and collects tags and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.styles += [value or "" for name, value in attrs if name == "style"]
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY:
            assert self.open.pop() == tag


def page(shown: object) -> _Page:
    """What a notebook would show, held against the rules of all displays."""
    found = _Page()
    found.feed(shown._repr_html_())  # type: ignore[attr-defined]
    assert found.open == []
    assert "script" not in found.tags
    for style in found.styles:  # light and dark themes keep their own colours: tints are transparent
        assert not re.search(r"(?<!-)color\s*:", style)
        assert "background" not in style or "rgba(" in style
    return found


@pytest.fixture
def run(make_model: Make, photos: Path, tmp_path: Path) -> Run:
    """A run of two epochs in a folder with a name of bad intent."""
    return zoo.fit(
        make_model(in_channels=3), photos, epochs=2, out=tmp_path / "<b>run", progress=False, batch_size=8
    )


def big(classes: int = 1000) -> Evaluation:
    """Figures as `evaluate` gives them for very many classes."""
    labels = [f"class {i} {EVIL}" for i in range(classes)]
    confusion = np.eye(classes, dtype=int)
    confusion[3, 7] = 5
    rows = {
        label: {"precision": 0.5, "recall": 0.5, "f1": i / classes, "images": int(i > 1)}
        for i, label in enumerate(labels)
    }
    worst = (Mistake(0, EVIL, labels[3], 0.9, labels[7]),) * 24
    return Evaluation(
        on=Measured(data=None, split="test", count=2000, hash=""), metrics={"loss": 1.5, "accuracy": 0.5},
        labels=labels, confusion=confusion.tolist(), per_class=rows, worst=worst,
        tables=(*by_class(labels, rows, confusion.tolist()), worst_table(worst)),
    )  # fmt: skip


def test_a_run_prints_ten_lines_at_most(run: Run) -> None:
    lines = repr(run).splitlines()
    assert len(lines) <= 10
    assert lines == str(run).splitlines()
    assert lines[0].startswith("trained 2 epochs in")
    assert "train 20, val 4, test 4 images" in lines[0]
    assert lines[1].startswith(f"best epoch {run.best_epoch}, validation: loss ")
    assert lines[-1] == f"saved in {run.folder}"
    assert "Conv2d" not in repr(run)


def test_a_run_of_many_figures_is_no_longer(run: Run) -> None:
    many = {f"figure_{i}": float(i) for i in range(300)}
    longer = Run(**{name: getattr(run, name) for name in run.__slots__} | {"metrics": many})
    assert len(repr(longer).splitlines()) <= 10
    assert "and 292 more" in repr(longer)


def test_a_notebook_shows_a_run_with_its_curves(run: Run) -> None:
    shown = page(run)
    assert "table" in shown.tags
    assert "img" in shown.tags
    assert "b" not in shown.tags
    (run.folder / "curves.png").unlink()
    assert "img" not in page(run).tags


def test_what_evaluate_returns_is_typed_and_prints_as_tables(run: Run, photos: Path) -> None:
    found = zoo.evaluate(run.model, photos)
    assert type(found.metrics["accuracy"]) is float
    assert (found.on.split, found.on.count, found.on.options["seed"]) == ("test", 4, 0)
    assert found.on.data == f"file:{photos.name}"
    assert found.on.hash == run.model.recipe.data_hash
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert (other, type(other)) == (found, Evaluation)
    assert repr(found) == str(found)
    assert str(found).startswith("test split, 4 images\n")
    assert "TRUTH \\ ANSWER" in str(found)
    assert page(found).tags.count("table") >= 3


def test_nothing_huge_is_shown_of_a_thousand_classes() -> None:
    text = repr(big())
    assert len(text.splitlines()) < 30
    assert "the lowest f1, and 995 more classes" in text
    assert "class 0 " not in text  # of no image is no figure
    assert "class 2 " in text
    assert re.search(r"class 3 .* class 7 .* 5$", text, flags=re.MULTILINE)  # the commonest mistake
    assert page(big()).tags.count("tr") < 30


def test_a_confusion_matrix_is_shaded_up_to_twenty_classes() -> None:
    assert page(big(20)).tags.count("td") >= 20 * 21
    assert page(big(21)).tags.count("td") < 20 * 21
    shades = [style for style in page(big(10)).styles if style.endswith("padding:.15em .5em")]
    assert len(shades) == 100
    assert len(set(shades)) == 4  # none, one and five of six, all


def test_an_evaluation_without_tables_is_shown_too() -> None:
    found = Evaluation(on=Measured(data=None, split="val", count=3, hash=""), metrics={"accuracy": 0.5})
    page(found)
    assert repr(found) == "val split, 3 images\naccuracy  0.5000"


def test_a_prediction_of_a_thousand_classes_prints_five() -> None:
    scores = {f"class {i}": (1000 - i) / 500_500 for i in range(1000)}
    item = Predicted("a.png", "class 0", scores["class 0"], scores)
    assert repr(item) == (
        "a.png: class 0 0.2%, class 1 0.2%, class 2 0.2%, class 3 0.2%, class 4 0.2%, and 995 more"
    )
    assert page(item).tags.count("tr") == 6


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (Predicted("a", "12.5", None, {"age": 12.5}), "a: 12.5 (age 12.5)"),
        (Predicted("a", "x, y", 0.6, {"x": 0.9, "y": 0.7}), "a: x, y 60.0% (x 90.0%, y 70.0%)"),
        (Predicted("a", "x", None, {"x": 0.75}, mask=torch.zeros(4, 4)), "a: x 75.0%"),
        (Predicted("a", "image", None, {}, image=torch.rand(3, 4, 4)), "a: image"),
    ],
)
def test_other_answers_print_in_a_line(item: Predicted, text: str) -> None:
    assert repr(item) == text
    page(item)


def test_predictions_print_as_a_table_that_is_cut(make_model: Make) -> None:
    found = zoo.predict(make_model(), torch.rand(25, 1, 16, 16))
    lines = repr(found).splitlines()
    assert isinstance(found, list)
    assert (len(lines), lines[-1]) == (22, "and 5 more images")
    shown = page(found)
    assert (shown.tags.count("tr"), shown.tags.count("img")) == (21, 20)
    assert [type(found[:3]), len(found[:3]), type(found[0])] == [Predictions, 3, Predicted]
    assert pickle.loads(pickle.dumps(found)) == found == copy.deepcopy(found) == [*found]
    assert "img" in page(found[0]).tags
    assert repr(found[:0]) == "IMAGE  LABEL  SCORE"


def test_a_files_thumbnail_is_read_when_it_is_shown(make_model: Make, tmp_path: Path) -> None:
    file = tmp_path / f"{EVIL.replace('/', '')}.png"
    Image.fromarray(np.zeros((300, 200, 3), np.uint8)).save(file)
    found = zoo.predict(make_model(in_channels=3), file)
    assert found[0].thumbnail is None
    assert "img" in page(found).tags
    file.unlink()
    assert "img" not in page(found).tags


def test_a_mask_is_laid_over_the_thumbnail() -> None:
    image, mask = np.full((96, 96, 3), 128, np.uint8), torch.ones(8, 8, dtype=torch.int64)
    item = Predicted("a", "cell", None, {"cell": 1.0}, mask=mask, thumbnail=image)
    assert page(item).tags.count("img") == 1
    assert item._repr_html_() != Predicted("a", "cell", 1.0, {"cell": 1.0}, thumbnail=image)._repr_html_()


def test_labels_are_not_run(make_model: Make) -> None:
    model = make_model(head="multiclass", classes=[EVIL, "b"])
    found = zoo.predict(model, torch.rand(1, 1, 16, 16))
    for shown in (found[0], big(10), big(50)):
        page(shown)
        assert "&lt;script&gt;" in shown._repr_html_()
    page(found)


def test_a_summary_tints_what_is_frozen(make_model: Make) -> None:
    with pytest.warns(zoo.ZooWarning):
        model = make_model(freeze="block1-2")
    summary = model.summary()
    assert repr(summary) == str(summary)
    tinted = [style for style in page(summary).styles if "background" in style]
    assert len(tinted) == sum(row.frozen for row in summary.rows) == 2
    assert model._repr_html_() == summary._repr_html_()
    assert "(backbone)" in repr(model)  # torch's own


def test_variants_are_a_tensor_that_prints_a_line_and_shows_a_grid() -> None:
    found = zoo.augment(torch.rand(3, 20, 30), "flip", count=8)
    assert repr(found) == str(found) == "8 variants of 3 x 20 x 30"
    assert repr(zoo.augment(torch.rand(3, 20, 30), "flip", count=1)) == "1 variant of 3 x 20 x 30"
    shown = Image.open(io.BytesIO(found._repr_png_() or b""))
    assert shown.size[0] > 3 * 96
    for plain in (found[0], found + 0, found.mean(), found.clone(), found.numpy(), torch.stack([found])):
        assert not isinstance(plain, Images)
    assert torch.equal(found, found + 0)


def test_variants_are_kept_as_plain_tensors() -> None:
    found = zoo.augment(torch.rand(1, 20, 30), "flip", count=2)
    again = pickle.loads(pickle.dumps(found))
    assert type(again) is Tensor
    assert torch.equal(again, found)
    copied = copy.deepcopy(found)
    assert (repr(copied), torch.equal(copied, found)) == (repr(found), True)
    assert copied.data_ptr() != found.data_ptr()
    file = io.BytesIO()
    torch.save(found, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=True), found)


def test_a_grid_of_large_images_fits_a_screen() -> None:
    many = Images.of(torch.rand(100, 3, 300, 400))
    shown = Image.open(io.BytesIO(many._repr_png_() or b""))
    assert max(shown.size) < 3000
    assert Images.of(torch.rand(2, 5, 8, 8))._repr_png_() is None
    assert Images.of(torch.rand(0, 3, 8, 8))._repr_png_() is None


def test_samples_are_shown_as_variants_are() -> None:
    model = zoo.build("dcgan_generator", in_channels=1, input_size=16, width=8, seed=0)
    found = zoo.sample(model, 4, seed=0)
    assert repr(found) == "4 images of 1 x 16 x 16"
    assert Image.open(io.BytesIO(found._repr_png_() or b""))


def test_latents_print_a_line_and_show_their_plane() -> None:
    def some(numbers: int) -> Latents:
        vectors = torch.rand(6, numbers)
        return Latents(
            vectors=vectors, plane=vectors[:, :2], axes=("a", "b"), classes=(0, 1) * 3,
            labels=("x", "y"), names=("n",) * 6,
        )  # fmt: skip

    assert repr(some(8)) == "6 latents of 8 numbers, 2 classes"
    assert Image.open(io.BytesIO(some(2)._repr_png_() or b""))
    assert some(1)._repr_png_() is None


def test_what_prints_well_is_shown_alike() -> None:
    found = Verified(0.9, True, 0.5, "given")
    assert repr(found) == str(found) == "same: similarity 0.900, at least 0.500 (given)"


def test_the_components_are_listed_as_a_table() -> None:
    rows = zoo.list()
    lines = repr(rows).splitlines()
    assert len(rows) > 40
    assert (len(lines), lines[-1]) == (42, f"and {len(rows) - 40} more components")
    assert len(rows.table().splitlines()) == len(rows) + 1
    assert page(rows).tags.count("tr") == 41


def test_a_report_on_data_is_shown_as_tables(photos: Path) -> None:
    (photos / "dark").rename(photos / "<b>dark")
    found = report(photos)
    assert repr(found).splitlines()[0].endswith("28 images, 2 classes, task binary")
    assert repr(found).endswith("nothing stops a training")
    shown = page(found)
    assert shown.tags.count("table") == 2
    assert "b" not in shown.tags


def test_a_grid_shows_black_as_black_and_what_lies_outside_of_the_range_at_its_ends() -> None:
    tile = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0]).view(1, 1, 1, 5)
    pixels = np.asarray(variants_grid(None, tile))
    assert sorted(set(pixels.flatten().tolist())) == [0, 128, 255]
    shares = [(pixels == value).mean() for value in (0, 128, 255)]
    assert shares[0] == pytest.approx(2 * shares[1])
    assert shares[2] >= 2 * shares[1]  # with the ground


def test_what_is_augmented_begins_as_it_was_read() -> None:
    image = torch.rand(3, 4, 6)
    assert torch.allclose(as_tensor(image), image, atol=1 / 255)
    assert as_tensor(image, 3).shape == (3, 2, 3)
    assert as_tensor(image, 60).shape == (3, 4, 6)
    assert as_tensor(np.zeros((4, 6, 4), np.uint8)).shape == (3, 4, 6)
    assert as_tensor(np.zeros((4, 6, 2), np.uint8)).shape == (1, 4, 6)


def test_worst_values_have_no_column_of_scores() -> None:
    values = worst_table([Mistake(0, "a.png", "26.2", None, "18.3")])
    assert [*values.header] == ["WORST MISTAKES", "ANSWER", "TRUTH"]
    assert "SCORE" in worst_table([Mistake(0, "a.png", "cat", 0.9, "dog")]).header
