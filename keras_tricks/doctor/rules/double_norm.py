"""Inputs that were normalised twice: their range has collapsed.

Seen: the accuracy stays at chance for many epochs; all rows get nearly the same output.

Measured: the spread of the inputs as the first weights of the network meet them, after
the Rescaling and Normalization layers of the model. Collapsed means that in the
median column the standard deviation is below `DEVIATION` and no value is farther than
`REACH` from the mean. A finding needs a sign that this was done twice: a scaling
layer in the model that collapses what was not collapsed; pixels that are whole
multiples of 1/255²; `PIXELS` columns or more that all lie within `RANGE`; columns of
one and the same tiny spread.

Silent: small numbers of differing spread, such as physical units (see input-scale), and
ids of tokens.

Fix: keep one of the two:

    x = x / 255          # or keras.layers.Rescaling(1 / 255), not both

Source: 8-bit pixels over 255 twice end at 1/255 = .0039; `DEVIATION` and `REACH` leave
room for standardised inputs over 255, whose deviation is .0039 too.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

DEVIATION = 0.02
REACH = 0.1
ALIKE = 0.05
PIXELS = 64
RANGE = 0.05
LOW_SCORE = 0.5
ROWS = 8


def before(evidence):
    """Look for inputs without a spread left."""
    data = evidence.data
    if data.not_finite or data.rows < ROWS:
        return None
    tokens = _samples.embedded(evidence)
    for index, array in enumerate(data.inputs):
        if index in tokens or array.dtype.kind not in "fiu":
            continue
        few = array[:: -(-len(array) // 500)]
        seen, layer = _samples.as_scaled(evidence, index, few)
        if not _has_collapsed(_samples.within(seen)):
            continue
        given = _samples.within(few)
        name = _samples.place("x", index, len(data.inputs))
        if layer is not None and given[0] > 0 and not _has_collapsed(given):
            spreads = given, _samples.within(seen)
            return _finding(evidence, layer.name, name, *spreads, layer)
        if layer is None and _is_twice(array):
            return _finding(evidence, name, name, None, given, None)
    return None


def _has_collapsed(spread):
    deviation, reach = spread
    return 0 < deviation < DEVIATION and reach < REACH


def _is_twice(array):
    largest = np.abs(array).max()
    grid = array.astype("float64") * 255**2
    if largest <= 1.02 / 255 and np.abs(grid - np.round(grid)).max() < 0.02:
        return True
    flat = array.reshape(len(array), -1)
    if flat.shape[1] >= PIXELS:
        return array.max() - array.min() <= RANGE
    deviations = flat.std(0, dtype="float64")
    deviations = deviations[deviations > 0]
    return len(deviations) > 2 and deviations.max() <= (1 + ALIKE) * deviations.min()


def _finding(evidence, where, name, given, seen, layer):
    changed = f"{name} has a deviation of {given[0]:.3g}; after it " if given else ""
    severity = "error" if evidence.sick or _stays_low(evidence, layer) else "warning"
    return Finding(
        name="double-norm",
        severity=severity,
        where=where,
        evidence=f"{changed}the deviation of a column is {seen[0]:.2g} and no value "
        f"is farther than {seen[1]:.2g} from the mean",
        why="All rows look alike to the first layer, whose gradient is as small.",
        fix=f"remove the layer {where}, or feed the numbers that it expects"
        if layer is not None
        else f"divide {name} by its range once: x / 255, not twice",
        confidence=0.9,
        numbers={"deviation": seen[0], "reach": seen[1]},
    )


def _stays_low(evidence, layer):
    """Whether a copy learns little: no trial takes a layer out of the model."""
    run = evidence.rehearsal if layer is not None else None
    return run is not None and run.score < LOW_SCORE
