"""What every trick must do; nothing to write per trick."""

import inspect

import keras
import numpy as np
import pytest
from examples_of_docstrings import instance_of
from keras import ops

from keras_tricks.catalogue import tricks

tf = pytest.importorskip("tensorflow")

LONG = ("AugMix", "AutoAugment", "RandomZoomOut", "SSDMobileNetV2", "TrivialAugment")
MARKS = dict.fromkeys(LONG, pytest.mark.slow)


def of(family):
    """Parametrize over the classes of a family."""
    classes = [t for t in tricks() if t.family == family and inspect.isclass(t.value)]
    if family == "layers":  # those that augment batches
        classes = [t for t in classes if hasattr(t.value, "augment_batch")]
    return pytest.mark.parametrize("trick", [param(t) for t in classes])


def param(trick):
    """Return a parameter; what takes seconds in every test is slow."""
    return pytest.param(trick, id=trick.name, marks=MARKS.get(trick.name, ()))


def saved_and_loaded(value):
    return keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(value)
    )


@pytest.mark.parametrize(
    "trick", [param(t) for t in tricks() if hasattr(t.value, "get_config")]
)
def test_config_holds_every_argument_and_survives_saving(trick):
    value, _ = instance_of(trick)
    parameters = inspect.signature(trick.value).parameters.values()
    names = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
    assert names <= set(value.get_config())
    again = saved_and_loaded(value)
    assert type(again) is trick.value
    serialized = keras.saving.serialize_keras_object
    assert serialized(again)["config"] == serialized(value)["config"]


tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="asks TensorFlow for its graph"
)


@tensorflow_only
@of("schedules")
def test_schedule_is_the_same_in_eager_and_graph_and_never_negative(trick):
    schedule, _ = instance_of(trick)
    steps = [*range(0, 130, 7), 10_000]
    eager = [float(schedule(step)) for step in steps]
    graph = tf.function(schedule)
    traced = [float(graph(tf.constant(step))) for step in steps]
    np.testing.assert_array_equal(eager, traced)
    assert np.isfinite(eager).all()
    assert min(eager) >= 0
    rate = keras.optimizers.SGD(schedule).learning_rate
    assert rate.shape == ()


@tensorflow_only
@of("losses")
def test_loss_and_gradient_are_finite_for_extreme_outputs(trick):
    loss, _ = instance_of(trick)
    for scale in (1e-3, 1.0, 1000.0):
        y_pred = tf.Variable(scale * np.array([[1.0, -1, 0], [-1, 1, 1]], "float32"))
        with tf.GradientTape() as tape:
            value = loss(np.array([0, 2]), y_pred.value())
        assert np.isfinite(ops.convert_to_numpy(value)).all()
        assert np.isfinite(tape.gradient(value, y_pred).numpy()).all()


IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 10, 3))
LABELS = np.array([0, 1, 1, 0], "int32")  # JAX has no int64 by default
# XLA may contract a multiplication and an addition: one rounding less.
FLOAT_TOLERANCE = 256 * np.finfo("float32").eps
# Compiling takes seconds. Float32 is compiled by another test.
DTYPES = ["uint8"]
DTYPES += [pytest.param(x, marks=pytest.mark.slow) for x in ("float16", "float32")]


def anew(layer):
    """Return a layer as after construction, with a seed."""
    return type(layer).from_config({**layer.get_config(), "seed": 7})


def results(value):
    return [np.asarray(ops.convert_to_numpy(v)) for v in keras.tree.flatten(value)]


@of("layers")
@pytest.mark.parametrize("dtype", DTYPES)
def test_layer_gives_the_same_eagerly_and_in_tf_data(trick, dtype):
    layer, _ = instance_of(trick)
    images = IMAGES.astype(dtype)
    eager = results(anew(layer)(images, LABELS))
    data = tf.data.Dataset.from_tensor_slices((images, LABELS)).batch(4)
    mapped = data.map(anew(layer))
    for mine, theirs in zip(eager, results(next(iter(mapped))), strict=True):
        assert mine.dtype == theirs.dtype
        exact = mine.dtype.kind != "f"
        tolerance = 0.25 if dtype == "float16" else FLOAT_TOLERANCE
        np.testing.assert_allclose(mine, theirs, atol=0 if exact else tolerance)
    assert eager[0].shape == images.shape
    assert eager[0].dtype == dtype
    assert mapped.element_spec[0].shape[1:] == images.shape[1:]


@of("layers")
@pytest.mark.parametrize(
    "compiled",
    # tf.data compiles the layers too, above.
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["eager", "compiled"],
)
def test_layer_is_a_pure_function_of_a_batch_and_a_seed(trick, compiled):
    layer, _ = instance_of(trick)
    seed = np.array([7, 0], "int32")

    def augmented(images, labels, seed):
        batch = layer.augment_batch({"images": images, "labels": labels}, seed)
        return batch["images"], batch["labels"]

    arguments = [
        ops.convert_to_tensor(x) for x in (IMAGES.astype("uint8"), LABELS, seed)
    ]
    expected = results(anew(layer)(*arguments[:2]))
    function = jitted(augmented) if compiled else augmented
    for mine, theirs in zip(results(function(*arguments)), expected, strict=True):
        # JAX divides on the CPU through a multiplication with the inverse.
        np.testing.assert_allclose(mine, theirs, rtol=2e-7 * (mine.dtype.kind == "f"))


def jitted(function):
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no XLA here")
    if keras.backend.backend() == "tensorflow":
        return tf.function(function, jit_compile=True)
    import jax

    return jax.jit(function)


@of("layers")
def test_channels_first_is_channels_last_transposed(trick):
    layer, _ = instance_of(trick)
    if "data_format" not in layer.get_config():
        pytest.skip("has no images of its own")
    images, labels = IMAGES.astype("uint8"), LABELS
    config = {**layer.get_config(), "seed": 7, "data_format": "channels_first"}
    first = results(
        type(layer).from_config(config)(images.transpose(0, 3, 1, 2), labels)
    )
    last = results(anew(layer)(images, labels))
    np.testing.assert_array_equal(first[0].transpose(0, 2, 3, 1), last[0])
    np.testing.assert_array_equal(first[1], last[1])


@of("layers")
def test_layer_repeats_itself_under_one_seed_and_not_within_a_run(trick):
    layer, _ = instance_of(trick)
    first, second = anew(layer), anew(layer)
    runs = [[results(x(IMAGES, LABELS))[0] for _ in range(4)] for x in (first, second)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert any((runs[0][0] != run).any() for run in runs[0][1:])


@of("layers")
def test_layer_is_the_identity_at_inference(trick):
    layer, _ = instance_of(trick)
    images, labels = layer(IMAGES, LABELS, training=False)
    np.testing.assert_array_equal(ops.convert_to_numpy(images), IMAGES)
    np.testing.assert_array_equal(ops.convert_to_numpy(labels), LABELS)


@of("layers")
def test_layer_keeps_the_structure_of_a_batch(trick):
    layer, _ = instance_of(trick)
    apart = anew(layer)(IMAGES, LABELS)
    together = anew(layer)((IMAGES, LABELS))
    named = anew(layer)({"images": IMAGES, "labels": LABELS})
    assert isinstance(together, tuple)
    assert set(named) == {"images", "labels"}
    for batch in (together, (named["images"], named["labels"])):
        for mine, theirs in zip(results(apart), results(batch), strict=True):
            np.testing.assert_array_equal(mine, theirs)


@of("layers")
def test_layer_keeps_dtypes_under_mixed_precision(trick):
    keras.config.set_dtype_policy("mixed_float16")
    layer, _ = instance_of(trick)
    classes = getattr(layer, "num_classes", None) or 2
    labels = np.eye(classes, dtype="float32")[LABELS]
    images, labels = layer(IMAGES.astype("float32"), labels)
    assert keras.backend.standardize_dtype(images.dtype) == "float32"
    assert keras.backend.standardize_dtype(labels.dtype) == "float32"


@of("layers")
def test_layer_takes_any_batch_size(trick):
    layer, _ = instance_of(trick)
    for size in (1, 2, 3):
        images, labels = layer(IMAGES[:size], LABELS[:size])
        assert len(images) == len(labels) == size


@of("callbacks")
def test_callback_serves_two_fits(trick):
    callback, namespace = instance_of(trick)
    model, x, y = (namespace[name] for name in ("model", "x", "y"))
    for _ in range(2):
        history = model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        assert np.isfinite(history.history["loss"]).all()
