"""What is known of a training before its first step."""

import math

import keras
import numpy as np
from keras import ops

from keras_tricks.doctor.measuring.data import leaves, map_leaves
from keras_tricks.doctor.measuring.task import tasks_of
from keras_tricks.doctor.watching.fixed_batch import ROWS
from keras_tricks.doctor.watching.recording import layers_of


def fixed_rows(x, y):
    """Return `(x, y, sample_weight)` of at most `ROWS` rows, evenly spread."""
    batch = (x, y, None)
    if y is None and isinstance(x, tuple):
        batch = keras.utils.unpack_x_y_sample_weight(x)
    batch = map_leaves(_array, tuple(batch))
    sizes = {len(leaf) for leaf in leaves(batch)}
    if len(sizes) > 1:
        raise ValueError(
            f"`x` and `y` must have as many rows. Received: {sorted(sizes)} rows."
        )
    size = sizes.pop()
    rows = np.linspace(0, size - 1, min(size, ROWS)).astype(int)
    return map_leaves(lambda leaf: leaf[rows], batch)


def rate_of(optimizer):
    """Return the rate of the step to come, None for an optimizer of several."""
    try:
        return float(ops.convert_to_numpy(optimizer.learning_rate))
    except (AttributeError, TypeError, ValueError):
        return None


def task_of(model, batch):
    """Return the task of a model with one output, None for others."""
    targets, outputs = leaves(batch[1]), getattr(model, "outputs", None) or []
    if len(targets) != 1 or len(outputs) > 1:
        return None
    units = outputs[0].shape[-1] if outputs else None
    return tasks_of(targets, leaves(batch[0]), [_name(model.loss)], [units or 0])[0]


def facts_of(model, batch):
    """Return what `Watch.facts` holds."""
    layers = layers_of(model)
    return {
        "optimizer": type(model.optimizer).__name__,
        "loss": _name(model.loss),
        "reduction": getattr(model.loss, "reduction", "sum_over_batch_size"),
        "parameters": sum(math.prod(v.shape) for v in model.trainable_variables),
        "dropout": [n.name for n in layers if isinstance(n, keras.layers.Dropout)],
        "batch_norm": [
            n.name for n in layers if isinstance(n, keras.layers.BatchNormalization)
        ],
        "rows": len(leaves(batch)[0]) if batch is not None else 0,
    }


def _array(leaf):
    array = np.array(ops.convert_to_numpy(leaf))
    # As in `fit`: NumPy's float64 is cast, no other type.
    return array.astype(keras.config.floatx()) if array.dtype == "float64" else array


def _name(loss):
    """Return the name of one loss, None for several or none."""
    loss = getattr(loss, "name", None) or getattr(loss, "__name__", loss)
    return loss if isinstance(loss, str) else None
