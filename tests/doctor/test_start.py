import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_tricks.doctor.measuring.chance import chance_loss
from keras_tricks.doctor.measuring.start import measure_start

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype("float32")


def program(*stack, loss="mse", inputs=3):
    model = keras.Sequential([keras.Input((inputs,)), *stack])
    model.compile("sgd", loss)
    return model


def start_of(model, x=X, y=X[:, :1], weight=None):
    return measure_start(model, (x, y, weight))


def test_loss_and_gradient_are_those_of_numpy():
    model = program(layers.Dense(1))
    kernel, bias = model.get_weights()
    error = X @ kernel + bias - X[:, :1]
    start = start_of(model)
    assert start.loss == pytest.approx((error**2).mean(), rel=1e-5)
    assert start.train_loss == pytest.approx(start.loss)
    slopes = [X.T @ (2 * error) / 60, 2 * error.mean()]
    for gradient, slope in zip(start.gradients, slopes, strict=True):
        assert gradient.norm == pytest.approx(np.linalg.norm(slope), rel=1e-4)
    assert start.gradients[0].weight_norm == pytest.approx(np.linalg.norm(kernel))
    assert start.output_gradients[0] == pytest.approx(
        np.linalg.norm(2 * error / 60), rel=1e-4
    )
    np.testing.assert_allclose(start.output[0], X @ kernel + bias, rtol=1e-5)


def test_signal_of_a_layer_is_that_of_numpy():
    model = program(layers.Dense(8), layers.ReLU(), layers.Dense(1))
    kernel = model.get_weights()[0]
    kernel[:, :3] = 0
    model.layers[0].set_weights([kernel, np.zeros(8)])
    raw = X @ kernel
    value = np.maximum(raw, 0)
    signal = start_of(model).layers[0]
    assert signal.name == model.layers[0].name
    assert signal.mean == pytest.approx(value.mean(), rel=1e-5)
    assert signal.std == pytest.approx(value.std(), rel=1e-5)
    assert signal.raw_std == pytest.approx(raw.std(), rel=1e-5)
    assert signal.dead == 3 / 8
    share = value.var(axis=0).mean() / (value**2).mean()
    assert signal.same_rows == pytest.approx(share, rel=1e-4)
    assert signal.finite


@pytest.mark.parametrize(("activation", "bound"), [("tanh", 2.99), ("sigmoid", 4.59)])
def test_values_beyond_the_bend_are_saturated(activation, bound):
    model = program(layers.Dense(1, activation), layers.Dense(1), inputs=1)
    model.layers[0].set_weights([np.ones((1, 1)), np.zeros(1)])
    x = np.linspace(-9, 9, 100, dtype="float32")[:, None]
    expected = (abs(x) > bound).mean()
    assert start_of(model, x, x).layers[0].saturated == pytest.approx(
        expected, abs=0.02
    )


def test_all_rows_alike_have_no_variance():
    model = program(
        layers.Dense(4, kernel_initializer="zeros", bias_initializer="ones")
    )
    assert start_of(model, y=X[:, [0, 0, 0, 0]]).layers[0].same_rows == 0


def test_batch_normalization_gets_the_statistics_of_the_batch():
    model = program(layers.Dense(4), layers.BatchNormalization(), layers.Dense(1))
    signal = start_of(model, 100 * X + 50).layers[1]
    assert signal.mean == pytest.approx(0, abs=1e-4)
    assert signal.std == pytest.approx(1, rel=1e-3)


def test_nothing_of_the_model_is_touched():
    model = program(
        layers.Dense(4, kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.Dropout(0.5),
        layers.Dense(1),
    )
    before = [np.array(v) for v in model.variables]
    random = np.random.get_state()[1].copy()
    start_of(model)
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, np.array(new))
    np.testing.assert_array_equal(random, np.random.get_state()[1])


def test_penalty_is_apart_from_the_loss():
    model = program(layers.Dense(1, kernel_regularizer=keras.regularizers.L2(10.0)))
    kernel, bias = model.get_weights()
    start = start_of(model)
    error = X @ kernel + bias - X[:, :1]
    assert start.penalty == pytest.approx(10 * (kernel**2).sum(), rel=1e-5)
    assert start.loss == pytest.approx((error**2).mean(), rel=1e-5)
    assert start.train_loss == pytest.approx(start.loss + start.penalty, rel=1e-5)


@pytest.mark.parametrize(
    ("reduction", "doubled"), [("sum", 2), ("sum_over_batch_size", 1)]
)
def test_sum_doubles_with_the_batch(reduction, doubled):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    start = start_of(program(layers.Dense(1), loss=loss))
    assert start.doubled == pytest.approx(doubled, rel=1e-5)


def test_rows_that_meet_are_told():
    apart = program(layers.Dense(3), layers.Softmax())
    mixed = program(layers.Dense(3), layers.Softmax(axis=0))
    assert start_of(apart, y=X).mixed == 0
    assert start_of(mixed, y=X).mixed > 0.01


def test_random_outputs_are_not_taken_for_mixed_ones():
    class Noise(layers.Layer):
        def call(self, x):
            return x + np.random.normal(size=3).astype("float32")

    assert start_of(program(layers.Dense(3), Noise()), y=X).mixed is None


def test_right_sign_is_lower_at_the_targets():
    right, wrong = start_of(program(layers.Dense(1))).order
    assert right == pytest.approx(0)
    assert wrong > 0.1
    flipped = program(layers.Dense(1), loss=lambda t, o: -ops.mean((t - o) ** 2))
    right, wrong = start_of(flipped).order
    assert right > wrong


def test_several_inputs_by_name_and_outputs():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    both = layers.Concatenate()([a, b])
    outputs = [layers.Dense(2, name="p")(both), layers.Dense(1, name="q")(both)]
    model = keras.Model({"b": b, "a": a}, outputs)
    model.compile("sgd", ["mse", "mae"])
    x = {"a": X, "b": X[:, :2]}
    start = start_of(model, x, [X[:, :2], X[:, 2]])
    assert [output.shape for output in start.output] == [(60, 2), (60, 1)]
    for mine, theirs in zip(start.output, model(x), strict=True):
        np.testing.assert_allclose(mine, np.array(theirs), rtol=1e-5)
    deviation = abs(X[:, 2] - np.median(X[:, 2])).mean()
    assert start.chance == pytest.approx(
        X[:, :2].var(axis=0).mean() + deviation, rel=1e-4
    )


def test_subclassed_models_give_outputs_and_gradients():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(X)
    model.compile("sgd", "mse")
    start = start_of(model)
    assert start.layers == []
    assert len(start.gradients) == 2
    assert start.output[0].shape == (60, 1)


def chance(loss, y, shape):
    output = ops.zeros(shape)
    return chance_loss(lambda o: ops.mean(loss(y, o)), output, y)


def test_chance_of_squares_is_the_variance_and_of_errors_that_of_the_median():
    y = RNG.exponential(size=(50, 2)).astype("float32")
    squared = chance(keras.losses.mean_squared_error, y, (50, 2))
    assert squared == pytest.approx(y.var(axis=0).mean(), rel=1e-4)
    absolute = chance(keras.losses.mean_absolute_error, y, (50, 2))
    assert absolute == pytest.approx(abs(y - np.median(y, axis=0)).mean(), rel=1e-4)


@pytest.mark.parametrize("from_logits", [False, True])
def test_chance_of_classes_is_their_entropy(from_logits):
    y = np.array([0] * 30 + [1] * 15 + [2] * 5)
    share = np.array([0.6, 0.3, 0.1])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits)
    entropy = -(share * np.log(share)).sum()
    assert chance(loss, y, (50, 3)) == pytest.approx(entropy, rel=1e-4)
    binary = keras.losses.BinaryCrossentropy(from_logits)
    y = (y == 2).astype("float32")[:, None]
    entropy = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    assert chance(binary, y, (50, 1)) == pytest.approx(entropy, rel=1e-4)


def test_chance_is_unknown_where_targets_do_not_fit():
    assert chance(keras.losses.mean_squared_error, X, (60, 2)) is None
