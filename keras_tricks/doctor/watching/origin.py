"""Where the first value that is not finite comes from."""

import dataclasses
import math

import keras
from keras import ops

from keras_tricks._untouched import kept_random_state
from keras_tricks.doctor.measuring.data import leaves
from keras_tricks.doctor.measuring.gradients import value_and_gradients
from keras_tricks.doctor.watching.recording import recorded


@dataclasses.dataclass(frozen=True)
class Origin:
    """The first value that is not finite.

    Attributes:
        place: "input", "target", "weight", "layer", "loss", "gradient" or "unknown".
        name: Of the array, variable or layer, "" if there is none.
        detail: What was seen there.
        kept: Steps done when the weights were kept that showed it, None if it was seen
            with those at hand.
        step: Last step before it was noticed, counted from 0.
        seen: On what it was noticed: "loss" or "weights".
    """

    place: str
    name: str = ""
    detail: str = ""
    kept: int | None = None
    step: int = 0
    seen: str = "loss"


def find_origin(model, batch, weights, kept):
    """Follow one batch through a model until a value is not finite.

    Args:
        model: The model, whose loss or weights are not finite.
        batch: `(x, y, sample_weight)` of tensors, or None.
        weights: The last finite values of the trainable variables, or None.
        kept: Steps done when they were kept.

    Returns:
        An `Origin`.
    """
    lost = [v.path for v in model.trainable_variables if not _finite(v)]
    for part, values in zip(("input", "target"), (batch or ((), ()))[:2], strict=True):
        for index, leaf in enumerate(leaves(values)):
            if not _finite(leaf):
                detail = f"{_count(leaf)} of {math.prod(leaf.shape)} values"
                return Origin(part, f"{part} {index}", detail)
    if batch is not None and (not lost or weights is not None):
        found = _follow(model, batch, weights if lost else None)
        if found is not None:
            return Origin(*found, kept if lost else None)
    if lost:
        detail = f"{len(lost)} of {len(model.trainable_variables)} variables"
        return Origin("weight", lost[0], detail)
    return Origin("unknown")


def _follow(model, batch, weights):
    """Return `(place, name, detail)` of the first value that is not finite."""
    x, y, sample_weight = batch
    variables = model.trainable_variables
    values = [ops.copy(v) for v in (weights or variables)]

    def loss_of(values):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            with recorded(model) as record:
                output = model(x, training=True)
            loss = ops.cast(model.compute_loss(x, y, output, sample_weight), "float32")
        return loss, output, record

    with kept_random_state():
        loss, output, record = loss_of(values)
        found = _first_layer(record)
        if found is None and not _finite(loss):
            low, high = _range(leaves(output))
            found = "loss", "", f"of an output between {low:.4g} and {high:.4g}"
        if found is None:
            *_, gradients = value_and_gradients(lambda v: loss_of(v)[:2], values)
            found = _first_gradient(variables, gradients, loss)
    return found


def _first_layer(record):
    for layer, inputs, outputs in record:
        if not all(map(_finite, leaves(outputs))):
            low, high = _range([leaf for leaf in leaves(inputs) if _is_float(leaf)])
            kind = type(layer).__name__
            detail = f"{kind} of an input between {low:.4g} and {high:.4g}"
            return "layer", layer.name, detail
    return None


def _first_gradient(variables, gradients, loss):
    # Backwards: what is nearest to the loss was computed first.
    for variable, gradient in list(zip(variables, gradients, strict=True))[::-1]:
        if not _finite(gradient):
            loss = float(ops.convert_to_numpy(loss))
            return "gradient", variable.path, f"at a loss of {loss:.4g}"
    return None


def _range(tensors):
    arrays = [ops.convert_to_numpy(ops.cast(leaf, "float32")) for leaf in tensors]
    if not arrays:
        return math.nan, math.nan
    return min(a.min() for a in arrays), max(a.max() for a in arrays)


def _is_float(leaf):
    return hasattr(leaf, "dtype") and "float" in keras.backend.standardize_dtype(
        leaf.dtype
    )


def _count(tensor):
    return int(
        ops.convert_to_numpy(
            ops.sum(ops.cast(ops.logical_not(_where_finite(tensor)), "int32"))
        )
    )


def _finite(tensor):
    return not _is_float(tensor) or bool(
        ops.convert_to_numpy(ops.all(_where_finite(tensor)))
    )


def _where_finite(tensor):
    return ops.isfinite(ops.convert_to_tensor(tensor))
