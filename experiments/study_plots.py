"""Optuna's plots of a study, written as pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter
from optuna.trial import TrialState
from optuna.visualization import matplotlib as plots

from mien.files import atomic_path, writing

_DPI = 120
_MOST_IN_LEGEND = 12


@dataclass(frozen=True)
class _Facts:
    """What a study has to draw."""

    begun: int
    complete: int
    with_steps: int
    steps: str
    importances: int


@dataclass(frozen=True)
class _Plot:
    """A picture: its file, which studies it can be drawn of, and how."""

    name: str
    applies: Callable[[_Facts], bool]
    draw: Callable[[optuna.Study, Sequence[str], str], Any]


def write_plots(
    study: optuna.Study,
    importances: dict[str, float],
    out: Path,
    *,
    value_name: str,
    steps: str = "folds",
) -> list[Path]:
    """Write the plots that a study's trials allow, as PNG.

    Parameters
    ----------
    study : optuna.Study
        With one objective.
    importances : dict of str to float
        The most important parameter first.
    out : Path
        Folder, made when missing.
    value_name : str
        What the objective's value is: ``accuracy``.
    steps : {"folds", "epochs"}
        After what trials report a value.

    Returns
    -------
    list of Path
        Empty when no trial has begun.

    Raises
    ------
    MienError
        If they cannot be written.
    """
    trials = study.get_trials(deepcopy=False)
    facts = _Facts(
        begun=sum(trial.datetime_start is not None for trial in trials),
        complete=sum(trial.state == TrialState.COMPLETE for trial in trials),
        with_steps=sum(bool(trial.intermediate_values) for trial in trials),
        steps=steps,
        importances=len(importances),
    )
    written = {out / f"{plot.name}.png": plot for plot in _PLOTS if plot.applies(facts)}
    with writing(out, "Choose another folder with --out."):
        for target, plot in written.items():
            _write_plot(plot, study, list(importances), value_name, target)
    return list(written)


def _write_plot(
    plot: _Plot, study: optuna.Study, names: Sequence[str], value_name: str, target: Path
) -> None:
    with warnings.catch_warnings(), mpl.rc_context():
        warnings.simplefilter("ignore")  # experimental in Optuna; layouts that do not fit
        plt.switch_backend("agg")
        try:
            plot.draw(study, names, value_name)
            with atomic_path(target) as path:
                plt.gcf().savefig(path, format="png", dpi=_DPI, bbox_inches="tight")
        finally:
            plt.close("all")


def _draw_history(study: optuna.Study, _: Sequence[str], value_name: str) -> None:
    axes = plots.plot_optimization_history(study, target_name=value_name)
    axes.set_title("Best so far")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_importances(study: optuna.Study, _: Sequence[str], __: str) -> None:
    axes = plots.plot_param_importances(study)
    axes.set_title("", loc="left")
    axes.set_title("What mattered (PED-ANOVA)")
    axes.set(xlabel="share of the importance", ylabel="")
    _remove_legend(axes)


def _draw_slice(study: optuna.Study, names: Sequence[str], value_name: str) -> None:
    plots.plot_slice(study, params=list(names) or None, target_name=value_name)
    figure = plt.gcf()
    figure.suptitle("Each parameter against the value", y=0.96)
    for own in figure.axes:
        own.xaxis.set_minor_formatter(NullFormatter())
        _turn_names(own)


def _draw_parallel(study: optuna.Study, names: Sequence[str], value_name: str) -> None:
    axes = plots.plot_parallel_coordinate(study, list(names) or None, target_name=value_name)
    figure = plt.gcf()
    figure.set_size_inches(2.6 * len(axes.get_xticks()) + 2, 6)
    axes.set_title("Trials as lines")
    axes.collections[0].set_cmap("viridis_r")  # the worst in Optuna's blues are next to white
    for label in (label for own in figure.axes for label in own.get_yticklabels()):
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5})


def _draw_contour(study: optuna.Study, names: Sequence[str], value_name: str) -> None:
    plots.plot_contour(study, params=list(names[:2]), target_name=value_name)
    plt.gcf().set_size_inches(8, 6)
    plt.gcf().axes[0].set_title("The two parameters that mattered most")


def _draw_folds(study: optuna.Study, _: Sequence[str], value_name: str) -> None:
    axes = plots.plot_intermediate_values(study)
    axes.set_title("Mean over the folds so far")
    axes.set(xlabel="folds scored", ylabel=value_name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(lambda step, _: f"{step + 1:.0f}")
    _remove_legend(axes, longer_than=_MOST_IN_LEGEND)


def _draw_epochs(study: optuna.Study, _: Sequence[str], __: str) -> None:
    axes = plots.plot_intermediate_values(study)
    axes.set_title("Validation accuracy of each epoch")
    axes.set(xlabel="epoch", ylabel="accuracy on rows that watch the training")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _remove_legend(axes, longer_than=_MOST_IN_LEGEND)


def _draw_timeline(study: optuna.Study, _: Sequence[str], __: str) -> None:
    axes = plots.plot_timeline(study)
    axes.set_title("When each trial ran")
    axes.set(xlabel="time", ylabel="trial")


def _draw_distribution(study: optuna.Study, _: Sequence[str], value_name: str) -> None:
    axes = plots.plot_edf(study, target_name=value_name)
    axes.set_title("Share of trials up to a value")
    axes.set_ylabel("share of the complete trials")


def _remove_legend(axes: Axes, *, longer_than: int = 0) -> None:
    legend = axes.get_legend()
    if legend and len(legend.get_texts()) > longer_than:
        legend.remove()


def _turn_names(axes: Axes) -> None:
    """Turn an axis of names upright, so that long ones do not run into each other."""
    labels = [label.get_text() for label in axes.get_xticklabels()]
    if any(text.startswith("'") for text in labels):
        axes.set_xticks(axes.get_xticks(), [text.strip("'") for text in labels], rotation=90)


_PLOTS = (
    _Plot("history", lambda facts: facts.complete >= 1, _draw_history),
    _Plot("importances", lambda facts: facts.importances >= 1, _draw_importances),
    _Plot("slice", lambda facts: facts.complete >= 2, _draw_slice),
    _Plot("parallel", lambda facts: facts.complete >= 2, _draw_parallel),
    _Plot("contour", lambda facts: facts.importances >= 2, _draw_contour),
    _Plot("folds", lambda facts: facts.with_steps >= 1 and facts.steps == "folds", _draw_folds),
    _Plot("epochs", lambda facts: facts.with_steps >= 1 and facts.steps == "epochs", _draw_epochs),
    _Plot("timeline", lambda facts: facts.begun >= 1, _draw_timeline),
    _Plot("distribution", lambda facts: facts.complete >= 2, _draw_distribution),
)
