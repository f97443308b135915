"""A confusion matrix as a plot."""

import numpy as np

from keras_tricks.doctor.reporting import svg as _svg
from keras_tricks.doctor.reporting.plot import Plot
from keras_tricks.doctor.reporting.scale import Scale, number
from keras_tricks.doctor.reporting.words import counted, shortened

_NAMED = 12  # classes whose names and counts can be read on a telephone
_SHADES = 8
_SHOWN = 12  # rows of the table of what is taken for what


def confusion(labels, counts):
    """Return the plot of which class is taken for which.

    Args:
        labels: Names of the classes.
        counts: Rows of each true class by predicted class, `(classes, classes)`.
    """
    counts = np.nan_to_num(np.asarray(counts, "float64"))
    total = counts.sum()
    if counts.ndim != 2 or len(set((*counts.shape, len(labels)))) > 1 or not total:
        return None
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    draw = _named if len(labels) <= _NAMED else _many
    right = np.trace(counts) / total
    return Plot(
        f"Confusion: {100 * right:.0f} % of {counted(int(total), 'row')} right",
        _caption(labels, counts),
        draw([str(label) for label in labels], counts, shares),
        [("right", "hit", ""), ("wrong", "miss", "")],
        ["true", "taken for", "rows", "share of the true class"],
        _mistakes(labels, counts, shares),
        "Most frequent mistakes",
    )


def _caption(labels, counts):
    used = np.flatnonzero(counts.sum(0))
    if len(used) == 1:
        label = shortened(labels[used[0]], 30)
        return f"Every row is taken for “{label}”."
    text = "Shade: share of a true class (line) that is taken for a class (column)."
    never = [str(labels[i]) for i in range(len(labels)) if i not in used]
    if never:
        shown = ", ".join(shortened(name, 20) for name in never[:3])
        more = f" and {len(never) - 3} more" if len(never) > 3 else ""
        text += f" Never predicted: {shown}{more}."
    return text


def _named(labels, counts, shares):
    left, top, size = 92, 20, min(46.0, 300 / len(labels))
    frame = _svg.Frame("Confusion matrix", Scale(0, 1), Scale(0, 1))
    frame.height = top + size * len(labels) + 68
    for row, label in enumerate(labels):
        y = top + size * row
        frame.text(left - 6, y + size / 2 + 4, shortened(label, 13), "tick", "end")
        for column, other in enumerate(labels):
            x, share = left + size * column, shares[row, column]
            kind = "hit" if row == column else "miss"
            count = int(counts[row, column])
            hint = f"{label} taken for {other}: {count:,} rows, {100 * share:.0f} %"
            shade = f' fill-opacity="{share:.2f}"'
            frame.rectangle(x, y, size - 1.5, size - 1.5, kind, hint, shade)
            if count:
                dark = " on" if share > 0.5 else ""
                place = x + size / 2 - 0.75, y + size / 2 + 3
                frame.text(*place, _brief(count), f"count{dark}", "middle")
    for column, label in enumerate(labels):
        x, y = left + size * (column + 0.5) + 3, top + size * len(labels) + 12
        frame.turned(x, y, shortened(label, 13))
    frame.text(2, top - 8, "true ↓  predicted →", "tick")
    return frame.svg()


def _many(labels, counts, shares):
    left, top = 48, 20
    size = (_svg.WIDTH - left - 12) / len(labels)
    frame = _svg.Frame("Confusion matrix", Scale(0, 1), Scale(0, 1))
    frame.height = top + size * len(labels) + 22
    side = size * len(labels)
    frame.rectangle(left, top, side, side, "empty")
    levels = np.ceil(shares * _SHADES).astype(int)
    diagonal = np.eye(len(labels), dtype=bool)
    for level in range(1, _SHADES + 1):
        for kind, where in (("hit", diagonal), ("miss", ~diagonal)):
            cells = np.argwhere((levels == level) & where)
            frame.cells(left, top, size, cells, kind, level / _SHADES)
    every = max(1, round(len(labels) / 10))
    for index in range(0, len(labels), every):
        middle = size * (index + 0.5)
        frame.text(left - 5, top + middle + 4, index, "tick", "end")
        frame.text(left + middle, top + side + 14, index, "tick", "middle")
    frame.text(2, 11, "true class ↓  predicted →", "tick")
    return frame.svg()


def _mistakes(labels, counts, shares):
    """Return the pairs of classes that are most often mistaken."""
    wrong = counts * ~np.eye(len(labels), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_SHOWN]
    pairs = [np.unravel_index(place, wrong.shape) for place in order]
    return [
        [
            str(labels[t]),
            str(labels[p]),
            number(int(wrong[t, p])),
            f"{shares[t, p]:.0%}",
        ]
        for t, p in pairs
        if wrong[t, p]
    ]


def _brief(count):
    if count < 10_000:
        return str(count)
    return f"{count / 1e3:.0f}k" if count < 1_000_000 else f"{count / 1e6:.0f}M"
