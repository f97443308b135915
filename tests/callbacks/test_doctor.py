import random
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_tricks as kt

RNG = np.random.default_rng(0)
IMAGES = RNG.random((8, 6, 5, 3), dtype="float32")
LABELS = np.arange(8) % 4
CROSS_ENTROPY = "sparse_categorical_crossentropy"


def network():
    return keras.Sequential(
        [
            keras.Input((6, 5, 3)),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(4, "softmax", activity_regularizer="l1"),
        ]
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.body = [layers.Flatten(), layers.Dense(5, "relu"), layers.Dropout(0.5)]
        self.head = layers.Dense(4, "softmax")

    def call(self, x):
        for layer in self.body:
            x = layer(x)
        return self.head(x)


def perceptron(activation="relu", units=1, last=None):
    hidden = layers.Dense(8, activation, name="hidden")
    return keras.Sequential([keras.Input((4,)), hidden, layers.Dense(units, last)])


def numbers(variables):
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def traces(build, callbacks, policy="float32", epochs=2, **arguments):
    """Fit from a fixed seed and return every number that it leaves behind."""
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(3)
    keras.backend.clear_session(free_memory=False)
    model = build()
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    model.compile(
        keras.optimizers.Adam(rate), CROSS_ENTROPY, metrics=["accuracy"], **arguments
    )
    history = model.fit(
        IMAGES,
        LABELS,
        batch_size=3,
        epochs=epochs,
        validation_split=0.25,
        callbacks=callbacks,
        verbose=0,
    ).history
    draws = [keras.random.uniform(()), random.random(), np.random.rand()]
    return {
        "variables": numbers(model.variables),
        "optimizer": numbers(model.optimizer.variables),
        "metrics": numbers(model.metrics_variables),
        "names": [variable.path for variable in model.variables],
        "next name": keras.layers.Dense(1).name,
        "calls": [layer for layer in model.layers if "call" in vars(layer)],
        "history": sorted(history.items()),
        "draws": [float(ops.convert_to_numpy(draw)) for draw in draws],
    }


def check_bits(build=network, policy="float32", **arguments):
    doctor = kt.callbacks.Doctor(x=IMAGES[:8], y=LABELS[:8], period=1, verbose=0)
    without = traces(build, [], policy, **arguments)
    together = traces(build, [doctor], policy, **arguments)
    assert len(doctor.diagnosis.instruments["signal"]) >= 1
    np.testing.assert_equal(together, without)


def test_fit_is_bit_for_bit_what_it_is_without_the_doctor():
    check_bits(run_eagerly=True, epochs=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        {"jit_compile": False},
        {"jit_compile": True},
        {"jit_compile": False, "steps_per_execution": 2},
        {"policy": "mixed_float16"},
        {"build": Subclassed},
    ],
    ids=["graph", "xla", "steps per execution", "mixed precision", "subclassed"],
)
def test_fit_is_bit_for_bit_the_same_compiled(arguments):
    check_bits(**arguments)


MIRRORED = """
    import sys; sys.path[:0] = {path!r}
    import keras, numpy as np, tensorflow as tf
    import keras_tricks as kt

    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    x, y = np.random.default_rng(0).random((16, 4), "float32"), np.arange(16) % 3
    weights = []
    for watched in (False, True):
        keras.utils.set_random_seed(0)
        keras.backend.clear_session()
        with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
            dense, norm = keras.layers.Dense(3), keras.layers.BatchNormalization()
            drop = keras.layers.Dropout(0.5)
            model = keras.Sequential([keras.Input((4,)), norm, drop, dense])
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile("adam", loss, jit_compile=False)
        doctor = kt.callbacks.Doctor(x=x, y=y, period=1, verbose=0)
        model.fit(x, y, 4, 2, verbose=0, callbacks=[doctor] * watched)
        weights.append([np.array(v) for v in model.variables])
    assert doctor.diagnosis.instruments["gradients"]
    np.testing.assert_equal(*weights)
"""


@pytest.mark.slow
def test_fit_is_bit_for_bit_the_same_on_two_replicas():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a strategy of TensorFlow")
    code = textwrap.dedent(MIRRORED.format(path=sys.path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


X = RNG.normal(size=(32, 4)).astype("float32")
Y = X[:, :1] * 2


def watched(model, x=X, y=Y, loss="mse", optimizer=None, batch=(X, Y), **arguments):
    """Fit and return the doctor; eager steps need no time to compile."""
    optimizer = optimizer or keras.optimizers.SGD(0.01)
    model.compile(optimizer, loss, run_eagerly=True)
    arguments = {"epochs": 2, "batch_size": 16, "verbose": 0} | arguments
    options = arguments.pop("options", {})
    doctor = kt.callbacks.Doctor(x=batch[0], y=batch[1], **{"verbose": 0} | options)
    model.fit(x, y, callbacks=[doctor], **arguments)
    return doctor


def found(doctor):
    return {finding.name: finding for finding in doctor.diagnosis.findings}


def test_healthy_training_has_no_finding_and_knows_what_it_looked_at():
    doctor = watched(perceptron(), epochs=3)
    assert doctor.diagnosis.findings == []
    assert {"lr-high", "nan-loss", "hidden-dead-relu"} <= set(doctor.diagnosis.checked)
    assert doctor.diagnosis.not_judged == []
    measured = doctor.diagnosis.instruments
    assert [row["variable"] for row in measured["updates"]] == [
        "sequential/hidden/kernel",
        "sequential/hidden/bias",
        "sequential/dense/kernel",
        "sequential/dense/bias",
    ][: len(measured["updates"])]
    assert measured["signal"][0]["layer"] == "hidden"
    assert len(measured["curves"]["training loss"]) == 6


def test_without_a_batch_it_says_what_it_did_not_judge():
    doctor = watched(perceptron(), batch=(None, None))
    names = {name for name, _ in doctor.diagnosis.not_judged}
    assert {"hidden-dead-relu", "bn-stale-stats"} <= names
    assert "nan-loss" in doctor.diagnosis.checked
    assert "gradients" not in doctor.diagnosis.instruments
    assert doctor.diagnosis.instruments["updates"]


class Log(layers.Layer):
    def call(self, x):
        return ops.log(x)


def test_nan_of_a_layer_is_traced_to_it():
    hidden, log = layers.Dense(8, "relu"), Log(name="root_of_evil")
    model = keras.Sequential([keras.Input((4,)), hidden, log, layers.Dense(1)])
    finding = found(watched(model))["nan-loss"]
    assert finding.severity == "error"
    assert finding.where == "layer root_of_evil"
    assert "input between 0 and" in finding.evidence
    assert "call" not in vars(log)


@pytest.mark.slow
def test_nan_of_a_loss_is_traced_to_it():
    def loss(y, p):
        return -ops.mean(ops.log(p - 100) * y)

    finding = found(watched(perceptron(), loss=loss))["nan-loss"]
    assert finding.where == "loss"
    assert "output between" in finding.evidence


def test_nan_of_a_gradient_is_traced_to_the_weight_nearest_to_the_loss():
    def loss(y, p):
        return ops.mean((y - p) ** 2) + ops.mean(ops.sqrt(0 * p))

    finding = found(watched(perceptron(), loss=loss))["nan-loss"]
    assert finding.where == "gradient of sequential/dense/bias"
    assert "weights after step 0" in finding.evidence


SPOILED = np.where(np.arange(128).reshape(32, 4) == 82, np.nan, X)


@pytest.mark.slow
def test_nan_in_the_fixed_batch_is_found():
    doctor = watched(perceptron("tanh"), x=SPOILED, batch=(SPOILED, Y))
    finding = found(doctor)["nan-loss"]
    assert finding.where == "input 0 of the fixed batch"
    assert "1 of 128 values" in finding.evidence


def test_nan_in_the_rest_of_the_data_is_said_to_be_elsewhere():
    finding = found(watched(perceptron("tanh"), x=SPOILED))["nan-loss"]
    assert finding.where == "loss"
    assert "the fixed batch itself is fine" in finding.evidence


def test_nan_that_a_relu_hides_from_the_loss_is_seen_in_the_weights():
    def loss(y, p):
        return ops.mean(ops.where(ops.isnan(p), 0.0, p))

    model = perceptron()
    spoil = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: model.layers[1].bias.assign([np.nan])
    )
    model.compile("sgd", loss, run_eagerly=True)
    doctor = kt.callbacks.Doctor(verbose=0)
    model.fit(X, Y, verbose=0, epochs=4, callbacks=[spoil, doctor])
    assert "weights are not finite" in found(doctor)["nan-loss"].evidence


def test_error_is_printed_at_once_and_the_diagnosis_once(capsys):
    rate = keras.optimizers.SGD(1e9)
    watched(perceptron(), optimizer=rate, epochs=3, options={"verbose": 1})
    out = capsys.readouterr().out
    assert out.count("Doctor: nan-loss") == 1
    assert "lr-high" in out


@pytest.mark.slow
def test_verbose_0_prints_nothing(capsys):
    watched(perceptron(), optimizer=keras.optimizers.SGD(1e9))
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_tensorboard_has_the_looks_over_the_steps(tmp_path):
    event_accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    watched(perceptron(), epochs=4, options={"log_dir": tmp_path, "period": 4})
    events = event_accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    tags = set(events.Tags()["tensors"]) | set(events.Tags()["scalars"])
    wanted = {"loss", "train_loss", "dead/hidden", "update/sequential/hidden/kernel"}
    assert {f"doctor/{tag}" for tag in wanted} <= tags
    steps = [e.step for e in events.Tensors("doctor/loss")]
    assert steps == [0, 1, 2, 4, 8]


def test_period_and_data_are_checked():
    with pytest.raises(ValueError, match="`period` must be at least 1"):
        kt.callbacks.Doctor(period=0)
    with pytest.raises(TypeError, match="`period` must be an integer"):
        kt.callbacks.Doctor(period=1.5)
    with pytest.raises(ValueError, match="`y` needs `x`"):
        kt.callbacks.Doctor(y=Y)
    with pytest.raises(TypeError, match="`x` must be an array"):
        kt.callbacks.Doctor(x=iter([X]))
    with pytest.raises(ValueError, match="as many rows"):
        watched(perceptron(), batch=(X, Y[:3]))


class Stubborn(layers.Layer):
    """Computes for half of the rows only."""

    def call(self, x):
        if x.shape[0] == 32:
            raise RuntimeError("16 rows or none")
        return x


@pytest.mark.slow
def test_batch_that_cannot_be_computed_costs_a_warning_not_the_training():
    model = keras.Sequential([Stubborn(), layers.Dense(1)])
    with pytest.warns(UserWarning, match="(?s)cannot look at x and y: .*16 rows"):
        doctor = watched(model)
    assert dict(doctor.diagnosis.not_judged)["bn-stale-stats"]
    assert len(doctor.diagnosis.instruments["updates"]) == 2


@pytest.mark.slow
def test_batch_with_weights_as_a_dataset_yields_it():
    batch = (X, Y, np.zeros(32, "float32"))
    doctor = watched(perceptron(), batch=(batch, None))
    assert doctor.watch.snapshots[0].loss == 0


def test_a_rule_that_fails_does_not_stop_the_training(monkeypatch):
    from keras_tricks.doctor.rules import lr_high

    def fail(watch):
        raise KeyError("a fault of the doctor's own")

    monkeypatch.setattr(lr_high, "during", fail)
    model = perceptron()
    model.compile("sgd", "mse")
    doctor = kt.callbacks.Doctor(verbose=0)
    history = model.fit(
        RNG.random((8, 4)), RNG.random((8, 1)), epochs=3, verbose=0, callbacks=[doctor]
    )
    assert len(history.history["loss"]) == 3
    assert "lr-high" in dict(doctor.diagnosis.not_judged)
    assert "lr-high" not in doctor.diagnosis.checked
