"""Watching one `fit` from the calls that a callback gets."""

import dataclasses
import math
import warnings

import numpy as np
from keras import ops

from keras_tricks.doctor.measuring.data import map_leaves
from keras_tricks.doctor.measuring.gradients import compiled
from keras_tricks.doctor.watching.fixed_batch import FixedBatch
from keras_tricks.doctor.watching.known import facts_of, rate_of, task_of
from keras_tricks.doctor.watching.origin import find_origin
from keras_tricks.doctor.watching.watch import Snapshot, Watch

# Of fewer steps none is to spare.
FEW = 10


class Observer:
    """Measure a training; every number comes from reading.

    Args:
        model: The model in training.
        batch: `(x, y, sample_weight)` of arrays, or None.
        period: Steps from one snapshot to the next; at the begin they are at the steps
            0, 1, 2, 4, 8, ..., since most goes wrong there.
        epochs: Planned epochs.
        steps: Steps of an epoch, None if unknown.
    """

    def __init__(self, model, batch, period, epochs, steps):
        self.period = period
        self.epochs = epochs
        self.steps = steps or 0
        self.batch = batch
        self.task = task_of(model, batch) if batch is not None else None
        self.facts = facts_of(model, batch)
        self.logs, self.rates, self.snapshots = {}, [], []
        self.origin = None
        self.done = 0
        self._fixed = self._change = None
        self._losses = []
        self._next = 0
        self._before = self._pending = None
        self._kept, self._kept_step, self._step_norm = None, 0, None

    def begin_epoch(self, model):
        """Note the rate; the running means of the logs begin anew."""
        self.rates.append(rate_of(model.optimizer))
        self._epoch_start = self.done
        self._mean = 0.0

    def due(self):
        """Whether a snapshot is to be taken before the next step."""
        return self.done >= self._next and self.origin is None

    def begin_step(self, model):
        """Look at the model before a step that is due."""
        self._next = self.done * 2 or 1
        if self.done >= self.period or self._next > self.period:
            self._next = (self.done // self.period + 1) * self.period
        if model.built:
            self._pending = self._look(model)
        if self._pending is not None:
            self._before = [ops.copy(v) for v in model.trainable_variables]

    def end_step(self, count, logs):
        """Note the loss after `count` steps of the epoch; return whether it is finite.

        Keras logs the mean since the epoch began.
        """
        mean = (logs or {}).get("loss")
        steps = self._epoch_start + count - self.done
        if mean is not None and steps > 0:
            loss = (mean * count - self._mean * (count - steps)) / steps
            if count == self.steps > FEW and steps == 1 and math.isfinite(loss):
                # The last batch may be smaller, and its share in the mean with it.
                loss = self._losses[-1]
            self._losses.extend([loss] * steps)
            self._mean = mean
        self.done += max(steps, 0)
        return mean is None or math.isfinite(mean)

    def complete(self, model):
        """Add what the step has changed to the snapshot taken before it."""
        before, pending = self._before, self._pending
        self._before = self._pending = None
        if pending is None:
            return
        steps = max(self.done - pending["step"], 1)
        norms = self._norms(before, model)
        names = [variable.path for variable in model.trainable_variables]
        pending["updates"] = {
            name: change / steps / norm
            for name, (norm, change) in zip(names, norms, strict=True)
            if norm > 0
        }
        self._step_norm = math.hypot(*(c for _, c in norms), 0) / steps
        self.snapshots.append(Snapshot(**pending))

    def end_epoch(self, logs):
        """Note the logs of an epoch."""
        for name, value in (logs or {}).items():
            if isinstance(value, (int, float)):
                self.logs.setdefault(name, []).append(float(value))

    def end(self, model):
        """Look a last time."""
        look = self._look(model) if model.built and self.done else None
        if look is not None:
            self.snapshots.append(Snapshot(**look))

    def trace(self, model, seen="loss"):
        """Find where a value that is not finite comes from."""
        if self.origin is None:
            batch = self.batch and map_leaves(ops.convert_to_tensor, self.batch)
            origin = find_origin(model, batch, self._kept, self._kept_step)
            self.origin = dataclasses.replace(origin, step=self.done - 1, seen=seen)

    def watch(self, finished):
        """Return what was seen so far."""
        logs = {name: list(values) for name, values in self.logs.items()}
        return Watch(
            logs=logs,
            step_losses=np.array(self._losses),
            rates=list(self.rates),
            epochs=self.epochs,
            finished=finished,
            snapshots=list(self.snapshots),
            origin=self.origin,
            task=self.task,
            facts=self.facts,
        )

    def _norms(self, before, model):
        """Return `(norm, norm of the change)` of each trainable variable."""
        if not before:
            return []
        if self._change is None:
            # A function of its own: TensorFlow counts retracings by function.
            change = lambda before, after: _change(before, after)  # noqa: E731
            self._change = change if model.run_eagerly else compiled(change)
        after = [ops.copy(v) for v in model.trainable_variables]
        return ops.convert_to_numpy(self._change(before, after)).tolist()

    def _look(self, model):
        """Return the fields of a `Snapshot`, None once a weight is not finite."""
        if self.origin is not None:
            return None
        variables = model.trainable_variables
        # In the memory of the host, and once: also what a search for a nan starts from.
        values = [np.array(ops.convert_to_numpy(v)) for v in variables]
        names = [variable.path for variable in variables]
        look = {
            "step": self.done,
            "rate": rate_of(model.optimizer),
            "weights": {
                name: _norm(value) for name, value in zip(names, values, strict=True)
            },
        }
        if not all(map(math.isfinite, look["weights"].values())):
            # A relu may hide a nan from the loss.
            return self.trace(model, "weights")
        if self._kept is not None:
            way = math.hypot(
                *(_norm(a - b) for a, b in zip(values, self._kept, strict=True)), 0
            )
            steps = self.done - self._kept_step
            look["moved"] = way > 0
            if self._step_norm and steps:
                look["steadiness"] = way / (steps * self._step_norm)
        self._kept, self._kept_step = values, self.done
        return look | self._look_at_batch(model)

    def _look_at_batch(self, model):
        if self.batch is None:
            return {}
        try:
            if self._fixed is None:
                self._fixed = FixedBatch(model, self.batch, self.task)
            return self._fixed.look()
        except Exception as error:
            # What computes in `fit` may not do so here; no reason to stop a training.
            self.batch = None
            warnings.warn(f"Doctor cannot look at x and y: {error}", stacklevel=2)
            return {}


def _change(before, after):
    changes = [new - old for new, old in zip(after, before, strict=True)]
    return ops.stack(
        [
            ops.stack([ops.norm(ops.cast(ops.ravel(t), "float32")) for t in pair])
            for pair in zip(before, changes, strict=True)
        ]
    )


def _norm(array):
    # float64: squares of what explodes overflow.
    return float(np.linalg.norm(array.astype("float64")))
