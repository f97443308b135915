import types

import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

RNG = np.random.default_rng(0)
X = RNG.random((12, 5)).astype("float32")
Y = RNG.random((12, 2)).astype("float32")
COMPILES = keras.backend.backend() != "torch"  # torch.compile takes minutes


def sam(*arguments, **options):
    return kt.callbacks.SharpnessAwareMinimization(*arguments, **options)


def linear(optimizer=None, **arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    model.compile(optimizer or keras.optimizers.SGD(0.1), "mse", **arguments)
    return model


def network(optimizer=None, **arguments):
    """Return a model with all that a second pass could disturb."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((5,))
    x = keras.layers.Dense(
        4, activation="tanh", kernel_regularizer="l2", activity_regularizer="l2"
    )(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.3)(x)
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    optimizer = optimizer or keras.optimizers.Adam(0.05)
    model.compile(optimizer, "mse", metrics=["mae"], **arguments)
    return model


def fit(model, *callbacks, epochs=1, batch_size=4):
    return model.fit(
        X,
        Y,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[*callbacks],
    ).history


def weights(model):
    return [ops.convert_to_numpy(w).copy() for w in model.weights]


def assert_same(model, other, tolerance=0):
    for mine, theirs in zip(weights(model), weights(other), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance)


def gradients(parameters, x, y, rho=0.0):
    """Return the gradients of the linear model, at the worst point nearby."""
    residual = 2 * (x @ parameters[0] + parameters[1] - y) / y.size
    result = [x.T @ residual, residual.sum(0)]
    if not rho:
        return result
    norm = np.sqrt(sum((g**2).sum() for g in result))
    return gradients(
        [w + rho * g / norm for w, g in zip(parameters, result, strict=True)], x, y
    )


@pytest.mark.parametrize("interval", [1, 2])
def test_a_step_is_that_of_the_paper(interval):
    model = linear()
    expected = weights(model)
    fit(model, sam(0.3, interval))
    for step in range(3):
        batch = slice(4 * step, 4 * step + 4)
        radius = 0.3 if step % interval == 0 else 0.0
        change = gradients(expected, X[batch], Y[batch], radius)
        expected = [w - 0.1 * g for w, g in zip(expected, change, strict=True)]
    for mine, theirs in zip(weights(model), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_gradient_accumulation_averages_over_neighbourhoods():
    model = linear(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    expected = weights(model)
    # Steps 0 and 2 have a second pass, of both their batches.
    fit(model, sam(0.3, interval=2), batch_size=2)
    for step in range(3):
        radius = 0.3 if step % 2 == 0 else 0.0
        parts = [slice(start, start + 2) for start in (4 * step, 4 * step + 2)]
        both = [gradients(expected, X[part], Y[part], radius) for part in parts]
        expected = [
            w - 0.1 * (g + h) / 2 for w, g, h in zip(expected, *both, strict=True)
        ]
    for mine, theirs in zip(weights(model), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


@pytest.mark.slow
def test_radius_zero_is_plain_training():
    model = network()
    history = fit(model, sam(0.0), epochs=2)
    plain = network()
    assert history == fit(plain, epochs=2)
    assert_same(model, plain)


def test_loss_metrics_and_statistics_are_those_of_the_weights():
    # With a rate of zero, all batches are seen by the first weights.
    model = network(keras.optimizers.SGD(0.0))
    history = fit(model, sam(2.0))
    plain = network(keras.optimizers.SGD(0.0))
    assert history == fit(plain)
    assert_same(model, plain)


@pytest.mark.slow
@pytest.mark.skipif(not COMPILES, reason="torch.compile takes minutes")
def test_it_is_compiled_with_the_step():
    plain = linear()
    fit(plain, sam(0.3, interval=2))
    model = linear(jit_compile=True, steps_per_execution=2)
    fit(model, sam(0.3, interval=2))
    assert_same(model, plain, 1e-6)


@pytest.mark.slow
def test_the_loss_scale_of_mixed_precision_changes_nothing():
    keras.config.set_dtype_policy("mixed_float16")
    model, plain = linear(), linear()
    fit(plain)
    fit(model, sam(0.0))
    assert_same(model, plain)
    fit(model, sam(0.3))
    change = np.abs(weights(model)[0] - weights(plain)[0]).max()
    assert 1e-3 < change < 1


@pytest.mark.slow
def test_it_goes_with_other_callbacks_of_the_step_in_any_order():
    tf = pytest.importorskip("tensorflow")
    images = RNG.random((8, 6, 5, 3)).astype("float32")
    labels = np.eye(3, dtype="float32")[RNG.integers(0, 3, 8)]
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
    results = []
    for order in (1, -1):
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [keras.Input((6, 5, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
        )
        model.compile(keras.optimizers.SGD(0.01), "mse")
        mixing = kt.callbacks.AugmentOnDevice(kt.layers.MixUp(alpha=1.0, seed=3))
        model.fit(data, shuffle=False, verbose=0, callbacks=[mixing, sam(0.5)][::order])
        assert not {"train_step", "make_train_function"} & set(vars(model))
        results.append(model)
    assert_same(*results, 1e-6)


def test_an_interrupted_fit_leaves_nothing_behind():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model, plain = linear(keras.optimizers.SGD(0.0)), linear()
    callback = sam(0.5)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callback, Interrupt())
    model.optimizer.learning_rate.assign(0.1)
    fit(model)
    fit(plain)
    assert_same(model, plain)
    fit(model, callback)
    assert not {"train_step", "make_train_function"} & set(vars(model))
    assert not {"apply", "stateless_apply"} & set(vars(model.optimizer))


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match="`rho` must be at least 0"):
        sam(-0.1)
    with pytest.raises(TypeError, match="`rho` must be a number"):
        sam("0.1")
    with pytest.raises(ValueError, match="`interval` must be at least 1"):
        sam(interval=0)
    with pytest.raises(ValueError, match="takes one SharpnessAwareMinimization"):
        fit(linear(), sam(), sam())
    model = linear()
    model.train_step = lambda *arguments: ({}, *arguments[:-1])[: len(arguments)]
    with pytest.raises(ValueError, match="calls the optimizer once"):
        fit(model, sam())


def test_a_model_without_weights_is_refused():
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    callback = sam()
    callback.set_model(model)
    with pytest.raises(ValueError, match="needs a model that is built"):
        callback.on_train_begin()


def test_replicas_are_refused(monkeypatch):
    model, callback = linear(), sam()
    strategy = types.SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(type(model), "distribute_strategy", strategy, raising=False)
    callback.set_model(model)
    with pytest.raises(ValueError, match="with 2 replicas"):
        callback.on_train_begin()


@pytest.mark.reference
def test_equals_optax():
    jax = pytest.importorskip("jax")
    optax = pytest.importorskip("optax")
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    parameters = weights(model)
    fit(model, sam(0.2), epochs=4)

    def loss(parameters, x, y):
        a, b, c, d = parameters
        return ((jax.numpy.tanh(x @ a + b) @ c + d - y) ** 2).mean()

    ascent = optax.chain(optax.contrib.normalize(), optax.sgd(0.2))
    optimizer = optax.contrib.sam(optax.sgd(0.1, momentum=0.9), ascent)
    state = optimizer.init(parameters)
    for step in range(12):
        batch = slice(4 * (step % 3), 4 * (step % 3) + 4)
        for _ in range(2):
            change = jax.grad(loss)(parameters, X[batch], Y[batch])
            updates, state = optimizer.update(change, state, parameters)
            parameters = optax.apply_updates(parameters, updates)
    for mine, theirs in zip(weights(model), parameters, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
