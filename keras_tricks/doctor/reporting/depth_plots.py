"""What is measured per layer or variable as plots: from the input to the output."""

import math

from keras_tricks.doctor.reporting import svg as _svg
from keras_tricks.doctor.reporting.plot import Plot, column, finite
from keras_tricks.doctor.reporting.scale import Scale, number, scale_of
from keras_tricks.doctor.reporting.words import shortened

# A step should change weights by about a thousandth of their size (Karpathy's notes
# for Stanford's CS231n); ten times more or less is common in healthy training.
BAND = (1e-4, 1e-2)


def signal(layers):
    """Return the plot of the outputs' spread through the layers."""
    names = column(layers, "layer")
    spreads = column(layers, "std")
    means = [v if finite(v) is None else abs(v) for v in column(layers, "mean")]
    title = "Signal through depth"
    frame = _log_columns(title, names, [*spreads, *means], "layer")
    if frame is None:
        return None
    known = [finite(value) for value in spreads]
    _svg.curve(frame, [value if value else None for value in known], "s0")
    for place, name in enumerate(names, 1):
        mean, spread = means[place - 1], spreads[place - 1]
        _ring(frame, place, mean, f"{name}: |mean| {number(mean)}")
        _point(frame, place, spread, "s0", f"{name}: std {number(spread)}")
    return Plot(
        title,
        "Spread of each layer's output over one batch. It should stay level; a fall or "
        "a climb by orders of magnitude does not train.",
        frame.svg(),
        [("standard deviation", "s0", ""), ("|mean|", "s1 ring", ""), *_lost(spreads)],
        ["layer", "std", "|mean|"],
        _rows(names, spreads, means),
    )


def dead(layers):
    """Return the plot of the shares of dead and saturated units, if there are any."""
    shares = {kind: column(layers, kind) for kind in ("dead", "saturated")}
    if not any(finite(v) for values in shares.values() for v in values):
        return None
    names, title = column(layers, "layer"), "Dead and saturated units"
    frame = _svg.columns(title, names, Scale(0, 100), "layer")
    width = min(12, 0.36 * (frame.left_of(2) - frame.left_of(1)))
    legend = []
    for kind, style, shift in (("dead", "s1", -width), ("saturated", "s2", 0)):
        legend += [(kind, f"{style} bar", "")] if any(map(finite, shares[kind])) else []
        for place, (name, share) in enumerate(zip(names, shares[kind], strict=True), 1):
            if finite(share):
                hint = f"{name}: {_percent(share)} {kind}"
                x = frame.left_of(place) + shift
                frame.bar(x, 100 * share, width, style, hint)
    return Plot(
        title,
        "Percent of relu units that are 0 for every row, and of tanh or sigmoid "
        "values on the flat part. Above about half, the layer hardly learns.",
        frame.svg(),
        legend,
        ["layer", "dead", "saturated"],
        [
            [str(name), *map(_percent, row)]
            for name, *row in zip(names, *shares.values(), strict=True)
        ],
    )


def gradients(variables):
    """Return the plot of the norms of gradients and weights."""
    names = column(variables, "variable")
    norms, weights = column(variables, "gradient"), column(variables, "weight")
    title = "Gradients"
    frame = _log_columns(title, names, [*norms, *weights], "variable")
    if frame is None:
        return None
    for place, name in enumerate(names, 1):
        norm, weight = norms[place - 1], weights[place - 1]
        _ring(frame, place, weight, f"{name}: weight {number(weight)}")
        hint = f"{name}: gradient {number(norm)}"
        if finite(norm):
            frame.stem(place, norm, "s0", hint)
        else:
            _point(frame, place, norm, "bad", hint)
    return Plot(
        title,
        "Norm of each variable's gradient on one batch. Columns that sink towards the "
        "input vanish, columns that grow towards it explode.",
        frame.svg(),
        [("gradient", "s0 dot", ""), ("weight", "s1 ring", ""), *_lost(norms)],
        ["variable", "gradient", "weight"],
        _rows(names, norms, weights),
    )


def updates(variables):
    """Return the plot of how far one step moves each variable."""
    names, ratios = column(variables, "variable"), column(variables, "ratio")
    title = "Update to weight ratios"
    if all(finite(ratio) is None for ratio in ratios):
        return None
    frame = _log_columns(title, names, [*ratios, *BAND], "variable")
    frame.band(*BAND)
    for place, (name, ratio) in enumerate(zip(names, ratios, strict=True), 1):
        inside = finite(ratio) is not None and BAND[0] <= ratio <= BAND[1]
        style, shape = ("s0", "dot") if inside else ("bad", "diamond")
        _point(frame, place, ratio, style, f"{name}: {number(ratio)}", shape)
    _name_extremes(frame, names, ratios)
    return Plot(
        title,
        "How far one step moves each variable, as a share of its size. Above the band "
        "the rate is likely too high there, below it too low.",
        frame.svg(),
        [("usual, 1e-4 … 1e-2", "band", ""), ("outside", "bad diamond", "")],
        ["variable", "update / weight"],
        _rows(names, ratios),
    )


def _log_columns(title, names, values, axis):
    y = scale_of([abs(value) for value in map(finite, values) if value], log=True)
    return y and _svg.columns(title, names, y, axis)


def _point(frame, place, value, style, hint, shape="dot"):
    """Add a mark; a cross at the edge for a value that the axis does not have."""
    if value is None:
        return
    top, known = frame.y.high, finite(value)
    if not known:
        style, shape = "bad", "cross"
        value = frame.y.low if known == 0 or value == -math.inf else top
    frame.mark(frame.left_of(place), frame.top_of(value), style, hint, shape)


def _name_extremes(frame, names, ratios):
    """Write the names of the highest and the lowest if they are outside the band."""
    known = [(finite(r), place) for place, r in enumerate(ratios, 1) if finite(r)]
    if len(names) <= _svg.NAMED or not known:
        return
    for ratio, place in {min(known), max(known)}:
        if not BAND[0] <= ratio <= BAND[1]:
            x, y = frame.left_of(place), frame.top_of(ratio)
            beyond = x > _svg.WIDTH / 2
            name = shortened(names[place - 1], 24)
            frame.text(
                x - 9 if beyond else x + 9,
                y + 4,
                name,
                "name bad",
                "end" if beyond else "start",
            )


def _ring(frame, place, value, hint):
    """Add a mark of second rank; a mean or a bias of 0 is nothing to show."""
    if finite(value):
        frame.mark(frame.left_of(place), frame.top_of(value), "s1", hint, "ring")


def _lost(values):
    """Return the legend of the crosses, if there are any."""
    if any(value is not None and not finite(value) for value in values):
        return [("0 or not finite", "bad cross", "")]
    return []


def _rows(names, *columns):
    return [
        [str(name), *map(number, values)]
        for name, *values in zip(names, *columns, strict=True)
    ]


def _percent(share):
    return number(share) if finite(share) is None else f"{100 * share:.0f} %"
