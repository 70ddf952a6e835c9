import pytest

from mien.experiments.reproduce.claims import CLAIMS, LAYERS, SVM_ON_FER2013, TOTALS, Claim


@pytest.mark.parametrize("network", LAYERS)
def test_the_layers_sum_to_the_totals_that_the_thesis_prints(network):
    total, trainable = TOTALS[network]
    assert sum(count for _, _, count in LAYERS[network]) == total
    moving = sum(count // 2 for kind, _, count in LAYERS[network] if kind == "BatchNormalization")
    assert total - moving == trainable


def test_the_table_of_the_svm_agrees_with_its_own_sums():
    classes = {k: v for k, v in SVM_ON_FER2013.items() if not k.endswith("avg")}
    rows = sum(scores[3] for scores in classes.values())
    assert rows == CLAIMS["4.4"].rows == 8972 == -(-35887 // 4)
    accuracy = sum(scores[1] * scores[3] for scores in classes.values()) / rows
    assert accuracy == pytest.approx(CLAIMS["4.4"].low, abs=0.005)


@pytest.mark.parametrize(
    ("accuracy", "told"),
    [
        (0.96, "as claimed"),
        (0.9, "4.0 points below the claim"),
        (1.0, "1.0 points above the claim"),
    ],
)
def test_where_a_figure_lies(accuracy, told):
    assert Claim("94 to 99 %", 0.94, 0.99).compare(accuracy) == told
