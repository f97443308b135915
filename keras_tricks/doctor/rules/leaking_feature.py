"""A column of the inputs is the target.

Seen: the loss falls at once and the scores are perfect, also in validation; on new
data, where the column is not known yet, the network is useless.

Measured: the correlation of each column of a table with a single target, at least
`CORRELATION` in size.

Silent: below `ROWS` different rows or `COLUMNS` columns: a function of one or two
numbers is learnt on purpose. Also for autoencoders.

Fix: drop the column:

    x = np.delete(x, column, axis=1)

Source: `CORRELATION` as in the doctor's catalogue of data faults, made stricter.
"""

import numpy as np

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

CORRELATION = 0.9999
ROWS = 50
COLUMNS = 3


def before(evidence):
    """Look for a column that tells the target."""
    data = evidence.data
    if len(evidence.tasks) != 1 or len(data.inputs) != 1 or data.not_finite:
        return None
    task, x = evidence.tasks[0], data.inputs[0]
    target = task.labels if task.kind == "binary" else task.target
    table = x.ndim == 2 and x.shape[1] >= COLUMNS and x.dtype.kind in "biuf"
    single = task.kind in ("binary", "regression") and target.size == len(x)
    if not table or not single or len(_samples.digests([x])) < ROWS:
        return None
    correlation = np.abs(_samples.correlations(x, target.ravel()))
    column = int(correlation.argmax())
    if correlation[column] < CORRELATION:
        return None
    return Finding(
        name="leaking-feature",
        severity="warning",
        where=f"x[:, {column}]",
        evidence=f"column {column} of x and y have a correlation of "
        f"{correlation[column]:.5f}",
        why="The network copies the answer and learns nothing from the other columns.",
        fix=f"x = np.delete(x, {column}, axis=1), if it is not known in advance",
        confidence=0.7,
        numbers={"correlation": float(correlation[column]), "column": column},
    )
