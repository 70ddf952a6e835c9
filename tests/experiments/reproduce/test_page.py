"""The page's content, from results made by hand."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from markdown_it import MarkdownIt

from mien.experiments.reproduce.claims import CLAIMS, LAYERS, TOTALS
from mien.experiments.reproduce.page import build_page, write_page
from mien.experiments.reproduce.plan import plan_experiments
from mien.experiments.reproduce.render import render_html, render_markdown
from mien.experiments.reproduce.sentences import tell_difference
from mien.experiments.reproduce.svm_choices import FOR_FER2013, list_choices
from mien.experiments.scores import compute_classification_report, compute_confusion_matrix

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
VOID = {"meta", "img", "br", "link", "input", "hr"}


def make_figure(protocol, *, skill, curves, reduced):
    rng = np.random.default_rng(0)
    true = rng.integers(0, 7, 400)
    predicted = np.where(rng.random(400) < skill, true, rng.integers(0, 7, 400))
    thesis = protocol.key == "thesis"
    decay = np.exp(-np.arange(8) / 3)
    history = {
        "loss": (2 * decay).tolist(),
        "accuracy": (1 - 0.8 * decay).tolist(),
        "val_loss": (0.4 + 1.5 * decay).tolist(),
        "val_accuracy": (0.9 - 0.7 * decay).tolist(),
    }
    return {
        "scheme": protocol.scheme,
        "statement": "One share was held out.",
        "warnings": ["118 persons are on both sides."] if thesis else [],
        "on_both_sides": {
            "subjects": 118 * thesis,
            "sequences": 300 * thesis,
            "twins": 0,
            "near_twins": 0,
        },
        "accuracy": float((true == predicted).mean()),
        "rows": 400,
        "left_out": 0 if thesis else 12,
        "train_rows": 1200,
        "split": None,
        "report": compute_classification_report(true, predicted, CLASSES),
        "matrix": compute_confusion_matrix(true, predicted, 7).tolist(),
        "attempts": {"count": 2, "mean": 0.9, "std": 0.01, "lowest": 0.89, "highest": 0.91}
        if curves and thesis
        else None,
        "curves": [{"curves": history}] if curves else [],
        "reduced": reduced,
        "folder": "x",
    }


def make_told(*, quick=True, absent=()):
    results = []
    for experiment in plan_experiments(quick=quick):
        result = {
            "key": experiment.key,
            "title": experiment.title,
            "dataset": experiment.dataset,
            "claim": CLAIMS[experiment.key].text,
            "choice": experiment.choice.describe() if experiment.choice else None,
            "thesis": None,
            "honest": None,
            "reasons": {},
            "sentence": "Not run.",
        }
        if experiment.dataset not in absent:
            for protocol, skill in zip(experiment.protocols, (0.95, 0.8), strict=True):
                result[protocol.key] = make_figure(
                    protocol,
                    skill=skill,
                    curves=experiment.model == "cnn",
                    reduced=experiment.reduced,
                )
            result["sentence"] = tell_difference(
                CLAIMS[experiment.key], result["thesis"], result["honest"]
            )
        results.append(result)
    dataset = {
        "name": "CK+48", "layout": "ck48", "source": "CK+48", "hash": "0" * 64, "rows": 981,
        "faces_found": 981, "persons": 118, "sequences": 327, "notes": [],
    }  # fmt: skip
    choices = [
        {"choice": c.describe(), "accuracy": 0.4, "disgust": [0.1, 0.5], "rows": 9, "fitted_on": 27}
        for c in list_choices((FOR_FER2013.family,))
    ]
    return {
        "schema": "mien.reproduction/1",
        "created": "2026-01-01T00:00:00+00:00",
        "command": "mien reproduce --ck CK+48 --out out --quick",
        "quick": quick,
        "attempts": 1,
        "seed": 0,
        "datasets": {key: None if key in absent else dataset for key in ("ck", "fer2013")},
        "results": results,
        "choices": choices,
        "networks": {
            network: {
                "layers": [
                    {"kind": kind, "shape": list(shape), "claimed": count, "ours": count}
                    for kind, shape, count in layers
                ],
                "total": [TOTALS[network][0]] * 2,
                "trainable": [TOTALS[network][1]] * 2,
                "equal": True,
            }
            for network, layers in LAYERS.items()
        },
        "landmarks": "data:image/png;base64,AAAA",
        "environment": {"python": "3.11"},
    }


class Nested(HTMLParser):
    """Checks that tags nest."""

    def __init__(self, html):
        super().__init__()
        self.open = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, _attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("absent", [(), ("ck",), ("fer2013",)])
def test_the_page_is_whole_without_scripts_or_other_files(absent):
    html = render_html(build_page(make_told(absent=absent)))
    Nested(html)
    assert not re.search(r"<script|<link|src=\"http|href=\"http", html)
    assert html.count('class="matrix"') == 8 - 4 * len(absent)
    assert html.count('class="chart" role="img"') == 8 - 4 * len(absent)


def test_quick_is_said_at_every_figure():
    page = build_page(make_told())
    html = render_html(page)
    for section in page.sections:
        _claim, *figures = section.facts
        assert all("quick" in figure.detail for figure in figures)
    captions = re.findall(r"<figcaption>(The [^<]*true class[^<]*)</figcaption>", html)
    assert len(captions) == 8
    captions += re.findall(r"<figcaption>(The [^<]*by epoch[^<]*)</figcaption>", html)
    assert len(captions) == 16
    assert all("quick" in caption for caption in captions)


def test_a_full_run_never_says_quick():
    page = build_page(make_told(quick=False))
    assert "quick" not in render_html(page).replace("--quick", "").lower()


def test_the_table_of_the_svm_stands_beside_the_thesis():
    table = build_page(make_told()).sections[3].table
    rows = {row.head: row.cells for row in table.rows}
    assert rows["disgust"][:4] == ("0.09", "0.54", "0.15", "128")
    assert len(rows["disgust"]) == len(table.columns) - 1 == 12


def test_the_reading_that_was_taken_is_marked():
    marked = [row for row in build_page(make_told()).choices.rows if row.marked]
    assert [row.head for row in marked] == [FOR_FER2013.describe()]


def test_markdown_has_the_same_figures_and_proper_tables():
    page = build_page(make_told(absent=("ck",)))
    text = render_markdown(page)
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert html.count("<table>") == 6
    for section in page.sections:
        for fact in section.facts:
            assert fact.value.replace("~", "\\~") in text
    assert "CK+ was not given" in text.replace("\\+", "+")


def test_both_files_are_written(tmp_path):
    write_page(make_told(), tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "reproduction.html",
        "reproduction.md",
    }


def test_the_sentence_tells_what_the_protocol_lets_through():
    told = make_told()
    sentence = told["results"][2]["sentence"]
    assert sentence.count(". ") == 0
    assert "118 persons and frames of 300 sequences" in sentence
    assert re.search(r"points less under the honest protocol", sentence)
