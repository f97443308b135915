"""What graph, task and data alone say that a program needs."""

import numpy as np

from keras_tricks.doctor.measuring.heads import RANGES
from keras_tricks.doctor.measuring.repair import SQUASHING

OUTSIDE = 0.01
# Of fewer rows a deviation says nothing.
FEWEST = 20
SPREAD = 0.05
IMBALANCED = 9
LONGER = 4.0
SQUARED = "mean_squared_error"
CLASSES = ("binary", "multiclass", "multilabel", "distribution")


def needed_repairs(graph, tasks, losses):
    """Return the changes of a model that need no trial: some of `repaired`'s.

    Args:
        graph: `Graph` or None.
        tasks: A `Task` per output.
        losses: `LossFacts` or None per output.
    """
    if graph is None or len(tasks) != 1 or len(graph.heads) != 1:
        return ()
    found = []
    if not _head_fits(graph.heads[0], tasks[0], losses[0]):
        found.append("head")
    hidden = [layer for layer in graph.hidden if not layer.is_recurrent]
    plain = not graph.has_residual and not graph.normalizations
    if plain and any(layer.activation == "linear" for layer in hidden):
        found.append("hidden")
    return tuple(found)


def everything(evidence):
    """Return all changes that may help, as arguments of `Evidence.trial`."""
    repairs = {*evidence.repairs, "dropout", "penalty", "bias"}
    classes = [task.kind in CLASSES for task in evidence.tasks]
    squared = [loss is not None and loss.name == SQUARED for loss in evidence.losses]
    own = [loss is not None and loss.kind == "custom" for loss in evidence.losses]
    if classes == squared == [True] or (classes == [False] and own == [True]):
        repairs.add("loss")
    if _has_many_squashed(evidence.graph):
        repairs.add("squash")
    free = _takes_any_value(evidence.graph, evidence.tasks, evidence.losses)
    free = free or (free is not None and "head" in evidence.repairs)
    return {
        "inputs": "standard" if _take_scaling(evidence) else "as given",
        "targets": "standard" if free else "as given",
        "weights": "fresh",
        "optimizer": "adam",
        "repairs": tuple(sorted(repairs)) if evidence.graph else (),
        "balanced": evidence.imbalance > IMBALANCED,
        "mixed": True,
        # A training that was cut short here may get there in the end.
        "longer": LONGER if evidence.rehearsal.finished else 1.0,
    }


def _take_scaling(evidence):
    """Whether inputs may be scaled: not if the model itself makes them usual."""
    return evidence.odd_inputs or not evidence.scales_itself


def _has_many_squashed(graph):
    """Whether sigmoids or tanhs follow one another, or look at images."""
    if graph is None:
        return False
    hidden = [layer for layer in graph.hidden if not layer.is_recurrent]
    found = [layer for layer in hidden if layer.activation in SQUASHING]
    return len(found) > 2 or any("Conv" in layer.kind for layer in found)


def _takes_any_value(graph, tasks, losses):
    """Whether every output can be any number; None if the targets are no values."""
    if not tasks or any(task.kind != "regression" for task in tasks):
        return None
    plain = graph is None or not any(head.activation for head in graph.heads)
    return plain and all(loss and loss.kind == "value" for loss in losses)


def is_odd(array, far=5.0):
    """Whether the middle or the spread of columns is far from 0 and 1."""
    if array.dtype.kind not in "fiu":
        return False
    axes = tuple(range(array.ndim - 1)) if array.ndim > 2 else (0,)
    sample = array[:2000].astype("float64")
    mean, deviation = np.abs(sample.mean(axes)), sample.std(axes)
    flat = len(array) >= FEWEST and np.max(deviation) < SPREAD
    return bool(np.max(mean) > far or np.max(deviation) > far or flat)


def _head_fits(head, task, loss):
    """Whether head and loss are what the task asks for, or not known to be not."""
    if loss is None or loss.kind == "custom" or not head.is_known:
        return True
    if head.layer is None or task.kind == "unknown":
        return True
    last = head.activation[-1] if head.activation else "linear"
    if task.kind == "regression":
        low, high = RANGES.get(last, (-np.inf, np.inf))
        fits = loss.kind == "value" or not _outside(task.target, 0, 1)
        return fits and not _outside(task.target, low, high)
    soft = {"binary": "sigmoid", "multilabel": "sigmoid"}.get(task.kind, "softmax")
    if task.kind == "binary" and head.units == 2:
        soft = "softmax"
    if len(head.activation) > 1 or (task.classes or 0) > head.units > 1:
        return False
    if loss.kind == "hinge":
        return last in ("linear", "tanh")
    if task.kind == "multiclass" and head.units == 1:
        return False
    logits = loss.from_logits and last == "linear"
    # A squared error is the mildest of what does not fit: a trial tells.
    return (last == soft or logits) and (
        loss.kind == "probability" or loss.name == SQUARED
    )


def _outside(target, low, high):
    return bool(((target < low) | (target > high)).mean() > OUTSIDE)
