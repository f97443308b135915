"""Training a copy is what `fit` does, and the model does not notice."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_tricks.doctor.measuring.training import Copy, rate_of, tensors, with_rate

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype("float32")
Y = RNG.normal(size=(12, 2)).astype("float32")
W = RNG.uniform(0.5, 2, 12).astype("float32")
DATA = X, Y, None
# Rows of each step: some twice, not in their order.
ORDER = np.array([[0, 1, 2, 3], [11, 4, 7, 7], [8, 9, 10, 2], [5, 6, 0, 1]])
SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)


def stack(*rest):
    return keras.Sequential([keras.Input((3,)), *rest])


def plain():
    return stack(layers.Dense(2))


def normed():
    norm = layers.BatchNormalization(momentum=0.8)
    # A bias before a norm has no gradient but rounding, which Adam makes large.
    return stack(layers.Dense(4, use_bias=False), norm, layers.Dense(2))


def program(build, optimizer, loss="mse"):
    model = build()
    # Eagerly: a few steps do not pay for a graph.
    model.compile(optimizer, loss, run_eagerly=True)
    return model


def copy_of(model, data=DATA):
    return Copy(model, model.optimizer, data)


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def assert_same(found, expected, **tolerance):
    for mine, theirs in zip(values(found), values(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, **tolerance)


PROGRAMS = {
    "gradient descent": (plain, lambda: keras.optimizers.SGD(0.1), "mse", None),
    "momentum and sample weights": (
        plain,
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        "mse",
        W,
    ),
    "adam on batch norm": (normed, lambda: keras.optimizers.Adam(0.01), "mae", None),
    "schedule": (plain, lambda: keras.optimizers.SGD(SCHEDULE), "mse", None),
    "decay and clipping": (
        plain,
        lambda: keras.optimizers.AdamW(0.1, weight_decay=0.5, clipnorm=0.3),
        "mse",
        None,
    ),
    "penalty and a loss of one's own": (
        lambda: stack(layers.Dense(2, kernel_regularizer="l2")),
        lambda: keras.optimizers.RMSprop(0.1),
        lambda y, output: ops.mean(abs(y - output) ** 3),
        W,
    ),
    "constraint and added loss": (
        lambda: stack(
            layers.Dense(2, kernel_constraint="unit_norm", activity_regularizer="l2")
        ),
        lambda: keras.optimizers.SGD(0.1),
        "mse",
        None,
    ),
}
QUICK = (
    "momentum and sample weights",
    "adam on batch norm",
    "constraint and added loss",
)
ALL = [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in PROGRAMS]


@pytest.mark.parametrize("name", ALL)
def test_losses_and_weights_are_those_of_training_the_model(name):
    build, optimizer, loss, weight = PROGRAMS[name]
    model = program(build, optimizer(), loss)
    copy = copy_of(model, (X, Y, weight))
    losses = copy.run(tensors((X, Y, weight)), ORDER)
    for step, rows in enumerate(ORDER):
        weights = None if weight is None else weight[rows]
        known = model.train_on_batch(X[rows], Y[rows], weights)
        model.reset_metrics()
        assert losses[step] == pytest.approx(float(known), rel=1e-5)
    same = {"rtol": 1e-4, "atol": 1e-6}
    assert_same(copy.weights, model.trainable_variables, **same)
    assert_same(copy.state, model.non_trainable_variables, **same)
    assert_same(copy.predict(X), [model(X, training=False)], **same)


@pytest.mark.slow
def test_weights_are_those_of_fit():
    model = program(plain, keras.optimizers.Adam(0.05))
    copy = copy_of(model)
    copy.run(tensors(DATA), np.tile(np.arange(12).reshape(3, 4), (2, 1)))
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    assert_same(copy.weights, model.trainable_variables, rtol=1e-4, atol=1e-6)


class Doubled(keras.Model):
    """Two inputs by name, two outputs, a loss of its own."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(2), layers.Dense(1)

    def call(self, x):
        both = ops.concatenate([x["a"], x["b"]], axis=-1)
        return [self.first(both), self.second(both)]

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        first, second = (ops.mean((t - o) ** 2) for t, o in zip(y, y_pred, strict=True))
        return first + 2 * second


@pytest.mark.slow
def test_several_inputs_and_outputs_and_a_loss_of_ones_own():
    model = Doubled()
    x, y = {"b": X[:, :1], "a": X}, [Y, Y[:, :1]]
    model({name: part[:1] for name, part in x.items()})
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    copy = copy_of(model, (x, y, None))
    losses = copy.run(tensors((x, y, None)), ORDER)
    for step, rows in enumerate(ORDER):
        batch = {n: part[rows] for n, part in x.items()}, [part[rows] for part in y]
        known = model.train_on_batch(*batch)
        model.reset_metrics()
        assert losses[step] == pytest.approx(float(known), rel=1e-5)
    assert_same(copy.weights, model.trainable_variables, rtol=1e-4, atol=1e-6)
    assert_same(copy.predict(x, size=5), model(x), rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def slope():
    """A copy whose gradient is 1 whatever the weights, on a schedule."""

    class Bias(layers.Layer):
        def build(self, shape):
            self.bias = self.add_weight(shape=(), initializer="zeros")

        def call(self, x):
            return x + self.bias

    model = program(
        lambda: stack(Bias()),
        keras.optimizers.SGD(SCHEDULE),
        lambda y, output: ops.mean(output),
    )
    return copy_of(model, (X, X, None))


@pytest.mark.parametrize(("scale", "stretch"), [(1, 1), (0.5, 1), (1, 3), (-2, 2.5)])
def test_rate_is_scaled_and_its_course_shortened(slope, scale, stretch):
    slope.begin()
    slope.run(tensors((X, X, None)), ORDER, scale, stretch)
    taken = scale * sum(0.1 * 0.5 ** (step * stretch / 2) for step in range(4))
    assert float(values(slope.weights)[0]) == pytest.approx(-taken, rel=1e-5)


def test_begin_goes_back_to_the_first_values_or_to_others():
    model = program(normed, keras.optimizers.Adam(0.1))
    copy, data = copy_of(model), tensors(DATA)
    first, state = values(copy.weights), values(copy.state)
    losses = copy.run(data, ORDER)
    assert not np.array_equal(values(copy.weights)[0], first[0])
    copy.begin()
    assert_same(copy.weights, first, rtol=0)
    assert_same(copy.state, state, rtol=0)
    np.testing.assert_array_equal(copy.run(data, ORDER), losses)
    copy.begin([np.zeros_like(value) for value in first])
    assert_same(copy.state, state, rtol=0)
    error = (Y[ORDER[0]] ** 2).mean()
    assert copy.run(data, ORDER[:1])[0] == pytest.approx(error, rel=1e-5)


def test_losses_are_those_at_inference_and_in_training():
    model = program(lambda: stack(layers.BatchNormalization(), layers.Dense(2)), "sgd")
    plain_loss, train_loss = copy_of(model).losses(tensors(DATA))
    kernel, bias = values(model.layers[1].variables)
    normal = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3)
    for loss, x in ((plain_loss, X / np.sqrt(1 + 1e-3)), (train_loss, normal)):
        assert loss == pytest.approx(((x @ kernel + bias - Y) ** 2).mean(), rel=1e-4)


def test_model_optimizer_and_generators_are_untouched():
    model = program(
        lambda: stack(
            layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(2)
        ),
        keras.optimizers.Adam(0.1),
    )
    model.train_on_batch(X, Y)
    before = values([*model.variables, *model.optimizer.variables])
    metrics, random = values(model.metrics_variables), np.random.get_state()[1].copy()
    copy = copy_of(model)
    copy.run(tensors(DATA), ORDER)
    copy.losses(tensors(DATA))
    copy.predict(X)
    after = values([*model.variables, *model.optimizer.variables])
    assert_same(after, before, rtol=0)
    assert_same(model.metrics_variables, metrics, rtol=0)
    np.testing.assert_array_equal(np.random.get_state()[1], random)
    # The dropout of the copy has gone on.
    assert any((a != b).any() for a, b in zip(values(copy.state), copy.first[4:]))  # noqa: B905


def test_optimizer_that_is_not_built_stays_so():
    model = program(plain, keras.optimizers.Adam(0.1))
    copy_of(model).run(tensors(DATA), ORDER[:1])
    assert not model.optimizer.built
    assert int(model.optimizer.iterations) == 0


def test_rate_is_read_from_numbers_and_schedules():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(SCHEDULE))
    assert rate_of(keras.optimizers.SGD(0.3), 7) == pytest.approx(0.3)
    assert rate_of(scaled, 4) == pytest.approx(0.1 * 0.5**2)


def test_with_rate_changes_nothing_else():
    given = keras.optimizers.SGD(0.3, momentum=0.9, clipnorm=2.0)
    changed = with_rate(given, 0.7)
    assert float(given.learning_rate) == pytest.approx(0.3)
    settings = given.get_config() | {"learning_rate": pytest.approx(0.7)}
    assert changed.get_config() == settings
    assert rate_of(with_rate(given, SCHEDULE), 2) == pytest.approx(0.05)


def test_optimizer_without_a_rate_is_refused():
    class Own:
        def get_config(self):
            return {}

    with pytest.raises(TypeError, match="Own has no one learning rate"):
        rate_of(Own(), 0)
