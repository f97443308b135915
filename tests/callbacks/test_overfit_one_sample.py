import random
import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_tricks as kt

IMAGE = np.random.default_rng(0).random((6, 5, 3), dtype="float32")
VECTOR = np.array([0.5, -1.0, 2.0, 0.1], "float32")
ONE_HOT = np.eye(7, dtype="float32")[3]
CROSS_ENTROPY = keras.losses.CategoricalCrossentropy(from_logits=True)


class Draws(layers.Layer):
    """Draws from the generators that belong to no model."""

    def call(self, x):
        return x * (1 + 0 * (random.random() + np.random.rand()))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(8, "relu", kernel_regularizer="l2")
        self.dropout = layers.Dropout(0.5)
        self.head = layers.Dense(7)

    def call(self, x):
        return self.head(self.dropout(self.hidden(x)))


def convolutional(dropout=0.5, activation=None):
    return keras.Sequential(
        [
            keras.Input((6, 5, 3)),
            Draws(),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(dropout),
            layers.Dense(7, activation, activity_regularizer="l1"),
        ]
    )


def dense(*activations, units=7, **arguments):
    """A perceptron whose head goes through the given activations."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(16, "relu", **arguments)])
    model.add(layers.Dense(units, **arguments))
    for activation in activations:
        model.add(layers.Activation(activation))
    return model


def two_headed():
    x = keras.Input((4,))
    hidden = layers.Dense(16, "relu")(x)
    heads = {
        "kind": layers.Dense(7, "softmax", name="kind")(hidden),
        "size": layers.Dense(2, name="size")(hidden),
    }
    return keras.Model(x, heads)


def check(model, loss, x, y, **arguments):
    """Let the callback look at a model, as `fit` does before its first step."""
    model.compile("sgd", loss)
    callback = kt.callbacks.OverfitOneSample(x, y, verbose=0, **arguments)
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def numbers(variables):
    return [ops.convert_to_numpy(variable) for variable in variables]


def traces_of_fit(build, loss, x, y, callbacks):
    """Fit from a fixed seed and return every number that it leaves behind."""
    keras.utils.set_random_seed(3)
    keras.backend.clear_session(free_memory=False)
    model = build()
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    history = model.fit(
        x, y, batch_size=3, epochs=2, callbacks=callbacks, verbose=0
    ).history
    draws = [keras.random.uniform(()), random.random(), np.random.rand()]
    return {
        "variables": numbers(model.variables),
        "optimizer": numbers(model.optimizer.variables),
        "metrics": numbers(model.metrics_variables),
        "names": [metric.name for metric in model.metrics],
        "penalized": [bool(v.regularizer) for v in model.trainable_variables],
        "history": sorted(history.items()),
        "draws": [float(ops.convert_to_numpy(draw)) for draw in draws],
    }


VECTORS = np.random.default_rng(1).normal(size=(8, 4)).astype("float32")
LABELS = np.eye(7, dtype="float32")[[0, 1, 2, 3, 4, 5, 6, 0]]
FITS = {
    "convolutional": (
        convolutional,
        CROSS_ENTROPY,
        np.random.default_rng(2).random((8, 6, 5, 3), dtype="float32"),
        LABELS,
    ),
    "subclassed and not yet built": (Subclassed, CROSS_ENTROPY, VECTORS, LABELS),
    "two outputs": (
        two_headed,
        {"kind": "categorical_crossentropy", "size": "mse"},
        VECTORS,
        {"kind": LABELS, "size": VECTORS[:, :2]},
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        "convolutional",
        *(pytest.param(n, marks=pytest.mark.slow) for n in FITS if n[0] != "c"),
    ],
)
def test_fit_is_bit_for_bit_what_it_is_without_the_callback(name):
    build, loss, x, y = FITS[name]
    callback = kt.callbacks.OverfitOneSample(x, y, steps=6, tolerance=1.0, verbose=0)
    without = traces_of_fit(build, loss, x, y, [])
    together = traces_of_fit(build, loss, x, y, [callback])
    assert len(callback.history["loss"]) >= 5
    np.testing.assert_equal(together, without)


def healthy():
    ours = kt.losses.LabelSmoothing(
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    sparse = "sparse_categorical_crossentropy"
    two = {"kind": sparse, "size": "mse"}
    both = {"kind": 3, "size": np.array([4.0, -2.0])}
    many = np.array([1.0, 0, 0, 1, 1, 0, 1])
    tokens = np.array([3, 4, 1, 7, 0, 0])
    pixels = np.uint8(255 * IMAGE)
    return {
        "dropout and batch norm": (convolutional, CROSS_ENTROPY, IMAGE, ONE_HOT),
        "uint8": (lambda: convolutional(0.0), CROSS_ENTROPY, pixels, ONE_HOT),
        "smoothed here": (dense, ours, VECTOR, 3),
        "class id": (lambda: dense("softmax"), sparse, VECTOR, 3),
        "binary": (
            lambda: dense("sigmoid", units=1),
            "binary_crossentropy",
            VECTOR,
            np.array([1.0]),
        ),
        "many labels": (lambda: dense("sigmoid"), "binary_crossentropy", VECTOR, many),
        "thousands": (lambda: dense(units=1), "mse", VECTOR, np.array([1000.0])),
        "two outputs": (two_headed, two, VECTOR, both),
        "recurrent": (recurrent, sparse, tokens, 3),
    }


def recurrent():
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.LSTM(4),
            layers.Dense(7, "softmax"),
        ]
    )


@pytest.mark.parametrize("name", healthy())
def test_healthy_model_passes(name):
    build, loss, x, y = healthy()[name]
    callback = check(build(), loss, x, y)
    losses = callback.history["loss"]
    assert callback.passed is True
    assert 5 <= len(losses) < 300
    left = sorted(losses[-5:])[1] - callback.floor
    # 0.01 of the loss of equal classes, which may be above the first loss.
    assert left <= 0.02 * (losses[0] - callback.floor)


def test_subclassed_model_that_is_not_built_passes():
    callback = check(Subclassed(), CROSS_ENTROPY, VECTOR[None], ONE_HOT[None])
    assert callback.passed


@pytest.mark.slow
def test_mixed_precision_passes():
    keras.config.set_dtype_policy("mixed_float16")
    assert check(convolutional(0.2), CROSS_ENTROPY, IMAGE, ONE_HOT).passed


class AutoEncoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.net = keras.Sequential([layers.Dense(8, "relu"), layers.Dense(4)])
        self.unused = self.add_weight()

    def call(self, x):
        return self.net(x)

    def compute_loss(self, x, y, y_pred, sample_weight, training=True):
        return ops.mean(ops.square(x - y_pred))


def test_model_with_its_own_loss_and_no_target_passes():
    assert check(AutoEncoder(), None, np.float64(VECTOR[None]), None).passed


def shut():
    """A head with positive weights and inputs, which gives nothing negative."""
    head = layers.Dense(1, use_bias=False, kernel_constraint="non_neg")
    return keras.Sequential([keras.Input((4,)), layers.ReLU(), head])


def frozen():
    model = dense("softmax")
    model.trainable = False
    return model


def sick():
    ce, logits = "categorical_crossentropy", CROSS_ENTROPY
    zeros = {"kernel_initializer": "zeros"}
    # The reshape hides the softmax from Keras, which on TensorFlow would undo it.
    hidden = layers.Reshape((7,))
    return {
        "logits that are not": (
            lambda: dense("softmax", hidden),
            logits,
            "from_logits",
        ),
        "softmax twice": (lambda: dense("softmax", "softmax"), ce, "last activation"),
        "zeros": (lambda: dense("softmax", **zeros), ce, "same output: only the last"),
        "frozen": (frozen, ce, "No weight is trainable"),
        "nan": (lambda: dense(lambda x: ops.log(-1 - x * x)), logits, "nan at step 1"),
        "relu below zero": (lambda: dense("relu", units=1), "mse", "does not depend"),
        "constraint": (shut, "mse", "300 steps of Adam at rates from 0.001 to 1"),
    }


@pytest.mark.parametrize("name", sick())
def test_sick_model_fails_and_the_warning_says_where_to_look(name):
    build, loss, advice = sick()[name]
    y = np.array([-3.0]) if loss == "mse" else ONE_HOT
    with pytest.warns(UserWarning, match=f"failed: loss .*\n.*{advice}"):
        callback = check(build(), loss, VECTOR, y)
    assert callback.passed is False


@pytest.mark.filterwarnings("ignore:OverfitOneSample failed")
@pytest.mark.slow
def test_losses_are_those_of_keras_adam_on_the_growing_rate():
    model = keras.Sequential([keras.Input((4,)), layers.Dropout(0.5), layers.Dense(7)])
    losses = check(model, CROSS_ENTROPY, VECTOR, ONE_HOT, steps=20).history["loss"]
    model.compile(keras.optimizers.Adam(), CROSS_ENTROPY, jit_compile=False)
    expected = []
    for step in range(20):
        model.optimizer.learning_rate = 1e-3 * 1000 ** ((step / 20) ** 2)
        expected.append(model.train_on_batch(VECTOR[None], ONE_HOT[None]))
    np.testing.assert_allclose(losses, expected[: len(losses)], rtol=1e-4)


def smoothed(classes):
    return 0.9 * np.eye(classes)[3] + 0.1 / classes


def entropy(target):
    return -np.sum(np.multiply(target, np.log(target)))


PROBABILITIES = "categorical_crossentropy"
SMOOTHED_BINARY = keras.losses.BinaryCrossentropy(label_smoothing=0.1)
FLOORS = {
    "classes": (("softmax",), PROBABILITIES, smoothed(500), entropy(smoothed(500))),
    "logits": ((), CROSS_ENTROPY, smoothed(7), entropy(smoothed(7))),
    "labels": (("sigmoid",), SMOOTHED_BINARY, np.eye(40)[3], entropy([0.05, 0.95])),
    "kl": (("softmax",), "kl_divergence", smoothed(7), 0.0),
    "dice": (("sigmoid",), keras.losses.Dice(axis=-1), ONE_HOT, 0.0),
    "cosine": ((), "cosine_similarity", smoothed(7), -1.0),
    "negative": (("softmax",), "mse", -smoothed(7), 0.0),
    "far": ((), "mae", 1e5 * smoothed(7), 0.0),
}


@pytest.mark.parametrize("name", FLOORS)
@pytest.mark.filterwarnings("ignore:OverfitOneSample failed")
def test_floor_is_the_lowest_loss_that_an_output_can_have(name):
    activations, loss, y, expected = FLOORS[name]
    model = dense(*activations, units=len(y))
    callback = check(model, loss, VECTOR, y, steps=1)
    np.testing.assert_allclose(callback.floor, expected, atol=2e-6)


@pytest.mark.slow
def test_penalties_change_nothing():
    histories = []
    for arguments in (
        {},
        {"kernel_regularizer": keras.regularizers.L2(10), "activity_regularizer": "l1"},
    ):
        keras.utils.set_random_seed(0)
        callback = check(dense(**arguments), CROSS_ENTROPY, VECTOR, ONE_HOT)
        assert callback.passed
        histories.append(callback.history)
    assert histories[0] == histories[1]


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("linear", CROSS_ENTROPY),
        ("softmax", "categorical_crossentropy"),
        ("linear", "mse"),
    ],
)
def test_model_that_knows_the_sample_passes_at_once(activation, loss):
    y = np.array([1000.0]) if loss == "mse" else ONE_HOT
    model = dense(activation, units=len(y))
    kernel, bias = model.layers[1].weights
    kernel.assign(1e-3 * kernel)
    bias.assign(0.999 * y if loss == "mse" else 7 * y)
    assert len(check(model, loss, VECTOR, y).history["loss"]) == 5


@pytest.mark.slow
def test_every_form_of_the_sample_gives_the_same_losses():
    x, y = np.float64([VECTOR, 9 * VECTOR]), np.array([3, 1])
    forms = [
        (VECTOR, 3),
        (VECTOR[None], np.array([3])),
        (x, y[:, None]),
        (ops.convert_to_tensor(x), ops.convert_to_tensor(y)),
        ((x, y),),
        ((VECTOR, 3),),
        ((x, y, np.array([1.0, 5.0])),),
    ]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = []
    for form in forms:
        keras.utils.set_random_seed(0)
        model = dense()
        model.compile("sgd", loss)
        callback = kt.callbacks.OverfitOneSample(*form, steps=5, tolerance=1, verbose=0)
        callback.set_model(model)
        callback.on_train_begin()
        losses.append(callback.history["loss"])
    np.testing.assert_allclose(losses, [losses[0]] * len(forms), rtol=1e-6)


def test_several_inputs_are_taken_by_name():
    shapes = {"image": (6, 5, 3), "vector": (4,)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    pooled = layers.GlobalAveragePooling2D()(inputs["image"])
    joined = layers.Concatenate()([pooled, inputs["vector"]])
    model = keras.Model(inputs, layers.Dense(7)(joined))
    x = {"vector": VECTOR, "image": IMAGE}
    assert check(model, CROSS_ENTROPY, x, ONE_HOT).passed
    batch = keras.tree.map_structure(lambda one: np.stack([one, one]), x)
    assert check(model, CROSS_ENTROPY, batch, np.stack([ONE_HOT] * 2)).passed


def test_sample_weight_weighs_the_loss():
    histories = []
    for sample in ((VECTOR, ONE_HOT), (VECTOR, ONE_HOT, np.array(3.0))):
        keras.utils.set_random_seed(0)
        callback = check(dense(), CROSS_ENTROPY, sample, None)
        histories.append(callback.history["loss"])
    np.testing.assert_allclose(histories[1][0], 3 * histories[0][0], rtol=1e-6)


@pytest.mark.slow
def test_second_fit_asks_again():
    model = frozen()
    callback = kt.callbacks.OverfitOneSample(VECTOR, ONE_HOT, verbose=0)
    assert (callback.passed, callback.history) == (None, None)
    verdicts = []
    for trainable in (False, True):
        model.trainable = trainable
        model.compile("sgd", "categorical_crossentropy", jit_compile=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(VECTORS, LABELS, callbacks=[callback], verbose=0)
        verdicts.append((callback.passed, len(callback.history["loss"]) > 1))
    assert verdicts == [(False, False), (True, True)]


def test_failure_can_stop_the_training_before_its_first_step():
    model = frozen()
    model.layers[0].trainable = False
    model.compile("sgd", "categorical_crossentropy", jit_compile=False)
    callback = kt.callbacks.OverfitOneSample(
        VECTOR, ONE_HOT, stop_on_failure=True, verbose=0
    )
    with pytest.raises(RuntimeError, match="No weight is trainable"):
        model.fit(VECTORS, LABELS, callbacks=[callback], verbose=0)
    assert callback.passed is False
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 0


def test_one_line_is_printed_unless_silenced(capsys):
    check(dense(), CROSS_ENTROPY, VECTOR, ONE_HOT)
    assert capsys.readouterr().out == ""
    callback = kt.callbacks.OverfitOneSample(VECTOR, ONE_HOT)
    callback.set_model(dense())
    callback.model.compile("sgd", CROSS_ENTROPY)
    callback.on_train_begin()
    (line,) = capsys.readouterr().out.splitlines()
    losses = callback.history["loss"]
    assert line.startswith(f"OverfitOneSample passed: loss {losses[0]:.4g} to ")
    assert f"in {len(losses)} steps" in line
    bars = line.split()[-1]
    assert (len(bars), bars[0], bars[-1]) == (20, "█", "▁")


@pytest.mark.slow
@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="tf.distribute")
def test_strategy_and_several_steps_per_execution_are_no_obstacle():
    import tensorflow as tf

    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = convolutional()
        model.compile("sgd", CROSS_ENTROPY, steps_per_execution=2, jit_compile=False)
    callback = kt.callbacks.OverfitOneSample(IMAGE, ONE_HOT, verbose=0)
    images, labels = np.stack([IMAGE] * 8), LABELS
    model.fit(images, labels, batch_size=2, callbacks=[callback], verbose=0)
    assert callback.passed


class Sequence(keras.utils.PyDataset):
    def __getitem__(self, index):
        raise AssertionError


@pytest.mark.parametrize(
    "x",
    [Sequence(), iter([(VECTOR, ONE_HOT)]), [[0.5, 1.0]], "image"],
    ids=["PyDataset", "generator", "numbers", "text"],
)
def test_anything_but_arrays_is_refused_with_the_way_out(x):
    with pytest.raises(TypeError, match=r"`x` must be .* next\(iter\(dataset\)\)"):
        kt.callbacks.OverfitOneSample(x, 3)


def test_tf_dataset_is_refused():
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensors((VECTOR, ONE_HOT))
    with pytest.raises(TypeError, match="`x` must be an array"):
        kt.callbacks.OverfitOneSample(dataset)


def test_target_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"`y` must be an array.*Received: y='cat'"):
        kt.callbacks.OverfitOneSample(VECTOR, "cat")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"steps": 0}, ValueError, "`steps` must be at least 1"),
        ({"steps": 1.5}, TypeError, "`steps` must be an integer"),
        ({"learning_rate": -1}, ValueError, "`learning_rate` must be at least 0"),
        ({"tolerance": 2}, ValueError, "`tolerance` must be between 0 and 1"),
    ],
)
def test_bad_argument_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        kt.callbacks.OverfitOneSample(VECTOR, ONE_HOT, **arguments)


@pytest.mark.parametrize(
    ("x", "y"), [(VECTOR[None], 3), (VECTOR[None], ONE_HOT), (IMAGE, ONE_HOT)]
)
def test_sample_beside_a_batch_is_refused(x, y):
    with pytest.raises(ValueError, match=r"both alike.*arrays of shapes"):
        check(dense(), CROSS_ENTROPY, x, y)


def test_model_without_a_loss_on_its_output_is_refused():
    with pytest.raises(ValueError, match=r"needs a loss .* model\.loss=None"):
        check(dense(), None, VECTOR, ONE_HOT)
