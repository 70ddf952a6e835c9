"""The card says the same in HTML and Markdown, and nothing that is not known."""

import json
import re

import pytest

from mien.experiments.model_card.build import build_card
from mien.experiments.model_card.write import render_html, render_markdown, write_card

HOSTILE = '<script>alert("1")</script>|a`b*c*'


def make_record(**changes):
    evaluation = {
        "source": "held-out training rows",
        "rows": 60,
        "protocol": {
            "statement": "Each part is scored by the others.",
            "bootstrap": {"unit": "persons", "units": 12, "draws": 2000, "level": 0.95},
        },
        "classification_report": {
            "angry": {"precision": 0.8, "recall": 0.7, "f1": 0.75, "support": 30},
            "happy": {"precision": 0.7, "recall": 0.8, "f1": 0.75, "support": 30},
            "accuracy": 0.75,
            "macro avg": {"precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 60},
            "weighted avg": {"precision": 0.75, "recall": 0.75, "f1": 0.75, "support": 60},
        },
        "confusion_matrix": [[21, 9], [6, 24]],
        "intervals": {"accuracy": {"low": 0.61, "high": 0.86}},
        "calibration": {
            "log_loss": 0.512, "brier": 0.31, "expected_error": 0.042,
            "bins": [{"low": 0.5, "high": 1.0, "rows": 60, "confidence": 0.79, "accuracy": 0.75}],
        },
        "ranking": {"top2": 1.0, "coverage": [{"coverage": 1.0, "accuracy": 0.75},
                                              {"coverage": 0.5, "accuracy": 0.9}]},
        "groups": [],
    }  # fmt: skip
    return {
        "schema": "mien.bundle/2", "model": "svm-rbf", "classes": ["angry", "happy"],
        "families": {"geometry": 3}, "parameters": {"C": 10.0}, "detector": {"name": "litert"},
        "training": {
            "dataset": "Synthetic", "dataset_hash": "5a" * 32, "split": None, "rows": 60,
            "solver": "libsvm", "class_counts": {"angry": 30, "happy": 30},
        },
        "versions": {"mien": "0.1.0", "numpy": "2.4.6"}, "with_pixels": False, "threshold": None,
        "scores": {"evaluation": evaluation, "abstaining": None}, "check": {"rows": 4},
        "alignment": {}, "licence": "Research only.", **changes,
    }  # fmt: skip


def read_text(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_both_say_the_figures():
    card = build_card(make_record())
    html, markdown = render_html(card), render_markdown(card)
    for told in (
        "Model card: SVM, RBF kernel", "Fitted on 60 faces of Synthetic by mien 0.1.0.",
        "75.0\u00a0% (61.0\u00a0to\u00a086.0)", "4.2 points", "log loss 0.512", "Intended use",
        "Not to be used for", "Decisions on people", "2,000 draws of 12 persons",
        "Each part is scored by the others.", "whether the model is worse for some groups is not",
        "The model always answers", "Research only.", "5a" * 32, "geometry (version 3)",
        "4 synthetic rows",
    ):  # fmt: skip
        assert told in markdown
        assert told.replace("\u00a0", " ") in read_text(html).replace("\u00a0", " ")
    assert "Read first" not in markdown


def test_the_page_needs_nothing_else():
    html = render_html(build_card(make_record()))
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert not re.search(r'(src|href)="(?!#)', html)
    assert "prefers-color-scheme: dark" in html
    anchors = re.findall(r'href="#([^"]+)"', html)
    assert len(anchors) == 11
    assert all(f'id="{anchor}"' in html for anchor in anchors)


def test_without_figures_it_says_that_nothing_is_known():
    record = make_record(scores={}, threshold=0.5)
    markdown = render_markdown(build_card(record))
    assert "Read first" in markdown
    assert "There are no held-out figures of this model" in markdown
    assert "below 0.5" in markdown
    assert "without an answer was not measured" in markdown
    assert "## Figures" not in markdown


def test_a_threshold_says_what_it_costs():
    told = {"target": 0.9, "threshold": 0.71, "rows": 60, "kept": 30, "coverage": 0.5,
            "accuracy": 0.9}  # fmt: skip
    record = make_record(threshold=0.71)
    record["scores"]["abstaining"] = told
    markdown = render_markdown(build_card(record))
    assert "expected to answer 50.0\u00a0% of faces" in markdown
    assert "it answers 50.0\u00a0%, and is right on 90.0\u00a0% of these" in markdown
    assert "chosen on the rows that it is measured on" in markdown


def test_warnings_of_the_comparison_and_a_reduced_model_are_read_first():
    record = make_record()
    evaluation = record["scores"]["evaluation"]
    evaluation |= {
        "source": "comparison", "solver": "least squares", "split": "PrivateTest",
        "created": "2026-11-23T01:21:00+00:00", "command": "mien compare store",
    }  # fmt: skip
    evaluation["protocol"] |= {"warnings": ["Persons leak."], "scheme": "official"}
    card = build_card(record)
    assert card.warnings[0] == "Persons leak."
    assert "least squares. The one in the file: libsvm" in card.warnings[1]
    markdown = render_markdown(card)
    assert "60 held-out rows on PrivateTest" in markdown
    assert "Compared on: 23 November 2026, 01:21 UTC" in markdown


def test_groups_are_told_where_they_are_known():
    record = make_record()
    value = {"value": "female", "rows": 30, "persons": 6, "accuracy": 0.7, "low": 0.6, "high": 0.8}
    record["scores"]["evaluation"]["groups"] = [{"column": "sex", "values": [value]}]
    markdown = render_markdown(build_card(record))
    assert "| female | 6 | 30 | 70.0 | 60.0\u00a0to\u00a080.0 |" in markdown
    assert "does not tell sex" not in markdown


def test_hostile_text_stays_text():
    record = json.loads(json.dumps(make_record(licence=HOSTILE, model=HOSTILE)))
    record["training"] |= {"dataset": HOSTILE}
    html, markdown = render_html(build_card(record)), render_markdown(build_card(record))
    assert "<script" not in html
    assert "<script" not in markdown


@pytest.mark.parametrize(("name", "start"), [("a/card.MD", "# Model"), ("card.html", "<!DOCTYPE")])
def test_the_ending_decides(tmp_path, name, start):
    write_card(make_record(), tmp_path / name)
    assert (tmp_path / name).read_text().lstrip().startswith(start)
