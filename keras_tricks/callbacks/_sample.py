"""One sample, in the forms in which it is given."""

import numbers

import keras
from keras import ops


def check_sample(x, y):
    """Raise unless a sample is made of arrays; labels may be numbers."""
    x, y, sample_weight = _unpack(x, y)
    for name, value, kinds in (
        ("x", x, ()),
        ("y", y, numbers.Number),
        ("sample_weight", sample_weight, numbers.Number),
    ):
        for leaf in _leaves(value):
            if not (hasattr(leaf, "shape") or isinstance(leaf, kinds)):
                raise TypeError(
                    f"`{name}` must be an array, a tensor, or a tuple, list or dict of "
                    f"them. Received: {name}={value!r}. Take one sample out of a "
                    "dataset before `fit`, as in `x, y = next(iter(dataset))`: reading "
                    "it during `fit` would change the order of what follows."
                )


def first_sample(model, x, y):
    """Return `(x, y, sample_weight)` of the first sample as a batch of one."""
    sample = _map(_tensor, _unpack(x, y))
    leaves, inputs = _leaves(sample[0]), getattr(model, "inputs", None) or []
    ranks = sum(len(leaf.shape) for leaf in leaves)
    if inputs and ranks + len(inputs) == sum(len(one.shape) for one in inputs):
        return _map(lambda leaf: leaf[None], sample)
    shapes = [tuple(leaf.shape) for leaf in _leaves(sample)]
    if len({shape[:1] for shape in shapes}) > 1 or () in shapes:
        raise ValueError(
            "`x` and `y` must be one sample without, or a batch with, a first axis of "
            "samples, both alike; a model without known `inputs` needs the batch. "
            f"Received: arrays of shapes {shapes}."
        )
    return _map(lambda leaf: leaf[:1], sample)


def _unpack(x, y):
    if y is None and isinstance(x, tuple):
        return keras.utils.unpack_x_y_sample_weight(x)
    return x, y, None


def _tensor(leaf):
    tensor = ops.convert_to_tensor(leaf)
    # `fit` casts float64, the type of NumPy, and no other.
    double = keras.backend.standardize_dtype(tensor.dtype) == "float64"
    return ops.cast(tensor, keras.config.floatx()) if double else tensor


def _map(function, structure):
    return keras.tree.map_structure(
        lambda leaf: None if leaf is None else function(leaf), structure
    )


def _leaves(structure):
    return [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]
