"""A confusion matrix as an SVG picture, and in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from mien.experiments.report.colours import choose_step
from mien.experiments.report.contents import Picture
from mien.experiments.report.numbers import format_count, format_percent, join_names
from mien.experiments.scores import normalise_rows

_FONT = 13
_LETTER = 7.0  # width of a letter at that size, in pixels
_LONGEST = 18  # letters of a class name that are shown


def draw_confusion(
    matrix: np.ndarray, classes: Sequence[str], *, normalised: bool, title: str
) -> Picture:
    """Draw a confusion matrix.

    Parameters
    ----------
    matrix : ndarray of int, shape (n_classes, n_classes)
        Counts; rows are true classes, columns predicted classes.
    classes : sequence of str
        Class names; long ones are cut in the picture, and whole in its tooltips.
    normalised : bool
        Show each row's shares in per cent instead of counts.
    title : str
        Heading of the picture.

    Returns
    -------
    Picture
        An SVG whose colours come from :func:`~mien.experiments.report.colours.build_colour_css`.
    """
    shares = normalise_rows(matrix)
    shades = shares if normalised else matrix / max(1, matrix.max())
    texts = [
        [f"{100 * shares[i, j]:.0f}" if normalised else format_count(n) for j, n in enumerate(row)]
        for i, row in enumerate(matrix.tolist())
    ]
    names = [cut_name(name) for name in classes]
    cell = 64 if len(classes) < 4 else 50
    label = 12 + _LETTER * max(len(name) for name in names)
    slanted = label - 12 > cell - 6
    left, top = 30 + label, (36 + 0.72 * label if slanted else 52)
    side = cell * len(classes)
    right = 0.72 * label - cell / 3 if slanted else 0.0
    size = (round(left + side + max(6.0, right)), round(top + side + 6))
    parts = [
        *_draw_axes(names, classes, left=left, top=top, cell=cell, slanted=slanted),
        *_draw_cells(texts, shades, classes, left=left, top=top, cell=cell),
    ]
    unit = "per cent of each true class" if normalised else "number of rows"
    alternative = f"{title}: {unit}; rows are true, columns predicted classes."
    svg = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="matrix" role="img" '
        'viewBox="0 0 {w} {h}" width="{w}" height="{h}" style="min-width:{m}px" '
        'font-size="{f}" aria-label="{a}">{parts}</svg>'
    ).format(
        w=size[0],
        h=size[1],
        m=min(size[0], round(0.68 * size[0])),
        f=_FONT,
        a=alternative,
        parts=Markup("").join(parts),
    )
    return Picture(svg=svg, caption=title, alternative=alternative)


def describe_confusions(
    matrix: np.ndarray, classes: Sequence[str], *, most: int = 3
) -> tuple[str, ...]:
    """Name the classes that are most often taken for another.

    Parameters
    ----------
    matrix : ndarray of int, shape (n_classes, n_classes)
        Counts; rows are true classes.
    classes : sequence of str
        Class names.
    most : int, default 3
        How many to name.

    Returns
    -------
    tuple of str
        ``"fear taken for surprise: 12.0 % (41 of 341)"``, the largest share first.
    """
    shares = normalise_rows(matrix)
    np.fill_diagonal(shares, 0.0)
    largest = np.argsort(shares, axis=None, kind="stable")[::-1][:most]
    places = [divmod(int(flat), len(classes)) for flat in largest]
    sums = matrix.sum(axis=1)
    return tuple(
        f"{classes[i]} taken for {classes[j]}: {format_percent(shares[i, j])} "
        f"({format_count(matrix[i, j])} of {format_count(sums[i])})"
        for i, j in places
        if shares[i, j] > 0
    )


def describe_absent(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """Name the classes without a true row; an empty string if there are none."""
    absent = [name for name, total in zip(classes, matrix.sum(axis=1), strict=True) if total == 0]
    return f"No predicted rows are truly {join_names(absent)}." if absent else ""


def cut_name(name: str) -> str:
    """Cut a long name, with an ellipsis for what is gone."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"


def _draw_axes(
    names: list[str],
    classes: Sequence[str],
    *,
    left: float,
    top: float,
    cell: int,
    slanted: bool,
) -> list[Markup]:
    side = cell * len(names)
    parts = [
        _draw_text("predicted class", left + side / 2, 14, "axis"),
        Markup('<g transform="translate(14 {}) rotate(-90)">{}</g>').format(
            round(top + side / 2, 1), _draw_text("true class", 0, 0, "axis")
        ),
    ]
    for i, (name, whole) in enumerate(zip(names, classes, strict=True)):
        middle = cell * (i + 0.5)
        hint = Markup("<title>{}</title>").format(whole) if name != whole else Markup("")
        parts.append(
            Markup('<text class="label" x="{}" y="{}" text-anchor="end">{}{}</text>').format(
                round(left - 8, 1), round(top + middle + 4.5, 1), name, hint
            )
        )
        turn = Markup(' rotate(-45)" text-anchor="start') if slanted else Markup("")
        anchor = Markup("") if slanted else Markup(' text-anchor="middle"')
        x = left + middle + (3 if slanted else 0)
        parts.append(
            Markup('<text class="label" transform="translate({} {}){}"{}>{}{}</text>').format(
                round(x, 1), round(top - 9, 1), turn, anchor, name, hint
            )
        )
    return parts


def _draw_cells(
    texts: list[list[str]],
    shades: np.ndarray,
    classes: Sequence[str],
    *,
    left: float,
    top: float,
    cell: int,
) -> list[Markup]:
    parts: list[Markup] = []
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            x, y, step = left + cell * j, top + cell * i, choose_step(float(shades[i, j]))
            kind = f"t{step}" if shades[i, j] > 0 else "zero"
            parts.append(
                Markup(
                    '<g data-cell="{},{}"><title>true {}, predicted {}: {}</title>'
                    '<rect class="q{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>{}</g>'
                ).format(
                    i,
                    j,
                    classes[i],
                    classes[j],
                    text,
                    step,
                    round(x + 1, 1),
                    round(y + 1, 1),
                    cell - 2,
                    cell - 2,
                    _draw_text(text, x + cell / 2, y + cell / 2 + 4.5, kind),
                )
            )
    return parts


def _draw_text(text: str, x: float, y: float, kind: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        kind, round(x, 1), round(y, 1), escape(text)
    )
