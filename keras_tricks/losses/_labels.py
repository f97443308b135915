"""Labels of classification losses, class ids or dense, in one form."""

from keras import ops


def align(labels, shape):
    """Return labels with the rank of outputs of `shape`, or raise if they do not fit.

    Class ids then have the shape `(batch, ..., 1)`, dense labels that of the outputs.
    """
    _check_shapes(tuple(labels.shape), tuple(shape))
    if len(labels.shape) == len(shape):
        return labels
    return ops.expand_dims(labels, -1)


def one_hot(ids, depth):
    """Return `(batch, ..., depth)` for float ids `(batch, ..., 1)`, NaN for others."""
    hot = ops.equal(ids, ops.arange(depth, dtype=ids.dtype))  # (batch, ..., depth)
    # Zeros for an id out of range would train towards no class without a word.
    known = ops.any(hot, axis=-1, keepdims=True)
    return ops.where(known, ops.cast(hot, ids.dtype), float("nan"))


def _check_shapes(labels, outputs):
    for shape in (outputs[:-1], (*outputs[:-1], 1), outputs):
        pairs = zip(labels, shape, strict=False)
        fits = all(a == b or None in (a, b) for a, b in pairs)  # None: not known yet
        if fits and len(labels) == len(shape) and len(outputs) > 1:
            return
    raise ValueError(
        "Labels must be class ids of shape `y_pred.shape[:-1]` or have the shape of "
        f"`y_pred`. Received: y_true.shape={labels}, y_pred.shape={outputs}."
    )
