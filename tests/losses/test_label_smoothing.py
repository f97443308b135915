import functools
import json

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

import keras_tricks as kt

# Variables of Keras 3.15.1 and tensors of torch 2.13 make NumPy 2 warn so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)

LabelSmoothing = kt.losses.LabelSmoothing
Sparse = keras.losses.SparseCategoricalCrossentropy
Categorical = keras.losses.CategoricalCrossentropy
Binary = keras.losses.BinaryCrossentropy

# Values of torch 2.13 CrossEntropyLoss with label_smoothing=0.1.
GOLDEN_LOGITS = np.array(
    [
        [0.3772, -0.3963, 1.9213, 0.3147, -1.607],
        [1.0848, 3.912, 2.8412, -2.1112, -3.7963],
        [-1.8698, 0.124, -6.9751, -0.6564, -3.7377],
        [-2.1968, -1.6328, -0.9489, 1.2349, 3.1275],
        [-0.3856, 4.0994, -1.9956, 1.0545, 2.7104],
        [0.282, -2.2305, -2.7652, -1.3732, 0.6606],
        [-3.0289, -0.6275, -0.4777, 1.6225, 0.644],
        [1.0661, -1.9615, -0.3888, 2.3519, 4.4803],
    ],
    "float32",
)
GOLDEN_IDS = np.array([3, 2, 1, 1, 3, 2, 2, 1])
GOLDEN_WEIGHT = [0.5, 1.0, 2.0, 0.25, 1.5]
GOLDEN_PER_SAMPLE = [
    2.0589113073798484,
    1.6561932218021131,
    0.7548134252864949,
    4.7717736234026,
    3.311063606287338,
    3.9016028622445074,
    2.568035181034306,
    6.284147496241732,
]
GOLDEN_WEIGHTED = [
    0.68006297143535,
    2.9073865375330255,
    0.9061689924129273,
    4.772501781519614,
    1.1198709500748216,
    7.601682022575787,
    4.896309309870352,
    6.31620878372294,
]
GOLDEN_WEIGHTED_MEAN = 3.0737043525415597


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def draw(*shape, seed=0):
    """Logits of `shape`, class ids, a row of distinct weights."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, shape).astype("float32")
    return logits, random.integers(0, shape[-1], shape[:-1])


def log_softmax(logits):
    logits = logits.astype("float64")
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def cross_entropy(labels, logits, smoothing, weight=1.0):
    """Per-sample `sum(w * q * -log(p))` of dense labels, in float64."""
    target = labels * (1 - smoothing) + smoothing / logits.shape[-1]
    return -(weight * target * log_softmax(logits)).sum(-1)


def softmax(logits):
    return np.exp(log_softmax(logits)).astype("float32")


def gradient(loss, labels, logits):
    """The gradient by the logits, read off one step of SGD with rate 1."""
    samples, classes = logits.shape
    model = keras.Sequential([keras.Input((samples,)), keras.layers.Dense(classes)])
    model.layers[0].kernel.assign(logits)
    model.layers[0].bias.trainable = False
    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=False)
    model.train_on_batch(np.eye(samples, dtype="float32"), labels)
    return logits - to_numpy(model.layers[0].kernel)


def test_per_sample_values_are_those_of_torch():
    loss = LabelSmoothing(Sparse(from_logits=True, reduction="none"), 0.1)
    values = to_numpy(loss(GOLDEN_IDS, GOLDEN_LOGITS))
    assert_allclose(values, GOLDEN_PER_SAMPLE, rtol=1e-6)


def test_mean_is_that_of_torch():
    loss = LabelSmoothing(Sparse(from_logits=True), 0.1)
    value = float(loss(GOLDEN_IDS, GOLDEN_LOGITS))
    assert value == pytest.approx(np.mean(GOLDEN_PER_SAMPLE), rel=1e-6)


def test_weighted_per_sample_values_are_those_of_torch():
    wrapped = Sparse(from_logits=True, reduction="none")
    loss = LabelSmoothing(wrapped, 0.1, class_weight=GOLDEN_WEIGHT)
    values = to_numpy(loss(GOLDEN_IDS, GOLDEN_LOGITS))
    assert_allclose(values, GOLDEN_WEIGHTED, rtol=1e-6)


def test_weighted_mean_is_that_of_torch():
    wrapped = Sparse(from_logits=True)
    loss = LabelSmoothing(wrapped, 0.1, class_weight=GOLDEN_WEIGHT)
    value = float(loss(GOLDEN_IDS, GOLDEN_LOGITS))
    assert value == pytest.approx(GOLDEN_WEIGHTED_MEAN, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_formula_from_logits(smoothing):
    logits, ids = draw(7, 4)
    loss = LabelSmoothing(Categorical(from_logits=True, reduction=None), smoothing)
    expected = cross_entropy(np.eye(4)[ids], logits, smoothing)
    assert_allclose(to_numpy(loss(ids, logits)), expected, rtol=1e-5)


def test_formula_from_probabilities():
    logits, ids = draw(7, 4)
    loss = LabelSmoothing(Categorical(reduction=None), 0.2)
    expected = cross_entropy(np.eye(4)[ids], logits, 0.2)
    assert_allclose(to_numpy(loss(ids, softmax(logits))), expected, rtol=1e-4)


def test_formula_around_a_function():
    predictions, ids = draw(6, 3)

    def squared(y_true, y_pred):
        return keras.ops.sum(keras.ops.square(y_true - y_pred), axis=-1)

    target = np.eye(3)[ids] * 0.7 + 0.1
    expected = np.square(target - predictions).sum(-1).mean()
    value = float(LabelSmoothing(squared, 0.3)(ids, predictions))
    assert value == pytest.approx(expected, rel=1e-5)


def test_dense_labels_as_in_keras_categorical_crossentropy():
    logits, ids = draw(7, 4)
    labels = np.eye(4, dtype="float32")[ids]
    value = float(LabelSmoothing(Categorical(from_logits=True), 0.1)(labels, logits))
    keras_loss = Categorical(from_logits=True, label_smoothing=0.1)
    assert value == pytest.approx(float(keras_loss(labels, logits)), rel=1e-6)


@pytest.mark.parametrize("shape", [(9,), (9, 1)])
def test_single_output_as_in_keras_binary_crossentropy(shape):
    logits, _ = draw(9, 1)
    labels = (np.arange(9) % 3 == 0).astype("float32").reshape(shape)
    value = float(LabelSmoothing(Binary(from_logits=True), 0.2)(labels, logits))
    keras_loss = Binary(from_logits=True, label_smoothing=0.2)
    assert value == pytest.approx(float(keras_loss(labels, logits)), rel=1e-6)


def test_multi_label_with_two_choices_as_in_keras_binary_crossentropy():
    logits, _ = draw(6, 3)
    labels = (draw(6, 3, seed=1)[0] > 0).astype("float32")
    loss = LabelSmoothing(Binary(from_logits=True), 0.2, num_classes=2)
    keras_loss = Binary(from_logits=True, label_smoothing=0.2)
    expected = float(keras_loss(labels, logits))
    assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-6)


def test_binary_crossentropy_of_class_ids_shares_among_all_outputs():
    logits, ids = draw(6, 3)
    target = np.eye(3)[ids] * 0.7 + 0.3 / 3
    logits64 = logits.astype("float64")
    expected = np.mean(np.logaddexp(0, logits64) - target * logits64)
    value = float(LabelSmoothing(Binary(from_logits=True), 0.3)(ids, logits))
    assert value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "wrapped",
    [
        "categorical_crossentropy",
        "binary_crossentropy",
        kt.losses.MixedBinaryCrossentropy(),
        keras.losses.CategoricalFocalCrossentropy(from_logits=True),
        keras.losses.MeanSquaredError(),
        keras.losses.KLDivergence(),
    ],
)
def test_zero_smoothing_is_the_wrapped_loss(wrapped):
    logits, ids = draw(7, 4)
    labels, probabilities = np.eye(4, dtype="float32")[ids], softmax(logits)
    expected = to_numpy(keras.losses.get(wrapped)(labels, probabilities)).mean()
    value = float(LabelSmoothing(wrapped, 0.0)(labels, probabilities))
    assert value == pytest.approx(float(expected), rel=1e-6)


def test_zero_smoothing_is_sparse_crossentropy():
    logits, ids = draw(7, 4)
    wrapped = Sparse(from_logits=True)
    value = float(LabelSmoothing(wrapped, 0.0)(ids, logits))
    assert value == pytest.approx(float(wrapped(ids, logits)), rel=1e-6)


@pytest.mark.parametrize("weight", [None, [0.5, 2.0, 1.0, 3.0]])
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 5, 4)])
def test_class_ids_equal_one_hot(shape, weight):
    logits, ids = draw(*shape)
    loss = LabelSmoothing(Sparse(from_logits=True), 0.1, class_weight=weight)
    expected = float(loss(np.eye(4, dtype="float32")[ids], logits))
    for labels in (ids, ids[..., None], ids.astype("uint8"), ids.astype("float32")):
        assert float(loss(labels, logits)) == pytest.approx(expected, rel=1e-6)


def test_segmentation_keeps_one_value_per_pixel():
    logits, ids = draw(2, 3, 5, 4)
    loss = LabelSmoothing(Sparse(from_logits=True, reduction="none"), 0.1)
    expected = cross_entropy(np.eye(4)[ids], logits, 0.1)  # (2, 3, 5)
    assert_allclose(to_numpy(loss(ids, logits)), expected, rtol=1e-5)


@pytest.mark.parametrize("weight", [None, [0.5, 2.0, 1.0]])
def test_mixed_labels_are_mixed_losses(weight):
    logits, first = draw(6, 3)
    second = (first + 1) % 3
    wrapped = Sparse(from_logits=True, reduction="none")
    loss = LabelSmoothing(wrapped, 0.1, class_weight=weight)
    mixed = 0.3 * np.eye(3)[first] + 0.7 * np.eye(3)[second]
    parts = to_numpy(loss(first, logits)), to_numpy(loss(second, logits))
    expected = 0.3 * parts[0] + 0.7 * parts[1]
    assert_allclose(to_numpy(loss(mixed, logits)), expected, rtol=1e-5)


def test_weighted_mean_of_mixed_labels_divides_by_their_weights():
    logits, ids = draw(6, 3)
    weight = np.array([0.5, 2.0, 1.0])
    mixed = 0.3 * np.eye(3)[ids] + 0.7 * np.eye(3)[(ids + 1) % 3]
    loss = LabelSmoothing(Categorical(from_logits=True), 0.1, class_weight=weight)
    expected = cross_entropy(mixed, logits, 0.1, weight).sum() / (weight * mixed).sum()
    assert float(loss(mixed, logits)) == pytest.approx(expected, rel=1e-5)


def test_equal_class_weights_change_no_mean():
    logits, ids = draw(6, 3)
    plain = LabelSmoothing(Sparse(from_logits=True), 0.1)
    weighted = LabelSmoothing(Sparse(from_logits=True), 0.1, class_weight=[4, 4, 4])
    expected = float(plain(ids, logits))
    assert float(weighted(ids, logits)) == pytest.approx(expected, rel=1e-6)


def test_weighted_gradient_is_the_analytic_one():
    logits, ids = draw(6, 3)
    weight = np.array([0.5, 2.0, 1.0])
    target = weight * (np.eye(3)[ids] * 0.8 + 0.2 / 3)
    sums = target.sum(-1, keepdims=True)
    expected = (sums * softmax(logits) - target) / weight[ids].sum()
    loss = LabelSmoothing(Sparse(from_logits=True), 0.2, class_weight=weight)
    assert_allclose(gradient(loss, ids, logits), expected, atol=1e-6)


def test_ignored_class_is_left_out():
    logits, ids = draw(8, 3)
    ids[[1, 4]] = 255
    kept = ids != 255
    loss = LabelSmoothing(Sparse(from_logits=True, ignore_class=255), 0.1)
    expected = cross_entropy(np.eye(3)[ids[kept]], logits[kept], 0.1).mean()
    assert float(loss(ids, logits)) == pytest.approx(expected, rel=1e-5)


def test_ignored_class_has_no_gradient():
    logits, ids = draw(5, 3)
    ids[2] = -1
    loss = LabelSmoothing(Sparse(from_logits=True, ignore_class=-1), 0.1)
    found = gradient(loss, ids, logits)
    target = np.eye(3)[ids] * 0.9 + 0.1 / 3
    expected = (softmax(logits) - target) / 4
    expected[2] = 0
    assert_allclose(found, expected, atol=1e-6)


def test_ignored_class_that_is_an_output():
    logits, ids = draw(8, 3)
    ids[:3] = [0, 1, 2]
    kept, weight = ids != 0, np.array([5.0, 2.0, 1.0])
    wrapped = Sparse(from_logits=True, ignore_class=0)
    loss = LabelSmoothing(wrapped, 0.1, class_weight=weight)
    values = cross_entropy(np.eye(3)[ids], logits, 0.1, weight)[kept]
    expected = values.sum() / weight[ids[kept]].sum()
    assert float(loss(ids, logits)) == pytest.approx(expected, rel=1e-5)


def test_all_ignored_is_zero():
    logits, ids = draw(4, 3)
    loss = LabelSmoothing(Sparse(from_logits=True, ignore_class=7), 0.1)
    assert float(loss(np.full_like(ids, 7), logits)) == 0.0


MEANS = ["sum_over_batch_size", "mean"]


@pytest.mark.parametrize("reduction", [*MEANS, "mean_with_sample_weight", "sum"])
@pytest.mark.parametrize("class_weight", [None, [0.5, 2.0, 1.0]])
@pytest.mark.parametrize("ignore_class", [None, 7])
def test_reduction_with_sample_weights(reduction, class_weight, ignore_class):
    logits, ids = draw(6, 3)
    counts = np.ones(6)
    if ignore_class is not None:
        counts[1] = 0
    sample_weight = np.array([1.0, 2.0, 0.5, 0.0, 3.0, 1.0])
    weight = np.ones(3) if class_weight is None else np.array(class_weight)
    values = counts * cross_entropy(np.eye(3)[ids], logits, 0.1, weight)
    label_weight = counts * weight[ids]
    divisor = {
        "sum": 1.0,
        "mean_with_sample_weight": (sample_weight * label_weight).sum(),
    }.get(reduction, label_weight.sum())
    wrapped = Sparse(True, reduction=reduction, ignore_class=ignore_class)
    loss = LabelSmoothing(wrapped, 0.1, class_weight=class_weight)
    labels = np.where(counts == 1, ids, 7)
    expected = (sample_weight * values).sum() / divisor
    value = float(loss(labels, logits, sample_weight))
    assert value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("reduction", [None, "none"])
def test_no_reduction_gives_raw_values(reduction):
    logits, ids = draw(6, 3)
    weight = np.array([0.5, 2.0, 1.0])
    wrapped = Sparse(True, reduction=reduction)
    loss = LabelSmoothing(wrapped, 0.1, class_weight=weight)
    expected = cross_entropy(np.eye(3)[ids], logits, 0.1, weight)
    assert_allclose(to_numpy(loss(ids, logits)), expected, rtol=1e-5)


def test_mask_of_predictions_leaves_positions_out():
    logits, ids = draw(2, 4, 3)
    logits[0, 1:] = 0.0
    masked = keras.layers.Masking()(logits)
    kept, weight = np.any(logits != 0, -1), np.array([0.5, 2.0, 1.0])
    loss = LabelSmoothing(Sparse(from_logits=True), 0.1, class_weight=weight)
    values = cross_entropy(np.eye(3)[ids], logits, 0.1, weight)[kept]
    expected = values.sum() / weight[ids[kept]].sum()
    assert float(loss(ids, masked)) == pytest.approx(expected, rel=1e-5)


def test_dtype_is_the_wrapped_one():
    logits, ids = draw(6, 3)
    wrapped = Sparse(from_logits=True, dtype="float16")
    loss = LabelSmoothing(wrapped, 0.1)
    assert loss.dtype == "float16"
    assert loss(ids, logits).dtype == wrapped(ids, logits).dtype
    expected = cross_entropy(np.eye(3)[ids], logits, 0.1).mean()
    assert float(loss(ids, logits)) == pytest.approx(expected, rel=1e-2)


def test_half_precision_predictions_are_computed_in_float32():
    ids = np.array([2999, 0])
    logits = np.zeros((2, 3000), "float16")
    value = LabelSmoothing(Sparse(from_logits=True), 0.1)(ids, logits)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == pytest.approx(np.log(3000), rel=1e-5)


@pytest.mark.parametrize("class_id", [-1, 3, 0.5])
def test_unknown_class_id_gives_nan(class_id):
    logits, _ = draw(2, 3)
    loss = LabelSmoothing(Sparse(from_logits=True, reduction="none"), 0.1)
    values = to_numpy(loss(np.array([0, class_id]), logits))
    assert np.isnan(values).tolist() == [False, True]


@pytest.mark.parametrize(
    "loss",
    [
        LabelSmoothing(Sparse(from_logits=True), 0.1),
        LabelSmoothing(Sparse(from_logits=True), 0.1, class_weight=[1.0, 0.0, 2.0]),
        LabelSmoothing(Sparse(from_logits=True, ignore_class=1), 0.1),
        LabelSmoothing(Binary(from_logits=True), 0.1),
    ],
)
def test_extreme_logits_keep_loss_and_gradient_finite(loss):
    logits = np.array([[1e3, -1e3, 0], [-1e3, 1e3, 1e3], [0, 0, -1e3]], "float32")
    ids = np.array([1, 0, 2])
    assert np.isfinite(float(loss(ids, logits)))
    assert np.all(np.isfinite(gradient(loss, ids, logits)))


def test_class_weight_zero_removes_a_class():
    logits = np.array([[0.0, 1.0], [2.0, 0.0]], "float32")
    loss = LabelSmoothing(Sparse(from_logits=True), 0.0, class_weight=[1.0, 0.0])
    expected = cross_entropy(np.eye(2)[[0]], logits[:1], 0.0)[0]
    assert float(loss(np.array([0, 1]), logits)) == pytest.approx(expected, rel=1e-6)
    assert_allclose(gradient(loss, np.array([0, 1]), logits)[1], 0.0)


def test_batch_of_weight_zero_has_loss_zero():
    logits = np.array([[0.0, 1.0], [2.0, 0.0]], "float32")
    loss = LabelSmoothing(Sparse(from_logits=True), 0.1, class_weight=[1.0, 0.0])
    assert float(loss(np.array([1, 1]), logits)) == 0.0
    assert_allclose(gradient(loss, np.array([1, 1]), logits), 0.0)


def build_classifier(dtype="float32"):
    head = keras.layers.Dense(3, activation="softmax", dtype=dtype)
    return keras.Sequential([keras.Input((4,)), head])


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_fit_on_class_ids_lowers_the_loss(dtype):
    keras.utils.set_random_seed(0)
    images, ids = draw(12, 4)[0], np.arange(12) % 3
    model = build_classifier(dtype)
    loss = LabelSmoothing("sparse_categorical_crossentropy", 0.1)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    losses = model.fit(images, ids, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_compiled_model_survives_saving(tmp_path):
    images, ids = draw(5, 4)[0], np.array([0, 1, 2, 2, 9])
    model = build_classifier()
    wrapped = Sparse(ignore_class=9, reduction="sum")
    loss = LabelSmoothing(wrapped, 0.3, class_weight=np.array([1.0, 2.0, 0.5]))
    model.compile(keras.optimizers.SGD(), loss)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = model.evaluate(images, ids, verbose=0)
    assert loaded.evaluate(images, ids, verbose=0) == pytest.approx(expected)
    assert loaded.loss.get_config()["class_weight"] == [1.0, 2.0, 0.5]


@pytest.mark.parametrize(
    "wrapped",
    [
        "categorical_crossentropy",
        keras.losses.categorical_crossentropy,
        Sparse(from_logits=True, ignore_class=1, reduction="sum"),
        keras.losses.serialize(Categorical(from_logits=True)),
    ],
)
def test_config_holds_every_argument(wrapped):
    weight = [1.0, 2.0, 3.0]
    loss = LabelSmoothing(wrapped, 0.2, num_classes=3, class_weight=weight, name="mine")
    config = loss.get_config()
    assert config == {
        "loss": wrapped,
        "smoothing": 0.2,
        "num_classes": 3,
        "class_weight": weight,
        "name": "mine",
    }
    stored = json.dumps(keras.saving.serialize_keras_object(loss))
    again = keras.saving.deserialize_keras_object(json.loads(stored))
    ids, probabilities = np.array([0, 2]), softmax(draw(2, 3)[0])
    for copy in (again, LabelSmoothing.from_config(config)):
        assert copy.name == "mine"
        assert float(copy(ids, probabilities)) == float(loss(ids, probabilities))


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 1.5])
def test_smoothing_out_of_range(smoothing):
    with pytest.raises(ValueError, match="`smoothing` must be at least 0 and below 1"):
        LabelSmoothing("categorical_crossentropy", smoothing)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": None}, "`loss` must be a Keras loss, its name or config"),
        ({"loss": Categorical}, "`loss` must be a Keras loss, its name or config"),
        ({"smoothing": "0.1"}, "`smoothing` must be a number"),
        ({"num_classes": 3.0}, "`num_classes` must be an integer"),
        ({"class_weight": {0: 1.0, 1: 2.0}}, "`class_weight` must be a list"),
        ({"class_weight": 2.0}, "`class_weight` must be a list"),
        ({"class_weight": ["a", "b"]}, "`class_weight` must be a number"),
    ],
)
def test_argument_of_the_wrong_kind(arguments, message):
    with pytest.raises(TypeError, match=message):
        LabelSmoothing(**{"loss": "categorical_crossentropy", **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "no_such_loss"}, "no_such_loss"),
        ({"loss": Categorical(label_smoothing=0.1)}, "applied twice"),
        ({"loss": Binary(label_smoothing=0.1)}, "applied twice"),
        ({"loss": keras.losses.BinaryFocalCrossentropy(label_smoothing=0.1)}, "twice"),
        (
            {"loss": keras.losses.CategoricalFocalCrossentropy(label_smoothing=0.1)},
            "applied twice",
        ),
        (
            {"loss": keras.losses.serialize(Categorical(label_smoothing=0.1))},
            "applied twice",
        ),
        (
            {
                "loss": functools.partial(
                    keras.losses.categorical_crossentropy, label_smoothing=0.1
                )
            },
            "applied twice",
        ),
        ({"loss": LabelSmoothing("mse")}, "applied twice"),
        ({"loss": LabelSmoothing("mse", smoothing=0.0)}, "applied twice"),
        ({"loss": kt.losses.MixedBinaryCrossentropy(smoothing=0.1)}, "applied twice"),
        ({"loss": Categorical(axis=1)}, "classes on the last axis. Received: axis=1"),
        ({"loss": Sparse(axis=1)}, "classes on the last axis. Received: axis=1"),
        (
            {
                "loss": functools.partial(
                    keras.losses.sparse_categorical_crossentropy, axis=1
                )
            },
            "classes on the last axis. Received: axis=1",
        ),
        ({"num_classes": 1}, "`num_classes` must be at least 2"),
        ({"class_weight": [1.0, -0.5]}, "`class_weight` must be at least 0"),
        ({"class_weight": [1.0, np.nan]}, "`class_weight` must be at least 0"),
        (
            {"loss": "binary_crossentropy", "class_weight": [1.0, 2.0]},
            "`class_weight` needs a categorical cross-entropy",
        ),
    ],
)
def test_argument_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        LabelSmoothing(**{"loss": "categorical_crossentropy", **arguments})


@pytest.mark.parametrize(
    ("labels", "predictions"),
    [
        ((4,), (5, 3)),
        ((5, 2), (5, 3)),
        ((5, 1), (5, 4, 3)),
        ((5,), (5,)),
        ((5, 3), (5,)),
    ],
)
def test_labels_that_do_not_fit(labels, predictions):
    loss = LabelSmoothing("categorical_crossentropy")
    received = f"y_true.shape={labels}, y_pred.shape={predictions}"
    with pytest.raises(ValueError, match="Labels must be class ids") as error:
        loss(np.zeros(labels), np.ones(predictions))
    assert received in str(error.value)


@pytest.mark.parametrize(("weights", "outputs"), [(2, 3), (4, 3), (0, 3), (1, 1)])
def test_class_weight_of_the_wrong_length(weights, outputs):
    loss = LabelSmoothing("categorical_crossentropy", class_weight=[1.0] * weights)
    with pytest.raises(ValueError, match="one weight per output, 2 or more"):
        loss(np.ones((5, outputs)), np.ones((5, outputs)))


def test_num_classes_that_categorical_outputs_contradict():
    loss = LabelSmoothing("categorical_crossentropy", num_classes=2)
    with pytest.raises(ValueError, match="`num_classes` must be the number of outputs"):
        loss(np.ones((5, 3)), np.ones((5, 3)))


def test_ignored_class_needs_class_ids():
    loss = LabelSmoothing(Sparse(ignore_class=0))
    with pytest.raises(ValueError, match="`ignore_class` of the wrapped loss needs"):
        loss(np.eye(3), np.ones((3, 3)))


@pytest.mark.reference
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(9, 4), (2, 3, 5, 4)])
@pytest.mark.parametrize("ignore", [None, 2, -1])
def test_cross_entropy_of_torch(reduction, shape, ignore):
    torch = pytest.importorskip("torch")
    for seed in range(5):
        logits, ids = draw(*shape, seed=seed)
        random = np.random.default_rng(seed)
        weight = random.uniform(0, 3, 4).astype("float32")
        smoothing = float(random.uniform(0, 0.9))
        if ignore is not None:
            ids[random.uniform(size=ids.shape) < 0.3] = ignore
        wrapped = Sparse(from_logits=True, reduction=reduction, ignore_class=ignore)
        for used in (None, weight):
            expected = torch.nn.functional.cross_entropy(
                torch.from_numpy(np.moveaxis(logits, -1, 1).copy()),
                torch.from_numpy(ids),
                weight=None if used is None else torch.from_numpy(used),
                ignore_index=-100 if ignore is None else ignore,
                label_smoothing=smoothing,
                reduction=reduction,
            ).numpy()
            loss = LabelSmoothing(wrapped, smoothing, class_weight=used)
            assert_allclose(to_numpy(loss(ids, logits)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.reference
def test_binary_cross_entropy_of_timm(timm):
    torch = pytest.importorskip("torch")
    logits, ids = draw(7, 5)
    timm_loss = timm.loss.BinaryCrossEntropy(smoothing=0.1)
    expected = float(timm_loss(torch.from_numpy(logits), torch.from_numpy(ids)))
    value = float(LabelSmoothing(Binary(from_logits=True), 0.1)(ids, logits))
    assert value == pytest.approx(expected, rel=1e-6)
