"""The output of one sample depends on the other samples of its batch.

Seen: good scores in training, others with another batch size or in `predict`.

Measured: the first row's output at inference, when all other rows are made equal to the
first; a change above `CHANGE` of the largest output.

Silent: in training mode, where batch normalization does this on purpose; on layers that
draw random numbers at inference.

Fix: keep axis 0: `Reshape` and `Softmax(axis=-1)` instead of `ops.reshape` and means
over all axes.

Source: the check "batch dependency" of TheDeepChecker (Braiek and Khomh, 2022).
"""

from keras_tricks.doctor.finding import Finding

CHANGE = 1e-3


def before(evidence):
    """See whether one row notices the others."""
    mixed = evidence.start.mixed
    if mixed is None or not mixed > CHANGE or evidence.start.rows < 2:
        return None
    return Finding(
        name="batch-mixing",
        severity="error",
        where="model",
        evidence=f"other rows move the first output by {mixed:.2g} of the largest",
        why="Rows that meet by chance decide the output; alone, a row gets another.",
        fix="keep the batch axis: keras.layers.Reshape, Softmax(axis=-1), mean(axis=1)",
        confidence=0.9,
        numbers={"mixed": mixed},
    )
