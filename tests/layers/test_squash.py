import keras
import numpy as np
import pytest
from keras import ops

import keras_tricks as kt

Squash = kt.layers.Squash

# Variables of Keras 3.15.1 and tensors of torch 2.13 make NumPy 2 warn so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)


def draw_counts(*shape):
    """Positive numbers over some six orders of magnitude."""
    return np.random.default_rng(0).lognormal(8, 3, shape).astype("float32")


def to_numpy(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("scale", [0.5, 3, 1e7])
def test_output_is_tanh_of_the_ratio(scale):
    x = np.linspace(-4 * scale, 4 * scale, 30).reshape(5, 3, 2).astype("float32")
    expected = np.tanh(x.astype("float64") / scale)
    np.testing.assert_allclose(to_numpy(Squash(scale)(x)), expected, rtol=1e-5)


def test_small_inputs_are_divided_and_huge_ones_end_at_one():
    y = to_numpy(Squash(1e4)(np.array([0, 1, -10, 1.4e8, -np.inf], "float32")))
    np.testing.assert_allclose(y, [0, 1e-4, -1e-3, 1, -1], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "uint16", "float16"])
def test_any_input_dtype_gives_float32(dtype):
    y = Squash(100)(np.array([0, 7, 100, 30_000], dtype))
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    expected = np.tanh([0, 0.07, 1, 300])
    np.testing.assert_allclose(to_numpy(y), expected, rtol=1e-6)


def test_half_precision_model_divides_before_it_casts():
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential([keras.Input((3,)), Squash(1e8)])
    x = np.array([[1e7, 7e7, 1.4e8]], "float32")
    y = model(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    np.testing.assert_allclose(to_numpy(y), np.tanh(x / 1e8), rtol=1e-3)


def test_adapt_puts_three_quarters_of_the_values_within_tanh_of_one():
    x = draw_counts(50, 40, 3) * np.array([1, -1, 1], "float32")
    layer = Squash()
    layer.adapt(x)
    assert layer.scale == pytest.approx(np.quantile(abs(x), np.tanh(1)), rel=1e-6)
    share = np.mean(abs(to_numpy(layer(x))) <= np.tanh(1))
    assert share == pytest.approx(np.tanh(1), abs=1e-3)


def test_adapt_to_outputs_spread_evenly_finds_their_scale():
    even = np.linspace(-1, 1, 10_002)[1:-1]
    layer = Squash()
    layer.adapt(250.0 * np.arctanh(even))
    assert layer.scale == pytest.approx(250, rel=1e-3)


def test_adapt_leaves_zeros_out():
    x = draw_counts(100)
    with_border, without = Squash(), Squash()
    with_border.adapt(np.concatenate([x, np.zeros(900, "float32")]))
    without.adapt(x)
    assert with_border.scale == without.scale


def test_adapt_to_batches_is_adapt_to_all():
    x = draw_counts(10, 4, 3)
    whole, batches, data = Squash(), Squash(), Squash()
    whole.adapt(x)
    batches.adapt([x[:6], ops.convert_to_tensor(x[6:])])
    tf = pytest.importorskip("tensorflow")
    data.adapt(tf.data.Dataset.from_tensor_slices(x).batch(3))
    assert whole.scale == batches.scale == data.scale


def test_adapt_to_the_smallest_integer():
    layer = Squash()
    layer.adapt(np.array([-128], "int8"))
    assert layer.scale == 128


def test_adapted_scale_is_saved_with_the_model(tmp_path):
    x = draw_counts(8, 3)
    layer = Squash(name="squash")
    layer.adapt(x)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("squash").scale == layer.scale
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(model(x)))
    copy = keras.models.clone_model(model)
    np.testing.assert_array_equal(to_numpy(copy(x)), to_numpy(model(x)))


def test_whitening_by_keras_after_it_is_right_and_saved(tmp_path):
    x = draw_counts(60, 5, 4, 3) * np.array([1, 10, 100], "float32")
    squash, whiten = Squash(), keras.layers.Normalization(name="whiten")
    squash.adapt(x)
    whiten.adapt(squash(x))
    model = keras.Sequential([keras.Input((5, 4, 3)), squash, whiten])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    squashed = np.tanh(x.astype("float64") / squash.scale)
    mean, variance = squashed.mean((0, 1, 2)), squashed.var((0, 1, 2))
    kept = loaded.get_layer("whiten")
    np.testing.assert_allclose(to_numpy(kept.mean).ravel(), mean, rtol=1e-4)
    np.testing.assert_allclose(to_numpy(kept.variance).ravel(), variance, rtol=1e-4)
    expected = (squashed - mean) / np.sqrt(variance)
    np.testing.assert_allclose(to_numpy(loaded(x)), expected, atol=1e-4)
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(model(x)))


def test_layer_without_a_scale_asks_for_one():
    with pytest.raises(ValueError, match="Squash has no scale yet"):
        Squash()(np.ones(3, "float32"))


def test_adapt_after_the_first_call_is_refused():
    layer = Squash(2.0)
    layer(np.ones(3, "float32"))
    with pytest.raises(ValueError, match="`adapt` must come before the layer's first"):
        layer.adapt(np.ones(3, "float32"))


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [
        ("1", TypeError, "`scale` must be a number"),
        (0, ValueError, "`scale` must be above 0"),
        (-1.0, ValueError, "`scale` must be at least 0"),
        (float("inf"), ValueError, "`scale` must be at least 0"),
    ],
)
def test_bad_scale(scale, error, message):
    with pytest.raises(error, match=message):
        Squash(scale)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.zeros((4, 3)), ValueError, "must have values other than 0"),
        ([], ValueError, "must have values other than 0"),
        (np.array([1.0, np.nan]), ValueError, "`data` must be finite"),
        ([(np.ones(3), np.ones(3))], TypeError, "without labels.*a batch of tuple"),
    ],
)
def test_data_without_a_scale(data, error, message):
    with pytest.raises(error, match=message):
        Squash().adapt(data)
