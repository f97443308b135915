"""Losses over steps and metrics over epochs as plots."""

import numpy as np

from keras_tricks.doctor.reporting import svg as _svg
from keras_tricks.doctor.reporting.plot import Plot, finite
from keras_tricks.doctor.reporting.scale import Scale, number, scale_of

# A run that ends at 1e20 would press all others into one line.
_ABOVE, _BELOW = 1e3, 1e-6  # of the losses at the start
OWN = "as planned"  # the user's own training among the curves


def trials(curves):
    """Return the plot of `{label: losses}`, or `None` if there are none.

    Args:
        curves: Losses per step by the name of the training; the user's own is
            `"as planned"`.
    """
    names = sorted(curves, key=lambda name: name != OWN)
    caption = "One change each: a trial far below the rest points at the cause."
    if len(names) > 1 and names[0] == OWN:
        caption = (
            "Your training as planned, and short trials with one change each. A "
            "trial far below yours points at the cause."
        )
    elif names == [OWN]:
        caption = "The first steps of your training as planned, on a copy."
    elif len(names) == 1:
        caption = "Noise is normal; a climb or a standstill is not."
    lines = {name: curves[name] for name in names}
    return _plot("Loss per step", caption, lines, "step")


def epochs(history):
    """Return a plot for each metric of a fit, training and validation together."""
    plots = []
    for metric, values in history.items():
        own = metric.removeprefix("val_")
        if own != metric and own in history:
            continue
        lines, caption = {metric: values}, "As logged after each epoch."
        if f"val_{metric}" in history:
            lines = {"training": values, "validation": history[f"val_{metric}"]}
            caption = (
                "Both poor: it underfits. Validation turns back while training goes "
                "on: it overfits."
            )
        plots.append(_plot(f"Epochs: {metric}", caption, lines, "epoch"))
    return [plot for plot in plots if plot]


def _plot(title, caption, lines, axis):
    lines = {name: list(values) for name, values in lines.items() if len(values)}
    if not lines:
        return None
    known = {name: [finite(v) for v in values] for name, values in lines.items()}
    length = max(map(len, lines.values()))
    x = Scale(1, length) if length > 1 else Scale(0.5, 1.5)
    label = min(_svg.LABEL, max(map(len, lines)))
    frame = _svg.Frame(title, x, _scale(known.values()), right=18 + 6.6 * label)
    frame.y_axis()
    frame.x_axis(axis)
    styles = {name: _svg.style_of(index) for index, name in enumerate(lines)}
    ends = []
    for name, values in reversed(known.items()):  # the first lies on top
        _svg.curve(frame, values, styles[name])
        ends += _end(frame, name, values, styles[name])
    if not ends:
        middle = (frame.left_of(x.low) + frame.right) / 2
        frame.text(middle, frame.bottom / 2, "no finite value", "name", "middle")
    _svg.end_labels(frame, ends)
    legend = [(name, styles[name], _course(lines[name], axis)) for name in lines]
    return Plot(title, caption, frame.svg(), legend)


def _scale(curves):
    """Return the axis of the losses; a run that explodes leaves it at the top."""
    values = [[v for v in curve if v is not None] for curve in curves]
    starts = [abs(curve[0]) for curve in values if curve]
    values = np.concatenate([*values, []])
    if not starts or not max(starts):
        return scale_of(values) or Scale(0, 1)
    above = (10 if values.min() < 0 else _ABOVE) * max(starts)
    below = _BELOW * min(start for start in starts if start)
    tiny = (values > 0) & (values < below)
    return scale_of(np.where(tiny, below, values.clip(-above, above)))


def _end(frame, name, values, style):
    """Mark the last finite value: with a cross if the curve was lost there."""
    places = [index for index, value in enumerate(values) if value is not None]
    if not places:
        return []
    last, value = places[-1], values[places[-1]]
    shape = "dot" if last + 1 == len(values) else "cross"
    x, y = frame.left_of(last + 1), frame.top_of(value)
    frame.mark(x, y, style, f"{name}: {number(value)}", shape)
    return [(last + 1, value, name, style)]


def _course(values, axis):
    """Return a curve in words: "2.30 → 0.41, NaN from step 37"."""
    places = [index for index, value in enumerate(values) if finite(value) is not None]
    if not places:
        return f"not finite from the first {axis}"
    text = f"{number(values[places[0]])} → {number(values[places[-1]])}"
    after = places[-1] + 1
    if after < len(values):
        text += f", {number(values[after])} from {axis} {after + 1}"
    return text
