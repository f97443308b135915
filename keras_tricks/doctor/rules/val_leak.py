"""Rows of the validation data are rows of the training data.

Seen: the validation scores follow the training scores to the end, and the network
disappoints on anything new.

Measured: the share of validation rows whose inputs are, value for value, those of a
training row: more than `SHARE`, and at least `TIMES` the share of training rows that
are there more than once.

Silent: when the training data repeat themselves as much (small tables of categories,
toy sets that are tiled, resampled classes): equal rows are then no news. Only a
warning, for the training itself takes no harm.

Fix: split before anything is shuffled, copied or augmented:

    x_train, x_val = x[:n], x[n:]

Source: `SHARE` as in the doctor's catalogue of data faults.
"""

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

SHARE = 0.01
TIMES = 3.0
ROWS = 10
MOST = 2000


def before(evidence):
    """Look for validation rows among the training rows."""
    data, validation = evidence.data, evidence.validation
    if validation is None or validation.rows < ROWS or data.rows < ROWS:
        return None
    step = -(-validation.rows // MOST)
    other = [array[::step] for array in validation.inputs]
    pairs = list(zip(data.inputs, other, strict=False))
    if len(data.inputs) != len(other) or any(
        a.shape[1:] != b.shape[1:] or a.dtype.kind not in "biuf" for a, b in pairs
    ):
        return None
    share, repeated = _samples.overlap(data.inputs, other)
    rows = len(other[0])
    if share <= max(SHARE, TIMES * repeated) or share * rows < 2:
        return None
    # Only a part of a large set is at hand, so this is the least that it can be.
    least = "at least " if data.size != data.rows else ""
    return Finding(
        name="val-leak",
        severity="warning",
        where="validation_data",
        evidence=f"{least}{share:.0%} of the validation rows are training rows "
        f"({round(share * rows):,} of {rows:,} looked at)",
        why="The validation then measures memory, and overfitting cannot be seen.",
        fix="n = int(0.8 * len(x)); fit(x[:n], y[:n], validation_data=(x[n:], y[n:]))",
        confidence=0.9,
        numbers={"share": share, "repeated": repeated},
    )
