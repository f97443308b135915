"""The lowest loss that any output could have on a target."""

import math

import keras
from keras import ops

from keras_tricks.doctor.measuring.gradients import compiled, value_and_gradients

# Sizes that grow by 1.2 from 0.1 reach an output of 1e6 in fewer steps.
STEPS = 100


def lowest_loss(model, batch, output):
    """Find the loss of the best output by changing the output itself.

    Label smoothing and soft targets keep a loss above zero. The best output is not
    limited to what the last activation can give, so a loss that expects logits has a
    floor which a softmax cannot reach.

    Args:
        model: A compiled model; only its `compute_loss` is used.
        batch: `(x, y, sample_weight)` of tensors.
        output: The model's output, where the descent starts.

    Returns:
        A float: the lower of the loss at the end of the descent and that of the target
        taken as an output.
    """
    leaves = _leaves(output)
    in_logs = [_is_distribution(leaf) for leaf in leaves]

    def loss_of(point):
        pairs = zip(in_logs, point, strict=True)
        free = [ops.exp(element) if log else element for log, element in pairs]
        return _loss(model, batch, output, free)

    @compiled
    def evaluate(point):
        loss, _, gradients = value_and_gradients(lambda p: (loss_of(p), ()), point)
        return loss, gradients

    # Probabilities move in logs: below zero a cross-entropy means nothing.
    start = [
        ops.log(ops.maximum(leaf, 1e-7)) if log else leaf
        for log, leaf in zip(in_logs, leaves, strict=True)
    ]
    first, lowest = _descend(evaluate, start)
    known = _target_loss(model, batch, output)
    if first >= 0 > lowest and not known < 0:
        # Outside the range it is made for, a Dice or KL loss falls without end.
        return 0.0
    return min(lowest, known) if math.isfinite(known) else lowest


def blank_losses(model, batch, output):
    """Return the losses of two outputs that know nothing: all classes alike, zeros."""
    leaves = _leaves(output)
    alike = [leaf * 0 + ops.mean(leaf, axis=-1, keepdims=True) for leaf in leaves]
    zeros = [ops.zeros_like(leaf) for leaf in leaves]
    return [_float(_loss(model, batch, output, each)) for each in (alike, zeros)]


def _descend(evaluate, point):
    """Return the loss at a point and the lowest on the way down from it.

    Rprop (a step size per element, from the signs of the gradient alone) needs no
    rate, so logits, probabilities and pixels are all reached. A step that does not
    lower the loss is taken back, and so is that of an element to where the loss is
    flat, since a clipped logarithm shows no way out.
    """
    loss, gradients = evaluate(point)
    first = lowest = _float(loss)
    point = list(point)
    sizes = [ops.full_like(element, 0.1) for element in point]
    for _ in range(STEPS):
        trial = [
            element - size * ops.sign(gradient)
            for element, size, gradient in zip(point, sizes, gradients, strict=True)
        ]
        loss, slopes = evaluate(trial)
        if not _float(loss) < lowest:
            sizes = [size * 0.5 for size in sizes]
            continue
        lowest = _float(loss)
        for i, slope in enumerate(slopes):
            sizes[i] = sizes[i] * ops.where(gradients[i] * slope > 0, 1.2, 0.5)
            point[i] = ops.where(slope == 0, point[i], trial[i])
            gradients[i] = ops.where(slope == 0, gradients[i], slope)
    return first, lowest


def _is_distribution(leaf):
    """Whether the last axis holds probabilities that sum to one."""
    if leaf.shape[-1] == 1:
        return False
    leaf = ops.convert_to_numpy(leaf)
    return bool((leaf >= 0).all() and (abs(leaf.sum(axis=-1) - 1) < 1e-2).all())


def _target_loss(model, batch, output):
    """Return the loss of the target taken as an output, nan where it cannot be one."""
    targets, leaves = keras.tree.flatten(batch[1]), _leaves(output)
    if [_size(target) for target in targets] != [_size(leaf) for leaf in leaves]:
        return math.nan
    as_outputs = [
        ops.reshape(ops.cast(target, leaf.dtype), leaf.shape)
        for target, leaf in zip(targets, leaves, strict=True)
    ]
    return _float(_loss(model, batch, output, as_outputs))


def _size(tensor):
    return math.nan if tensor is None else math.prod(tensor.shape)


def _loss(model, batch, output, leaves):
    x, y, sample_weight = batch
    # The scope catches what the trackers in `compute_loss` are told.
    with keras.StatelessScope():
        output = keras.tree.pack_sequence_as(output, leaves)
        return model.compute_loss(x, y, output, sample_weight)


def _leaves(output):
    dtype = keras.config.floatx()
    return [ops.cast(leaf, dtype) for leaf in keras.tree.flatten(output)]


def _float(tensor):
    return float(ops.convert_to_numpy(tensor))
