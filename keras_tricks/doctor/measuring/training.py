"""Training a copy of a model's state: the model and its optimizer are only read."""

import keras
import numpy as np
from keras import ops

from keras_tricks._untouched import kept_random_state
from keras_tricks.doctor.measuring.data import leaves, map_leaves
from keras_tricks.doctor.measuring.gradients import compiled, value_and_gradients


class Copy:
    """A copy of a model's variables with an optimizer of its own.

    The model computes with the copy's values inside a `keras.StatelessScope`, so that
    nothing of it is written. Many trainings start from the same values; on TensorFlow
    all of them run in one compiled loop, whatever the batch size.

    Args:
        model: A built, compiled model.
        optimizer: Optimizer whose settings are taken.
        batch: `(x, y, sample_weight)` of arrays, to know their forms.
    """

    def __init__(self, model, optimizer, batch):
        self.model = model
        self.rate = _Rate(optimizer)
        self.weights = [_shadow(v) for v in model.trainable_variables]
        self.state = [
            _shadow(v, trainable=False) for v in model.non_trainable_variables
        ]
        momenta = _momenta(model)
        self.momenta = [momenta.get(v.path) for v in model.non_trainable_variables]
        self.optimizer = _twin(optimizer, self.rate)
        self.optimizer.build(self.weights)
        self.shadows = [*self.weights, *self.state, *self.optimizer.variables]
        self.first = [_numpy(v) for v in self.shadows]
        with kept_random_state(), self._scope(self._values()):
            # A loss makes its trackers at the first call, which must not be in a graph.
            x, y, weight = tensors(map_leaves(lambda a: a[:2], batch))
            output = model(x)
            model.compute_loss(x, y, output, weight)
        self._run = _loop(self, batch)
        self._predict = compiled(self._infer)

    def begin(self, weights=None):
        """Go back to the first values, or to other first weights (arrays)."""
        values = (
            self.first if weights is None else [*weights, *self.first[len(weights) :]]
        )
        for variable, value in zip(self.shadows, values, strict=True):
            variable.assign(value)

    def run(self, data, order, scale=1.0, stretch=1.0):
        """Train one step per row of `order`.

        Args:
            data: `(x, y, sample_weight)` of tensors, all rows.
            order: Integer array (steps, batch size): the rows of each step.
            scale: Factor on the rate.
            stretch: Steps of the plan per step here: of the schedule, and of the moving
                statistics of batch norm.

        Returns:
            The loss of each step, before the step, in an array.
        """
        self.rate.scale.assign(scale)
        self.rate.stretch.assign(stretch)
        with kept_random_state():
            return np.asarray(self._run(np.asarray(order, "int32"), data), "float64")

    def predict(self, x, size=512):
        """Return the outputs at inference, a list of arrays."""
        rows = len(leaves(x)[0])
        parts = [
            leaves(self._predict(self._values(), tensors(slice_of(x, begin, size))))
            for begin in range(0, rows, size)
        ]
        columns = zip(*parts, strict=True)
        return [np.concatenate([_numpy(part) for part in column]) for column in columns]

    def losses(self, data):
        """Return the loss of rows at inference and as in training."""
        x, y, weight = data

        def loss(training):
            output = self.model(x, training=training)
            return self.model.compute_loss(x, y, output, weight, training)

        with kept_random_state(), self._scope(self._values()):
            return [float(_numpy(loss(training))) for training in (False, True)]

    def step(self, batch):
        """Take one step: write the copy, return the loss."""
        x, y, weight = batch

        def loss_of(values):
            with self._scope([*values, *state]) as scope:
                output = self.model(x, training=True)
                loss = self.model.compute_loss(x, y, output, weight)
            others = self.model.non_trainable_variables
            return loss, [scope.get_current_value(v) for v in others]

        state = [ops.copy(v) for v in self.state]
        values = [ops.copy(v) for v in self.weights]
        loss, state, gradients = value_and_gradients(loss_of, values)
        self.optimizer.apply(gradients, self.weights)
        for variable, value, momentum in zip(
            self.state, state, self.momenta, strict=True
        ):
            if momentum:
                # As far as in the steps that a shortened plan leaves out.
                share = (1 - momentum**self.rate.stretch) / (1 - momentum)
                value = variable + ops.cast(share, value.dtype) * (value - variable)
            variable.assign(value)
        return ops.cast(loss, "float32")

    def _infer(self, values, x):
        with self._scope(values):
            return self.model(x, training=False)

    def _values(self):
        return [ops.copy(v) for v in (*self.weights, *self.state)]

    def _scope(self, values):
        model = self.model
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        pairs = list(zip(variables, values, strict=True))
        return keras.StatelessScope(pairs, collect_losses=True)


def slice_of(structure, begin, size):
    """Return some rows of the arrays of a nested structure."""
    return map_leaves(lambda leaf: leaf[begin : begin + size], structure)


def fixed_batch_size(model):
    """Return the number of rows that a model with stateful layers takes, or None."""
    if not any(getattr(layer, "stateful", False) for layer in model.layers):
        return None
    sizes = [each.shape[0] for each in getattr(model, "inputs", None) or []]
    return next((size for size in sizes if size is not None), None)


def tensors(structure):
    """Return a nested structure of arrays as tensors of the backend."""
    return map_leaves(ops.convert_to_tensor, structure)


class _Rate(keras.optimizers.schedules.LearningRateSchedule):
    """The rate of an optimizer, to be scaled and its course shortened."""

    def __init__(self, optimizer):
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        config = optimizer.get_config()
        if "learning_rate" not in config:
            raise TypeError(f"{type(optimizer).__name__} has no one learning rate")
        rate = config["learning_rate"]
        if isinstance(rate, dict):
            rate = keras.optimizers.schedules.deserialize(rate)
        self.base = rate if callable(rate) else (lambda step: float(rate))
        self.scale = keras.Variable(1.0, trainable=False, name="scale")
        self.stretch = keras.Variable(1.0, trainable=False, name="stretch")

    def __call__(self, step):
        step = ops.cast(step, "float32") * self.stretch
        return self.base(step) * ops.convert_to_tensor(self.scale)


def rate_of(optimizer, step):
    """Return the learning rate of an optimizer at a step."""
    return float(_numpy(_Rate(optimizer).base(step)))


def with_rate(optimizer, rate):
    """Return an optimizer with the same settings and another rate or schedule."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    config = optimizer.get_config() | {"learning_rate": rate}
    return type(optimizer).from_config(config)


def _twin(optimizer, rate):
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    config = optimizer.get_config() | {"learning_rate": rate}
    # A trial takes plain steps: each counts, and no average is kept.
    config |= {"gradient_accumulation_steps": None, "use_ema": False}
    return type(optimizer).from_config(config)


def _momenta(model):
    """Return the momentum of batch norm's statistics by the path of the variable."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable in layer.non_trainable_variables:
                found[variable.path] = layer.momentum
        elif hasattr(layer, "layers"):
            found |= _momenta(layer)
    return found


def _shadow(variable, trainable=True):
    shadow = keras.Variable(
        _numpy(variable),
        trainable=trainable,
        dtype=variable.dtype,
        name=variable.name.replace("/", "_"),
    )
    if trainable:
        shadow.constraint = variable.constraint
    return shadow


def _numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def _loop(copy, batch):
    """Return `run(order, data) -> losses` in the words of the backend."""
    return {"tensorflow": _in_tensorflow, "jax": _in_jax, "torch": _in_torch}[
        keras.config.backend()
    ](copy, batch)


def _in_tensorflow(copy, batch):
    import tensorflow as tf

    size = fixed_batch_size(copy.model)

    arrays = leaves(batch)
    signature = [
        tf.TensorSpec([None, size], "int32"),
        [tf.TensorSpec([None, *leaf.shape[1:]], leaf.dtype) for leaf in arrays],
    ]

    @tf.function(autograph=False, input_signature=signature)
    def run(order, data):
        def body(index, losses):
            chosen = iter([tf.gather(leaf, order[index]) for leaf in data])
            loss = copy.step(map_leaves(lambda _: next(chosen), batch))
            return index + 1, losses.write(index, loss)

        count = tf.shape(order)[0]
        losses = tf.TensorArray("float32", count)
        _, losses = tf.while_loop(
            lambda index, _: index < count, body, (0, losses), parallel_iterations=1
        )
        return losses.stack()

    return lambda order, data: run(tf.constant(order), leaves(data))


def _in_jax(copy, batch):
    import jax

    variables = [*copy.shadows, copy.rate.scale, copy.rate.stretch]

    @jax.jit
    def step(values, chosen):
        with keras.StatelessScope(list(zip(variables, values, strict=True))) as scope:
            loss = copy.step(chosen)
        return loss, [scope.get_current_value(v) for v in variables]

    def run(order, data):
        losses, values = [], [v.value for v in variables]
        for rows in order:
            loss, values = step(values, map_leaves(lambda leaf: leaf[rows], data))  # noqa: B023
            losses.append(loss)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return [float(loss) for loss in losses]

    return run


def _in_torch(copy, batch):
    def run(order, data):
        return [
            float(_numpy(copy.step(map_leaves(lambda leaf: leaf[list(rows)], data))))  # noqa: B023
            for rows in order
        ]

    return run
