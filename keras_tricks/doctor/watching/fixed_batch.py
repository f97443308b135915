"""One batch at which a model is looked again and again."""

import functools

import keras
import numpy as np
from keras import ops

from keras_tricks._untouched import kept_random_state
from keras_tricks.doctor.measuring.data import leaves, map_leaves
from keras_tricks.doctor.measuring.gradients import compiled, value_and_gradients
from keras_tricks.doctor.watching.recording import layers_of, recorded

# Unit by unit "zero for all rows" means something from some 30 rows on; more cost time.
ROWS = 64
# tanh has a slope below 0.02 beyond, sigmoid one below 0.01.
BOUND = 0.99


class FixedBatch:
    """Look at a model through one batch and change nothing.

    Args:
        model: A built, compiled model.
        batch: `(x, y, sample_weight)` of arrays with at most `ROWS` rows.
        task: The `Task` of the targets, or None.
    """

    def __init__(self, model, batch, task=None):
        self.model = model
        self.batch = map_leaves(ops.convert_to_tensor, batch)
        self.task = task
        self.norms = [
            layer
            for layer in layers_of(model)
            if isinstance(layer, keras.layers.BatchNormalization)
            and layer.trainable
            and not getattr(layer, "renorm", False)
        ]
        self._functions = None

    def look(self):
        """Return the fields of a `Snapshot` that need data."""
        with kept_random_state():
            if self._functions is None:
                self._prepare()
            train, infer = self._functions
            model = self.model
            weights = [ops.copy(v) for v in model.trainable_variables]
            state = [ops.copy(v) for v in model.non_trainable_variables]
            scale = getattr(model.optimizer, "dynamic_scale", None)
            scale = ops.convert_to_tensor(1.0 if scale is None else scale, "float32")
            train_loss, gradients, norms = map_leaves(
                _numpy, train(weights, state, scale, self.batch)
            )
            loss, penalty, units, output = map_leaves(
                _numpy, infer(weights, state, self.batch)
            )
        paths = [variable.path for variable in model.trainable_variables]
        dead, saturated = self._by_layer(units)
        return {
            "loss": float(loss),
            "train_loss": float(train_loss),
            "penalty": float(penalty),
            "gradients": dict(zip(paths, gradients.tolist(), strict=True)),
            "dead": dead,
            "saturated": saturated,
            "batch_norm": {
                layer.name: tuple(map(float, numbers))
                for layer, numbers in zip(self.norms, norms, strict=True)
            },
            "spread": _spread(output),
            "classes": _classes(output, self.task),
        }

    def _prepare(self):
        x, y, sample_weight = self.batch
        variables = self.model.trainable_variables
        # A regularizer asks the scope for its variable.
        with keras.StatelessScope([(v, v.value) for v in variables]):
            # A loss makes its trackers at the first call, which must not be in a graph.
            self.model.compute_loss(x, y, self.model(x, training=False), sample_weight)
        self._kinds = []
        functions = (
            functools.partial(_train, self.model, self.norms),
            functools.partial(_infer, self.model, self._kinds),
        )
        # A model that runs eagerly may have to.
        eager = self.model.run_eagerly
        self._functions = functions if eager else tuple(map(compiled, functions))

    def _by_layer(self, units):
        """Return `(dead, saturated)` from the shares in the order of `_kinds`."""
        found = {"dead": {}, "saturated": {}}
        for (kind, layer), share in zip(self._kinds, units, strict=True):
            # A layer that is called twice is dead if it is so each time.
            known = found[kind].get(layer, 1.0)
            found[kind][layer] = min(known, float(share))
        return found["dead"], found["saturated"]


def _train(model, norms, weights, state, scale, batch):
    """Return the loss, the norms of its gradients and the state of the batch norms."""
    x, y, sample_weight = batch

    def loss_of(weights):
        with _scope(model, weights, state) as scope:
            output = model(x, training=True)
            loss = ops.cast(model.compute_loss(x, y, output, sample_weight), "float32")
            return loss * scale, (loss, [_distance(n, scope, state_of) for n in norms])

    variables = model.non_trainable_variables
    state_of = {id(v): value for v, value in zip(variables, state, strict=True)}
    # Scaled as by the optimizer: half precision has no small gradients.
    _, (loss, moved), gradients = value_and_gradients(loss_of, weights)
    norms = [_norm(gradient) / scale for gradient in gradients]
    return loss, ops.stack(norms) if norms else ops.zeros((0,)), moved


def _distance(layer, scope, state_of):
    """Return how far a batch norm's moving statistics are from those of the batch."""
    momentum = layer.momentum
    before = [state_of[id(v)] for v in (layer.moving_mean, layer.moving_variance)]
    after = [
        scope.get_current_value(v) for v in (layer.moving_mean, layer.moving_variance)
    ]
    mean, variance = (
        (new - momentum * old) / (1 - momentum)
        for new, old in zip(after, before, strict=True)
    )
    variance = ops.maximum(variance, 0) + layer.epsilon
    shift = ops.abs(before[0] - mean) / ops.sqrt(variance)
    factor = ops.abs(ops.log((before[1] + layer.epsilon) / variance))
    return ops.stack([ops.median(shift), ops.exp(ops.median(factor))])


def _infer(model, kinds, weights, state, batch):
    """Return the loss, its penalties, the units at zero or a bound, and the output."""
    x, y, sample_weight = batch
    with _scope(model, weights, state):
        with recorded(model) as record:
            output = model(x, training=False)
        loss = model.compute_loss(x, y, output, sample_weight)
        penalty = ops.sum([ops.cast(one, "float32") for one in model.losses] or [0.0])
        kinds.clear()
        shares = []
        heads = {id(leaf) for leaf in leaves(output)}
        for layer, _, values in record:
            if id(values) in heads:
                continue
            kind, share = _idle_units(layer, values)
            if kind is not None:
                kinds.append((kind, layer.name))
                shares.append(share)
    return loss, penalty, shares, output


def _idle_units(layer, values):
    """Return `("dead" or "saturated", share)`, or two times None."""
    name = activation_of(layer)
    leaf = values[0] if isinstance(values, (list, tuple)) else values
    if name is None or len(getattr(leaf, "shape", ())) < 2:
        return None, None
    if name in ("relu", "relu6"):
        first = getattr(layer, "data_format", None) == "channels_first"
        axis = 1 if first else len(leaf.shape) - 1
        others = [i for i in range(len(leaf.shape)) if i != axis]
        silent = ops.max(ops.abs(leaf), axis=others) == 0
        return "dead", ops.mean(ops.cast(silent, "float32"))
    low = -BOUND if name == "tanh" else 1 - BOUND
    at_bound = ops.logical_or(leaf > BOUND, leaf < low)
    return "saturated", ops.mean(ops.cast(at_bound, "float32"))


def activation_of(layer):
    """Return "relu", "relu6", "tanh" or "sigmoid", None for all others."""
    if isinstance(layer, keras.layers.ReLU):
        return "relu" if not layer.negative_slope and not layer.threshold else None
    if isinstance(layer, keras.layers.RNN):
        return None
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return name if name in ("relu", "relu6", "tanh", "sigmoid") else None


def _scope(model, weights, state):
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return keras.StatelessScope(list(zip(variables, [*weights, *state], strict=True)))


def _norm(tensor):
    return ops.sqrt(ops.sum(ops.square(ops.cast(tensor, "float32"))))


def _spread(output):
    leaf = leaves(output)[0].astype("float64")
    total = leaf.var()
    return float(leaf.var(axis=0).mean() / total) if total > 0 else 0.0


def _classes(output, task):
    """Return the rows by predicted class."""
    found = leaves(output)
    if task is None or not task.classifies or len(found) != 1 or found[0].ndim != 2:
        return None
    if found[0].shape[-1] == 1:
        said = (found[0][:, 0] > task.threshold).astype(int)
        return np.bincount(said, minlength=2)
    return np.bincount(found[0].argmax(-1), minlength=found[0].shape[-1])


def _numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))
