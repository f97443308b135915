import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_tricks as kt
from keras_tricks.doctor.watching.watch import Snapshot, Watch


def test_losses_of_steps_are_taken_out_of_the_running_mean():
    x = np.arange(10, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    doctor = kt.callbacks.Doctor(verbose=0)
    model.fit(x, 0 * x, 2, 2, shuffle=False, callbacks=[doctor], verbose=0)
    expected = (x.reshape(5, 2) ** 2).mean(1)
    losses = doctor.diagnosis.instruments["curves"]["training loss"]
    np.testing.assert_allclose(losses, np.tile(expected, 2), rtol=1e-5)


@pytest.mark.slow
def test_smaller_last_batch_of_an_epoch_counts_as_the_one_before():
    x = np.arange(45, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    doctor = kt.callbacks.Doctor(verbose=0)
    model.fit(x, 0 * x, 4, shuffle=False, callbacks=[doctor], verbose=0)
    expected = (x[:44].reshape(11, 4) ** 2).mean(1)
    losses = doctor.watch.step_losses
    np.testing.assert_allclose(losses[:11], expected, rtol=1e-5)
    assert losses[11] == losses[10]


@pytest.mark.slow
def test_looks_hold_what_numpy_says_of_the_same_step():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3)).astype("float32")
    y = rng.normal(size=(64, 1)).astype("float32")
    hidden = layers.Dense(4, "relu", kernel_regularizer=keras.regularizers.L2(0.1))
    model = keras.Sequential([keras.Input((3,)), hidden, layers.Dense(1)])
    kernel, bias = (np.array(v) for v in hidden.variables)
    bias[1] = -100  # this unit is dead
    hidden.bias.assign(bias)
    head, offset = (np.array(v) for v in model.layers[1].variables)
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    looks = kt.callbacks.Doctor(x=x, y=y, verbose=0)
    model.fit(x, y, batch_size=64, callbacks=[looks], verbose=0)
    first = looks.watch.snapshots[0]

    units = np.maximum(x @ kernel + bias, 0)
    error = units @ head + offset - y
    penalty = 0.1 * (kernel**2).sum()
    gradient = units.T @ error * 2 / 64
    assert first.step == 0
    assert first.rate == pytest.approx(0.1)
    assert first.loss == pytest.approx((error**2).mean() + penalty, rel=1e-5)
    assert first.train_loss == pytest.approx(first.loss, rel=1e-6)
    assert first.penalty == pytest.approx(penalty, rel=1e-5)
    assert first.dead == {hidden.name: 0.25}
    paths = [variable.path for variable in model.trainable_variables]
    assert list(first.gradients) == list(first.weights) == paths
    norm = np.linalg.norm(gradient)
    assert first.gradients[paths[2]] == pytest.approx(norm, rel=1e-4)
    assert first.weights[paths[0]] == pytest.approx(np.linalg.norm(kernel), rel=1e-5)
    ratio = 0.1 * norm / np.linalg.norm(head)
    assert first.updates[paths[2]] == pytest.approx(ratio, rel=1e-4)
    assert first.classes is None


def test_batch_norm_is_compared_with_the_statistics_of_the_batch():
    x = np.random.default_rng(0).normal(3, 2, (64, 1)).astype("float32")
    norm = layers.BatchNormalization(momentum=0.9, epsilon=0.0)
    model = keras.Sequential([keras.Input((1,)), norm, layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    looks = kt.callbacks.Doctor(x=x, y=x, verbose=0)
    model.fit(x, x, batch_size=64, callbacks=[looks], verbose=0)
    shift, factor = looks.watch.snapshots[0].batch_norm[norm.name]
    assert shift == pytest.approx(x.mean() / x.std(), rel=1e-3)
    assert factor == pytest.approx(x.var(), rel=1e-3)
    # After one step, a tenth of the way.
    shift, _ = looks.watch.snapshots[-1].batch_norm[norm.name]
    assert shift == pytest.approx(0.9 * x.mean() / x.std(), rel=1e-3)


def test_saturated_units_predicted_classes_and_spread():
    x = np.array([[-9.0], [9.0], [9.0], [0.0]], "float32")
    hidden = layers.Dense(1, "tanh", kernel_initializer="ones")
    head = layers.Dense(2, "softmax", kernel_initializer=lambda s, dtype: [[-1.0, 1]])
    model = keras.Sequential([keras.Input((1,)), hidden, head])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    looks = kt.callbacks.Doctor(x=x, y=np.array([0, 1, 1, 1]), verbose=0)
    model.fit(x, np.array([0, 1, 1, 1]), callbacks=[looks], verbose=0)
    first = looks.watch.snapshots[0]
    assert first.saturated == {hidden.name: 0.75}
    assert first.dead == {}
    assert first.classes.tolist() == [2, 2]  # the first of equals is taken
    assert 0 < first.spread <= 1
    assert looks.watch.chance == pytest.approx(
        -0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    )


def test_straight_way_and_no_way():
    x = np.ones((4, 1), "float32")
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.1), lambda y, p: ops.mean(p), run_eagerly=True)
    looks = kt.callbacks.Doctor(x=x, y=x, verbose=0)
    model.fit(x, x, batch_size=1, epochs=2, callbacks=[looks], verbose=0)
    assert [s.step for s in looks.watch.snapshots] == [0, 1, 2, 4, 8]
    ways = [s.steadiness for s in looks.watch.snapshots[1:]]
    np.testing.assert_allclose(ways, 1, rtol=1e-5)
    assert all(s.moved for s in looks.watch.snapshots)
    model.compile(keras.optimizers.SGD(0.0), "mse", run_eagerly=True)
    model.fit(x, x, callbacks=[looks], verbose=0)
    assert not looks.watch.snapshots[-1].moved


def test_numbers_of_a_watch():
    losses = np.concatenate([np.full(50, 2.0), np.full(50, 1.0)])
    watch = Watch(step_losses=losses, logs={"loss": [2.0, 1.0]}, epochs=8)
    assert (watch.first, watch.last, watch.fallen) == (2.0, 1.0, 0.5)
    assert watch.share == 1
    assert Watch(logs={"loss": [1.0]}, epochs=4, finished=False).share == 0.25
    assert Watch().first is None
    assert Watch(logs={"loss": [-1.0, -2.0]}).fallen is None
    means, errors = watch.curve
    assert len(means) == len(errors) == 20
    lost = Watch(logs={"loss": [3.0, np.nan, 1.0]})
    assert lost.losses.tolist() == [3.0]
    updates = {"a/kernel": 0.1, "b/kernel": 0.3, "b/bias": 9.0}
    snapshots = [Snapshot(step, rate=0.5, updates=updates) for step in (0, 1)]
    assert Watch(snapshots=snapshots).update == pytest.approx(0.2)
    assert Watch(snapshots=snapshots).fastest == 0.3
    assert Watch(snapshots=snapshots).rate == 0.5
