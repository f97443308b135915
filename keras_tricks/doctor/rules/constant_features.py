"""Inputs that do not differ from row to row.

Seen: the output is the same for every row; the loss stops at that of a constant.

Measured: columns of the inputs whose smallest and largest value are the same. An error
if no column of any input varies. A note if more than `SHARE` of the columns of a table
are constant.

Silent: below `ROWS` rows, and on constant pixels or places of images and sequences,
where borders and padding are.

Fix: look at what fills the inputs; drop the columns:

    x = x[:, x.std(axis=0) > 0]

Source: a weight on a constant input is a second bias.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

SHARE = 0.5
ROWS = 8
# Flattened images have more columns than this, and borders.
MOST_COLUMNS = 200


def before(evidence):
    """Look for inputs without information."""
    inputs = evidence.data.inputs
    if evidence.data.rows < ROWS or not evidence.data.targets:
        return None
    varied = [_samples.varied(array) for array in inputs]
    if not any(columns.any() for columns in varied):
        return Finding(
            name="constant-features",
            severity="error",
            where="x",
            evidence=f"all {evidence.data.rows:,} rows of x are the same",
            why="The output can only be a constant: nothing tells the rows apart.",
            fix="check the step that fills x: x.std(axis=0) is 0 everywhere",
            confidence=0.95,
        )
    tokens = _samples.embedded(evidence)
    for index, (array, columns) in enumerate(zip(inputs, varied, strict=True)):
        share = 1 - columns.mean()
        table = array.ndim == 2 and array.shape[1] <= MOST_COLUMNS
        if table and index not in tokens and share > SHARE:
            name = _samples.place("x", index, len(inputs))
            return Finding(
                name="constant-features",
                severity="note",
                where=name,
                evidence=f"{(~columns).sum()} of {columns.size} columns are constant",
                why="They carry no information, and their weights act as biases.",
                fix=f"{name} = {name}[:, {name}.std(axis=0) > 0]",
                confidence=0.8,
                numbers={"share": float(share)},
            )
    return None
