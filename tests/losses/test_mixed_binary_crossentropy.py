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

Mixed = kt.losses.MixedBinaryCrossentropy
Binary = keras.losses.BinaryCrossentropy

# Values of timm 1.0.31 BinaryCrossEntropy for the logits and ids below.
GOLDEN_SMOOTHED = 1.146098256111145  # smoothing=0.1
GOLDEN_THRESHOLD_SUM = 5.7436418533325195  # target_threshold=0.2, sum_classes=True
GOLDEN_IDS = np.array([3, 2, 1, 1, 3, 2, 2, 1])
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


def draw(*shape):
    """Logits of `shape`, class ids, labels of two classes mixed."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, shape).astype("float32")
    ids = random.integers(0, shape[-1], shape[:-1])
    weight = random.uniform(0, 1, (*shape[:-1], 1))
    one_hot = np.eye(shape[-1])
    mixed = weight * one_hot[ids] + (1 - weight) * one_hot[(ids + 1) % shape[-1]]
    return logits, ids, mixed.astype("float32")


def formula(targets, logits):
    """Losses of every output, in float64."""
    logits = logits.astype("float64")
    p = 1 / (1 + np.exp(-logits))
    return -targets * np.log(p) - (1 - targets) * np.log1p(-p)


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def gradient(loss, labels, logits):
    """The gradient by the logits, read off one step of SGD with rate 1."""
    samples, classes = logits.shape
    model = keras.Sequential([keras.Input((samples,)), keras.layers.Dense(classes)])
    model.layers[0].kernel.assign(logits)
    model.layers[0].bias.trainable = False
    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=False)
    model.train_on_batch(np.eye(samples, dtype="float32"), labels)
    return logits - to_numpy(model.layers[0].kernel)


def test_smoothed_class_ids_are_those_of_timm():
    value = float(Mixed(smoothing=0.1)(GOLDEN_IDS, GOLDEN_LOGITS))
    assert value == pytest.approx(GOLDEN_SMOOTHED, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_threshold_and_sum_are_those_of_timm_and_undo_smoothing(smoothing):
    loss = Mixed(smoothing, target_threshold=0.2, sum_classes=True)
    value = float(loss(GOLDEN_IDS, GOLDEN_LOGITS))
    assert value == pytest.approx(GOLDEN_THRESHOLD_SUM, rel=1e-6)


@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 5, 4)])
@pytest.mark.parametrize(("sum_classes", "factor"), [(False, 1), (True, 4)])
def test_formula_for_mixed_labels(shape, sum_classes, factor):
    logits, _, mixed = draw(*shape)
    loss = Mixed(0.3, sum_classes=sum_classes, reduction="none")
    expected = factor * formula(mixed, logits).mean(-1)  # 0.3 is for class ids
    assert_allclose(to_numpy(loss(mixed, logits)), expected, rtol=1e-5)


@pytest.mark.parametrize("ids_axes", ["(batch,)", "(batch, 1)"])
@pytest.mark.parametrize(("num_classes", "share"), [(None, 0.3 / 4), (2, 0.3 / 2)])
def test_formula_for_class_ids(ids_axes, num_classes, share):
    logits, ids, _ = draw(7, 4)
    targets = np.eye(4)[ids] * 0.7 + share
    loss = Mixed(0.3, num_classes=num_classes, reduction="none")
    value = loss(ids if ids_axes == "(batch,)" else ids[:, None], logits)
    assert_allclose(to_numpy(value), formula(targets, logits).mean(-1), rtol=1e-5)


def test_threshold_comes_after_mixing():
    logits = draw(2, 3)[0]
    mixed = np.array([[0.6, 0.4, 0.0], [0.9, 0.0, 0.1]], "float32")
    targets = np.array([[1.0, 1, 0], [1, 0, 0]])
    loss = Mixed(target_threshold=0.2, reduction="none")
    expected = formula(targets, logits).mean(-1)
    assert_allclose(to_numpy(loss(mixed, logits)), expected, rtol=1e-5)


def test_target_at_the_threshold_is_absent():
    logits = draw(1, 2)[0]
    loss = Mixed(target_threshold=0.25)
    expected = float(loss(np.array([[1.0, 0.0]], "float32"), logits))
    assert float(loss(np.array([[0.75, 0.25]], "float32"), logits)) == expected


def test_one_hot_labels_without_options_are_binary_crossentropy_of_keras():
    logits, ids, mixed = draw(7, 4)
    expected = float(Binary(from_logits=True)(mixed, logits))
    assert float(Mixed()(mixed, logits)) == pytest.approx(expected, rel=1e-6)
    expected = float(Binary(from_logits=True)(np.eye(4)[ids], logits))
    assert float(Mixed()(ids, logits)) == pytest.approx(expected, rel=1e-6)


def test_keras_smooths_towards_one_half():
    logits, ids, _ = draw(7, 4)
    theirs = Binary(from_logits=True, label_smoothing=0.1)(np.eye(4)[ids], logits)
    mine = float(Mixed(0.1, num_classes=2)(ids, logits))
    assert mine == pytest.approx(float(theirs), rel=1e-6)
    assert mine != pytest.approx(float(Mixed(0.1)(ids, logits)), rel=1e-3)


@pytest.mark.parametrize("shape", [(9,), (9, 1)])
def test_labels_of_a_single_output_are_dense(shape):
    logits = draw(9, 1)[0]
    labels = (np.arange(9) % 3 == 0).astype("float32")
    expected = formula(labels[:, None], logits).mean()
    value = float(Mixed(0.1)(labels.reshape(shape), logits))
    assert value == pytest.approx(expected, rel=1e-5)


def test_sample_weights_weigh_samples():
    logits, _, mixed = draw(4, 3)
    weight = np.array([1.0, 0.0, 2.0, 0.5])
    expected = (weight * formula(mixed, logits).mean(-1)).mean()
    value = float(Mixed()(mixed, logits, sample_weight=weight))
    assert value == pytest.approx(expected, rel=1e-5)


def test_extreme_logits_have_the_exact_loss_and_gradient():
    logits = np.array([[1000.0, -1000, 0], [-1000, 1000, 20]], "float32")
    targets = np.array([[0.0, 1, 0.5], [0.25, 1, 1]], "float32")
    losses = to_numpy(Mixed(sum_classes=True, reduction="none")(targets, logits))
    assert_allclose(losses, [2000 + np.log(2), 250 + 2e-9], rtol=1e-6)
    sigmoid = np.array([[1, 0, 0.5], [0, 1, 1]])
    found = gradient(Mixed(sum_classes=True), targets, logits)
    assert_allclose(found, (sigmoid - targets) / 2, atol=1e-4)  # logits of 1000


def test_gradient_at_logit_zero_is_the_analytic_one():
    targets = np.array([[1.0, 0.0, 0.3]], "float32")
    found = gradient(Mixed(sum_classes=True), targets, np.zeros((1, 3), "float32"))
    assert_allclose(found, 0.5 - targets, atol=1e-6)


def test_half_precision_predictions_are_computed_in_float32():
    logits = np.array([[20.0, -20.0]], "float16")
    value = Mixed()(np.array([0]), logits)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == pytest.approx(np.exp(-20), rel=1e-2)


@pytest.mark.parametrize("threshold", [None, 0.2])
@pytest.mark.parametrize("class_id", [-1, 3])
def test_unknown_class_id_gives_nan(class_id, threshold):
    loss = Mixed(target_threshold=threshold, reduction="none")
    values = to_numpy(loss(np.array([0, class_id]), draw(2, 3)[0]))
    assert np.isnan(values).tolist() == [False, True]


def test_compiled_model_survives_saving(tmp_path):
    images, ids, _ = draw(5, 4)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    loss = Mixed(0.1, 0.01, num_classes=3, sum_classes=True, reduction="sum")
    model.compile("sgd", loss, jit_compile=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == loss.get_config()
    json.dumps(loss.get_config())
    expected = model.evaluate(images, ids, verbose=0)
    assert loaded.evaluate(images, ids, verbose=0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"smoothing": 1.0}, ValueError, "`smoothing` must be at least 0 and below 1"),
        ({"smoothing": "0"}, TypeError, "`smoothing` must be a number"),
        ({"target_threshold": 1}, ValueError, "`target_threshold` must be at least 0"),
        ({"target_threshold": -0.1}, ValueError, "`target_threshold` must be at least"),
        ({"num_classes": 1}, ValueError, "`num_classes` must be at least 2"),
        ({"num_classes": 2.0}, TypeError, "`num_classes` must be an integer"),
    ],
)
def test_bad_argument(arguments, error, message):
    with pytest.raises(error, match=message):
        Mixed(**arguments)


@pytest.mark.parametrize("labels", [(4,), (5, 2), (5, 3, 1)])
def test_labels_that_do_not_fit(labels):
    with pytest.raises(ValueError, match="Labels must be class ids of shape"):
        Mixed()(np.zeros(labels), np.zeros((5, 3)))


@pytest.mark.reference
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("threshold", [None, 0.05, 0.2])
@pytest.mark.parametrize("sum_classes", [False, True])
def test_loss_and_gradient_of_timm(timm, smoothing, threshold, sum_classes):
    torch = pytest.importorskip("torch")
    logits, ids, mixed = draw(7, 5)
    mine = Mixed(smoothing, threshold, sum_classes=sum_classes)
    theirs = timm.loss.BinaryCrossEntropy(
        smoothing=smoothing, target_threshold=threshold, sum_classes=sum_classes
    )
    for labels in (ids, mixed):
        tensor = torch.from_numpy(logits).requires_grad_()
        expected = theirs(tensor, torch.from_numpy(labels))
        expected.backward()
        value = float(mine(labels, logits))
        assert value == pytest.approx(expected.item(), rel=1e-6)
        found = gradient(mine, labels, logits)
        assert_allclose(found, tensor.grad.numpy(), atol=2e-6)


@pytest.mark.reference
@pytest.mark.parametrize("threshold", [None, 0.2])
def test_targets_of_timm_mixup(timm, threshold):
    torch = pytest.importorskip("torch")
    logits, ids, _ = draw(6, 5)
    mixed = timm.data.mixup.mixup_target(torch.from_numpy(ids), 5, 0.7, 0.1)
    theirs = timm.loss.BinaryCrossEntropy(target_threshold=threshold)
    expected = float(theirs(torch.from_numpy(logits), mixed))
    value = float(Mixed(target_threshold=threshold)(mixed.numpy(), logits))
    assert value == pytest.approx(expected, rel=1e-6)
