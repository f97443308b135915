"""The first batch cannot be computed.

Seen: an error at the first step of `fit`; on a GPU perhaps nan instead.

Measured: the model and its loss on the first rows: whether they raise an error. Its
first line is told.

Silent: where another rule names the cause, such as labels beyond the units or ids
beyond the embedding.

Fix: compare the shapes and types of x and y with `model.input_shape` and
`model.output_shape`.

Source: it is what `fit` would meet.
"""

from keras_tricks.doctor.finding import Finding

SYMPTOM = True


def before(evidence):
    """Tell the error of the first batch."""
    if not evidence.failure:
        return None
    shapes = [array.shape for array in (*evidence.data.inputs, *evidence.data.targets)]
    return Finding(
        name="cannot-run",
        severity="error",
        where="model and loss",
        evidence=evidence.failure,
        why="Training stops at its first step.",
        fix=f"compare model.input_shape and model.output_shape with {shapes}",
        confidence=0.9,
    )
