"""Signal, loss and gradient of a model at its weights as they are."""

import dataclasses
import math
import warnings

import keras
import numpy as np
from keras import ops

from keras_tricks._untouched import kept_random_state, without_regularizers
from keras_tricks.doctor.measuring import calls as _calls
from keras_tricks.doctor.measuring.chance import chance_loss, order_losses
from keras_tricks.doctor.measuring.data import leaves, map_leaves
from keras_tricks.doctor.measuring.gradients import compiled, value_and_gradients
from keras_tricks.doctor.measuring.graph import read_graph
from keras_tricks.doctor.measuring.signal import signal_of

ROWS = 256
# Multiplications of one forward pass: about half a second on one core.
MULTIPLICATIONS = 4e9
# Two runs may add in another order.
ROUNDING = 1e-5


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Gradient of the loss for one trainable variable: its path, norm, weight norm."""

    path: str
    norm: float
    weight_norm: float
    variable: object


@dataclasses.dataclass(frozen=True)
class Start:
    """What one batch shows before training.

    Batch normalization is given the statistics of the batch, as in training; layers
    that drop values drop none, but for `train_loss` and `gradients`.

    Attributes:
        rows: Number of rows used.
        layers: List of `Signal` of the layers with weights or an activation.
        gradients: List of `Gradient`, one per trainable variable.
        output: List of NumPy arrays, one per output.
        loss: Loss of the data, without penalties.
        train_loss: The same in training mode, penalties included.
        penalty: What regularizers add to the loss.
        chance: Loss of the best constant output, or `None`.
        doubled: Loss of the batch taken twice over that of the batch.
        output_gradients: Norm of the gradient with respect to each output, of the
            loss alone; `None` if the loss cannot be differentiated.
        order: Losses of the targets as output and of shuffled ones, or `None`.
        mixed: Largest change of the first row's output when the other rows are
            replaced, over the largest output; `None` for outputs that are random.
    """

    rows: int
    layers: list
    gradients: list
    output: list
    loss: float
    train_loss: float
    penalty: float
    chance: float | None
    doubled: float | None
    output_gradients: list | None
    order: list | None
    mixed: float | None

    def signal(self, name):
        """Return the `Signal` of a layer, or `None`."""
        return next((s for s in self.layers if s.name == name), None)


def measure_start(model, batch, graph=None):
    """Run a model forwards and backwards once, without a trace in it.

    Args:
        model: A compiled and built model; read only.
        batch: `(x, y, sample_weight)`, nested structures of NumPy arrays or None.
        graph: The model's `Graph`, if it is at hand.
    """
    graph = graph or read_graph(model)
    rows = _rows(graph, len(leaves(batch[0])[0]))
    batch = [map_leaves(lambda a: _tensor(a[:rows]), part) for part in batch]
    with kept_random_state(), warnings.catch_warnings():
        # What Keras warns of is among the findings.
        warnings.simplefilter("ignore")
        return _measure(model, batch, graph, rows)


def _measure(model, batch, graph, rows):
    x, y, sample_weight = batch

    def loss_of(points, targets=y, weights=sample_weight):
        return model.compute_loss(x, targets, points, weights)

    _open(model, batch)
    penalty = _penalty(model)
    train_loss, output, gradients, statistics = _train(model, batch)
    output, signals = _forward(model, x, graph, output, statistics)
    # Copies: TensorFlow's outputs carry their logits, which the loss would take.
    plain = map_leaves(ops.copy, output)
    with without_regularizers(model.trainable_variables):
        return Start(
            rows=rows,
            layers=signals,
            gradients=gradients,
            output=[_numpy(leaf) for leaf in leaves(output)],
            loss=_loss(loss_of, output),
            train_loss=train_loss,
            penalty=penalty,
            chance=_quiet(lambda: chance_loss(loss_of, plain, y)),
            doubled=_quiet(lambda: _doubled(loss_of, plain, y, sample_weight)),
            output_gradients=_quiet(lambda: _output_gradients(loss_of, plain)),
            order=_quiet(lambda: order_losses(loss_of, plain, y)),
            mixed=_mixed(model, x, output, statistics),
        )


def _open(model, batch):
    """Let the loss make its trackers, which must not happen while differentiating."""
    x, y, sample_weight = (map_leaves(lambda a: a[:2], part) for part in batch)
    if getattr(model, "inputs", None) and model.inputs[0].shape[0] is not None:
        x, y, sample_weight = batch
    scope = keras.StatelessScope(collect_losses=True)
    with without_regularizers(model.trainable_variables), scope:
        model.compute_loss(x, y, model(x, training=False), sample_weight)


def _penalty(model):
    with keras.StatelessScope([(v, ops.copy(v)) for v in model.trainable_variables]):
        return sum(_float(ops.sum(loss)) for loss in model.losses)


def _rows(graph, rows):
    """Return how many rows the machine has time for."""
    rows = min(rows, ROWS)
    if graph is None:
        return rows
    cost = 0
    for call in graph.calls:
        kernel = getattr(call.operation, "kernel", None)
        if kernel is None:
            continue
        places = [size or 32 for size in call.output_shapes[0][1:-1]]
        cost += math.prod(kernel.shape) * math.prod(places)
    return max(min(rows, 4), min(rows, int(MULTIPLICATIONS / max(cost, 1))))


def _train(model, batch):
    """Return loss, output, gradients and the statistics of the batch."""
    x, y, sample_weight = batch
    trainable, others = model.trainable_variables, model.non_trainable_variables

    def loss_of(weights):
        mapping = list(zip(trainable + others, weights + before, strict=True))
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            output = model(x, training=True)
            loss = model.compute_loss(x, y, output, sample_weight)
        return loss, (output, [scope.get_current_value(v) for v in others])

    weights, before = ([ops.copy(v) for v in side] for side in (trainable, others))
    loss, (output, state), slopes = _differentiated(loss_of, weights)
    gradients = [
        Gradient(variable.path, _norm(slope), _norm(weight), variable)
        for variable, weight, slope in zip(trainable, weights, slopes, strict=True)
    ]
    return _float(loss), output, gradients, _statistics(model, others, state)


def _differentiated(loss_of, weights):
    def run(weights):
        return value_and_gradients(loss_of, weights)

    # JAX compiles single operations too, and those one by one take longer.
    return (compiled(run) if keras.config.backend() == "jax" else run)(weights)


def _statistics(model, variables, values):
    """Return what batch normalizations would have measured on the whole of the batch.

    At the start the moving averages are 0 and 1, with which a deep network explodes.
    A step moves them by `1 - momentum` of the way, so the way can be told.
    """
    momenta = {}
    for layer in _layers(model):
        if isinstance(layer, keras.layers.BatchNormalization) and layer.momentum < 1:
            for variable in layer.non_trainable_variables:
                momenta[id(variable)] = layer.momentum
    found = []
    for variable, value in zip(variables, values, strict=True):
        momentum = momenta.get(id(variable))
        if momentum is not None:
            before = ops.convert_to_tensor(variable)
            value = before + (value - before) / (1 - momentum)
            if variable.name == "moving_variance":
                value = ops.maximum(value, 0)
            found.append((variable, value))
    return found


def _layers(layer):
    for inner in getattr(layer, "layers", []):
        yield inner
        yield from _layers(inner)


def _forward(model, x, graph, output, statistics):
    """Return the output at inference, nested as in training, and the signals."""
    with keras.StatelessScope(statistics):
        if graph is None:
            return model(x, training=False), []
        values = _calls.compute(model, x)
    flat = [values[key] for key in graph.outputs]
    signals = [
        signal_of(layer, _numpy(values[layer.output]), _numpy(values[layer.activated]))
        for layer in graph.layers
        if layer.rate is None
    ]
    return keras.tree.pack_sequence_as(output, flat), signals


def _mixed(model, x, output, statistics):
    """Return how far the first row's output moves when all rows become the first."""
    first = map_leaves(lambda a: ops.repeat(a[:1], len(a), axis=0), x)
    moved = _moved(model, first, output, statistics)
    if moved is None or moved < ROUNDING:
        return moved
    # Layers that draw at inference too move it without another row.
    return None if _moved(model, x, output, statistics) > moved / 10 else moved


def _moved(model, x, output, statistics):
    with keras.StatelessScope(statistics):
        other = model(x, training=False)
    moves = []
    for leaf, moved in zip(leaves(output), leaves(other), strict=True):
        leaf, moved = _numpy(leaf), _numpy(moved)
        if leaf.shape != moved.shape or not np.isfinite(leaf).all():
            return None
        moves.append(abs(moved[:1] - leaf[:1]).max() / (abs(leaf).max() or 1.0))
    return float(max(moves))


def _doubled(loss_of, output, y, sample_weight):
    twice = [
        map_leaves(lambda a: ops.concatenate([a, a]), part)
        for part in (output, y, sample_weight)
    ]
    return _loss(loss_of, *twice) / _loss(loss_of, output)


def _output_gradients(loss_of, output):
    def loss_at(points):
        return loss_of(keras.tree.pack_sequence_as(output, points)), ()

    _, _, slopes = value_and_gradients(loss_at, leaves(output))
    return [_norm(slope) for slope in slopes]


def _loss(loss_of, *arguments):
    try:
        with keras.StatelessScope():
            return _float(loss_of(*arguments))
    except ValueError:  # all losses come from `add_loss`
        return math.nan


def _quiet(measure):
    """Return what a measure gives, or `None` where the loss does not take the trial."""
    try:
        with keras.StatelessScope():
            found = measure()
    except Exception:  # a loss of the user's own may fail in any way
        return None
    return found if isinstance(found, list) or math.isfinite(found or 0) else None


def _tensor(array):
    if array.dtype.kind == "f":
        return ops.convert_to_tensor(array, keras.config.floatx())
    return ops.convert_to_tensor(array)


def _norm(tensor):
    return float(np.sqrt((_numpy(tensor).astype("float64") ** 2).sum()))


def _float(tensor):
    return float(ops.convert_to_numpy(tensor))


def _numpy(tensor):
    array = ops.convert_to_numpy(tensor)
    return array if array.dtype.kind in "biuf" else array.astype("float32")
