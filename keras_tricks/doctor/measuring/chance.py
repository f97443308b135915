"""The loss of the best output that is the same for every row."""

import math

import keras
import numpy as np
from keras import ops

from keras_tricks.doctor.measuring.data import leaves

# Frequencies of 0 have no logarithm; losses clip at about the same place.
TINY = 1e-7
MOST_CLASSES = 10_000


def chance_loss(loss_of, output, y):
    """Return the lowest loss over constants that the targets suggest.

    Means, medians, class frequencies and their logits are tried, so that each common
    loss meets the constant that is best for it.

    Args:
        loss_of: Takes outputs nested as `output`, returns a scalar loss.
        output: The model's output, a nested structure of tensors.
        y: Targets, nested; one array per output.

    Returns:
        A float, or `None` where no constant has a finite loss.
    """
    outputs, targets = leaves(output), leaves(y)
    if not targets or len(outputs) != len(targets):
        return None
    choices = [
        constants(ops.convert_to_numpy(target), tuple(leaf.shape))
        for target, leaf in zip(targets, outputs, strict=True)
    ]
    if not all(choices):
        return None
    best = [choice[0] for choice in choices]
    lowest = math.inf
    # Losses of several outputs are added up: each constant is chosen on its own.
    for index, choice in enumerate(choices):
        losses = []
        for constant in choice:
            trial = [*best[:index], constant, *best[index + 1 :]]
            losses.append(_loss(loss_of, output, outputs, trial))
        at = int(np.argmin(losses))
        best[index], lowest = choice[at], min(lowest, losses[at])
    return lowest if math.isfinite(lowest) else None


def order_losses(loss_of, output, y):
    """Return the losses of the targets themselves as output, and of shuffled ones.

    A loss of the right sign is lower for the first. `None` if the targets cannot be
    outputs.
    """
    outputs, targets = leaves(output), leaves(y)
    if not targets or len(outputs) != len(targets):
        return None
    right = [
        _as_output(np.asarray(ops.convert_to_numpy(target)), tuple(leaf.shape))
        for target, leaf in zip(targets, outputs, strict=True)
    ]
    if any(leaf is None for leaf in right):
        return None
    shuffled = np.random.default_rng(0).permutation(len(right[0]))
    wrong = [leaf[shuffled] for leaf in right]
    return [_loss(loss_of, output, outputs, leaf) for leaf in (right, wrong)]


def constants(target, shape):
    """Return outputs without the batch axis that could be best for a target."""
    target = np.asarray(target)
    if target.dtype.kind not in "biuf" or not np.isfinite(target).all():
        return []
    target = target.astype("float64")
    if target.shape == shape or target.size == math.prod(shape):
        return _of_values(target.reshape(shape))
    if _are_ids(target, shape):
        ids = target.astype(int).ravel()
        share = np.bincount(ids, minlength=shape[-1]) / len(ids)
        share = np.clip(share, TINY, None)
        return [np.broadcast_to(c, shape[1:]) for c in (share, np.log(share))]
    return []


def _of_values(target):
    mean = target.mean(0)
    found = [mean, np.median(target, 0), np.zeros_like(mean)]
    low, high = target.min(), target.max()
    if low >= 0:
        found.append(np.expm1(np.log1p(target).mean(0)))
    if low >= 0 and high <= 1:
        share = np.clip(mean, TINY, 1 - TINY)
        found += [share, np.log(share), np.log(share) - np.log1p(-share)]
        # A hinge takes 0 and 1 as -1 and 1.
        found.append(np.sign(mean - 0.5))
    if low < 0:
        found.append(np.sign(mean))
    return found


def _as_output(target, shape):
    if target.dtype.kind not in "biuf" or not np.isfinite(target).all():
        return None
    if target.shape == shape or target.size == math.prod(shape):
        return target.reshape(shape).astype("float64")
    if not _are_ids(target, shape):
        return None
    # Not quite 0 and 1: the logarithm of a loss of the user's own may not be clipped.
    share = np.full((target.size, shape[-1]), 0.1 / shape[-1])
    share[np.arange(target.size), target.astype(int).ravel()] += 0.9
    return share.reshape(shape)


def _are_ids(target, shape):
    places = math.prod(shape[:-1])
    whole = (target == np.round(target)).all() and target.min() >= 0
    fits = target.size == places and shape[-1] <= MOST_CLASSES
    return fits and bool(whole) and target.max() < shape[-1]


def _loss(loss_of, output, leaves_of_output, constants_of_leaves):
    tensors = [
        ops.cast(
            ops.convert_to_tensor(np.broadcast_to(c, leaf.shape).copy()), leaf.dtype
        )
        for c, leaf in zip(constants_of_leaves, leaves_of_output, strict=True)
    ]
    loss = loss_of(keras.tree.pack_sequence_as(output, tensors))
    loss = float(ops.convert_to_numpy(loss))
    return loss if math.isfinite(loss) else math.inf
