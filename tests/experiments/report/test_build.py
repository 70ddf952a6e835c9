import pytest

from mien.errors import MienError
from mien.experiments.report import build_report
from mien.experiments.report.headline import describe_baseline, rank_models
from mien.experiments.scores import compute_scores
from mien.experiments.statistics import compare_models
from mien.experiments.summary import summarise_model


def make_simple(first, second):
    """Two models on ten rows of two classes, of which the first is true eight times."""
    models = {}
    for name, predicted in (("one", first), ("two", second)):
        true = [0] * 8 + [1] * 2
        fold = {
            "name": "fold 1",
            "split": None,
            "indices": list(range(10)),
            "true": true,
            "predicted": predicted,
            "scores": compute_scores(true, predicted, 2),
            "fit_seconds": 3.0,
            "predict_seconds": 0.02,
        }
        model = {"title": name.upper(), "status": "ok", "folds": [fold]}
        models[name] = {**model, **summarise_model([fold], classes=["neutral", "smiling"])}
    return models


def read(text):
    return text.replace("\u00a0", " ")


def build_simple(build_results, first, second):
    results = build_results()
    results["models"] = make_simple(first, second)
    results["comparisons"] = compare_models(results["models"])
    return build_report(results)


def test_first_screen_answers_the_questions(build_results):
    true = [0] * 8 + [1] * 2
    wrong = [1 - label for label in true]
    report = build_simple(build_results, wrong, true)
    facts = {fact.term: fact for fact in report.headline.facts}
    assert report.headline.sentence == "TWO is the best of 2 models."
    assert read(facts["Accuracy"].value) == "100.0 %"
    assert read(facts["Accuracy"].detail).endswith("always the most frequent class: 80.0 %")
    assert read(facts["Lead"].value) == "100.0 points (100.0 to 100.0)"
    assert read(facts["How sure"].value) == "sure, p = 0.002"  # 2 / 2^10
    assert read(facts["Cost"].value) == "2.0 ms a face"
    assert facts["Protocol"].value == "honest"


def test_equal_models_are_not_called_best(build_results):
    true = [0] * 8 + [1] * 2
    report = build_simple(build_results, [1, *true[1:]], true)
    assert report.headline.sentence == "TWO scores highest, but cannot be told apart from ONE."
    assert "(best)" not in "".join(row.head for row in report.models.rows)


def test_ranking_counts_every_face_the_same():
    models = make_simple([0] * 8 + [1] * 2, [0] * 10)
    assert rank_models(models) == ["one", "two"]
    assert rank_models({**models, "three": {"status": "failed"}}) == ["one", "two"]
    assert read(describe_baseline(models["one"])) == "80.0 %"


def test_warnings_come_first_and_name_failed_models(build_results):
    report = build_report(build_results("seven", failed=("cnn",)))
    assert report.warnings[0].startswith("118 persons lie on both sides")
    assert report.warnings[1] == "CNN failed and is not among the figures."
    assert [title for title, _ in report.failures] == ["CNN"]
    assert "CNN" not in [row.head for row in report.models.rows]


def test_dishonest_protocol_always_warns(build_results):
    results = build_results("seven")
    results["protocol"]["warnings"] = []
    assert "do not say how well" in build_report(results).warnings[0]


def test_all_failed(build_results):
    report = build_report(build_results("all_failed"))
    assert report.headline.sentence == "No model could be evaluated: each of them failed."
    assert report.models is report.comparisons is None
    assert len(report.failures) == 4


def test_official_splits_are_columns(build_results):
    results = build_results("official")
    table = build_report(results).models
    assert table.columns[1:3] == ("PublicTest accuracy, %", "PrivateTest accuracy, %")
    best = results["models"][rank_models(results["models"])[0]]
    expected = [100 * best["splits"][name]["accuracy"] for name in ("PublicTest", "PrivateTest")]
    assert [float(cell) for cell in table.rows[0].cells[:2]] == pytest.approx(expected, abs=0.051)
    assert "±" not in "".join(table.rows[0].cells)


def test_folds_give_mean_and_spread(build_results):
    results = build_results("seven")
    table = build_report(results).models
    best = results["models"][rank_models(results["models"])[0]]
    spread = best["summary"]["accuracy"]
    expected = f"{100 * spread['mean']:.1f} ± {100 * spread['std']:.1f}"
    assert table.columns[1] == "Accuracy ± spread, %"
    assert read(table.rows[0].cells[0]) == expected
    assert table.rows[0].marked
    assert not table.rows[1].marked


def test_folds_of_different_sizes_show_the_pooled_share(build_results):
    results = build_results(n_rows=19, n_folds=2)
    best = results["models"][rank_models(results["models"])[0]]
    table = build_report(results).models
    assert table.columns[1] == "All faces right, %"
    assert float(table.rows[0].cells[0]) == pytest.approx(
        100 * best["classification_report"]["accuracy"], abs=0.051
    )


def test_absent_class_has_no_scores_and_is_named(build_results):
    section = build_report(build_results("absent")).sections[0]
    rows = {row.head: row.cells for row in section.scores.rows}
    assert rows["contempt"] == ("–", "–", "–", "0")
    assert "No predicted rows are truly neutral and contempt." in section.remarks


def test_rows_without_an_answer_are_counted(build_results):
    results = build_results()
    for model in results["models"].values():
        for fold in model["folds"]:
            fold["predicted"][0] = -1
        model.update(summarise_model(model["folds"], classes=results["dataset"]["classes"]))
    remarks = build_report(results).sections[0].remarks
    assert remarks == ("10 rows without an answer, counted as wrong, not drawn.",)


def test_repeats_are_said_where_counts_are_sums(build_results):
    results = build_results()
    for model in results["models"].values():
        again = [{**fold, "repeat": 1} for fold in model["folds"]]
        model["folds"] += again
        model.update(summarise_model(model["folds"], classes=results["dataset"]["classes"]))
    section = build_report(results).sections[0]
    assert section.lead.endswith("Counts are the sum of 2 repeats.")
    assert section.folds.rows[-1].head == "fold 10, repeat 2"


def test_every_width_of_table_fits_its_head(results, list_tables):
    for table in list_tables(build_report(results)):
        assert {len(row.cells) + 1 for row in table.rows} == {len(table.columns)}


def test_wrong_results_are_refused(build_results):
    results = build_results()
    results["schema"] = "mien.results/0"
    with pytest.raises(MienError, match=r"schema should be 'mien.results/2'"):
        build_report(results)


def test_intervals_stand_beside_the_figures_that_they_are_of(build_results):
    results = build_results("complete")
    best, second = (results["models"][n] for n in rank_models(results["models"])[:2])
    best["intervals"]["accuracy"] = {"low": 0.713, "high": 0.742}
    [pair] = (p for p in results["comparisons"] if {p["a"], p["b"]} == {"svm_rbf", "svm_linear"})
    pair["interval"] = {"low": -0.031, "high": 0.002}
    report = build_report(results)
    facts = {fact.term: fact for fact in report.headline.facts}
    assert read(facts["Accuracy"].value).endswith(" % (71.3 to 74.2)")
    assert "2,000 draws of 102 persons" in facts["Accuracy"].detail
    first = "a" if results["models"][pair["a"]] is best else "b"
    expected = "(-3.1 to 0.2)" if first == "a" else "(-0.2 to 3.1)"
    assert read(facts["Lead"].value).endswith(f"points {expected}")
    columns = [read(column) for column in report.models.columns]
    place = columns.index("95 % interval, %")
    assert columns[place - 1] == "Accuracy ± spread, %"
    assert read(report.models.rows[0].cells[place - 1]) == "71.3 to 74.2"
    assert "(71.3 to 74.2)" in read(report.sections[0].lead)
    assert second["title"] in report.overview[0].alternative


def test_interval_follows_the_split_that_it_is_of(build_results):
    columns = build_report(build_results("complete_official")).models.columns
    assert [read(column) for column in columns[1:4]] == [
        "PublicTest accuracy, %",
        "PrivateTest accuracy, %",
        "95 % interval, %",
    ]


def test_parts_are_absent_where_their_keys_are(build_results):
    results = build_results("seven")
    for model in results["models"].values():
        for scores in model.get("splits", {}).values():
            del scores["kappa"]
        model.get("summary", {}).pop("kappa", None)
    report = build_report(results)
    assert report.overview == report.faces == ()
    assert report.measures is report.coverage is report.leaks is None
    for section in report.sections:
        assert section.reliability is section.persons is section.worst_table is None
        assert section.cells == section.worst == section.groups == ()


def test_further_scores_are_of_the_reported_split(build_results):
    results = build_results("complete_official")
    best = results["models"][rank_models(results["models"])[0]]
    best["splits"]["PrivateTest"]["kappa"] = -0.25
    best["calibration"] |= {"log_loss": 1.0, "brier": 0.5, "expected_error": 0.031}
    best["ranking"]["top2"] = 0.9
    table = build_report(results).measures
    assert table.rows[0].cells == ("-0.250", "90.0", "1.000", "0.500", "3.1")
    for model in results["models"].values():
        model["calibration"] = None
    columns = build_report(results).measures.columns
    assert columns == ("Model", "Cohen’s kappa", "Top 2, %")


def test_kappa_that_is_not_defined_is_a_dash(build_results):
    results = build_results("complete")
    best = results["models"][rank_models(results["models"])[0]]
    best["summary"]["kappa"] = {"mean": None, "std": None}
    assert build_report(results).measures.rows[0].cells[0] == "–"


def test_coverage_is_read_at_round_shares(build_results):
    results = build_results("complete_one")
    [model] = results["models"].values()
    model["ranking"]["coverage"] = [
        {"coverage": 1.0, "accuracy": 0.7},
        {"coverage": 0.5, "accuracy": 0.9},
    ]
    table = build_report(results).coverage
    assert table.rows[0].cells == ("70.0", "–", "–", "–", "90.0", "–")


def test_leaks_are_told_with_their_pairs(build_results):
    results = build_results("complete")
    audit = build_report(results).leaks
    assert [(row.head, *row.cells) for row in audit.table.rows] == [
        ("Persons", "0", "0"),
        ("Near twins", "31", "27"),
    ]
    assert "27 training pictures were left out" in audit.lead
    [pairs] = audit.pairs
    assert (pairs.rows[0].head, *pairs.rows[0].cells) == ("test/0.png", "train/0.png", "fold 1")
    results["protocol"]["leaks"] = [{"kind": "persons", "rows": 0, "left_out": 0, "listed": []}]
    report = build_report(results)
    assert "found nothing alike" in report.leaks.lead
    [protocol] = (fact for fact in report.headline.facts if fact.term == "Protocol")
    assert protocol.detail.endswith("An audit found nothing alike on both sides.")


def test_each_face_is_kept_once_and_only_if_it_is_shown(build_results):
    results = build_results("complete")
    shown = set(results["faces"])
    results["faces"]["999999"] = results["faces"][next(iter(shown))]
    missing = next(iter(results["models"].values()))["worst"][0]["row"]
    del results["faces"][str(missing)]
    report = build_report(results)
    rows = [row for row, _ in report.faces]
    assert rows == sorted({int(row) for row in shown} - {missing})
    worst = report.sections[0].worst
    assert {face.row for face in worst if not face.shown} <= {missing}


def test_rows_without_an_answer_are_named_as_such(build_results):
    results = build_results("complete_one")
    [model] = results["models"].values()
    model["worst"][0] |= {"predicted": -1, "probability": None}
    face = build_report(results).sections[0].worst[0]
    assert (face.predicted, face.sureness) == ("no answer", "")
