"""Every picture is well-formed XML, says what it shows, and can be read."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mien.experiments.report.abstention import draw_coverage
from mien.experiments.report.axes import choose_ticks
from mien.experiments.report.colours import STEPS, build_colours, choose_step, compute_contrast
from mien.experiments.report.confusion import (
    cut_name,
    describe_absent,
    describe_confusions,
    draw_confusion,
)
from mien.experiments.report.curves import average_curves, draw_curves, stack_curves
from mien.experiments.report.intervals import Estimate, draw_forest, draw_mark
from mien.experiments.report.marks import draw_bar, draw_strip
from mien.experiments.report.reliability import build_bins_table, draw_reliability

SVG = "{http://www.w3.org/2000/svg}"
MATRIX = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])


def read_texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_matrix_holds_counts_row_by_row():
    picture = draw_confusion(MATRIX, ["a", "b", "c"], normalised=False, title="Counts")
    texts = read_texts(str(picture.svg))
    assert texts[:2] == ["predicted class", "true class"]
    assert texts[-9:] == ["8", "2", "0", "1", "3", "0", "0", "0", "0"]
    assert "rows are true, columns predicted" in picture.alternative


def test_normalised_matrix_holds_per_cent_of_the_true_class():
    picture = draw_confusion(MATRIX, ["a", "b", "c"], normalised=True, title="Shares")
    assert read_texts(str(picture.svg))[-9:] == ["80", "20", "0", "25", "75", "0", "0", "0", "0"]


@pytest.mark.parametrize("n_classes", range(2, 11))
@pytest.mark.parametrize("length", [3, 60])
def test_matrix_stays_inside_its_picture(n_classes, length):
    classes = [f"{i}" * length for i in range(n_classes)]
    matrix = np.full((n_classes, n_classes), 12345)
    root = ET.fromstring(str(draw_confusion(matrix, classes, normalised=False, title="t").svg))
    _, _, width, height = (float(x) for x in root.get("viewBox").split())
    cells = list(root.iter(f"{SVG}rect"))
    assert len(cells) == n_classes**2
    assert max(float(c.get("x")) + float(c.get("width")) for c in cells) <= width
    assert max(float(c.get("y")) + float(c.get("height")) for c in cells) <= height


def test_names_cannot_break_out_of_the_picture():
    classes = ["</text><script>alert(1)</script>", '"><b onclick="x']
    picture = draw_confusion(np.eye(2, dtype=int), classes, normalised=False, title="<i>t</i>")
    assert "<script" not in picture.svg
    assert not list(ET.fromstring(str(picture.svg)).iter(f"{SVG}script"))
    hints = [e.text for e in ET.fromstring(str(picture.svg)).iter(f"{SVG}title")]
    assert classes[0] in hints


def test_long_names_are_cut():
    assert cut_name("neutral") == "neutral"
    assert cut_name("eyebrows raised and drawn together") == "eyebrows raised a…"


def test_confusions_are_named_with_the_largest_first():
    told = describe_confusions(MATRIX, ["a", "b", "c"])
    assert [text.replace("\u00a0", " ") for text in told] == [
        "b taken for a: 25.0 % (1 of 4)",
        "a taken for b: 20.0 % (2 of 10)",
    ]
    assert describe_absent(MATRIX, ["a", "b", "c"]) == "No predicted rows are truly c."
    assert describe_absent(MATRIX[:2, :2], ["a", "b"]) == ""


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_can_be_read_on_every_colour(dark):
    for fill, ink in build_colours(dark=dark):
        assert compute_contrast(fill, ink) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_lightness_runs_one_way(dark):
    against_black = [compute_contrast(fill, "#000000") for fill, _ in build_colours(dark=dark)]
    assert (np.diff(against_black) > 0).all() if dark else (np.diff(against_black) < 0).all()


def test_contrast_of_known_pairs():
    assert compute_contrast("#000000", "#ffffff") == pytest.approx(21)
    assert compute_contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_only_zero_has_the_colour_of_zero():
    assert [choose_step(share) for share in (0, 0.001, 0.5, 1)] == [0, 1, 5, STEPS - 1]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.33, 0.91, [0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 2.7, [0, 1, 2, 3]),
        (1, 25, [0, 5, 10, 15, 20, 25]),
    ],
)
def test_ticks_are_round_and_cover_the_range(low, high, expected):
    np.testing.assert_allclose(choose_ticks(low, high), expected)


def test_mean_runs_over_the_folds_still_training():
    folds = [{"loss": [4, 2]}, {"loss": [2, 4, 6]}, {"loss": None}, {"loss": [3]}]
    stacked = stack_curves(folds, "loss")
    nan = np.nan
    np.testing.assert_array_equal(stacked, [[4, 2, nan], [2, 4, 6], [3, nan, nan]])
    np.testing.assert_array_equal(average_curves(stacked), [3, 3, nan])


def test_curves_draw_a_line_a_fold_and_their_mean():
    fold = {"loss": [2.0, 1.0], "accuracy": [0.2, 0.6], "val_accuracy": [0.1, 0.5]}
    loss, accuracy = draw_curves([{"curves": fold}, {"curves": fold}, {"curves": None}, {}])
    paths = [p.get("class") for p in ET.fromstring(str(accuracy.svg)).iter(f"{SVG}path")]
    assert paths.count("fold train") == paths.count("fold held") == 2
    assert paths.count("mean train") == paths.count("mean held") == 2  # line and key
    assert "validation" not in loss.alternative
    assert "training ends at 0.60; validation ends at 0.50" in accuracy.alternative


def test_diverged_training_breaks_the_line():
    [loss] = draw_curves([{"curves": {"loss": [1.0, None, 2.0, 3.0]}}])
    path = next(ET.fromstring(str(loss.svg)).iter(f"{SVG}path")).get("d")
    assert path.count("M") == 2
    assert "nan" not in loss.svg


def test_without_curves_there_are_no_pictures():
    assert draw_curves([{"curves": None}]) == ()
    assert draw_curves([{"curves": {"loss": [None, None]}}]) == ()


def test_one_epoch_is_drawn():
    [loss] = draw_curves([{"curves": {"loss": [1.0]}}])
    assert "h0.1" in loss.svg


def test_small_pictures_are_well_formed():
    bar = ET.fromstring(str(draw_bar(0.5)))
    assert bar.find(f"{SVG}rect") is None  # inline in HTML, so without a namespace
    assert bar.find("rect").get("width") == "80.0"
    strip = ET.fromstring(str(draw_strip([0.5, 0.6], low=0.5, high=0.7, mean=0.55)))
    xs = [float(dot.get("cx")) for dot in strip.iter("circle")]
    assert xs == [9.0, 85.0]
    strip = ET.fromstring(str(draw_strip([0.5, 0.6, 0.6, 0.6], low=0, high=1, mean=0.5)))
    single, triple = [float(dot.get("r")) for dot in strip.iter("circle")]
    assert (triple / single) ** 2 == pytest.approx(3, rel=0.03)
    assert "nan" not in draw_strip([0.5], low=0.5, high=0.5, mean=0.5)


def test_a_network_that_is_always_right_has_a_curve_at_the_top():
    _, accuracy = draw_curves([{"curves": {"loss": [0.1, 0.1], "accuracy": [1.0, 1.0]}}])
    assert "100 %" in accuracy.svg
    assert "nan" not in accuracy.svg


def test_intervals_lie_where_their_values_do():
    estimates = [Estimate("<b>", 0.7, 0.6, 0.8), Estimate("two", 0.5)]
    picture = draw_forest(estimates, "95 % interval")
    root = ET.fromstring(str(picture.svg))
    [line] = [p.get("d") for p in root.iter(f"{SVG}path") if p.get("class") == "interval"]
    low, high = (float(x) for x in re.match(r"M([\d.]+) .*H([\d.]+)M", line).groups())
    dots = [float(dot.get("cx")) for dot in root.iter(f"{SVG}circle")]
    assert dots[0] == pytest.approx((low + high) / 2, abs=0.1)
    assert dots[0] - dots[1] == pytest.approx(high - low, abs=0.1)  # 0.2 each
    assert "<b> 70.0 % (60.0 to 80.0); two 50.0 %" in picture.alternative.replace("\u00a0", " ")
    mark = ET.fromstring(str(draw_mark(estimates[0], low=0.6, high=0.8)))
    assert float(mark.find("circle").get("cx")) == 85.0


def test_equal_estimates_are_drawn():
    assert "nan" not in draw_forest([Estimate("one", 1.0, 1.0, 1.0)], "interval").svg
    assert "nan" not in draw_mark(Estimate("one", 1.0), low=1.0, high=1.0)


def test_reliability_draws_the_bins_that_hold_rows():
    bins = [
        {"low": 0.0, "high": 0.5, "rows": 0, "confidence": None, "accuracy": None},
        {"low": 0.5, "high": 1.0, "rows": 4, "confidence": 0.75, "accuracy": 0.5},
    ]
    told = {"log_loss": 1.0, "brier": 0.4, "expected_error": 0.25, "bins": bins}
    root = ET.fromstring(str(draw_reliability(told).svg))
    [dot] = root.iter(f"{SVG}circle")
    diagonal = next(p for p in root.iter(f"{SVG}path") if p.get("class") == "diagonal").get("d")
    x0, y0, x1, y1 = (float(x) for x in re.findall(r"[\d.]+", diagonal))
    assert float(dot.get("cx")) == pytest.approx(x0 + 0.75 * (x1 - x0), abs=0.1)
    assert float(dot.get("cy")) == pytest.approx(y0 + 0.5 * (y1 - y0), abs=0.1)
    [row] = build_bins_table(told).rows
    assert (row.head, *row.cells) == ("50.0 to 100.0", "4", "75.0", "50.0", "-25.0")
    assert draw_reliability({**told, "bins": bins[:1]}) is None
    assert draw_reliability(None) is build_bins_table(None) is None


def test_coverage_falls_from_left_to_right():
    points = [{"coverage": 0.5, "accuracy": 0.9}, {"coverage": 1.0, "accuracy": 0.6}]
    models = {
        "a": {"title": "A & B", "ranking": {"coverage": points}},
        "b": {"title": "C", "ranking": None},
    }
    picture = draw_coverage(models)
    root = ET.fromstring(str(picture.svg))
    [line] = [p.get("d") for p in root.iter(f"{SVG}path") if "M50.0" in p.get("d")]
    (x0, y0), (x1, y1) = re.findall(r"[ML]([\d.]+) ([\d.]+)", line)
    assert float(x0) < float(x1)
    assert float(y0) > float(y1)
    assert read_texts(picture.svg)[-1] == "A & B"
    assert "90.0" in picture.alternative
    assert draw_coverage({"b": models["b"]}) is None


def test_each_cell_of_a_matrix_tells_its_classes():
    picture = draw_confusion(MATRIX, ["a", "b", "c"], normalised=False, title="Counts")
    keys = [g.get("data-cell") for g in ET.fromstring(str(picture.svg)).iter(f"{SVG}g")]
    assert [key for key in keys if key] == [f"{i},{j}" for i in range(3) for j in range(3)]
