"""The demo: all four jobs on rendered faces, each with the command that does it."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

from rich.markup import escape

from mien.errors import MienError
from mien.experiments.console import OUT

SOURCE = "rendered:people=40,seed=0"


def demo_commands(out: Path) -> list[tuple[str, list[str]]]:
    """Return the demo's steps: what each does, and its command's arguments."""
    store, tuned, model = str(out / "store"), str(out / "tuned.json"), str(out / "model.joblib")
    faces = out / "faces"
    return [
        ("Extract features from 640 rendered faces of 40 people",
         ["extract", SOURCE, "--out", store]),
        ("Tune an RBF SVM, folds by person",
         ["tune", store, "--model", "svm-rbf", "--trials", "20", "--cv", "subject:3",
          "--families", "blendshapes,patch_hog", "--out", tuned]),
        ("Compare three SVMs and a briefly trained CNN on the same folds by person",
         ["compare", store, "--cv", "subject:3", *_brief_training(), "--out",
          str(out / "report")]),
        ("Export the tuned model",
         ["export", store, "--model", "svm-rbf", "--params", tuned, "--out", model]),
        ("Draw people that the model has never seen",
         ["render", "--people", "1", "--seed", "7", "--out", str(faces)]),
        ("Predict their expressions",
         ["predict", model, str(faces)]),
    ]  # fmt: skip


def _brief_training() -> list[str]:
    """Return settings with which the thesis's network learns something within half a minute."""
    settings = ("epochs=6", "batch_size=16", "learning_rate=0.001", "momentum=0.9", "dropout=0",
                "dense_dropout=0.2")  # fmt: skip
    return [word for setting in settings for word in ("--set", f"cnn.{setting}")]


def run_demo(out: Path) -> None:
    """Run the steps one after another, each as a command of its own.

    Raises
    ------
    MienError
        If a step fails; its own message stands above.
    """
    started = time.perf_counter()
    for number, (what, arguments) in enumerate(demo_commands(out), start=1):
        OUT.print(f"\n[bold]{number}. {what}[/]")
        OUT.print(f"[dim]$ {escape(shlex.join(['mien', *arguments]))}[/]")
        code = subprocess.run([sys.executable, "-m", "mien", *arguments], check=False).returncode
        if code != 0:
            raise MienError(
                f"Step {number} of the demo failed.", "Find what is missing with: mien doctor"
            )
    report = out / "report" / "report.html"
    OUT.print(f"\nDone in {time.perf_counter() - started:.0f} s. The report: {escape(str(report))}")
