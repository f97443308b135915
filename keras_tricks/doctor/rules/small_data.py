"""Too few rows for the capacity of the network.

Seen: the training score is perfect early, the validation score never gets near it.

Measured: fewer than `PER_CLASS` different rows per class (values: `ROWS`), while the
network has more than `WEIGHTS` trainable weights per row. Then, on a copy trained as
planned: it knows `LEARNT` or more of its own rows and less than `HELD` of that on rows
that it did not see, even if these were a standard deviation better. An error below
`LOW`.

Silent: below `FEWEST` different rows and `COLUMNS` numbers per row: toy problems are
meant to be learnt by heart; when most weights are frozen, as in transfer learning,
since only trainable ones count; whenever unseen rows are predicted well.

Fix: more rows first; else fewer weights to train, augmentation, a pretrained backbone:

    backbone.trainable = False

Source: the doctor's catalogue of data faults, which has 50 rows per class.
"""

import math

from keras_tricks.doctor.finding import Finding
from keras_tricks.doctor.measuring import samples as _samples

PER_CLASS = 50
ROWS = 150
FEWEST = 50
COLUMNS = 10
WEIGHTS = 10
LEARNT = 0.8
HELD = 0.6
LOW = 0.45


def before(evidence):
    """Look for rows that are learnt by heart because they are few."""
    data = evidence.data
    if len(evidence.tasks) != 1 or data.not_finite or data.batched:
        return None
    task = evidence.tasks[0]
    if not (task.classifies or task.kind == "regression") or task.autoencoder:
        return None
    if data.size >= ROWS * max(task.classes or 1, 2):
        return None
    rows = len(_samples.digests(data.inputs))
    limit = PER_CLASS * task.classes if task.classifies else ROWS
    columns = sum(math.prod(array.shape[1:]) for array in data.inputs)
    weights = sum(math.prod(v.shape) for v in evidence.model.trainable_variables)
    toy = rows < FEWEST or columns < COLUMNS or rows < data.rows
    if toy or rows >= limit or weights < WEIGHTS * rows:
        return None
    run = evidence.rehearsal
    if run is None or not run.skill >= LEARNT:
        return None
    # Few rows are held out: their score is that uncertain (one standard deviation).
    at_most = run.holdout_skill + 1 / math.sqrt(max(len(evidence.trials.held), 1))
    if not at_most < HELD * run.skill:
        return None
    return Finding(
        name="small-data",
        severity="error" if at_most < LOW else "warning",
        where="x and y",
        evidence=f"{rows:,} rows for {weights:,} weights: a copy came to a score of "
        f"{run.skill:.2f} on the rows it learnt and {run.holdout_skill:.2f} on others "
        "(1 is perfect, 0 a constant)",
        why="With so many weights it is easier to learn rows than what they show.",
        fix="more rows; else augment them, or train fewer weights: "
        "backbone.trainable = False",
        confidence=0.6,
        numbers={"rows": rows, "weights": weights, "held_out": run.holdout_skill},
    )
